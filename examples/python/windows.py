"""A many-to-one forecaster: a window of 60 values in, the next value out. Once with lstm, once with gru.

    python windows.py

It trains each network for a few seconds on monthly sea-surface temperatures and prints its loss before and after.
Exit status 1 if a loss did not fall by half, so that it can stand in a test.
"""

import sys

import numpy as np
import rill
import series

WINDOW, SEQUENCES, EPOCHS = 60, 32, 6


def network(cell):
    """Two recurrent layers with dropout between them; the second one answers once, at the end of the window."""
    return {
        "input": {"kind": "vector", "size": 1},
        "layers": [
            {"type": cell, "hidden_size": 80},
            {"type": "dropout", "p": 0.2},
            {"type": cell, "hidden_size": 100, "return_sequences": False},
            {"type": "dropout", "p": 0.2},
            {"type": "dense", "output_size": 1},
        ],
    }


def windows_of(values):
    """Every window of the series with the value after it: [n, WINDOW, 1] and [n, 1]."""
    inputs = np.lib.stride_tricks.sliding_window_view(values, WINDOW)[:-1, :, None]
    return inputs.astype(np.float32), values[WINDOW:, None].astype(np.float32)


def train(cell, inputs, targets):
    """Trains a new network in shuffled mini-batches; returns its loss (without dropout) before and after."""
    model = rill.Model(network(cell), seed=1)
    trainer = rill.Trainer(model, loss="mse", seed=1, optimizer="adam", learning_rate=0.002, clip_norm=1)
    everything = rill.Batch(model, inputs, targets=targets)
    before = trainer.evaluate(everything)["loss"]
    random = np.random.default_rng(1)
    for epoch in range(EPOCHS):
        order = random.permutation(len(inputs))
        for start in range(0, len(order), SEQUENCES):
            chosen = order[start : start + SEQUENCES]
            trainer.update(rill.Batch(model, inputs[chosen], targets=targets[chosen]))
    return before, trainer.evaluate(everything)["loss"]


def main():
    values = series.read(series.DATA / "nino.csv").values
    scaled = (values - values.mean()) / values.std()
    inputs, targets = windows_of(scaled)
    fell = True
    for cell in ("lstm", "gru"):
        before, after = train(cell, inputs, targets)
        print(f"{cell}: {len(inputs)} windows of {WINDOW} months, loss {before:.3f} before training, {after:.3f} after {EPOCHS} epochs")
        fell = fell and after < 0.5 * before
    return 0 if fell else 1


if __name__ == "__main__":
    sys.exit(main())
