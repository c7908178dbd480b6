"""Fitting with a trainer."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Optional, Union, cast

from numpy.typing import ArrayLike

from . import _fit
from ._errors import ArgumentError
from ._place import Place
from ._prepare import Preparation
from ._resume import ResumableTrainer
from .callbacks import CallbackLike, Callbacks
from .history import History

if TYPE_CHECKING:
    from .trainer import Trainer


class FittingTrainer(ResumableTrainer):
    """A trainer that takes whole data sets."""

    history: Optional[History] = None
    """Of the last fit, also of one that an exception ended."""

    def fit(
        self,
        x: Any,
        y: Any = None,
        *,
        epochs: int,
        batch_size: int = 32,
        sequence_length: Optional[int] = None,
        stride: Optional[int] = None,
        lengths: Optional[ArrayLike] = None,
        weights: Any = None,
        steps_per_epoch: Optional[int] = None,
        shuffle: Optional[bool] = None,
        seed: int = 0,
        validation_split: float = 0.0,
        validation_data: Any = None,
        callbacks: Union[CallbackLike, Iterable[CallbackLike]] = (),
        progress: bool = True,
        checkpoint: Union[str, os.PathLike[str], None] = None,
        restore: Optional[str] = None,
        publish: bool = True,
    ) -> History:
        """Learns from data, epochs times.

        x: one of
            - an array of sequences [sequences][time][input_size], of a token model integers [sequences][time]; with lengths [sequences] if
              they are padded;
            - one long sequence [time][input_size] (tokens: [time]). It is cut into windows of sequence_length; for a stateful trainer into
              batch_size lanes, whose state is carried from window to window. Without sequence_length it is a single sample;
            - a list of sequences of unequal length: those of similar length are padded into one batch;
            - a Batch or a list of them, taken as they are, in their order unless shuffle is True;
            - an iterable of Batch or (x, y), each for one update, x [sequences][time][…]. An iterator goes on from epoch to epoch and needs
              steps_per_epoch; of another iterable an epoch is all it brings, or its first steps_per_epoch batches.
        y: what to answer: targets [sequences][time][output_size], or class indices [sequences][time] for "cross_entropy"; for a model with
            one output per sequence [sequences][output_size] or [sequences]. For one long sequence without the first dimension; a model with
            one output per sequence then answers, for every window, what stands at its last step. A last dimension of 1 may be left out.
            None: a token model learns to predict the next token.
        batch_size: sequences, windows or lanes in an update.
        sequence_length: steps of a window; longer sequences are cut too. stride: from one window's beginning to the next's; None for
            sequence_length.
        weights: of the steps in the loss, [sequences][time] or [sequences], as classes lie.
        shuffle: a new order in every epoch, the same for the same seed. None: yes, unless the batches are the caller's or the trainer is
            stateful.
        validation_split: this share of x and y is held out, the last part in time or of the sequences; it is evaluated after every epoch.
            Or validation_data: (x, y), x alone if there is no y, a Batch or a list of them. Windows are cut as for training; for a stateful
            trainer the data lie in up to batch_size lanes, each evaluated from beginning to end.
        callbacks: functions f(epoch, logs) to call after every epoch, or objects with some of the hooks of rill.Callback.
        progress: show a bar, if tqdm is installed.
        checkpoint: a file to write after every epoch, and on an interrupt. Trainer.load(checkpoint).fit(…) with the same data and options
            goes on from there, to epochs in all, and ends with the same bits as a fit that nobody interrupted.
        restore: "best" or "average": at the end the model gets the parameters of the best validation (trainer option keep_best), or their
            moving average (trainer option average).
        publish: publish the model at the end, also after an interrupt.

        Returns the history, which is also self.history and self.model.history. On KeyboardInterrupt both keep what there is of it, the
        checkpoint is written if it has a path, the learned parameters stay in the model, and the exception goes on to the caller.
        Raises ArgumentError, and as update; then, too, what was learned so far stays in the model's parameters.
        """
        if restore not in (None, "best", "average"):
            raise ArgumentError(f'restore: expected None, "best" or "average", got {restore!r}')
        place = self._place or Place(loss=self._loss, stateful=self._stateful)
        stateful = bool(place.stateful)
        preparation = Preparation(self._model, place.loss, stateful, batch_size, sequence_length, stride, steps_per_epoch, shuffle, seed)
        source, validation = preparation.sources(x, y, lengths, weights, validation_split, validation_data)
        if source.update_count is None and iter(x) is x and epochs > 1:
            raise ArgumentError("steps_per_epoch: needed, because an iterator can be gone through only once")
        plan = _fit.Plan(source, validation, epochs, Callbacks(callbacks), progress, checkpoint, restore, publish)
        self._place = None
        return _fit.run(cast("Trainer", self), plan, place)
