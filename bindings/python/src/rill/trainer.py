"""Trainers: an optimizer that writes the parameters of its model."""

from __future__ import annotations

import ctypes
import math
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Optional, Union

import numpy as np

from . import _arrays, _text
from ._arrays import Floats
from ._errors import ArgumentError, StateError, UnsupportedError, check
from ._handles import BatchHandle, TrainerHandle
from ._library import library
from ._trainer_fit import FittingTrainer
from .batch import Batch
from .model import Model


class Trainer(FittingTrainer):
    """An optimizer, its moments and its workspace. It changes the parameters of its model in place; calls of the model and streams see
    that after model.publish(), existing streams after their refresh() too.

    Threads: a trainer works for one thread at a time; a call waits until another thread's call of the same trainer is done. Two
    trainers of one model must not work at the same moment: StateError.
    """

    def __init__(
        self,
        model: Model,
        *,
        loss: Union[str, Mapping[str, Any]],
        seed: int,
        optimizer: Union[str, Mapping[str, Any]] = "adam",
        learning_rate: Optional[float] = None,
        clip_norm: Optional[float] = None,
        clip_value: Optional[float] = None,
        reduction: str = "mean",
        groups: Optional[Sequence[Mapping[str, Any]]] = None,
        schedule: Optional[Mapping[str, Any]] = None,
        average: Union[float, Mapping[str, Any], None] = None,
        keep_best: bool = False,
        patience: Optional[int] = None,
        min_delta: Optional[float] = None,
        accumulate: Optional[int] = None,
        stateful: Optional[bool] = None,
        burn_in: Optional[int] = None,
        truncation: Optional[Mapping[str, int]] = None,
        checkpoint_every: Optional[int] = None,
        threads: Optional[int] = None,
        **others: Any,
    ) -> None:
        """A trainer of model.

        loss: "mse" (mean squared error), "mae" (mean absolute error), "huber", "esr" (error-to-signal ratio, for audio); "cross_entropy"
            of class indices, for a last dense layer with activation "softmax" or "linear"; "bce" (binary cross-entropy), for "sigmoid" or
            "linear"; or a dict with options, such as {"type": "cross_entropy", "label_smoothing": 0.1, "class_weights": [1, 5]},
            {"type": "bce", "positive_weights": [10]}, {"type": "huber", "delta": 0.5} or {"type": "esr", "pre_emphasis": 0.95}; names
            and defaults are those of rill_trainer_create in rill.h, formulas stand in docs/losses.md.
        seed: of dropout, 0 <= seed < 2**64; the same seed, data and options give the same parameters.
        optimizer: "sgd", "adagrad", "rmsprop", "adam", "adamw", "nadam", or a dict such as {"type": "sgd", "learning_rate": 0.01,
            "momentum": 0.9}; names and defaults are those of rill_trainer_create in rill.h.
        learning_rate: of the optimizer; None for its default (adam and adamw 0.001, nadam 0.002, others 0.01).
        clip_norm: scale the gradient down to this global norm if it is longer. clip_value: then limit every element to +- this value.
        reduction: "mean" over the valid steps of the batch (cross_entropy), their elements (mse, mae, huber, bce), or sequences and outputs
            (esr), over the sum of weights if there are any; or "sum".
        groups: parameters to treat in their own way, by patterns of their names (* any characters, ? one); the first that matches counts:
            [{"parameters": "head.*"}, {"parameters": "*", "frozen": True}] learns the layer head alone. Other keys: "learning_rate_factor",
            "weight_decay".
        schedule: how the learning rate goes with the count of updates, such as {"type": "cosine", "t_max": 1000, "warmup": 50}; types are
            "constant", "step", "exponential", "cosine", "one_cycle", "plateau". Names and formulas: docs/training.md.
        average: decay of a moving average of the parameters, such as 0.999; see copy_parameters.
        keep_best: remember the parameters at the smallest loss given to set_validation_loss; see copy_parameters.
        patience: should_stop becomes True after this many losses given to set_validation_loss in a row that were not less than the
            smallest before them minus min_delta (None: 0).
        accumulate: an optimizer step after every so many batches, with the gradient of all of them; None for 1.
        stateful: True: each batch begins with the states in which the one before ended, lane by lane; see reset_state.
        burn_in: steps at the beginning of every batch that only find a state: no loss counts and no gradient reaches into them.
        truncation: {"update_every": k1, "backpropagate": k2}: an update after every k1 steps of a batch, propagated back through the last
            k2 >= k1 (default k1) of them. Not for a model with one output per sequence.
        checkpoint_every: save the activations of so many steps only, and compute them again in the backward pass: less memory, a fifth to a
            third more time, the same bits.
        threads: 1 ... 64, the calling one included; None for 1. The results have the same bits for every number.
        others: every other option of rill_trainer_create in rill.h, by its name there.

        Raises ArgumentError, FormatError (naming the option), UnsupportedError, OutOfMemoryError, StateError (closed model).
        """
        settings: dict[str, Any] = {"type": optimizer} if isinstance(optimizer, str) else dict(optimizer)
        if learning_rate is not None:
            if "learning_rate" in settings:
                raise ArgumentError("learning_rate: stands in optimizer too")
            settings["learning_rate"] = learning_rate
        given = {
            "groups": None if groups is None else [dict(group) for group in groups],
            "schedule": schedule,
            "average": {"decay": average} if isinstance(average, (int, float)) else average,
            "keep_best": True if keep_best else None,
            "patience": patience,
            "min_delta": min_delta,
            "clip_norm": clip_norm,
            "clip_value": clip_value,
            "accumulate": accumulate,
            "stateful": stateful,
            "burn_in": burn_in,
            "truncation": truncation,
            "checkpoint_every": checkpoint_every,
            "threads": threads,
            **others,
        }
        options: dict[str, Any] = {"loss": loss if isinstance(loss, str) else dict(loss), "optimizer": settings, "reduction": reduction}
        options.update({name: value for name, value in given.items() if value is not None})
        text = _text.to_json(options, "options")
        handle = TrainerHandle()
        check(library.rill_trainer_create(model._open(), _text.whole_number(seed, "seed"), text, ctypes.byref(handle)))
        self._model = model
        self._loss = loss if isinstance(loss, str) else loss["type"]
        self._stateful = stateful
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

        Returns "loss" (mean over all valid steps, so that unequal batches average rightly; weighted as in an update), "step_count" (valid
        steps that count), and of these steps, all alike: with cross_entropy "accuracy" (in 0 ... 1), "macro_f1" (mean of the F1 of the
        classes that occur), "perplexity"; with bce "accuracy" (of elements), "macro_f1" (of the outputs); with the others "mse", "mae", "r2"
        (mean over the outputs), in the network's own units. nan stands for what is not defined: r2 if a target never changes, macro_f1 if
        no output is or should be above 0.5.

        Raises as update; with several batches and a thread that updates in between, their losses may belong to different parameters.
        """
        with self._lock:
            check(library.rill_trainer_reset_metrics(self._open()))
        for batch in [batches] if isinstance(batches, Batch) else batches:
            with self._using(batch) as handle:
                check(library.rill_trainer_evaluate(self._open(), handle))
        result = {"loss": self.metric("loss"), "step_count": self.metric("step_count")}
        for name in ("accuracy", "macro_f1", "perplexity", "mse", "mae", "r2"):
            try:
                result[name] = self.metric(name)
            except UnsupportedError:
                pass
            except StateError:
                result[name] = math.nan
        return result

    @contextmanager
    def _using(self, batch: Batch) -> Iterator[BatchHandle]:
        """The batch's handle, while this trainer is locked and nobody writes the batch."""
        if not isinstance(batch, Batch):
            raise ArgumentError(f"batch: expected a Batch, got {type(batch).__name__}")
        with self._lock, batch._lock.shared():
            yield batch._open()

    def set_validation_loss(self, loss: float) -> None:
        """Tells a loss measured on data that is not learned from, for the schedule "plateau", keep_best and patience. Smaller is better. fit
        with validation does it.

        Raises ArgumentError (not finite), StateError (keep_best: parameters in use by another thread).
        """
        with self._lock:
            check(library.rill_trainer_set_validation_loss(self._open(), float(loss)))

    @property
    def should_stop(self) -> bool:
        """Whether the last validation losses have brought nothing, for as long as patience says."""
        return self.metric("should_stop") == 1

    def copy_parameters(self, source: str, model: Optional[Model] = None) -> None:
        """Copies remembered parameters into a model with the same parameters, None for the trained one: "best", those at the smallest
        validation loss (keep_best), or "average", the moving average (average). Calls and streams see them after model.publish().

        Raises ArgumentError (no such source; other parameters), StateError (the option is off; no update or validation has been; the model's
        parameters in use by another thread), DivergedError (an average that is not finite).
        """
        destination = self._model if model is None else model
        if not isinstance(destination, Model):
            raise ArgumentError(f"model: expected a Model, got {type(destination).__name__}")
        with self._lock:
            check(library.rill_trainer_copy_parameters(self._open(), _text.encode(source, "source"), destination._open()))

    @property
    def learning_rate(self) -> float:
        """What the schedule starts from, >= 0; may be set between updates. What it makes of it: metric("learning_rate")."""
        value = ctypes.c_double()
        with self._lock:
            check(library.rill_trainer_get_learning_rate(self._open(), ctypes.byref(value)))
        return value.value

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        with self._lock:
            check(library.rill_trainer_set_learning_rate(self._open(), float(value)))

    def metric(self, name: str) -> float:
        """A number by name: those of evaluate, of the last evaluation; "update_loss", "gradient_norm" (before clipping) of the last
        successful update; "update_count"; "learning_rate" that the next update takes, without factors of groups; "best_validation_loss",
        "validations_since_best", "should_stop".

        Raises ArgumentError (no such name), StateError (nothing evaluated, updated or validated yet, or not defined for what was),
        UnsupportedError (not with this loss).
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
