"""The demonstration that `make demo` runs: a forecaster and a text model, trained and streamed in front of you.

    python demo.py --host ./stream [--text FILE] [--output FOLDER]

--host: examples/c/stream.c, compiled. It streams the same model from C.
"""

import argparse
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import generate_text
import numpy as np
import rill
import series
import train
from tqdm import tqdm

import demo_plots

TEXT = Path("/usr/share/common-licenses/GPL-3")
TEXT_UPDATES = 1200
LONGEST_TEXT = 1_000_000  # characters
YEAR = 52  # weeks


def heading(text):
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


class Progress:
    """A progress bar with a smoothed loss, to be called after every update."""

    def __init__(self, updates, describe):
        # Seldom refreshed, so that a log file is not flooded.
        self.bar = tqdm(total=updates, unit=" updates", file=sys.stderr, mininterval=0.1 if sys.stderr.isatty() else 5)
        self.describe, self.loss = describe, None

    def __call__(self, update, loss):
        self.loss = loss if self.loss is None else 0.95 * self.loss + 0.05 * loss
        self.bar.set_description(self.describe(self.loss), refresh=False)
        self.bar.update()

    def close(self):
        self.bar.close()


def forecast_carbon_dioxide(host, folder):
    """Trains, judges, saves, streams from C and from Python, and draws."""
    data = series.read(series.DATA / "co2.csv")
    values = data.values
    first = len(values) - len(values) // 5
    heading("1. A forecaster of carbon dioxide in the air")
    print(
        f"Weekly values at Mauna Loa, {data.dates[0]} to {data.dates[-1]} ({len(values)} weeks), in parts per million (ppm).\n"
        f"An LSTM of 32 units reads the weekly change and says the change over the next 1 to {train.HORIZON} weeks.\n"
        f"Held out: the last {len(values) - first} weeks, from {data.dates[first]}; nothing is chosen or scaled by them."
    )

    inputs = series.changes(values)
    targets = series.future_changes(values[:first], train.HORIZON)
    model = train.create_model(inputs[1:first], targets, {"series": "co2.csv", "unit": "ppm per week"})
    progress = Progress(train.UPDATES, lambda loss: f"loss {loss:.3f}")
    losses = train.train(model, inputs[1 : len(targets)], targets[1:], train.UPDATES, progress)
    progress.close()

    model.save(folder / "co2.json")
    outputs = stream_both(model, host, folder / "co2.json", inputs)
    forecasts = {
        "network": series.forecasts_of(values, outputs),
        "last value": series.last_value(values, train.HORIZON),
        "same week last year": series.seasonal(values, train.HORIZON, YEAR),
    }
    errors = print_errors(values, forecasts, first)
    demo_plots.draw(folder / "co2.png", data, first, losses, forecasts, errors)


def print_errors(values, forecasts, first):
    """Prints a table of errors; returns name -> root mean square errors."""
    print(f"\nErrors on the held-out {len(values) - first} weeks, in ppm (RMSE: root mean square, MAE: mean absolute)\n")
    print(f"  {'weeks ahead':22}" + "   ".join(f"{h:^13}" for h in range(1, train.HORIZON + 1)).rstrip())
    print(f"  {'':22}" + "   ".join(["  RMSE    MAE"] * train.HORIZON))
    result = {}
    for name, forecast in forecasts.items():
        error = [series.errors(values, forecast, first, h) for h in range(1, train.HORIZON + 1)]
        result[name] = [series.rmse(e) for e in error]
        print(f"  {name:22}" + "   ".join(f"{series.rmse(e):6.3f} {series.mae(e):6.3f}" for e in error))
    print("\n  same week last year: what the weeks ahead brought a year ago, added to the value of today")
    for name in list(result)[1:]:
        ratios = [ours / theirs for ours, theirs in zip(result["network"], result[name])]
        print(f"  RMSE of the network relative to {name}: " + ", ".join(f"{ratio - 1:+.0%}" for ratio in ratios))
    return result


def stream_both(model, host, path, inputs):
    """Streams the inputs through the saved model in a C program and through the model in Python; returns the outputs.

    Fails unless every output is the same float32 in both.
    """
    stream = model.stream()
    started = time.perf_counter()
    ours = np.stack([stream.step(row) for row in inputs]).astype(np.float32)
    seconds = time.perf_counter() - started
    lines = "".join(" ".join(f"{value:.9g}" for value in row) + "\n" for row in inputs)
    done = subprocess.run([host, path], input=lines, text=True, stdout=subprocess.PIPE, check=True)
    theirs = np.array([line.split() for line in done.stdout.splitlines()], dtype=np.float32)

    print(f"\n{path} is saved. The last weeks streamed through it, change in ppm after 1 to {train.HORIZON} weeks:\n")
    print(f"  {'input':>8}    {'C program':<36}Python")
    for row in range(len(inputs) - 4, len(inputs)):
        numbers = ["".join(f"{value:8.4f}" for value in outputs[row]) for outputs in (theirs, ours)]
        print(f"  {inputs[row, 0]:8.2f}  {numbers[0]}    {numbers[1]}")
    if ours.shape != theirs.shape or not np.array_equal(ours, theirs):
        sys.exit("demo: C and Python do not give the same numbers")
    print(f"\n  all {ours.size} numbers are equal bit for bit; a step takes {1e6 * seconds / len(inputs):.1f} microseconds from Python")
    return ours


def learn_text(path, folder):
    """Trains a character model and lets it write."""
    heading("2. A text model, character by character")
    text = generate_text.read_text(path)[:LONGEST_TEXT]
    characters = generate_text.characters_of(text)
    tokens, first = generate_text.encode(text, characters), generate_text.split(text)
    print(
        f"{path}: {len(text)} characters, {len(characters)} different ones; the last tenth is held out.\n"
        f"An LSTM of {generate_text.HIDDEN} units reads a character and gives a probability to each that may come next.\n"
        "Perplexity: among how many equally likely characters it would hesitate as much."
    )
    model = generate_text.create_model(characters)
    progress = Progress(TEXT_UPDATES, lambda loss: f"loss {loss:.3f}, perplexity {np.exp(loss):.2f}")
    _, before, after = generate_text.train(model, tokens[:first], tokens[first:], TEXT_UPDATES, progress)
    progress.close()
    model.save(folder / "text.json")
    print(f"Held-out perplexity: {np.exp(before):.1f} before training, {np.exp(after):.1f} after")

    prompt = "You may " if path == TEXT else text[first : first + 12].split("\n")[0] or text[:1]
    sample = prompt + "".join(generate_text.generate(model, characters, prompt, length=500, temperature=0.5, seed=1))
    (folder / "sample.txt").write_text(sample + "\n", encoding="utf-8")
    print(f"\nIt goes on from {prompt!r} (temperature 0.5, seed 1):\n")
    print(textwrap.indent("\n".join(textwrap.wrap(" ".join(sample.split()), 100)), "  "))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", type=Path, required=True, help="examples/c/stream.c, compiled")
    parser.add_argument("--text", type=Path, default=TEXT, help="text to learn, UTF-8")
    parser.add_argument("--output", type=Path, default=Path("demo"), help="folder for models and pictures")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    forecast_carbon_dioxide(arguments.host, arguments.output)
    learn_text(arguments.text, arguments.output)
    heading(f"Done in {time.monotonic() - started:.0f} s. In {arguments.output}/:")
    print("  co2.png     forecasts, training, errors\n  co2.json    the forecaster\n  text.json   the text model\n  sample.txt  its text")


if __name__ == "__main__":
    main()
