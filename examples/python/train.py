"""Trains a forecaster on a measurement series and streams it: examples/c/train.c in Python.

    python train.py ../data/co2.csv 52 co2.json       weekly values: a year is 52 steps
    python train.py ../data/nino.csv 12 nino.json     monthly values

The network reads the change since the step before and says how much the value will change over the next 1 to 4 steps. The
last fifth of the series is held out: neither training nor the scaling sees it.
"""

import argparse
import sys

import numpy as np
import rill
import series

HORIZON, WINDOW, SEQUENCES = 4, 104, 32
LEARNING_RATE = 0.005
UPDATES = 400  # chosen on the CO2 series without its held-out fifth: more of them begin to fit noise


def create_model(inputs, targets, metadata=None, seed=1):
    """An untrained forecaster. The normalization is part of it, so that every host passes and reads the unit of the series."""
    return rill.Model(
        {
            "input": {"kind": "vector", "size": 1, "shift": float(inputs.mean()), "scale": float(inputs.std())},
            "layers": [{"type": "lstm", "hidden_size": 32}, {"type": "dense", "output_size": HORIZON}],
            "output": {"shift": targets.mean(axis=0).tolist(), "scale": targets.std(axis=0).tolist()},
            "metadata": metadata or {},
        },
        seed=seed,
    )


def train(model, inputs, targets, updates, report=lambda update, loss: None, seed=1):
    """Trains on random windows of inputs [n, 1] and targets [n, HORIZON], and publishes. Returns the loss of every update."""
    trainer = rill.Trainer(model, loss="mse", seed=seed, optimizer="adam", learning_rate=LEARNING_RATE, clip_norm=1)
    random = np.random.default_rng(seed)
    losses = []
    for update in range(updates):
        trainer.learning_rate = LEARNING_RATE * 0.5 * (1 + np.cos(np.pi * update / updates))
        starts = random.integers(0, len(targets) - WINDOW, SEQUENCES, endpoint=True)
        rows = starts[:, None] + np.arange(WINDOW)  # [sequence][time]
        losses.append(trainer.update(rill.Batch(model, inputs[rows], targets=targets[rows])))
        report(update, losses[-1])
    model.publish()
    return losses


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", help="CSV file: a header, then date and value")
    parser.add_argument("period", type=int, help="steps of a season")
    parser.add_argument("model", help="model file to write")
    parser.add_argument("--updates", type=int, default=UPDATES)
    arguments = parser.parse_args()

    values = series.read(arguments.data).values
    first = len(values) - len(values) // 5  # the first value that is held out
    inputs = series.changes(values)
    targets = series.future_changes(values[:first], HORIZON)

    model = create_model(inputs[1:first], targets)


    def report(update, loss):
        if update % 20 == 0 or update + 1 == arguments.updates:
            print(f"\rupdate {update + 1} of {arguments.updates}, loss {loss:.4f} ", end="", file=sys.stderr)

    train(model, inputs[1 : len(targets)], targets[1:], arguments.updates, report)
    print(file=sys.stderr)

    # One value after the other, as a sensor would deliver them.
    stream = model.stream()
    network = series.forecasts_of(values, np.stack([stream.step(row) for row in inputs]))

    others = [series.last_value(values, HORIZON), series.seasonal(values, HORIZON, arguments.period)]
    print(f"root mean square error on the last {len(values) - first} values\n  steps ahead    network  last value  seasonal")
    for h in range(1, HORIZON + 1):
        row = [series.rmse(series.errors(values, forecasts, first, h)) for forecasts in [network, *others]]
        print(f"  {h:11} {row[0]:10.3f} {row[1]:11.3f} {row[2]:9.3f}")
    print("the last steps, each forecast made one step before\n       forecast      truth")
    for t in range(len(values) - 5, len(values)):
        print(f"  {network[t - 1, 0]:13.2f} {values[t]:10.2f}")

    model.save(arguments.model)
    print(f"{arguments.model} is saved")


if __name__ == "__main__":
    main()
