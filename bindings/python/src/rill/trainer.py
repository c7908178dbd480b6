"""Trainers: an optimizer that writes the parameters of its model."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Optional, Union

import numpy as np

from . import _arrays, _text
from ._arrays import Floats
from ._errors import ArgumentError, UnsupportedError, check
from ._fit import History, fit
from ._handles import BatchHandle, TrainerHandle
from ._library import library
from ._objects import NativeObject
from .batch import Batch
from .model import Model


class Trainer(NativeObject[TrainerHandle]):
    """An optimizer, its moments and its workspace. It changes the parameters of its model in place; calls of the model and streams see
    that after model.publish(), existing streams after their refresh() too.

    Threads: a trainer works for one thread at a time; a call waits until another thread's call of the same trainer is done. Two
    trainers of one model must not work at the same moment: StateError.
    """

    def __init__(
        self,
        model: Model,
        *,
        loss: str,
        seed: int,
        optimizer: Union[str, Mapping[str, Any]] = "adam",
        learning_rate: Optional[float] = None,
        clip_norm: Optional[float] = None,
        clip_value: Optional[float] = None,
        reduction: str = "mean",
    ) -> None:
        """A trainer of model.

        loss: "mse" mean squared error; "cross_entropy" of class indices, for a last dense layer with activation "softmax" or "linear";
            "bce" binary cross-entropy, for "sigmoid" or "linear".
        seed: of dropout, 0 <= seed < 2**64; the same seed, data and options give the same parameters.
        optimizer: "sgd", "rmsprop", "adam", or a dict such as {"type": "sgd", "learning_rate": 0.01, "momentum": 0.9}; names and defaults
            are those of rill_trainer_create in rill.h.
        learning_rate: of the optimizer; None for its default (adam 0.001, others 0.01).
        clip_norm: scale the gradient down to this global norm if it is longer. clip_value: then limit every element to +- this value.
        reduction: "mean" over the valid steps of the batch (for mse and bce over their elements), or "sum".

        Raises ArgumentError, FormatError (naming the option), UnsupportedError, OutOfMemoryError, StateError (closed model).
        """
        settings: dict[str, Any] = {"type": optimizer} if isinstance(optimizer, str) else dict(optimizer)
        if learning_rate is not None:
            if "learning_rate" in settings:
                raise ArgumentError("learning_rate: stands in optimizer too")
            settings["learning_rate"] = learning_rate
        options: dict[str, Any] = {"loss": loss, "optimizer": settings, "reduction": reduction}
        if clip_norm is not None:
            options["clip_norm"] = clip_norm
        if clip_value is not None:
            options["clip_value"] = clip_value
        text = _text.to_json(options, "options")
        handle = TrainerHandle()
        check(library.rill_trainer_create(model._open(), _text.whole_number(seed, "seed"), text, ctypes.byref(handle)))
        self._model = model
        self._loss = loss
        self._lock = threading.Lock()
        self._handle = handle

    @property
    def model(self) -> Model:
        """The model that is trained."""
        return self._model

    def update(self, batch: Batch) -> float:
        """One optimizer step on a batch. Returns the loss of the batch before the step.

        Raises StateError (no targets or classes in the batch, as the loss needs them; parameters in use by another thread),
        OutOfMemoryError; DivergedError (loss, gradient or an updated parameter is not finite): then parameters and moments are as before;
        lower the learning rate or skip the batch, and go on.
        """
        loss = ctypes.c_double()
        with self._using(batch) as handle:
            check(library.rill_trainer_update(self._open(), handle, ctypes.byref(loss)))
        return loss.value

    def evaluate(self, batches: Union[Batch, Iterable[Batch]]) -> dict[str, float]:
        """Loss over a batch or several, without dropout and without changing a parameter.

        Returns "loss" (mean over all valid steps, so that unequal batches average rightly), "step_count" (valid steps), and "accuracy"
        in 0 ... 1, unless the loss is "mse". Raises as update; with several batches and a thread that updates in between, their losses
        may belong to different parameters.
        """
        with self._lock:
            check(library.rill_trainer_reset_metrics(self._open()))
        for batch in [batches] if isinstance(batches, Batch) else batches:
            with self._using(batch) as handle:
                check(library.rill_trainer_evaluate(self._open(), handle))
        result = {"loss": self.metric("loss"), "step_count": self.metric("step_count")}
        with suppress(UnsupportedError):
            result["accuracy"] = self.metric("accuracy")
        return result

    @contextmanager
    def _using(self, batch: Batch) -> Iterator[BatchHandle]:
        """The batch's handle, while this trainer is locked and nobody writes the batch."""
        if not isinstance(batch, Batch):
            raise ArgumentError(f"batch: expected a Batch, got {type(batch).__name__}")
        with self._lock, batch._lock.shared():
            yield batch._open()

    def fit(
        self,
        batches: Iterable[Batch],
        epochs: int,
        *,
        shuffle_seed: Optional[int] = None,
        validation: Union[Batch, Sequence[Batch], None] = None,
        progress: bool = True,
        publish: bool = True,
    ) -> History:
        """Updates on every batch, epochs times.

        shuffle_seed: puts the batches into a new order in every epoch, the same for the same seed; None keeps the order.
        validation: evaluated after every epoch.
        progress: show a bar, if tqdm is installed.
        publish: publish the model at the end.

        Returns the losses of every epoch. Raises as update; what was learned so far stays in the model's parameters.
        """
        return fit(self, batches, epochs, shuffle_seed, validation, progress, publish)

    @property
    def learning_rate(self) -> float:
        """Finite and >= 0; may be set between updates."""
        value = ctypes.c_double()
        with self._lock:
            check(library.rill_trainer_get_learning_rate(self._open(), ctypes.byref(value)))
        return value.value

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        with self._lock:
            check(library.rill_trainer_set_learning_rate(self._open(), float(value)))

    def metric(self, name: str) -> float:
        """A number by name: "loss", "accuracy", "step_count" of the last evaluation; "update_loss", "gradient_norm" (before clipping) of
        the last successful update; "update_count".

        Raises ArgumentError (no such name), StateError (nothing evaluated or updated yet), UnsupportedError ("accuracy" with mse).
        """
        value = ctypes.c_double()
        with self._lock:
            check(library.rill_trainer_get_metric(self._open(), _text.encode(name, "name"), ctypes.byref(value)))
        return value.value

    @property
    def gradient_norm(self) -> float:
        """Euclidean norm of the whole gradient of the last update, before clipping. Raises StateError (no update yet)."""
        return self.metric("gradient_norm")

    @property
    def update_count(self) -> int:
        """Successful updates."""
        return int(self.metric("update_count"))

    def gradient(self, name: str) -> Floats:
        """The gradient of the last update's loss with respect to a parameter, before clipping; shape as the parameter's.

        Raises ArgumentError (no such name), StateError (no update yet).
        """
        shape = self._model._architecture.parameter_shapes.get(name)
        if shape is None:
            raise ArgumentError(f"name: no parameter named {name!r}")
        values = np.empty(shape, dtype=np.float32)
        with self._lock:
            check(library.rill_trainer_get_gradient(self._open(), name.encode(), _arrays.pointer(values), values.size))
        return values

    def _describe(self) -> str:
        return f"with {self._loss} of {self._model!r}"
