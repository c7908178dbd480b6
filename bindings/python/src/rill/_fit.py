"""The loop over epochs that most programs want, and what it brings back."""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Optional, Union

from ._errors import ArgumentError

if TYPE_CHECKING:
    from .batch import Batch
    from .trainer import Trainer


@dataclass
class History:
    """Losses of every epoch of a fit, first to last."""

    loss: list[float] = field(default_factory=list)
    """Mean over the epoch's updates of the loss before each."""
    validation_loss: list[float] = field(default_factory=list)
    """After the epoch; empty without validation."""

    def plot(self, path: Union[str, os.PathLike[str]]) -> None:
        """Draws the losses over the epochs, on a logarithmic axis if all are above 0, into a picture file. Needs matplotlib."""
        from matplotlib.figure import Figure  # optional, and slow to import; Figure by itself needs no screen

        figure = Figure(figsize=(6, 4), layout="constrained")
        axes = figure.subplots()
        for values, label in ((self.loss, "training"), (self.validation_loss, "validation")):
            if values:
                axes.plot(range(1, len(values) + 1), values, label=label, marker="." if len(values) < 30 else None)
        if min(self.loss + self.validation_loss, default=0) > 0:
            axes.set_yscale("log")
        axes.set_xlabel("epoch")
        axes.set_ylabel("loss")
        axes.legend()
        figure.savefig(os.fspath(path))


def fit(
    trainer: Trainer,
    batches: Iterable[Batch],
    epochs: int,
    shuffle_seed: Optional[int],
    validation: Union[Batch, Sequence[Batch], None],
    progress: bool,
    publish: bool,
) -> History:
    """Trainer.fit; documented there."""
    order = list(batches)
    if not order:
        raise ArgumentError("batches: there are none")
    shuffler = None if shuffle_seed is None else random.Random(shuffle_seed)
    history = History()
    bar = _bar(epochs) if progress else None
    try:
        for _ in range(epochs):
            if shuffler is not None:
                shuffler.shuffle(order)
            history.loss.append(sum(trainer.update(batch) for batch in order) / len(order))
            if validation is not None:
                history.validation_loss.append(trainer.evaluate(validation)["loss"])
            if bar is not None:
                bar.set_postfix_str(_latest(history), refresh=False)
                bar.update()
    finally:
        if bar is not None:
            bar.close()
    if publish:
        trainer.model.publish()
    return history


def _bar(epochs: int) -> Any:
    """A bar over the epochs, or None without tqdm."""
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    return tqdm(total=epochs, unit="epoch")


def _latest(history: History) -> str:
    text = f"loss {history.loss[-1]:.4g}"
    return f"{text}, validation {history.validation_loss[-1]:.4g}" if history.validation_loss else text
