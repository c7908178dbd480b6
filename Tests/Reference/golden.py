#!/usr/bin/env python3
"""Writes the golden model files of ../Golden: a second, independent writer of the format, with PyTorch's outputs as their self-tests.

Files of a released version are kept forever: every later library must load them. So a file that exists is never overwritten.
"""

import argparse
import base64
import json
import sys
from pathlib import Path

import numpy as np
import torch

from network import Network
from values import draw, draw_parameters, flat, load_parameters, tensor

DEFAULT_OUTPUT = Path(__file__).resolve().parent.parent / "Golden"
STEPS = 12

MODELS = {
    "v1-lstm-decimal": {
        "name": "sensor", "metadata": {"unit": "°C", "rates": [1, 2.5e3, None, True]},
        "input": {"kind": "vector", "size": 2, "shift": [20, -3], "scale": [5, 0.5]},
        "layers": [
            {"type": "lstm", "name": "memory", "hidden_size": 5, "num_layers": 2, "dropout": 0.25, "initial_state": True},
            {"type": "dense", "output_size": 3, "activation": "tanh"},
            {"type": "dense", "output_size": 2},
        ],
        "output": {"shift": [20, 0], "scale": [5, 2]},
    },
    "v1-gru-base64": {
        "input": {"kind": "token", "size": 7},
        "layers": [
            {"type": "embedding", "embedding_dim": 4},
            {"type": "gru", "hidden_size": 6},
            {"type": "gru", "hidden_size": 17, "reset_after": False},
            {"type": "dense", "output_size": 7, "activation": "softmax"},
        ],
    },
    "v1-rnn-minimal": {
        "input": {"kind": "vector", "size": 1},
        "layers": [{"type": "rnn", "hidden_size": 3, "nonlinearity": "relu", "bias": False}],
    },
}


def encoded(values, as_base64):
    values = np.asarray(values, dtype="<f4")
    return {"base64": base64.b64encode(values.tobytes()).decode()} if as_base64 else [float(x) for x in values.ravel()]


def model_file(name, configuration, seed):
    """The file's content: parameters are drawn, and the outputs of STEPS time steps computed in float64."""
    generator = np.random.default_rng(seed)
    network = Network(configuration)
    parameters = draw_parameters(generator, network)
    load_parameters(network, parameters, torch.float64)
    size = configuration["input"]["size"]
    if configuration["input"]["kind"] == "token":
        inputs = generator.integers(-1, size, STEPS)
        x = torch.tensor(inputs)[:, None]
        listed = inputs.tolist()
    else:
        inputs = draw(generator, (STEPS, size), 2)
        x = tensor(inputs)[:, None]
        listed = inputs.tolist()
    with torch.no_grad():
        outputs = network.host_outputs(x, torch.tensor([STEPS]))[:, 0]
    return {
        "format": "rill", "format_version": 1, "kind": "sequential", **configuration,
        "parameters": [
            {"name": key, "shape": list(np.shape(value)), "data": encoded(value, "base64" in name)} for key, value in parameters.items()
        ],
        # Float32 against float64, as in the other fixtures.
        "self_test": {"inputs": listed, "outputs": [flat(row) for row in outputs], "tolerance": 1e-6},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=DEFAULT_OUTPUT, help="folder to write to (default: %(default)s)")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    for seed, (name, configuration) in enumerate(MODELS.items()):
        path = arguments.output / f"{name}.json"
        if path.exists():
            print(f"{path.name} is there already, and stays as it is", file=sys.stderr)
            continue
        path.write_text(json.dumps(model_file(name, configuration, seed), ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
