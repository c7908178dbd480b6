"""Fitting a model, in one call."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Optional, Union, cast

from numpy.typing import ArrayLike

from ._errors import ArgumentError
from ._handles import ModelHandle
from ._objects import NativeObject
from .callbacks import CallbackLike

if TYPE_CHECKING:
    from .history import History
    from .model import Model


class FittingModel(NativeObject[ModelHandle]):
    """A model that is trained by one call."""

    history: Optional[History] = None
    """Of the last fit, also of one that an exception ended."""

    def fit(
        self,
        x: Any,
        y: Any = None,
        *,
        loss: Union[str, Mapping[str, Any]],
        epochs: int,
        batch_size: int = 32,
        sequence_length: Optional[int] = None,
        stride: Optional[int] = None,
        lengths: Optional[ArrayLike] = None,
        weights: Any = None,
        steps_per_epoch: Optional[int] = None,
        shuffle: Optional[bool] = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        optimizer: Union[str, Mapping[str, Any]] = "adam",
        learning_rate: Optional[float] = None,
        schedule: Optional[Mapping[str, Any]] = None,
        clip_norm: Optional[float] = None,
        patience: Optional[int] = None,
        keep_best: bool = False,
        stateful: bool = False,
        callbacks: Union[CallbackLike, Iterable[CallbackLike]] = (),
        progress: bool = True,
        checkpoint: Union[str, os.PathLike[str], None] = None,
        seed: int = 0,
        **options: Any,
    ) -> History:
        """Trains the model on data, epochs times, and publishes it.

        x, y: inputs and answers: arrays of sequences [sequences][time][…], one long sequence [time][…], a list of unequal sequences,
            batches, or an iterable of (x, y). Trainer.fit says all about them and about batch_size, sequence_length, stride, lengths,
            weights, steps_per_epoch, shuffle, validation_split, validation_data, callbacks, progress and checkpoint.
        loss, optimizer, learning_rate, clip_norm: as Trainer takes them.
        schedule: how the learning rate goes with the updates, for example {"type": "cosine", "t_max": 1000, "warmup": 100}.
        patience: end the training after so many validations in a row without a better loss.
        keep_best: at the end the model gets the parameters of the best validation.
        stateful: the state is carried from a window to the next: for one long sequence, or sequences of one length.
        seed: of dropout and of the order of the samples: the same seed, data and options give the same parameters.
        options: every other option of Trainer: reduction, clip_value, average, groups, min_delta, accumulate, burn_in, truncation, threads,
            … With average (and without keep_best) the model gets the moving average of the parameters at the end.

        Returns the history, which is also self.history. On KeyboardInterrupt self.history keeps what there is of it, the checkpoint is
        written if it has a path, the model keeps and publishes what it learned, and the exception goes on to the caller.
        Raises ArgumentError, FormatError (naming the option), UnsupportedError, StateError, OutOfMemoryError, DivergedError.
        """
        from .trainer import Trainer  # not at the top: the two classes name each other

        needs_validation = {"patience": patience is not None, "keep_best": keep_best, "schedule": _is_plateau(schedule)}
        if not validation_split and validation_data is None:
            for name, is_set in needs_validation.items():
                if is_set:
                    raise ArgumentError(f"{name}: follows the validation loss; give validation_split or validation_data")
        optional = {"schedule": schedule, "patience": patience, "keep_best": keep_best or None, "stateful": stateful or None}
        options.update({name: value for name, value in optional.items() if value is not None})
        trainer = Trainer(
            cast("Model", self), loss=loss, seed=seed, optimizer=optimizer, learning_rate=learning_rate, clip_norm=clip_norm, **options
        )
        return trainer.fit(
            x,
            y,
            epochs=epochs,
            batch_size=batch_size,
            sequence_length=sequence_length,
            stride=stride,
            lengths=lengths,
            weights=weights,
            steps_per_epoch=steps_per_epoch,
            shuffle=shuffle,
            seed=seed,
            validation_split=validation_split,
            validation_data=validation_data,
            callbacks=callbacks,
            progress=progress,
            checkpoint=checkpoint,
            restore="best" if keep_best else "average" if "average" in options else None,
        )

    def evaluate(
        self,
        x: Any,
        y: Any = None,
        *,
        loss: Union[str, Mapping[str, Any]],
        batch_size: int = 32,
        sequence_length: Optional[int] = None,
        lengths: Optional[ArrayLike] = None,
        weights: Any = None,
    ) -> dict[str, float]:
        """Loss and metrics on data, with the current parameters, published or not; no dropout, and nothing is changed.

        x, y and the rest: as fit takes them. With sequence_length longer sequences are evaluated in windows that begin in the initial
            state.
        Returns what Trainer.evaluate does. Raises ArgumentError, FormatError, UnsupportedError, StateError, OutOfMemoryError.
        """
        from ._prepare import Preparation
        from .trainer import Trainer

        model = cast("Model", self)
        data = x if y is None and lengths is None and weights is None else (x, y, lengths, weights)
        preparation = Preparation(model, loss, False, batch_size, sequence_length, None, None, None, 0)
        validation = preparation.validation(data)
        if validation is None:
            raise ArgumentError("x: None")
        return Trainer(model, loss=loss, seed=0).evaluate(validation())


def _is_plateau(schedule: Optional[Mapping[str, Any]]) -> bool:
    return isinstance(schedule, Mapping) and schedule.get("type") == "plateau"
