"""Learns a long text in one piece: truncated backpropagation through time, with early stopping; then writes.

    python characters.py                                  half a novel of Jane Austen's, half a minute
    python characters.py my_text.txt my_model.json

generate_text.py learns from short windows that all begin without a memory. Here the network reads the text from the beginning to the end,
as one reads a book. Two things make that fast enough:

Lanes. The text is cut into 16 pieces of equal length, which are read side by side (rill.lanes): one update reads the next 64 characters
    of every piece. The trainer is "stateful": each update begins with the memory in which the one before ended.
Truncation. The gradient goes back through these 64 characters and no further, so an update costs the same wherever in the text it is.
    What the network has read before still reaches it, as the state it begins with; it only cannot learn from it what it should have
    remembered. (The trainer option "truncation" can take it further back than an update is long.)

What else is usual: Adam; a gradient that is longer than 1 is shortened; the learning rate rises for 100 updates, while Adam's averages
are still poor, and then falls to zero by half a cosine; dropout. After every epoch the perplexity of the last tenth of the text, which is
not learned from, is taken: among how many equally likely characters the network hesitates. When it has not fallen for 3 epochs, the
network begins to learn the text by heart; training stops, and the best parameters are put back.

trainer.fit(tokens, batch_size=16, sequence_length=64, validation_split=0.1, restore="best", …) does all that in one call.
"""

import argparse
import sys
import time

import numpy as np
import rill
import series
from generate_text import characters_of, encode, generate, read_text, split

LANES, LENGTH = 16, 64
HIDDEN, DROPOUT = 192, 0.3
LEARNING_RATE, WARMUP, CLIP_NORM = 0.02, 100, 1
PATIENCE = 3  # epochs
EVALUATED = 1000  # characters of a lane that are evaluated at a time


def create_model(characters, hidden, seed):
    """One-hot characters through an lstm to a probability for each character.

    Forget gates that begin half closed ("forget_bias": 0) learn faster here, where most of what matters is a few characters old.
    """
    return rill.Model(
        {
            "input": {"kind": "token", "size": len(characters)},
            "layers": [
                {"type": "lstm", "hidden_size": hidden, "forget_bias": 0},
                {"type": "dropout", "p": DROPOUT},
                {"type": "dense", "output_size": len(characters), "activation": "softmax"},
            ],
            "metadata": {"characters": characters},
        },
        seed=seed,
    )


def batches(model, lanes, length):
    """The lanes from beginning to end, `length` characters at a time, as batches; the classes are the characters that come next."""
    for start in range(0, lanes.shape[1] - 1, length):
        inputs = lanes[:, start : start + length + 1]
        yield rill.Batch(model, inputs[:, :-1], classes=inputs[:, 1:])


def train(model, tokens, held_out, epochs, seed):
    """Trains until the held-out perplexity no longer falls, puts the best parameters back, and publishes. Prints a line per epoch."""
    lanes, held_out = rill.lanes(tokens, LANES), rill.lanes(held_out, LANES)
    updates = -(-(lanes.shape[1] - 1) // LENGTH)  # of an epoch
    trainer = rill.Trainer(
        model,
        loss="cross_entropy",
        seed=seed,
        optimizer="adam",
        learning_rate=LEARNING_RATE,
        clip_norm=CLIP_NORM,
        schedule={"type": "cosine", "warmup": WARMUP, "t_max": max(1, epochs * updates - WARMUP)},
        stateful=True,
        keep_best=True,
        patience=PATIENCE,
    )
    print(f"{lanes.size} characters to learn from in {LANES} lanes, {held_out.size} held out; {updates} updates in an epoch")
    print(f"{'epoch':>5} {'learned':>10} {'held out':>9} {'learning rate':>14} {'characters/s':>13}   (perplexities)")
    print(f"{0:5} {'':10} {perplexity(trainer, held_out):9.3f}")
    for epoch in range(1, epochs + 1):
        begun = time.perf_counter()
        trainer.reset_state()  # a new epoch is a new reading: it begins without a memory
        loss = np.mean([trainer.update(batch) for batch in batches(model, lanes, LENGTH)])
        speed = lanes.size / (time.perf_counter() - begun)
        after = perplexity(trainer, held_out)
        print(f"{epoch:5} {np.exp(loss):10.3f} {after:9.3f} {trainer.metric('learning_rate'):14.5f} {speed:13.0f}", flush=True)
        trainer.set_validation_loss(np.log(after))
        if trainer.should_stop:
            print(f"stopped: no better for {PATIENCE} epochs")
            break
    trainer.copy_parameters("best")
    model.publish()
    print(f"held-out perplexity of the best parameters: {perplexity(trainer, held_out):.3f}")


def perplexity(trainer, lanes):
    """Of text that is not learned from, without dropout. Every evaluated batch begins without a memory, which soon does not matter."""
    return trainer.evaluate(batches(trainer.model, lanes, EVALUATED))["perplexity"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", nargs="?", default=series.DATA / "persuasion.txt", help="a text file, UTF-8; default: half a novel")
    parser.add_argument("model", nargs="?", help="model file to write")
    parser.add_argument("--epochs", type=int, default=20, help="at the most")
    parser.add_argument("--hidden", type=int, default=HIDDEN, help="units of the lstm")
    parser.add_argument("--characters", type=int, help="learn from the first so many only")
    parser.add_argument("--length", type=int, default=500, help="of the text that it writes")
    parser.add_argument("--temperature", type=float, default=0.6)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.epochs < 1:
        sys.exit("--epochs: expected 1 or more")

    text = read_text(arguments.text)[: arguments.characters]
    characters = characters_of(text)
    tokens, first = encode(text, characters), split(text)
    model = create_model(characters, arguments.hidden, arguments.seed)
    train(model, tokens[:first], tokens[first:], arguments.epochs, arguments.seed)
    if arguments.model:
        model.save(arguments.model)
        print(f"{arguments.model} is saved")

    prompt = text[first : first + 60]  # the beginning of the part that it has not learned from
    print(f"\nIt goes on from {prompt!r}:\n")
    for character in generate(model, characters, prompt, arguments.length, arguments.temperature, arguments.seed):
        print(character, end="", flush=True)
    print()


if __name__ == "__main__":
    main()
