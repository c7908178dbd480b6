"""Every loss with its options and weights, in float64: its value, its gradient by all parameters, and the metrics of an evaluation.

Losses are PyTorch's own functions wherever it has them; the error-to-signal ratio, which it lacks, and all metrics are written out.
"""

import numpy as np
import torch
from torch.nn import functional

from network import Network, valid_steps
from values import draw, draw_parameters, entries, flat, load_parameters, tensor

STEPS, BATCH = 7, 4
MARGIN = 1e-4  # between the two largest classes, and from 0: float32 must not decide an answer


def cases():
    """Name, layers and further keys of the configuration, loss, reduction, lengths, and whether steps have weights."""
    lengths = [7, 3, 1, 5]

    def layers(size, activation="linear", **recurrent):
        return {"layers": [{"type": "gru", "hidden_size": 5, **recurrent}, {"type": "dense", "output_size": size, "activation": activation}]}

    scaled = {"output": {"shift": [1.5, -0.5], "scale": [2.0, -4.0]}}
    last = {"return_sequences": False}
    classes = {"type": "cross_entropy", "class_weights": [0.5, 2.0, 0.0, 1.25]}
    smooth = {"type": "cross_entropy", "label_smoothing": 0.1}
    yield "mse", layers(2), {"type": "mse"}, "mean", lengths, False
    yield "mse, weights", layers(3), {"type": "mse"}, "mean", lengths, True
    yield "mse, weights, sum, scaled", {**layers(2), **scaled}, {"type": "mse"}, "sum", lengths, True
    yield "mse, weights, per sequence", layers(2, **last), {"type": "mse"}, "mean", lengths, True
    yield "mae", layers(2), {"type": "mae"}, "mean", None, False
    yield "mae, weights, sum", layers(17, "tanh"), {"type": "mae"}, "sum", lengths, True
    yield "mae, scaled, per sequence", {**layers(2, **last), **scaled}, {"type": "mae"}, "mean", lengths, False
    yield "huber", layers(2), {"type": "huber"}, "mean", lengths, False
    yield "huber, delta, weights", layers(2), {"type": "huber", "delta": 0.25}, "mean", lengths, True
    yield "huber, delta, sum", layers(1), {"type": "huber", "delta": 1.75}, "sum", None, False
    yield "esr", layers(1), {"type": "esr"}, "mean", None, False
    yield "esr, two outputs", layers(2), {"type": "esr", "epsilon": 0.01}, "mean", lengths, False
    yield "esr, pre-emphasis", layers(1), {"type": "esr", "pre_emphasis": 0.95}, "mean", lengths, False
    yield "esr, pre-emphasis, sum, scaled", {**layers(2), **scaled}, {"type": "esr", "pre_emphasis": 0.5, "epsilon": 0.1}, "sum", lengths, False
    yield "classes", layers(4, "softmax"), {"type": "cross_entropy"}, "mean", lengths, False
    yield "classes, weights", layers(4), {"type": "cross_entropy"}, "mean", lengths, True
    yield "classes, class weights", layers(4, "softmax"), classes, "mean", lengths, False
    yield "classes, class weights, weights", layers(4), classes, "mean", lengths, True
    yield "classes, smoothing", layers(4), smooth, "mean", lengths, False
    yield "classes, all smoothing, sum", layers(3), {**smooth, "label_smoothing": 1}, "sum", None, False
    yield "classes, all options", layers(4), {**classes, **smooth, "label_smoothing": 0.3}, "mean", lengths, False
    yield "classes, all options, weights", layers(4, "softmax"), {**classes, **smooth}, "sum", lengths, True
    yield "classes, all options, per sequence", layers(4, **last), {**classes, **smooth}, "mean", lengths, True
    yield "17 classes, smoothing, weights", layers(17), smooth, "mean", lengths, True
    yield "bce", layers(3, "sigmoid"), {"type": "bce"}, "mean", lengths, False
    yield "bce, positive weights", layers(3), {"type": "bce", "positive_weights": [0.25, 3.0, 0.0]}, "mean", lengths, False
    yield "bce, weights", layers(2, "sigmoid"), {"type": "bce"}, "sum", lengths, True
    yield "bce, all options, per sequence", layers(3, **last), {"type": "bce", "positive_weights": [2.5, 1.0, 0.5]}, "mean", lengths, True


def error_to_signal(y, target, lengths, options):
    """[B][O]: of every sequence and output."""
    alpha, epsilon = options.get("pre_emphasis", 0), options.get("epsilon", 1e-5)

    def filtered(values):
        return values - alpha * torch.cat([torch.zeros_like(values[:1]), values[:-1]])

    rows = []
    for b, n in enumerate(lengths):
        errors = filtered((y - target)[:n, b]).square().sum(0)
        rows.append(errors / (filtered(target[:n, b]).square().sum(0) + epsilon * n))
    return torch.stack(rows)


def loss_of(case, network, logits, y, counted, weights):
    """The loss as include/rill.h defines it. counted: [T][B] of bool; weights: [T][B], or None."""
    options, reduction = case["loss"], case["reduction"]
    w = (torch.ones(counted.shape, dtype=y.dtype) if weights is None else weights)[counted]
    if options["type"] == "cross_entropy":
        classes = torch.tensor(case["classes"]).reshape(counted.shape)[counted]
        of_class = tensor(options["class_weights"], y.dtype) if "class_weights" in options else None
        keywords = {"weight": of_class, "label_smoothing": options.get("label_smoothing", 0)}
        if weights is None:
            return functional.cross_entropy(logits[counted], classes, reduction=reduction, **keywords)
        loss = (w * functional.cross_entropy(logits[counted], classes, reduction="none", **keywords)).sum()
        return loss / (w if of_class is None else w * of_class[classes]).sum() if reduction == "mean" else loss
    target = network.normalize(tensor(case["targets"], y.dtype).reshape(y.shape), "output")
    if options["type"] == "esr":
        terms = error_to_signal(y, target, case.get("lengths", [STEPS] * BATCH), options)
        return terms.mean() if reduction == "mean" else terms.sum()
    if options["type"] == "bce":
        of_output = tensor(options["positive_weights"], y.dtype) if "positive_weights" in options else None
        terms = functional.binary_cross_entropy_with_logits(logits[counted], target[counted], pos_weight=of_output, reduction="none")
    else:
        function = {"mse": functional.mse_loss, "mae": functional.l1_loss, "huber": functional.huber_loss}[options["type"]]
        keywords = {"delta": options.get("delta", 1.0)} if options["type"] == "huber" else {}
        terms = function(y[counted], target[counted], reduction="none", **keywords)
    loss = (w[:, None] * terms).sum()
    return loss / (w.sum() * terms.shape[1]) if reduction == "mean" else loss


def f1(both, wanted, answered):
    return 2 * both / (wanted + answered)


def metrics_of(case, network, logits, y, counted):
    """What scikit-learn's accuracy_score, f1_score (macro), mean_squared_error, mean_absolute_error and r2_score say of the steps that count."""
    logits, y = logits[counted].detach().numpy(), y[counted].detach().numpy()
    if case["loss"]["type"] == "cross_entropy":
        wanted = np.array(case["classes"]).reshape(counted.shape)[counted.numpy()]
        answers = logits.argmax(axis=1)
        order = np.sort(logits, axis=1)
        if (order[:, -1] - order[:, -2]).min() < MARGIN:
            raise SystemExit(f"{case['name']}: two classes are too close; choose other data")
        plain = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(wanted)), wanted]
        scores = [
            f1(((wanted == k) & (answers == k)).sum(), (wanted == k).sum(), (answers == k).sum())
            for k in range(logits.shape[1])
            if k in wanted or k in answers
        ]
        return {"accuracy": np.mean(answers == wanted), "perplexity": np.exp(plain.mean()), "macro_f1": np.mean(scores)}
    target = network.normalize(tensor(case["targets"]).reshape(*counted.shape, -1), "output")[counted].numpy()
    if case["loss"]["type"] == "bce":
        wanted, answers = target > 0.5, logits > 0
        if np.abs(logits).min() < MARGIN:
            raise SystemExit(f"{case['name']}: an answer is too close to 0.5; choose other data")
        scores = [
            f1((wanted[:, j] & answers[:, j]).sum(), wanted[:, j].sum(), answers[:, j].sum())
            for j in range(logits.shape[1])
            if wanted[:, j].any() or answers[:, j].any()
        ]
        return {"accuracy": np.mean(answers == wanted), "macro_f1": np.mean(scores)}
    squared = ((y - target) ** 2).sum(axis=0)
    spread = ((target - target.mean(axis=0)) ** 2).sum(axis=0)
    return {"mse": np.mean((y - target) ** 2), "mae": np.mean(np.abs(y - target)), "r2": np.mean(1 - squared / spread)}


def compute(name, configuration, loss, reduction, lengths, weighted, seed):
    generator = np.random.default_rng(seed)
    configuration = {"input": {"kind": "vector", "size": 2}, **configuration}
    network = Network(configuration)
    rows = 1 if network.per_sequence else STEPS
    case = {"name": name, "configuration": configuration, "loss": loss, "reduction": reduction}
    case.update({"sequence_length": STEPS, "batch_size": BATCH})
    if lengths is not None:
        case["lengths"] = lengths
    case["inputs"] = flat(draw(generator, (STEPS, BATCH, 2), 2))
    if loss["type"] == "cross_entropy":
        case["classes"] = flat(generator.integers(0 if network.per_sequence else -1, network.output_size, (rows, BATCH)))
    elif loss["type"] == "bce":
        case["targets"] = flat(np.abs(draw(generator, (rows, BATCH, network.output_size), 1)))
    else:
        case["targets"] = flat(draw(generator, (rows, BATCH, network.output_size), 2))
    valid = torch.ones(1, BATCH, dtype=torch.bool)
    if not network.per_sequence:
        valid = valid_steps(STEPS, torch.tensor(lengths or [STEPS] * BATCH))
    counted, weights = valid, None
    if weighted:
        drawn = np.abs(draw(generator, (rows, BATCH), 2))
        drawn[0, 1] = 0
        case["weights"] = flat(drawn)
        weights = tensor(drawn)
        counted = counted & (weights > 0)
    if "classes" in case:
        counted = counted & (torch.tensor(case["classes"]).reshape(counted.shape) >= 0)

    parameters = draw_parameters(generator, network)
    load_parameters(network, parameters, torch.float64)
    case["parameters"] = entries(parameters)
    x = tensor(case["inputs"]).reshape(STEPS, BATCH, 2)
    logits, y = network(x, torch.tensor(lengths or [STEPS] * BATCH))
    value = loss_of(case, network, logits, y, counted, weights)
    value.backward()
    case["value"] = value.item()
    case["gradient"] = {key: flat(p.grad) for key, p in network.named().items()}
    mean = loss_of({**case, "reduction": "mean"}, network, logits, y, counted, weights)
    case["metrics"] = {"loss": mean.item(), "step_count": int(counted.sum())}
    case["metrics"].update({key: float(metric) for key, metric in metrics_of(case, network, logits, y, counted).items()})
    return case
