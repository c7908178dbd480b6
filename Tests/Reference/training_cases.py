"""Twenty updates in float64: the loss before each, the first gradient, and every parameter at the end.

An update in float32 differs from one in float64 in the last bits of the gradient, and an optimizer that divides by the gradient's own
size can magnify that. So each run is also computed in float32 here, and a run that drifts by more than CONDITION is refused:
what remains are runs in which a correct library stays well within the test's tolerance.
"""

import numpy as np
import torch
from torch.nn import functional
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

from network import Network, valid_steps
from values import draw, draw_parameters, entries, flat, load_parameters, tensor

UPDATES = 20
CONDITION = 3e-6  # the tests allow 1e-5
CLIPPED = 15  # of the updates, at least, have to reach every limit that a run sets

OPTIMIZERS = {
    "sgd": lambda p, o: torch.optim.SGD(p, lr=o["learning_rate"], momentum=o.get("momentum", 0)),
    "rmsprop": lambda p, o: torch.optim.RMSprop(
        p, lr=o["learning_rate"], alpha=o.get("alpha", 0.99), eps=o.get("epsilon", 1e-8), momentum=o.get("momentum", 0)
    ),
    "adam": lambda p, o: torch.optim.Adam(
        p, lr=o["learning_rate"], betas=(o.get("beta1", 0.9), o.get("beta2", 0.999)), eps=o.get("epsilon", 1e-8)
    ),
}


def runs(learning_rate, clip_norm, clip_value):
    """Optimizer and clipping of each run on one model. learning_rate: of plain gradient descent, which nothing else scales."""
    norm, value = {"clip_norm": clip_norm}, {"clip_value": clip_value}
    return {
        "sgd": {"optimizer": {"type": "sgd", "learning_rate": learning_rate}},
        "sgd, norm": {"optimizer": {"type": "sgd", "learning_rate": 0.2}, **norm},
        "sgd with momentum, norm": {"optimizer": {"type": "sgd", "learning_rate": 0.05, "momentum": 0.9}, **norm},
        "sgd with momentum, value": {"optimizer": {"type": "sgd", "learning_rate": 0.05, "momentum": 0.9}, **value},
        "rmsprop, norm": {"optimizer": {"type": "rmsprop", "learning_rate": 0.002}, **norm},
        "rmsprop with momentum, norm and value": {
            "optimizer": {"type": "rmsprop", "learning_rate": 0.001, "alpha": 0.95, "epsilon": 1e-3, "momentum": 0.8}, **norm, **value
        },
        "adam, norm": {"optimizer": {"type": "adam", "learning_rate": 0.01}, **norm},
        "adam, value": {"optimizer": {"type": "adam", "learning_rate": 0.005, "beta1": 0.8, "beta2": 0.99, "epsilon": 1e-3}, **value},
    }


def models():
    """Name, configuration, loss, reduction, lengths, and what runs() takes: limits that are active on this model and data."""

    def vector(layers, **options):
        return {"input": {"kind": "vector", "size": 2}, "layers": layers, **options}

    dense = {"type": "dense", "output_size": 2}
    lstm = vector([{"type": "lstm", "hidden_size": 6}, dense])
    yield "lstm mse", lstm, "mse", "mean", None, (0.3, 0.1, 0.02)
    letters = {"input": {"kind": "token", "size": 5}}
    gru = {**letters, "layers": [{"type": "gru", "hidden_size": 6}, {**dense, "output_size": 5, "activation": "softmax"}]}
    yield "gru cross-entropy", gru, "cross_entropy", "mean", [7, 3, 1, 5], (0.5, 0.1, 0.01)
    rnn = vector([{"type": "rnn", "hidden_size": 7, "initial_state": True}, {**dense, "output_size": 3, "activation": "sigmoid"}])
    yield "rnn bce", rnn, "bce", "sum", [4, 7, 6, 2], (0.02, 1.0, 0.2)
    last = [{"type": "gru", "hidden_size": 6, "reset_after": False, "return_sequences": False}, {**dense, "output_size": 3}]
    yield "many to one", vector(last), "cross_entropy", "mean", [7, 2, 5, 4], (0.3, 0.2, 0.02)
    deep = [{"type": "lstm", "hidden_size": 4, "num_layers": 2, "initial_state": True}, {**dense, "activation": "tanh"}]
    output = {"shift": [1.5, -0.5], "scale": [2.0, 4.0]}
    yield "two-layer lstm", vector(deep, output=output), "mse", "mean", [7, 6, 3, 1], (0.2, 0.1, 0.02)
    embedded = [{"type": "embedding", "embedding_dim": 3}, {"type": "rnn", "hidden_size": 6, "nonlinearity": "relu"}]
    yield "relu rnn", {**letters, "layers": [*embedded, {**dense, "output_size": 5}]}, "cross_entropy", "sum", [7, 4, 7, 5], (0.02, 1.5, 0.4)


def loss_of(network, case, dtype):
    """The loss as include/rill.h defines it."""
    steps, batch = case["sequence_length"], case["batch_size"]
    lengths = torch.tensor(case.get("lengths", [steps] * batch))
    if "tokens" in case:
        x = torch.tensor(case["tokens"]).reshape(steps, batch)
    else:
        x = tensor(case["inputs"], dtype).reshape(steps, batch, -1)
    logits, y = network(x, lengths)
    rows = 1 if network.per_sequence else steps
    valid = valid_steps(rows, torch.ones_like(lengths) if network.per_sequence else lengths)
    reduction = case["reduction"]
    if case["loss"] == "cross_entropy":
        classes = torch.tensor(case["classes"]).reshape(rows, batch)
        return functional.cross_entropy(logits[valid], classes[valid], ignore_index=-1, reduction=reduction)
    targets = tensor(case["targets"], dtype).reshape(rows, batch, -1)
    if case["loss"] == "bce":
        return functional.binary_cross_entropy_with_logits(logits[valid], targets[valid], reduction=reduction)
    return functional.mse_loss(y[valid], network.normalize(targets, "output")[valid], reduction=reduction)


def clip(tensors, options):
    """Clips the gradient, first by norm, then by value; gives whether each limit that is set was exceeded."""
    active = True
    if "clip_norm" in options:
        active &= clip_grad_norm_(tensors, options["clip_norm"]).item() > options["clip_norm"]
    if "clip_value" in options:
        active &= max(p.grad.abs().max().item() for p in tensors) > options["clip_value"]
        clip_grad_value_(tensors, options["clip_value"])
    return active


def trajectory(case, parameters, options, dtype):
    """Losses, final parameters, the first gradient, and how many updates reached every limit."""
    network = Network(case["configuration"])
    load_parameters(network, parameters, dtype)
    tensors = list(network.named().values())
    optimizer = OPTIMIZERS[options["optimizer"]["type"]](tensors, options["optimizer"])
    losses, gradient, clipped = [], None, 0
    for _ in range(UPDATES):
        optimizer.zero_grad()
        loss = loss_of(network, case, dtype)
        loss.backward()
        losses.append(loss.item())
        gradient = gradient or {name: flat(p.grad) for name, p in network.named().items()}
        clipped += clip(tensors, options)
        optimizer.step()
    return losses, {name: flat(p) for name, p in network.named().items()}, gradient, clipped


def drift(double, single):
    """The largest relative difference of a loss, and of a final parameter tensor by norm."""
    losses = max(abs(a - b) / abs(a) for a, b in zip(double[0], single[0]))
    tensors = max(np.linalg.norm(np.subtract(single[1][name], values)) / np.linalg.norm(values) for name, values in double[1].items())
    return max(losses, tensors)


def draw_data(generator, name, configuration, loss, reduction, lengths):
    network = Network(configuration)
    steps, batch, size = 7, 4, configuration["input"]["size"]
    rows = 1 if network.per_sequence else steps
    case = {"name": name, "configuration": configuration, "loss": loss, "reduction": reduction}
    case.update({"sequence_length": steps, "batch_size": batch})
    if lengths is not None:
        case["lengths"] = lengths
    if configuration["input"]["kind"] == "token":
        case["tokens"] = flat(generator.integers(-1, size, (steps, batch)))
    else:
        case["inputs"] = flat(draw(generator, (steps, batch, size), 2))
    if loss == "cross_entropy":
        lowest = 0 if network.per_sequence else -1
        case["classes"] = flat(generator.integers(lowest, network.output_size, (rows, batch)))
    elif loss == "bce":
        case["targets"] = flat(np.abs(draw(generator, (rows, batch, network.output_size), 1)))
    else:
        case["targets"] = flat(draw(generator, (rows, batch, network.output_size), 2))
    return case


def compute(name, configuration, loss, reduction, lengths, clipping, seed):
    generator = np.random.default_rng(seed)
    case = draw_data(generator, name, configuration, loss, reduction, lengths)
    parameters = draw_parameters(generator, Network(configuration))
    case["parameters"] = entries(parameters)
    case["runs"] = []
    for run_name, options in runs(*clipping).items():
        double = trajectory(case, parameters, options, torch.float64)
        single = trajectory(case, parameters, options, torch.float32)
        losses, final, gradient, clipped = double
        if drift(double, single) > CONDITION:
            raise SystemExit(f"{name}, {run_name}: float32 drifts by {drift(double, single):.1e}; choose better conditioned data")
        if clipped < CLIPPED:
            raise SystemExit(f"{name}, {run_name}: only {clipped} of {UPDATES} updates are clipped")
        case.setdefault("gradient", gradient)
        case["runs"].append({"name": run_name, "options": options, "losses": losses, "final": final})
    return case
