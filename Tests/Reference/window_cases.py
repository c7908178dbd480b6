"""Updates with truncation, burn-in, carried states and accumulation in float64, from their definitions.

A window is some steps of a batch with one loss. It begins with a state that counts as given, or with the network's initial state, whose parameters
then have a gradient. What is not counted of a window only leads up to what is.
"""

import json

import numpy as np
import torch
from torch.nn import functional

from forward_cases import CELLS, cell, token, vector
from network import ACTIVATIONS, Network, Recurrent
from training_cases import CONDITION, drift
from values import draw, draw_parameters, entries, flat, load_parameters, tensor

BATCH = 4
OPTIMIZERS = {
    "sgd": lambda p, o: torch.optim.SGD(p, lr=o["learning_rate"], momentum=o.get("momentum", 0)),
    "adam": lambda p, o: torch.optim.Adam(p, lr=o["learning_rate"]),
}
SGD = {"optimizer": {"type": "sgd", "learning_rate": 0.2, "momentum": 0.5}}
ADAM = {"optimizer": {"type": "adam", "learning_rate": 0.01}}


def cases():
    """Name, configuration, options, loss, and for each batch its steps, lengths and the lanes that are reset before it."""
    dense = {"type": "dense", "output_size": 2}
    unequal = [10, 3, 7, 1]

    def truncated(every, back=None):
        return {"truncation": {"update_every": every, **({} if back is None else {"backpropagate": back})}}

    full = [(10, None, []), (10, None, []), (10, None, [])]
    for kind in CELLS:
        one = vector([cell(kind, 5, initial_state=True), dense])
        two = vector([{"type": "dense", "output_size": 4, "activation": "tanh"}, cell(kind, 4, num_layers=2, initial_state=True), dense])
        yield f"{kind}: windows", one, {**truncated(4), **SGD}, "mse", [(10, unequal, []), (10, None, [])]
        yield f"{kind}: overlapping windows", one, {**truncated(3, 7), **SGD}, "mse", [(10, unequal, []), (11, None, [])]
        yield f"{kind}: carried", two, {"stateful": True, **ADAM}, "mse", [(6, None, []), (6, [6, 2, 5, 1], []), (4, None, [1, 3])]
        yield f"{kind}: carried, overlapping windows", two, {"stateful": True, **truncated(2, 5), **SGD}, "mse", [
            (7, None, []), (7, [7, 2, 5, 4], []), (7, None, [2]),
        ]
        letters = token([{"type": "embedding", "embedding_dim": 3}, cell(kind, 5, initial_state=True), {**dense, "output_size": 7}])
        yield f"{kind}: burn-in", letters, {"burn_in": 3, **ADAM}, "cross_entropy", [(10, unequal, []), (8, None, [])]
        yield f"{kind}: burn-in and overlapping windows", one, {"burn_in": 2, "stateful": True, **truncated(3, 4), **SGD}, "mse", full
        yield f"{kind}: accumulated windows", one, {"accumulate": 3, **truncated(2, 3), **SGD}, "mse", [(10, unequal, []), (9, None, [])]
    last = vector([cell("gru", 5), cell("lstm", 4, return_sequences=False, initial_state=True), dense])
    yield "per sequence: burn-in", last, {"burn_in": 3, **SGD}, "mse", [(10, unequal, []), (8, None, [])]
    yield "per sequence: carried", last, {"stateful": True, **SGD}, "mse", [(6, [6, 2, 5, 1], []), (4, None, [3])]
    wide = vector([cell("lstm", 20), {**dense, "output_size": 17}])
    yield "sum", wide, {"reduction": "sum", **truncated(4, 6), "optimizer": {"type": "sgd", "learning_rate": 0.005}}, "mse", full[:2]


class Run:
    """A network in training, with the states that it carries."""

    def __init__(self, case, parameters, dtype):
        self.dtype, self.options = dtype, case["options"]
        self.network = Network(case["configuration"])
        load_parameters(self.network, parameters, dtype)
        self.named = self.network.named()
        options = self.options["optimizer"]
        self.optimizer = OPTIMIZERS[options["type"]](list(self.named.values()), options)
        self.recurrent = [layer for layer in self.network.layers if isinstance(layer, Recurrent)]
        self.carried = None
        self.fresh = [True] * BATCH
        self.waiting, self.waiting_weight, self.waiting_count = None, 0, 0
        self.losses = []

    def begin(self):
        """The first state of a batch: of each layer one tensor for each of hidden and cell, [num_layers][B][H]; initial states have gradients."""
        result = []
        for index, layer in enumerate(self.recurrent):
            states = []
            for place, name in enumerate(["h0", "c0"] if layer.type == "lstm" else ["h0"]):
                initial = layer.start(name, BATCH, next(iter(self.named.values())))
                if self.carried is not None:
                    rows = torch.tensor(self.fresh)[None, :, None]
                    initial = torch.where(rows, initial, self.carried[index][place])
                states.append(initial)
            result.append(states)
        return result

    def forward(self, x, first, end, lengths, states):
        """Steps first ..< end from the given states. Gives pre-activations and outputs of these steps, and the states after each of them."""
        x = x[first:end]
        if self.network.input["kind"] == "vector":
            x = self.network.normalize(x, "input")
        else:
            x = self.network.layers[0](x.clamp(min=0)) * (x >= 0)[..., None]
        after = [[] for _ in range(first, end)]
        logits, index = x, 0
        for layer, module in zip(self.network.configuration["layers"], self.network.layers):
            if layer["type"] == "embedding":
                continue
            if layer["type"] == "dense":
                logits = module(x)
                x = ACTIVATIONS[layer.get("activation", "linear")](logits)
                continue
            outputs, state = [], states[index]
            for t in range(first, end):
                valid = (t < lengths)[:, None]
                step = x[t - first:t - first + 1]
                if module.type == "lstm":
                    _, new = module.cells(step, (state[0].contiguous(), state[1].contiguous()))
                elif module.packed:
                    new = [module.cells(step, state[0].contiguous())[1]]
                else:
                    new = [module.cells(step, state[0], torch.ones_like(lengths))[1]]
                state = [torch.where(valid, a, b) for a, b in zip(new, state)]
                outputs.append(torch.where(valid, state[0][-1], torch.zeros_like(state[0][-1])))
                after[t - first].append(state)
            index += 1
            logits = x = torch.stack(outputs) if module.return_sequences else state[0][-1][None]
        return logits, x, after

    def loss(self, batch, logits, y, first, counted, end, lengths):
        """Sum of all terms of steps counted ..< end, and what a mean divides by."""
        if self.network.per_sequence:
            valid = (lengths > counted)[None]
            first, counted, end = 0, 0, 1
        else:
            valid = torch.arange(counted, end)[:, None] < lengths[None]
        rows = slice(counted - first, end - first)
        if "classes" in batch:
            classes = torch.tensor(batch["classes"]).reshape(-1, BATCH)[counted:end][valid]
            return functional.cross_entropy(logits[rows][valid], classes, reduction="sum", ignore_index=-1), int((classes >= 0).sum())
        targets = tensor(batch["targets"], self.dtype).reshape(-1, BATCH, self.network.output_size)[counted:end]
        return functional.mse_loss(y[rows][valid], targets[valid], reduction="sum"), int(valid.sum()) * self.network.output_size

    def batch(self, batch):
        steps, burn_in = batch["sequence_length"], self.options.get("burn_in", 0)
        lengths = torch.tensor(batch.get("lengths", [steps] * BATCH))
        if "tokens" in batch:
            x = torch.tensor(batch["tokens"]).reshape(steps, BATCH)
        else:
            x = tensor(batch["inputs"], self.dtype).reshape(steps, BATCH, -1)
        for lane in batch["reset"]:
            self.fresh[lane] = True
        truncation = self.options.get("truncation")
        every = truncation["update_every"] if truncation else steps
        back = truncation.get("backpropagate", every) if truncation else steps
        given = None  # where the next window starts, unless that is where the batch does
        if burn_in > 0:
            with torch.no_grad():
                given = self.forward(x, 0, burn_in, lengths, self.begin())[2][-1]
        start, total, total_weight = burn_in, 0.0, 0
        for counted in range(burn_in, steps, every):
            end = min(counted + every, steps)
            states = self.begin() if given is None else given
            logits, y, after = self.forward(x, start, end, lengths, states)
            value, weight = self.loss(batch, logits, y, start, counted, end, lengths)
            if weight > 0:
                self.learn(value, weight)
            total, total_weight = total + value.item(), total_weight + weight
            next_start = steps if end == steps else max(start, min(end + every, steps) - back)
            if next_start > start:
                given = [[part.detach() for part in state] for state in after[next_start - start - 1]]
            start = next_start
        self.losses.append(total / total_weight if self.options.get("reduction") != "sum" else total)
        self.last = given
        if self.options.get("stateful"):
            self.carried, self.fresh = given, [False] * BATCH

    def learn(self, value, weight):
        """Adds to the waiting loss, and makes an optimizer step when it is one of enough windows."""
        gradient = torch.autograd.grad(value, list(self.named.values()), allow_unused=True)
        gradient = [torch.zeros_like(p) if g is None else g for g, p in zip(gradient, self.named.values())]
        self.waiting = gradient if self.waiting is None else [a + b for a, b in zip(self.waiting, gradient)]
        self.waiting_weight += weight
        self.waiting_count += 1
        if self.waiting_count < self.options.get("accumulate", 1):
            return
        divisor = 1 if self.options.get("reduction") == "sum" else self.waiting_weight
        for parameter, g in zip(self.named.values(), self.waiting):
            parameter.grad = g / divisor
        self.optimizer.step()
        self.waiting, self.waiting_weight, self.waiting_count = None, 0, 0

    def states(self):
        """By name: [num_layers][B][H]."""
        result = {}
        names = [name for name, layer in zip(self.network.names, self.network.layers) if isinstance(layer, Recurrent)]
        for name, state in zip(names, self.last):
            for part, values in zip(["hidden", "cell"], state):
                result[f"{name}.{part}"] = flat(values)
        return result


def draw_batch(generator, configuration, loss, steps, lengths, reset):
    network = Network(configuration)
    rows, size = 1 if network.per_sequence else steps, configuration["input"]["size"]
    batch = {"sequence_length": steps, "reset": reset}
    if lengths is not None:
        batch["lengths"] = lengths
    if configuration["input"]["kind"] == "token":
        batch["tokens"] = flat(generator.integers(-1, size, (steps, BATCH)))
    else:
        batch["inputs"] = flat(draw(generator, (steps, BATCH, size), 2))
    if loss == "cross_entropy":
        batch["classes"] = flat(generator.integers(-1, network.output_size, (rows, BATCH)))
    else:
        batch["targets"] = flat(draw(generator, (rows, BATCH, network.output_size), 1))
    return batch


def compute(name, configuration, options, loss, shapes, seed):
    generator = np.random.default_rng(seed)
    parameters = draw_parameters(generator, Network(configuration))
    case = {"name": name, "configuration": configuration, "parameters": entries(parameters), "batch_size": BATCH, "loss": loss}
    case["options"] = options
    case["batches"] = [draw_batch(generator, configuration, loss, *shape) for shape in shapes]
    runs = {}
    for dtype in (torch.float64, torch.float32):
        runs[dtype] = Run(case, parameters, dtype)
        for batch in case["batches"]:
            runs[dtype].batch(batch)
    results = [(run.losses, {key: flat(value) for key, value in run.named.items()}) for run in runs.values()]
    if drift(*results) > CONDITION:
        raise SystemExit(f"{name}: float32 drifts by {drift(*results):.1e}; choose better conditioned options")
    case["losses"], case["final"] = results[0]
    case["states"] = runs[torch.float64].states()
    case["options"] = json.dumps({"loss": loss, **options})
    return case
