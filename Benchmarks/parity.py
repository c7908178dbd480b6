"""Learns the same text with Rill and with PyTorch, several seeds each, and compares the validation losses after equally many updates.

usage: parity.py TEXT [--epochs 10] [--seeds 1 2 3] [--threads 1] [--curves curves.csv] [--plot parity.png]

It needs torch, numpy and rill, for --plot matplotlib. Exit status 1 if a mean loss of the second or third kind of runs differs from
PyTorch's by more than PyTorch's seeds differ among themselves.

The model is an lstm of 128 units on one-hot characters with a dense head. The first nine tenths of the text are cut into 50 lanes, and an
update reads the next 50 characters of every lane, from the state in which the last update ended; an epoch begins with states of zero.
Adam with learning rate 0.002, gradients clipped to norm 5. The last tenth is the validation, in 50 lanes too.

Four kinds of runs:
    PyTorch               with the parameters that its modules begin with
    Rill, same start      from the very same parameters: what differs is rounding alone
    Rill, own start       with parameters that Rill draws, with "forget_bias": 0, about where PyTorch begins
    Rill, forget bias 1   with parameters that Rill draws by default: forget gates begin open. Another start, hence not judged
"""

import argparse
import csv
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import rill
import torch
from torch import nn

HIDDEN, LANES, STEPS = 128, 50, 50
LEARNING_RATE, CLIP_NORM = 0.002, 5.0
COLORS = {"PyTorch": "#E69F00", "Rill, same start": "#0072B2", "Rill, own start": "#009E73", "Rill, forget bias 1": "#CC79A7"}
JUDGED = ("Rill, same start", "Rill, own start")


def read(path):
    """The text as one number per character, in lanes [50][time]: to learn from, and to validate on; and how many characters there are."""
    text = Path(path).read_text(encoding="utf-8")
    characters = sorted(set(text))
    places = {character: place for place, character in enumerate(characters)}
    tokens = np.array([places[character] for character in text], dtype=np.int32)
    first = len(tokens) - len(tokens) // 10
    return rill.lanes(tokens[:first], LANES), rill.lanes(tokens[first:], LANES), len(characters)


def windows(lanes):
    """What the updates of an epoch read: tokens [50][50] and the token after each."""
    for start in range(0, lanes.shape[1] - STEPS, STEPS):
        yield lanes[:, start : start + STEPS], lanes[:, start + 1 : start + STEPS + 1]


class Torch:
    """PyTorch, as its users write it."""

    def __init__(self, characters, seed, threads):
        torch.set_num_threads(threads)
        torch.manual_seed(seed)
        self.characters = characters
        self.layers = nn.ModuleDict({"rnn": nn.LSTM(characters, HIDDEN, batch_first=True), "head": nn.Linear(HIDDEN, characters)})
        self.optimizer = torch.optim.Adam(self.layers.parameters(), lr=LEARNING_RATE, fused=True)
        self.state = None

    def parameters(self):
        return {name: value.detach().numpy().copy() for name, value in self.layers.state_dict().items()}

    def loss(self, tokens, classes, state):
        """Mean over the tokens, and the state after them."""
        inputs = nn.functional.one_hot(torch.from_numpy(tokens.astype(np.int64)), self.characters).float()
        hidden, state = self.layers["rnn"](inputs, state)
        loss = nn.functional.cross_entropy(self.layers["head"](hidden).flatten(0, 1), torch.from_numpy(classes.astype(np.int64)).flatten())
        return loss, state

    def begin_epoch(self):
        self.state = None

    def update(self, tokens, classes):
        self.optimizer.zero_grad()
        loss, state = self.loss(tokens, classes, self.state)
        loss.backward()
        nn.utils.clip_grad_norm_(self.layers.parameters(), CLIP_NORM)
        self.optimizer.step()
        self.state = tuple(value.detach() for value in state)
        return loss.item()

    @torch.no_grad()
    def validate(self, lanes):
        total, count, state = 0.0, 0, None
        for start in range(0, lanes.shape[1] - 1, 10 * STEPS):
            classes = lanes[:, start + 1 : start + 10 * STEPS + 1]
            loss, state = self.loss(lanes[:, start : start + classes.shape[1]], classes, state)
            total, count = total + loss.item() * classes.size, count + classes.size
        return total / count


class Rill:
    """The same with Rill; parameters: those to begin with, None for its own."""

    def __init__(self, characters, seed, threads, parameters=None, forget_bias=0):
        layers = [
            {"type": "lstm", "name": "rnn", "hidden_size": HIDDEN, "forget_bias": forget_bias},
            {"type": "dense", "name": "head", "output_size": characters},
        ]
        self.model = rill.Model({"input": {"kind": "token", "size": characters}, "layers": layers}, seed=seed)
        if parameters is not None:
            self.model.load_state_dict(parameters)
        self.trainer = rill.Trainer(
            self.model, loss="cross_entropy", seed=seed, learning_rate=LEARNING_RATE, clip_norm=CLIP_NORM, stateful=True, threads=threads
        )

    def begin_epoch(self):
        self.trainer.reset_state()

    def update(self, tokens, classes):
        return self.trainer.update(rill.Batch(self.model, tokens, classes=classes))

    def validate(self, lanes):
        return self.trainer.evaluate(rill.Batch(self.model, lanes[:, :-1], classes=lanes[:, 1:]))["loss"]


def run(engine, training, validation, epochs, report):
    """The validation loss before training and after every epoch, and the seconds that the updates took."""
    curve, seconds = [engine.validate(validation)], 0.0
    for epoch in range(epochs):
        begun = time.perf_counter()
        engine.begin_epoch()
        for tokens, classes in windows(training):
            engine.update(tokens, classes)
        seconds += time.perf_counter() - begun
        curve.append(engine.validate(validation))
        report(epoch + 1, curve[-1], seconds)
    return curve, seconds


def compare(results, seeds, updates):
    """Prints the table. Returns whether Rill is as good as PyTorch."""
    print(f"\nvalidation loss (nats per character) after {updates} updates\n")
    print(f"| | {' | '.join(f'seed {seed}' for seed in seeds)} | mean | spread | seconds |")
    print(f"|---|{'---|' * (len(seeds) + 3)}")
    means, spreads = {}, {}
    for name, runs in results.items():
        last = [curve[-1] for curve, _ in runs]
        means[name], spreads[name] = statistics.mean(last), max(last) - min(last)
        numbers = [*last, means[name], spreads[name]]
        seconds = statistics.mean(seconds for _, seconds in runs)
        print(f"| {name} | {' | '.join(f'{number:.4f}' for number in numbers)} | {seconds:.0f} |")
    print("\nspread: largest less smallest; seconds: of the updates, mean over the seeds")
    differences = {name: means[name] - means["PyTorch"] for name in JUDGED}
    for name, difference in differences.items():
        print(f"{name}: mean {difference:+.4f} from PyTorch's, whose spread is {spreads['PyTorch']:.4f}")
    return all(abs(difference) <= spreads["PyTorch"] for difference in differences.values())


def write_curves(path, results, seeds):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["engine", "seed", "epoch", "validation_loss"])
        for name, runs in results.items():
            for seed, (curve, _) in zip(seeds, runs):
                writer.writerows([name, seed, epoch, f"{loss:.6f}"] for epoch, loss in enumerate(curve))


def draw(path, results, seeds):
    """All curves from the first epoch on, and how far each of Rill's is from PyTorch's: from the same start, that of the same seed, otherwise
    their mean."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (losses, differences) = plt.subplots(1, 2, figsize=(12, 5), layout="constrained")
    figure.suptitle(f"The same model and text in Rill and PyTorch, {len(seeds)} seeds")
    of_torch = np.array([curve[1:] for curve, _ in results["PyTorch"]])
    mean = of_torch.mean(axis=0)
    epochs = np.arange(1, len(mean) + 1)
    for name, runs in results.items():
        style = {"linewidth": 5, "alpha": 0.5} if name == "PyTorch" else {"linewidth": 1.3}
        for place, (curve, _) in enumerate(runs):
            label = name if place == 0 else None
            losses.plot(epochs, curve[1:], color=COLORS[name], label=label, **style)
            if name != "PyTorch":
                peer = of_torch[place] if name == "Rill, same start" else mean
                differences.plot(epochs, curve[1:] - peer, color=COLORS[name], label=label, **style)
    low, high = of_torch.min(axis=0) - mean, of_torch.max(axis=0) - mean
    differences.fill_between(epochs, low, high, color=COLORS["PyTorch"], alpha=0.3, linewidth=0, label="PyTorch's seeds around their mean")
    losses.set_ylabel("validation loss (nats per character)")
    differences.set_ylabel("Rill's loss less PyTorch's")
    differences.axhline(0, color="black", linewidth=0.6)
    for axes in (losses, differences):
        axes.set_xlabel("epoch")
        axes.grid(alpha=0.25)
        axes.legend(frameon=False)
    figure.savefig(path, dpi=110)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", help="a text file, UTF-8, of a hundred thousand characters or more")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--curves", help="CSV file to write")
    parser.add_argument("--plot", help="picture to write")
    arguments = parser.parse_args()

    training, validation, characters = read(arguments.text)
    updates = arguments.epochs * sum(1 for _ in windows(training))
    print(f"{training.size} characters to learn from, {validation.size} to validate on, {characters} different ones")
    print(f"rill {rill.version()}, torch {torch.__version__}, {arguments.threads} thread(s)", flush=True)

    results = {name: [] for name in COLORS}
    for seed in arguments.seeds:
        peer = Torch(characters, seed, arguments.threads)
        engines = {
            "PyTorch": peer,
            "Rill, same start": Rill(characters, seed, arguments.threads, peer.parameters()),
            "Rill, own start": Rill(characters, seed, arguments.threads),
            "Rill, forget bias 1": Rill(characters, seed, arguments.threads, forget_bias=1),
        }
        for name, engine in engines.items():

            def report(epoch, loss, seconds, name=name, seed=seed):
                print(f"{name}, seed {seed}, epoch {epoch}: {loss:.4f} after {seconds:.0f} s", file=sys.stderr, flush=True)

            results[name].append(run(engine, training, validation, arguments.epochs, report))
    if arguments.curves:
        write_curves(arguments.curves, results, arguments.seeds)
    if arguments.plot:
        draw(arguments.plot, results, arguments.seeds)
    return 0 if compare(results, arguments.seeds, updates) else 1


if __name__ == "__main__":
    sys.exit(main())
