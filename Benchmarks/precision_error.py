"""What smaller weights cost networks that have learned something: the table in docs/numerics.md.

    make build
    export RILL_LIBRARY=.build/release/librill.so PYTHONPATH=bindings/python/src
    python Benchmarks/precision_error.py

Trains the networks of examples/python, which takes some seconds each, and holds streams of bfloat16 and int8 weights against float32 on data that training
did not see. An error is the root mean square of the difference of all outputs, as a share of the root mean square of the outputs; the score
is the network's own: the root mean square error of its forecasts, or bits per character.
"""

import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "examples" / "python"))

import generate_text  # noqa: E402
import rill  # noqa: E402
import series  # noqa: E402
import train  # noqa: E402
import windows  # noqa: E402

PRECISIONS = ("float32", "bfloat16", "int8")
TEXT = Path("/usr/share/common-licenses/GPL-3")


def forecaster(name):
    """The lstm of 32 units of train.py: the held-out fifth of a series, and the error 4 steps ahead."""
    values = series.read(series.DATA / f"{name}.csv").values
    first = len(values) - len(values) // 5
    inputs = series.changes(values)
    targets = series.future_changes(values[:first], train.HORIZON)
    model = train.create_model(inputs[1:first], targets)
    train.train(model, inputs[1 : len(targets)], targets[1:], train.UPDATES)

    def score(outputs):
        return series.rmse(series.errors(values, series.forecasts_of(values, outputs), first, train.HORIZON))

    return f"{name}.csv, lstm 32, 4 outputs", model, inputs, score


def stacked(cell):
    """The two recurrent layers of 80 and 100 units of windows.py, trained on the first four fifths of its windows."""
    values = series.read(series.DATA / "nino.csv").values
    values = (values - values.mean()) / values.std()
    inputs, targets = windows.windows_of(values)
    first = len(inputs) - len(inputs) // 5
    model = rill.Model(windows.network(cell), seed=1)
    trainer = rill.Trainer(model, loss="mse", seed=1, optimizer="adam", learning_rate=0.002, clip_norm=1)
    random = np.random.default_rng(1)
    for _ in range(windows.EPOCHS):
        order = random.permutation(first)
        for start in range(0, first, windows.SEQUENCES):
            chosen = order[start : start + windows.SEQUENCES]
            trainer.update(rill.Batch(model, inputs[chosen], targets=targets[chosen]))
    model.publish()

    def score(outputs):
        return series.rmse(outputs[:, -1] - targets[first:])

    return f"nino.csv windows, {cell} 80 and 100", model, inputs[first:], score


def text():
    """The lstm of 128 units of generate_text.py on the last tenth of a license."""
    content = generate_text.read_text(TEXT)
    characters = generate_text.characters_of(content)
    tokens = generate_text.encode(content, characters)
    first = len(tokens) - len(tokens) // 10
    model = generate_text.create_model(characters)
    generate_text.train(model, tokens[:first], tokens[first:], updates=400)

    def score(outputs):
        chosen = outputs[np.arange(len(outputs) - 1), tokens[first + 1 :]]
        return float(-np.mean(np.log2(np.maximum(chosen, 1e-30))))

    return f"text, lstm 128, {len(characters)} softmax outputs", model, tokens[first:], score


def run(model, precision, x):
    """Outputs at every step, in one stream of as many lanes as there are sequences."""
    lanes = len(x) if x.ndim == 3 else 1
    return model.stream(lanes, precision=precision).run(x)


def main():
    print("| network | bytes per step: float32, bfloat16, int8 | error, bfloat16 | error, int8 | score: float32, bfloat16, int8 |")
    print("|---|---|---|---|---|")
    makers = [lambda: forecaster("co2"), lambda: forecaster("nino"), lambda: stacked("lstm"), lambda: stacked("gru")]
    if TEXT.exists():
        makers.append(text)
    for make in makers:
        name, model, x, score = make()
        weights = model.describe()["weight_bytes"]
        errors = [model.evaluate_precision(precision, x).relative for precision in PRECISIONS[1:]]
        scores = [score(run(model, precision, x)) for precision in PRECISIONS]
        cells = [
            name,
            ", ".join(f"{weights[precision]:,}" for precision in PRECISIONS),
            *(f"{100 * error:.2g} %" for error in errors),
            ", ".join(f"{value:.4g}" for value in scores),
        ]
        print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
