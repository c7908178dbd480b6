"""What is fixed for a model and everything made from it: sizes, kinds, names and shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Architecture:
    """Read once from rill_model_describe, and shared by a model, its streams, batches and trainers."""

    input_kind: str
    input_size: int
    output_size: int
    output_per_sequence: bool
    parameter_shapes: Mapping[str, tuple[int, ...]]
    state_shapes: Mapping[str, tuple[int, int]]
    """Name of a state -> (num_layers, hidden_size): without the batch."""
    summary: str
    """One line for repr()."""

    @property
    def reads_tokens(self) -> bool:
        return self.input_kind == "token"


def read_architecture(description: dict[str, Any]) -> Architecture:
    """The architecture in what rill_model_describe says."""
    configuration = description["configuration"]
    kind, size = configuration["input"]["kind"], description["input_size"]
    name = configuration.get("name")
    layers = ", ".join(_layer(layer) for layer in configuration["layers"])
    return Architecture(
        input_kind=kind,
        input_size=size,
        output_size=description["output_size"],
        output_per_sequence=description["output_per_sequence"],
        parameter_shapes={entry["name"]: tuple(entry["shape"]) for entry in description["parameters"]},
        state_shapes={entry["name"]: tuple(entry["shape"]) for entry in description["states"]},
        summary=f"{name + ': ' if name else ''}{kind} {size} -> {layers} -> {description['output_size']}, "
        f"{description['parameter_values']} parameters",
    )


def _layer(layer: dict[str, Any]) -> str:
    sizes = ("hidden_size", "output_size", "embedding_dim", "p")
    return f"{layer['type']}({', '.join(str(layer[key]) for key in sizes if key in layer)})"
