"""What happens to parameters once there is a gradient: every optimizer with its options, parameter groups, schedules, moving averages.

Trajectories are those of training_cases.py, of one small network, and are held to the same bound between float32 and float64. Options are the
JSON text that the library gets, and the same options are read here for PyTorch.
"""

import fnmatch
import json

import numpy as np
import torch
from torch.optim import lr_scheduler
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from network import Network
from training_cases import CONDITION, clip, draw_data, drift, loss_of
from values import draw_parameters, entries, flat, load_parameters

UPDATES = 25

CONFIGURATION = {
    "input": {"kind": "vector", "size": 2},
    "layers": [
        {"type": "lstm", "hidden_size": 4, "name": "body"},
        {"type": "dense", "output_size": 2, "name": "head"},
    ],
}


def optimizers():
    """Name and options of every run."""
    rate = {"learning_rate": 0.02}
    decay = {"weight_decay": 0.1}
    yield "sgd", {"optimizer": {"type": "sgd", "learning_rate": 0.2}}
    yield "sgd, weight decay", {"optimizer": {"type": "sgd", "learning_rate": 0.2, **decay}}
    yield "sgd, momentum and weight decay", {"optimizer": {"type": "sgd", **rate, **decay, "momentum": 0.9}}
    yield "sgd, nesterov", {"optimizer": {"type": "sgd", **rate, "momentum": 0.9, "nesterov": True}}
    nesterov = {"type": "sgd", **rate, **decay, "momentum": 0.8, "nesterov": True}
    yield "sgd, nesterov, weight decay, clipped", {"optimizer": nesterov, "clip_norm": 0.05, "clip_value": 0.02}
    yield "adagrad", {"optimizer": {"type": "adagrad", "epsilon": 1e-4}}
    yield "adagrad, decays", {"optimizer": {"type": "adagrad", "learning_rate": 0.05, "lr_decay": 0.1, "epsilon": 1e-3, **decay}}
    yield "rmsprop", {"optimizer": {"type": "rmsprop", "learning_rate": 0.002, "epsilon": 1e-4}}
    rmsprop = {"type": "rmsprop", "learning_rate": 0.002, "alpha": 0.9, "epsilon": 1e-3, "momentum": 0.8}
    yield "rmsprop, momentum and weight decay", {"optimizer": {**rmsprop, **decay}}
    yield "adam", {"optimizer": {"type": "adam", "epsilon": 1e-4, **rate}}
    yield "adam, weight decay", {"optimizer": {"type": "adam", "beta1": 0.8, "beta2": 0.99, "epsilon": 1e-3, **rate, **decay}}
    yield "adamw", {"optimizer": {"type": "adamw", "epsilon": 1e-4, **rate}}
    yield "adamw, weight decay", {"optimizer": {"type": "adamw", "weight_decay": 0.5, "epsilon": 1e-3, **rate}}
    yield "nadam", {"optimizer": {"type": "nadam", "epsilon": 1e-4}}
    nadam = {"type": "nadam", **rate, "beta1": 0.8, "beta2": 0.99, "momentum_decay": 0.1, "epsilon": 1e-3}
    yield "nadam, decays", {"optimizer": {**nadam, **decay}}

    sgd = {"type": "sgd", "learning_rate": 0.1, "momentum": 0.9, **decay}
    groups = [
        {"parameters": ["*.bias_?h_l0", "head.bias"], "weight_decay": 0},
        {"parameters": "head.*", "learning_rate_factor": 3},
        {"parameters": "body.weight_hh*", "weight_decay": 0.5, "learning_rate_factor": 0.25},
    ]
    yield "groups", {"optimizer": sgd, "groups": groups}
    adamw = {"type": "adamw", "epsilon": 1e-3, "weight_decay": 0.1, **rate}
    yield "groups of adamw", {"optimizer": adamw, "groups": groups}
    frozen = [{"parameters": "head.*"}, {"parameters": "*", "frozen": True}]
    yield "only a head, clipped", {"optimizer": {**adamw, "weight_decay": 0}, "groups": frozen, "clip_norm": 0.05}
    part = [{"parameters": "body.bias_hh_l0", "frozen": True}]
    yield "one frozen, average", {"optimizer": sgd, "groups": part, "average": {"decay": 0.9}}
    cosine = {"type": "cosine", "t_max": 15, "eta_min": 0.001, "warmup": 5}
    yield "schedule, groups, average", {"optimizer": adamw, "groups": groups, "schedule": cosine, "average": {}}


def optimizer_of(tensors, options):
    """The PyTorch optimizer, with its groups, of named tensors."""
    o = options["optimizer"]
    common = {"lr": o["learning_rate"]} if "learning_rate" in o else {}
    common.update({key: o[key] for key in ("weight_decay", "momentum", "nesterov", "lr_decay", "alpha", "momentum_decay") if key in o})
    if "epsilon" in o:
        common["eps"] = o["epsilon"]
    if "beta1" in o:
        common["betas"] = (o["beta1"], o["beta2"])
    kind = {"sgd": "SGD", "adagrad": "Adagrad", "rmsprop": "RMSprop", "adam": "Adam", "adamw": "AdamW", "nadam": "NAdam"}[o["type"]]
    kind = getattr(torch.optim, kind)
    default_rate = kind([torch.zeros(1)], **common).param_groups[0]["lr"]
    lists = []
    for name, tensor in tensors.items():
        group = next((g for g in options.get("groups", []) if matches(name, g["parameters"])), {})
        if group.get("frozen"):
            tensor.requires_grad_(False)
            continue
        entry = {"params": [tensor], "lr": default_rate * group.get("learning_rate_factor", 1)}
        if "weight_decay" in group:
            entry["weight_decay"] = group["weight_decay"]
        lists.append(entry)
    return kind(lists, **common)


def matches(name, patterns):
    return any(fnmatch.fnmatchcase(name, p) for p in ([patterns] if isinstance(patterns, str) else patterns))


def scheduler_of(optimizer, schedule):
    """The PyTorch scheduler of a kind that starts at the optimizer's rate."""
    o = {key: value for key, value in schedule.items() if key not in ("type", "warmup")}
    kinds = {"step": "StepLR", "exponential": "ExponentialLR", "cosine": "CosineAnnealingLR"}
    if schedule["type"] == "constant":
        return lr_scheduler.ConstantLR(optimizer, factor=1)
    if "t_max" in o:
        o["T_max"] = o.pop("t_max")
    return getattr(lr_scheduler, kinds[schedule["type"]])(optimizer, **o)


def rates(schedule, base, count):
    """Rates of `count` updates from PyTorch's schedulers, the warmup from LinearLR. Cosine ends after t_max updates, and one_cycle at its last."""

    def run(make, length):
        tensor = torch.zeros(1, requires_grad=True)
        optimizer = torch.optim.SGD([tensor], lr=base)
        scheduler = make(optimizer)
        result = []
        for update in range(length):
            if update:
                optimizer.step()
                scheduler.step()
            result.append(optimizer.param_groups[0]["lr"])
        return result

    o = {key: value for key, value in schedule.items() if key not in ("type", "warmup")}
    length = {"cosine": o.get("t_max", 0) + 1, "one_cycle": o.get("total_steps")}.get(schedule["type"], count)
    if schedule["type"] == "one_cycle":
        o["pct_start"] = float(o.get("pct_start", 0.3))
        main = run(lambda optimizer: lr_scheduler.OneCycleLR(optimizer, max_lr=base, cycle_momentum=False, **o), length)
    else:
        main = run(lambda optimizer: scheduler_of(optimizer, schedule), length)
    warmup = schedule.get("warmup", 0)
    if warmup:
        factors = run(lambda optimizer: lr_scheduler.LinearLR(optimizer, start_factor=1 / warmup, total_iters=warmup - 1), warmup)
        main = [factor / base * main[0] for factor in factors] + main
    return (main + [main[-1]] * count)[:count]


def schedules():
    """Options and the base rate of every schedule."""
    yield {"type": "constant"}, 0.1
    yield {"type": "constant", "warmup": 4}, 0.1
    yield {"type": "constant", "warmup": 1}, 0.1
    yield {"type": "step", "step_size": 7}, 0.3
    yield {"type": "step", "step_size": 3, "gamma": 0.5, "warmup": 5}, 0.3
    yield {"type": "exponential", "gamma": 0.9}, 0.2
    yield {"type": "exponential", "gamma": 1.1, "warmup": 3}, 0.2
    yield {"type": "cosine", "t_max": 20}, 0.25
    yield {"type": "cosine", "t_max": 10, "eta_min": 0.01, "warmup": 10}, 0.25
    yield {"type": "one_cycle", "total_steps": 30}, 0.4
    yield {"type": "one_cycle", "total_steps": 25, "pct_start": 0.5, "div_factor": 10, "final_div_factor": 100, "warmup": 3}, 0.4
    yield {"type": "one_cycle", "total_steps": 12, "pct_start": 0}, 0.4
    yield {"type": "one_cycle", "total_steps": 12, "pct_start": 1}, 0.4


def compute_schedule(schedule, base, _):
    return {"options": json.dumps(schedule), "learning_rate": base, "rates": rates(schedule, base, 40)}


def plateaus():
    """Options of ReduceLROnPlateau, the base rate, and losses."""
    falling = [1.0, 0.9, 0.8, 0.8, 0.8, 0.8, 0.7, 0.71, 0.72, 0.73, 0.74, 0.75, 0.76, 0.77, 0.78, 0.79]
    yield {"type": "plateau", "patience": 2}, 0.1, falling
    yield {"type": "plateau", "patience": 1, "factor": 0.5, "cooldown": 3, "min_lr": 0.02}, 0.1, falling
    yield {"type": "plateau", "patience": 0, "factor": 0.1, "threshold": 0.2}, 1e-5, falling
    yield {"type": "plateau", "patience": 0, "factor": 0.5, "min_lr": 0.5}, 0.1, falling
    yield {"type": "plateau", "patience": 3}, 0.1, [-loss for loss in falling]


def compute_plateau(schedule, base, losses, _):
    tensor = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([tensor], lr=base)
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, **{key: value for key, value in schedule.items() if key != "type"})
    result = []
    for loss in losses:
        scheduler.step(loss)
        result.append(optimizer.param_groups[0]["lr"])
    return {"options": json.dumps(schedule), "learning_rate": base, "losses": losses, "rates": result}


def trajectory(case, parameters, options, dtype):
    """Losses, final parameters and, if asked for, their averages."""
    network = Network(CONFIGURATION)
    load_parameters(network, parameters, dtype)
    named = network.named()
    optimizer = optimizer_of(named, options)
    trained = [tensor for tensor in named.values() if tensor.requires_grad]
    schedule = options.get("schedule")
    bases = [group["lr"] for group in optimizer.param_groups]
    scheduled = rates(schedule, options["optimizer"]["learning_rate"], UPDATES) if schedule else None
    average = None
    if "average" in options:
        average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(options["average"].get("decay", 0.999)))
    losses, clipped = [], 0
    for update in range(UPDATES):
        if schedule:
            # Groups multiply what the schedule makes of the common rate.
            for group, base in zip(optimizer.param_groups, bases):
                group["lr"] = base * scheduled[update] / options["optimizer"]["learning_rate"]
        optimizer.zero_grad()
        loss = loss_of(network, case, dtype)
        loss.backward()
        losses.append(loss.item())
        clipped += clip(trained, options)
        optimizer.step()
        if average is not None:
            average.update_parameters(network)
    final = {name: flat(tensor) for name, tensor in network.named().items()}
    averaged = {name: flat(tensor) for name, tensor in average.module.named().items()} if average is not None else None
    return losses, final, averaged, clipped


def compute(seed):
    generator = np.random.default_rng(seed)
    case = draw_data(generator, "optimizers", CONFIGURATION, "mse", "mean", [7, 3, 5, 6])
    parameters = draw_parameters(generator, Network(CONFIGURATION))
    case["parameters"] = entries(parameters)
    case["runs"] = []
    for name, options in optimizers():
        double = trajectory(case, parameters, options, torch.float64)
        single = trajectory(case, parameters, options, torch.float32)
        losses, final, averaged, clipped = double
        if drift(double, single) > CONDITION:
            raise SystemExit(f"{name}: float32 drifts by {drift(double, single):.1e}; choose better conditioned options")
        if clipped < 15:
            raise SystemExit(f"{name}: only {clipped} updates are clipped")
        run = {"name": name, "options": json.dumps({"loss": "mse", **options}), "losses": losses, "final": final}
        if averaged is not None:
            run["average"] = averaged
        case["runs"].append(run)
    return case
