"""A character language model: learns a text character by character, then writes on, token by token, through a stream.

    python generate_text.py /usr/share/common-licenses/GPL-3 text.json

Characters are tokens; the model file carries its characters in "metadata", so that it can be used without this text.
Shapes: V characters, B sequences of T time steps.
"""

import argparse
import sys

import numpy as np
import rill

TIME, SEQUENCES, HIDDEN = 64, 32, 128
LEARNING_RATE, DROPOUT = 0.01, 0.25


def read_text(path):
    """The text of a file, or the end with a message: a model's vocabulary holds characters, and NUL is none."""
    with open(path, encoding="utf-8", errors="replace") as file:
        text = file.read()
    if "\0" in text:
        sys.exit(f"{path}: is not text, it has a NUL in it")
    return text


def characters_of(text):
    return "".join(sorted(set(text)))


def encode(text, characters):
    """One int32 per character: its place in `characters`."""
    places = {character: place for place, character in enumerate(characters)}
    return np.array([places[character] for character in text], dtype=np.int32)


def create_model(characters, seed=1):
    """One-hot characters through an lstm to a probability for each character."""
    return rill.Model(
        {
            "input": {"kind": "token", "size": len(characters)},
            "layers": [
                {"type": "lstm", "hidden_size": HIDDEN},
                {"type": "dropout", "p": DROPOUT},
                {"type": "dense", "output_size": len(characters), "activation": "softmax"},
            ],
            "metadata": {"characters": characters},
        },
        seed=seed,
    )


def windows(tokens, starts):
    """Windows of T tokens and, as their classes, the token after each: two arrays [B][T]."""
    rows = np.asarray(starts)[:, None] + np.arange(TIME)
    return tokens[rows], tokens[rows + 1]


def train(model, tokens, held_out, updates, report=lambda update, loss: None, seed=1):
    """Trains on random windows of tokens and publishes.

    Returns the loss of every update, and the loss on held_out before and after: nats per character.
    """
    trainer = rill.Trainer(model, loss="cross_entropy", seed=seed, optimizer="adam", learning_rate=LEARNING_RATE, clip_norm=1)
    inputs, classes = windows(held_out, range(0, len(held_out) - TIME, TIME))
    test = rill.Batch(model, inputs, classes=classes)
    before = trainer.evaluate(test)["loss"]
    random = np.random.default_rng(seed)
    losses = []
    for update in range(updates):
        trainer.learning_rate = LEARNING_RATE * 0.5 * (1 + np.cos(np.pi * update / updates))
        inputs, classes = windows(tokens, random.integers(0, len(tokens) - TIME, SEQUENCES))
        losses.append(trainer.update(rill.Batch(model, inputs, classes=classes)))
        report(update, losses[-1])
    model.publish()
    return losses, before, trainer.evaluate(test)["loss"]


def generate(model, characters, prompt, length, temperature, seed):
    """Reads the prompt, then yields `length` characters, each drawn from what the model expects and fed back to it.

    temperature 1 draws with the model's own probabilities; lower is more careful, and near 0 always takes the likeliest.
    """
    random = np.random.default_rng(seed)
    stream = model.stream()
    for token in encode(prompt, characters):
        probabilities = stream.step(token)
    for _ in range(length):
        weights = np.asarray(probabilities, dtype=np.float64).reshape(-1) ** (1 / temperature)
        token = random.choice(len(characters), p=weights / weights.sum())
        yield characters[token]
        probabilities = stream.step(token)


def split(text):
    """The last tenth is held out. Returns the place where it begins."""
    if len(text) < 20 * TIME or len(set(text)) < 2:
        sys.exit(f"the text is too short: {len(text)} characters; it takes {20 * TIME}")
    return len(text) - len(text) // 10


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", help="a text file, UTF-8")
    parser.add_argument("model", help="model file to write")
    parser.add_argument("--updates", type=int, default=1200)
    parser.add_argument("--prompt", default="You may ")
    parser.add_argument("--length", type=int, default=400)
    parser.add_argument("--temperature", type=float, default=0.5)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()

    text = read_text(arguments.text)
    characters = characters_of(text + arguments.prompt)
    tokens, first = encode(text, characters), split(text)
    model = create_model(characters, arguments.seed)

    def report(update, loss):
        if update % 20 == 0 or update + 1 == arguments.updates:
            print(f"\rupdate {update + 1} of {arguments.updates}, perplexity {np.exp(loss):.2f} ", end="", file=sys.stderr)

    _, before, after = train(model, tokens[:first], tokens[first:], arguments.updates, report, arguments.seed)
    print(file=sys.stderr)
    print(f"perplexity on the last tenth of the text: {np.exp(before):.2f} before, {np.exp(after):.2f} after training\n")
    model.save(arguments.model)
    print(arguments.prompt, end="")
    for character in generate(model, characters, arguments.prompt, arguments.length, arguments.temperature, arguments.seed):
        print(character, end="", flush=True)
    print()


if __name__ == "__main__":
    main()
