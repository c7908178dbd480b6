"""The configuration file of a training: a model, and how to train it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from ._failure import Failure
from ._options import read_json

SEQUENCE_LENGTH = 100
"""Steps of a window of one long sequence, if nothing else is said."""
ROLES = ("input", "target", "ahead", "group")
DATA_OPTIONS = ("epochs", "batch_size", "sequence_length", "stride", "shuffle")
"""What Trainer.fit takes; the rest is for the trainer."""


def read_configuration(path: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The model's configuration, and the object "training". Raises Failure."""
    content = read_json(path)
    if not isinstance(content, dict):
        raise Failure(f"{path}: expected an object")
    training = content.pop("training", {})
    if not isinstance(training, dict):
        raise Failure(f"{path}: training: expected an object")
    return content, training


def fill_sizes(configuration: dict[str, Any], kind: str, input_size: int, output_size: int, path: str) -> None:
    """Puts in what follows from the data: the input, and the output_size of a last dense layer. What stands there already must agree."""
    given = configuration.setdefault("input", {})
    layers = configuration.get("layers")
    if not isinstance(given, dict) or not isinstance(layers, list) or not layers or not isinstance(layers[-1], dict):
        return  # the library says what is wrong with it
    _fill(given, "kind", kind, f"{path}: input.kind")
    _fill(given, "size", input_size, f"{path}: input.size")
    if layers[-1].get("type") == "dense":
        _fill(layers[-1], "output_size", output_size, f"{path}: layers[{len(layers) - 1}].output_size", at_least=True)


def _fill(content: dict[str, Any], key: str, value: Any, where: str, at_least: bool = False) -> None:
    given = content.setdefault(key, value)
    if given != value and not (at_least and isinstance(given, int) and given > value):
        raise Failure(f"{where}: is {given!r}, but the data need {value!r}")


def normalize(configuration: dict[str, Any], inputs: NDArray[Any], targets: Optional[NDArray[Any]]) -> None:
    """Mean and standard deviation of data [n][size] as shift and scale, so that hosts pass and read raw units. A constant column keeps its
    scale."""

    def statistics(values: NDArray[Any]) -> dict[str, list[float]]:
        values = values.astype(np.float64)
        deviation = values.std(axis=0)
        return {"shift": values.mean(axis=0).tolist(), "scale": np.where(deviation > 0, deviation, 1).tolist()}

    configuration["input"].update(statistics(inputs))
    if targets is not None:
        configuration["output"] = statistics(targets)


def loss_name(loss: Any) -> Any:
    return loss.get("type") if isinstance(loss, Mapping) else loss
