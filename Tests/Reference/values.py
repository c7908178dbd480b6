"""Numbers that mean the same in the fixture, in float32 and in float64.

Parameters and inputs are drawn with four decimals. The fixture holds the short decimal; both sides round it to float32 first, so
that the float64 computation here starts from exactly the values that a float32 library is given.
"""

import json

import numpy as np
import torch


def draw(generator, shape, bound):
    return np.round(generator.uniform(-bound, bound, shape), 4) + 0.0  # no -0, whose sign a JSON integer loses


def tensor(values, dtype=torch.float64):
    """Decimal values as the float32 numbers nearest to them, in dtype."""
    return torch.tensor(np.asarray(values, dtype=np.float32)).to(dtype)


def draw_parameters(generator, network):
    """Uniform within 1/sqrt(fan-in) for matrices, within 0.5 for vectors: gates neither saturate nor idle."""
    result = {}
    for name, parameter in network.named().items():
        shape = tuple(parameter.shape)
        result[name] = draw(generator, shape, shape[-1] ** -0.5 if len(shape) == 2 else 0.5)
    return result


def load_parameters(network, parameters, dtype):
    network.to(dtype)
    with torch.no_grad():
        for name, parameter in network.named().items():
            parameter.copy_(tensor(parameters[name], dtype))


def entries(tensors):
    """Parameter entries as in a model file."""
    return [{"name": name, "shape": list(np.shape(data)), "data": flat(data)} for name, data in tensors.items()]


def flat(values):
    if isinstance(values, torch.Tensor):
        values = values.detach().numpy()
    return np.asarray(values).ravel().tolist()


def fixture_text(cases):
    """One case per line, so that a changed case is a changed line."""
    lines = [json.dumps(case, separators=(",", ":"), allow_nan=False) for case in cases]
    return f'{{"torch":{json.dumps(torch.__version__)},"cases":[\n' + ",\n".join(lines) + "\n]}\n"
