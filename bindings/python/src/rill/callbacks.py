"""What a program can do while a fit is under way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Callable, Optional, Union

from ._errors import ArgumentError

if TYPE_CHECKING:
    from .history import History
    from .trainer import Trainer

Logs = dict[str, float]

HOOKS = ("on_fit_begin", "on_epoch_begin", "on_update_end", "on_epoch_end", "on_fit_end")


class StopTraining(Exception):
    """Raised in a callback (or in the iterator that brings the data) it ends a fit, which then returns its history as usual. Its text is
    kept in history.stopped."""


class Callback:
    """Hooks of a fit. Any object with some of these methods will do; inheriting from this class is not needed.

    A hook that returns "stop" ends the training, and so does StopTraining. Every other exception ends the fit and reaches its caller.
    """

    def on_fit_begin(self, trainer: Trainer) -> Optional[str]:
        """Before the first epoch. trainer.model is the model; trainer.learning_rate may be set here and later."""

    def on_epoch_begin(self, epoch: int) -> Optional[str]:
        """Before the first update of an epoch, 0 for the first."""

    def on_update_end(self, update: int, logs: Logs) -> Optional[str]:
        """After an update, 0 for the first of the fit. logs: "epoch", "update", "loss", "learning_rate", "gradient_norm"."""

    def on_epoch_end(self, epoch: int, logs: Logs) -> Optional[str]:
        """After an epoch and its validation. logs: what History.epochs keeps of it, such as "loss" and "validation_loss"."""

    def on_fit_end(self, history: History) -> Optional[str]:
        """After the last epoch, or after the training was stopped; not after an exception."""


CallbackLike = Union[Callback, Callable[[int, Logs], Optional[str]], Any]
"""A function is taken for on_epoch_end."""


class Callbacks:
    """The callbacks of a fit, called one after the other."""

    def __init__(self, callbacks: Union[CallbackLike, Iterable[CallbackLike]]) -> None:
        """Raises ArgumentError for what has no hook and is no function."""
        items = list(callbacks) if isinstance(callbacks, Iterable) else [callbacks]
        self._hooks: dict[str, list[Callable[..., Optional[str]]]] = {name: [] for name in HOOKS}
        for item in items:
            found = {name: getattr(item, name) for name in HOOKS if callable(getattr(item, name, None))}
            if not found and callable(item):
                found = {"on_epoch_end": item}
            if not found:
                raise ArgumentError(f"callbacks: {type(item).__name__} is no function and has none of {', '.join(HOOKS)}")
            for name, hook in found.items():
                self._hooks[name].append(hook)

    def call(self, name: str, *arguments: Any) -> None:
        """Calls that hook of all. Raises StopTraining if one says so, after the others had their turn."""
        # Not a generator in any(): every callback is to see the event, also if one before it stops the training.
        if "stop" in [hook(*arguments) for hook in self._hooks[name]]:
            raise StopTraining("by a callback")
