"""What a fit brings back: numbers of every update and every epoch."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Optional, Union

from ._errors import FileError, FormatError

Columns = dict[str, list[float]]
FORMAT = "rill-history"


@dataclass
class History:
    """Columns of numbers, which pandas.DataFrame takes as they are."""

    updates: Columns = field(default_factory=dict)
    """Of every update: "epoch" and "update" (from 0), "loss" before it, "learning_rate", "gradient_norm" before clipping."""
    epochs: Columns = field(default_factory=dict)
    """Of every epoch: "epoch"; "updates", the count of updates up to its end; "loss", "gradient_norm": means over its updates;
    "learning_rate" of its last one; "seconds" without validation; "steps_per_second": valid time steps of all sequences; and "validation_"
    with the name of each metric that Trainer.evaluate gives."""
    stopped: str = ""
    """Why it ended before its time; empty if it did not."""

    @property
    def loss(self) -> list[float]:
        """Of every epoch: the mean over its updates of the loss before each."""
        return self.epochs.get("loss", [])

    @property
    def validation_loss(self) -> list[float]:
        """After every epoch; empty without validation."""
        return self.epochs.get("validation_loss", [])

    def add_update(self, logs: Mapping[str, float]) -> None:
        """Appends an update to every column; what is not in logs is NaN."""
        _append(self.updates, logs)

    def add_epoch(self, logs: Mapping[str, float]) -> None:
        """Appends an epoch to every column."""
        _append(self.epochs, logs)

    def plot(self, path: Union[str, os.PathLike[str], None] = None) -> Any:
        """Draws loss and validation loss, learning rate and gradient norm over the updates. Needs matplotlib.

        path: None, or a picture file to write (its ending says the format). Returns the matplotlib.figure.Figure.
        """
        from ._plots import draw_history  # matplotlib is optional, and slow to import

        figure = draw_history(self)
        if path is not None:
            figure.savefig(os.fspath(path))
        return figure

    def save(self, path: Union[str, os.PathLike[str]]) -> None:
        """Writes a JSON file: {"format": "rill-history", "updates": …, "epochs": …, "stopped": …}, null for NaN. Raises FileError."""
        content = {
            "format": FORMAT,
            "updates": columns_to_json(self.updates),
            "epochs": columns_to_json(self.epochs),
            "stopped": self.stopped,
        }
        try:
            with open(path, "w", encoding="utf-8") as file:
                json.dump(content, file, allow_nan=False)
        except OSError as error:
            raise FileError(f"{os.fspath(path)}: {error.strerror}") from None

    @classmethod
    def load(cls, path: Union[str, os.PathLike[str]]) -> History:
        """The history in such a file. Raises FileError, FormatError."""
        try:
            with open(path, encoding="utf-8") as file:
                content = json.load(file)
        except OSError as error:
            raise FileError(f"{os.fspath(path)}: {error.strerror}") from None
        except ValueError as error:
            raise FormatError(f"{os.fspath(path)}: {error}") from None
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise FormatError(f'{os.fspath(path)}: not a history, which says "format": "{FORMAT}"')
        updates, epochs = (read_columns(content.get(name, {}), f"{os.fspath(path)}: {name}") for name in ("updates", "epochs"))
        return cls(updates, epochs, str(content.get("stopped", "")))


def _append(columns: Columns, logs: Mapping[str, float]) -> None:
    count = max((len(column) for column in columns.values()), default=0)
    for name in logs:
        columns.setdefault(name, [math.nan] * count)
    for name, column in columns.items():
        column.append(logs.get(name, math.nan))


def columns_to_json(columns: Columns) -> dict[str, list[Optional[float]]]:
    return {name: [value if math.isfinite(value) else None for value in column] for name, column in columns.items()}


def read_columns(columns: Any, name: str) -> Columns:
    """Columns from JSON, null as NaN. Raises FormatError."""
    try:
        result = {str(key): [math.nan if value is None else value + 0 for value in column] for key, column in columns.items()}
    except (AttributeError, TypeError):
        raise FormatError(f"{name}: expected an object with lists of numbers") from None
    if len({len(column) for column in result.values()}) > 1:
        raise FormatError(f"{name}: the lists are of unequal length")
    return result
