"""Where a fit stands, as bytes in a checkpoint."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any, Optional

from ._errors import FormatError
from .history import Columns, columns_to_json, read_columns

LIMIT = 2**20  # bytes that a checkpoint takes


@dataclass
class Place:
    """Everything that a fit counts."""

    epoch: int = 0
    """Epochs that are over."""
    update: int = 0
    """Updates made in the one that is under way."""
    total: int = 0
    """Updates in all."""
    loss_sum: float = 0.0
    """Of the updates in the epoch under way."""
    norm_sum: float = 0.0
    norm_count: int = 0
    """The same of their gradient norms; an update that only accumulates may have none."""
    epochs: Columns = field(default_factory=dict)
    """History.epochs."""
    loss: Any = None
    stateful: Optional[bool] = None
    """How the trainer was made."""

    def end_update(self, loss: float, norm: float) -> None:
        self.update += 1
        self.total += 1
        self.loss_sum += loss
        if not math.isnan(norm):
            self.norm_sum += norm
            self.norm_count += 1

    def end_epoch(self) -> None:
        self.epoch, self.update, self.loss_sum, self.norm_sum, self.norm_count = self.epoch + 1, 0, 0.0, 0.0, 0

    @property
    def mean_loss(self) -> float:
        return self.loss_sum / self.update

    @property
    def mean_norm(self) -> float:
        return self.norm_sum / self.norm_count if self.norm_count else math.nan

    def to_bytes(self) -> bytes:
        """For Trainer.data. The columns are left out if they are beyond what a checkpoint takes."""
        content = {**vars(self), "epochs": columns_to_json(self.epochs), "format": "rill-fit"}
        text = json.dumps(content).encode()
        return text if len(text) <= LIMIT else json.dumps({**content, "epochs": {}}).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Optional[Place]:
        """None for what is not of a fit, but of the host."""
        try:
            content = json.loads(data)
        except ValueError:
            return None
        if not isinstance(content, dict) or content.pop("format", None) != "rill-fit":
            return None
        try:
            place = cls(**content)
            place.epochs = read_columns(place.epochs, "epochs")
        except TypeError as error:
            raise FormatError(f"the place of the fit in the checkpoint: {error}") from None
        return place
