"""Outputs of every layer, depth and head in float64: what a stateless run has to reproduce."""

import numpy as np
import torch

from network import Network
from values import draw, draw_parameters, entries, flat, load_parameters, tensor

CELLS = {
    "rnn-tanh": {"type": "rnn", "nonlinearity": "tanh"},
    "rnn-relu": {"type": "rnn", "nonlinearity": "relu"},
    "lstm": {"type": "lstm"},
    "gru": {"type": "gru", "reset_after": True},
    "gru-reset-before": {"type": "gru", "reset_after": False},
}
LENGTHS = [6, 2, 1, 5]  # unequal, unsorted, with a full and a shortest one
DENSE = {"type": "dense", "output_size": 2}


def cell(kind, hidden_size, **options):
    return {**CELLS[kind], "hidden_size": hidden_size, **options}


def vector(layers, size=3, **options):
    return {"input": {"kind": "vector", "size": size}, "layers": layers, **options}


def token(layers, size=7):
    return {"input": {"kind": "token", "size": size}, "layers": layers}


def cell_cases(kind):
    """Everything that a recurrent layer can vary in."""
    yield "alone", vector([cell(kind, 5)]), None
    for num_layers in (1, 2, 3):
        yield f"layers {num_layers}", vector([cell(kind, 5, num_layers=num_layers), DENSE]), LENGTHS
        yield f"layers {num_layers}, initial state", vector([cell(kind, 4, num_layers=num_layers, initial_state=True), DENSE]), LENGTHS
    yield "no bias", vector([cell(kind, 5, num_layers=2, bias=False), DENSE]), LENGTHS
    yield "last step", vector([cell(kind, 5, num_layers=2, return_sequences=False), DENSE]), LENGTHS
    yield "last step alone, initial state", vector([cell(kind, 5, initial_state=True, return_sequences=False)]), LENGTHS
    yield "one-hot", token([cell(kind, 5), DENSE]), LENGTHS
    yield "embedding", token([{"type": "embedding", "embedding_dim": 3}, cell(kind, 5), DENSE]), LENGTHS
    yield "hidden 17", vector([cell(kind, 17), DENSE]), LENGTHS
    yield "hidden 20", vector([cell(kind, 20), DENSE], size=1), None


def network_cases():
    """Heads, dense layers, stacks, shift and scale."""
    for activation in ("linear", "tanh", "relu", "sigmoid", "softmax"):
        head = {"type": "dense", "output_size": 4, "activation": activation}
        yield f"head {activation}", vector([cell("lstm", 6), head]), LENGTHS
        yield f"head {activation}, last step", vector([cell("gru", 6, return_sequences=False), head]), LENGTHS
    yield "head without bias", vector([cell("gru", 6), {**DENSE, "bias": False}]), LENGTHS
    yield "dense only", vector([{"type": "dense", "output_size": 9, "activation": "tanh"}, DENSE]), LENGTHS
    yield "one-hot dense", token([{"type": "dense", "output_size": 5, "activation": "softmax"}]), LENGTHS
    yield "embedding dense", token([{"type": "embedding", "embedding_dim": 6}, {**DENSE, "activation": "relu"}]), LENGTHS
    stack = [{"type": "embedding", "embedding_dim": 3, "name": "letters"}, cell("lstm", 5, name="memory", num_layers=2), cell("gru", 4)]
    yield "stack", token([*stack, {"type": "dense", "output_size": 6, "activation": "tanh"}, {**DENSE, "activation": "softmax"}]), LENGTHS
    middle = {"type": "dense", "output_size": 4, "activation": "relu"}
    yield "dense between", vector([middle, cell("rnn-tanh", 5), middle, cell("gru-reset-before", 3), DENSE]), LENGTHS
    shifted = {"kind": "vector", "size": 3, "shift": [0.5, -1.25, 2.0], "scale": [2.0, 0.25, 1.5]}
    output = {"shift": [10.0, -3.5], "scale": [4.0, 0.125]}
    yield "shift and scale", {"input": shifted, "layers": [cell("lstm", 5), DENSE], "output": output}, LENGTHS
    last = [cell("lstm", 5, return_sequences=False), DENSE]
    yield "shift and scale, last step", {"input": shifted, "layers": last, "output": output}, LENGTHS
    yield "hidden 33", vector([cell("lstm", 33), {"type": "dense", "output_size": 5, "activation": "softmax"}]), None


def groups():
    for kind in CELLS:
        yield f"forward-{kind}", [(f"{kind}: {name}", *rest) for name, *rest in cell_cases(kind)]
    yield "forward-networks", list(network_cases())


def compute(name, configuration, lengths, seed):
    generator = np.random.default_rng(seed)
    network = Network(configuration)
    parameters = draw_parameters(generator, network)
    load_parameters(network, parameters, torch.float64)
    steps, batch = max(LENGTHS), len(LENGTHS)
    case = {"name": name, "configuration": configuration, "parameters": entries(parameters)}
    case.update({"sequence_length": steps, "batch_size": batch})
    size = configuration["input"]["size"]
    if configuration["input"]["kind"] == "token":
        tokens = generator.integers(-1, size, (steps, batch))
        x = torch.tensor(tokens)
        case["tokens"] = flat(tokens)
    else:
        inputs = draw(generator, (steps, batch, size), 2)
        x = tensor(inputs)
        case["inputs"] = flat(inputs)
    if lengths is not None:
        case["lengths"] = lengths
    with torch.no_grad():
        outputs = network.host_outputs(x, torch.tensor(lengths if lengths is not None else [steps] * batch))
    case["outputs"] = flat(outputs)
    return case
