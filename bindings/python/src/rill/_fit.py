"""The loop over epochs and updates."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Optional, Union

from ._errors import FileError, StateError
from ._interrupts import Interrupts
from ._place import Place
from ._progress import Progress
from ._sources import Source, Step
from .callbacks import Callbacks, Logs, StopTraining
from .history import History

if TYPE_CHECKING:
    from .batch import Batch
    from .trainer import Trainer


@dataclass
class Plan:
    """What a fit is to do."""

    source: Source
    validation: Optional[Callable[[], Iterable[Batch]]]
    """Gives the batches to validate on, each time anew."""
    epochs: int
    callbacks: Callbacks
    progress: bool
    checkpoint: Union[str, os.PathLike[str], None]
    restore: Optional[str]
    publish: bool


def run(trainer: Trainer, plan: Plan, place: Place) -> History:
    """Trainer.fit from that place on; documented there."""
    if plan.checkpoint is not None and not Path(os.fsdecode(plan.checkpoint)).absolute().parent.is_dir():
        # Said now, and not after the first epoch.
        raise FileError(f"checkpoint: {os.fsdecode(plan.checkpoint)}: there is no such folder")
    history = History(epochs=place.epochs)
    trainer.history = trainer.model.history = history
    progress = Progress(plan.epochs, plan.source.update_count, plan.progress)
    try:
        with Interrupts() as interrupts:
            try:
                _epochs(trainer, plan, place, history, progress, interrupts)
            except StopTraining as stop:
                history.stopped = str(stop) or "by a callback"
    except KeyboardInterrupt:
        history.stopped = "by an interrupt"
        progress.close()
        if plan.checkpoint is not None:
            _save(trainer, plan.checkpoint, place)
        if plan.publish:
            trainer.model.publish()
        raise
    finally:
        progress.close()
    if plan.restore is not None:
        trainer.copy_parameters(plan.restore)
    if plan.publish:
        trainer.model.publish()
    try:
        plan.callbacks.call("on_fit_end", history)
    except StopTraining:
        pass  # it has
    return history


def _epochs(trainer: Trainer, plan: Plan, place: Place, history: History, progress: Progress, interrupts: Interrupts) -> None:
    plan.callbacks.call("on_fit_begin", trainer)
    while place.epoch < plan.epochs:
        plan.callbacks.call("on_epoch_begin", place.epoch)
        progress.begin_epoch(place.epoch, place.update)
        for step in plan.source.epoch(place.epoch, place.update):
            with interrupts.held():
                logs = _update(trainer, step, place)
                history.add_update(logs)
                progress.update(logs, int(step.batch._lengths.sum()))
            plan.callbacks.call("on_update_end", place.total - 1, logs)
        logs = {
            "epoch": place.epoch,
            "updates": place.total,
            "loss": place.mean_loss,
            "gradient_norm": place.mean_norm,
            "learning_rate": history.updates["learning_rate"][-1] if history.updates else trainer.metric("learning_rate"),
            "seconds": progress.seconds,
            "steps_per_second": progress.steps_per_second,
        }
        metrics = {} if plan.validation is None else trainer.evaluate(plan.validation())
        logs.update({f"validation_{name}": value for name, value in metrics.items() if name != "step_count"})
        with interrupts.held():
            # What an epoch leaves behind belongs together: an interrupt finds all of it or nothing.
            if plan.validation is not None:
                trainer.set_validation_loss(metrics["loss"])
            history.add_epoch(logs)
            place.end_epoch()
            progress.end_epoch(logs)
            if plan.checkpoint is not None:
                _save(trainer, plan.checkpoint, place)
        plan.callbacks.call("on_epoch_end", place.epoch - 1, logs)
        if plan.validation is not None and trainer.should_stop:
            raise StopTraining("by patience")


def _update(trainer: Trainer, step: Step, place: Place) -> Logs:
    if step.begins and place.stateful:
        trainer.reset_state()
    rate = trainer.metric("learning_rate")
    loss = trainer.update(step.batch)
    try:
        norm = trainer.gradient_norm
    except StateError:  # gradients accumulate, and there was no update yet
        norm = math.nan
    logs: Logs = {
        "epoch": place.epoch,
        "update": place.total,
        "loss": loss,
        "learning_rate": rate,
        "gradient_norm": norm,
    }
    place.end_update(loss, norm)
    return logs


def _save(trainer: Trainer, path: Union[str, os.PathLike[str]], place: Place) -> None:
    trainer.data = place.to_bytes()
    trainer.save(path)
