"""rill info"""

from __future__ import annotations

import argparse
import json
from typing import Any, Optional

import rill

from . import _options
from ._failure import Failure

TEXT = """examples:
  rill info model.json
  rill info training.checkpoint
  rill info model.json --json | jq .multiply_adds"""


def add(commands: Any) -> None:
    parser = _options.command(commands, "info", "Describe a model or a checkpoint.", TEXT, execute)
    parser.add_argument("file", help="model file or checkpoint")
    parser.add_argument("--json", action="store_true", help="print everything as one JSON object")


def execute(arguments: argparse.Namespace) -> int:
    model, trainer = _load(arguments.file)
    description = model.describe()
    training = {} if trainer is None else _training(trainer)
    if arguments.json:
        print(json.dumps({**description, "training": training} if training else description))
        return 0
    for line in _lines(description):
        print(line)
    for name, value in training.items():
        print(f"{name.replace('_', ' ') + ':':18} {value}")
    return 0


def _load(path: str) -> tuple[rill.Model, Optional[rill.Trainer]]:
    """The model, or the checkpoint with its model. Of a file that is neither, the failure says what a model's reader says."""
    try:
        return rill.Model.load(path), None
    except rill.FormatError as error:
        first = error
    except rill.Error as error:
        raise Failure(str(error) if path in str(error) else f"{path}: {error}") from None
    try:
        trainer = rill.Trainer.load(path)
    except rill.Error:
        raise Failure(f"{path}: {first}") from None
    return trainer.model, trainer


def _training(trainer: rill.Trainer) -> dict[str, Any]:
    result: dict[str, Any] = {"updates": trainer.update_count, "learning_rate": trainer.learning_rate}
    if trainer._place is not None:
        result["epochs"] = trainer._place.epoch
        if trainer._place.update:
            result["updates_in_epoch"] = trainer._place.update
    return result


def _lines(description: dict[str, Any]) -> list[str]:
    configuration = description["configuration"]
    bytes_read = description["weight_bytes"]
    lines = [
        f"{'name:':18} {configuration['name']}" if configuration.get("name") else None,
        f"{'input:':18} {configuration['input']['kind']} of {description['input_size']}",
        f"{'output:':18} {description['output_size']}, one per {'sequence' if description['output_per_sequence'] else 'time step'}",
        f"{'parameters:':18} {description['parameter_values']:,}",
        f"{'multiply-adds:':18} {description['multiply_adds']:,} per time step",
        f"{'weight bytes:':18} " + ", ".join(f"{kind} {count:,}" for kind, count in bytes_read.items()) + " per time step",
        f"{'instruction set:':18} {description['instruction_set']}",
        "layers:",
    ]
    result = [line for line in lines if line is not None]
    counts = _values_by_layer(description)
    for number, layer in enumerate(configuration["layers"]):
        name = str(layer.get("name", number))
        options = ", ".join(f"{key} {_show(value)}" for key, value in layer.items() if key not in ("type", "name"))
        result.append(f"  {name:10} {layer['type']:10} {counts.get(name, 0):>12,} values  {options}")
    if configuration.get("metadata"):
        text = json.dumps(configuration["metadata"], ensure_ascii=False)
        result.append(f"{'metadata:':18} {text if len(text) <= 200 else text[:200] + '…'}")
    return result


def _values_by_layer(description: dict[str, Any]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for parameter in description["parameters"]:
        size = 1
        for dimension in parameter["shape"]:
            size *= dimension
        name = parameter["name"].split(".")[0]
        counts[name] = counts.get(name, 0) + size
    return counts


def _show(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
