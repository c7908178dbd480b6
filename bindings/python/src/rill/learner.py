"""A model that keeps learning while it streams."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, Optional, Union

import numpy as np
from numpy.typing import ArrayLike

from . import _arrays, _text
from ._arrays import Floats
from ._errors import ArgumentError, DivergedError
from .batch import Batch
from .model import Model
from .stream import Stream
from .trainer import Trainer


class OnlineLearner:
    """A live stream that learns, every few steps, from the last ones.

    An update begins in the state that the stream really had at the first step it learns from, propagates back through at most window steps,
    publishes the model and refreshes the stream. So every step takes a bounded time, and one in update_every an update's time more.

    Threads: a learner works for one thread at a time. Other streams of the model may run elsewhere, and see what was learned after
    their refresh().
    """

    def __init__(
        self,
        model: Model,
        *,
        loss: Union[str, Mapping[str, Any]],
        window: int,
        update_every: int,
        learning_rate: Optional[float] = None,
        batch_size: int = 1,
        seed: int = 0,
        **options: Any,
    ) -> None:
        """A learner on a new stream of batch_size lanes, in the model's initial state.

        loss, learning_rate, seed: as Trainer takes them; options: its other options, such as clip_norm and optimizer.
        window: steps that an update learns from (fewer until there are so many), a multiple of update_every.
        update_every: steps from one update to the next.

        Raises ArgumentError (also for a model with one output per sequence), and as Trainer and Stream.
        """
        self._window, self._every = _text.whole_number(window, "window"), _text.whole_number(update_every, "update_every")
        if self._every == 0 or self._window == 0 or self._window % self._every:
            raise ArgumentError(f"window: expected a multiple of update_every ({update_every}), 1 or more times it, got {window}")
        if model.output_per_sequence:
            raise ArgumentError("model: one output per sequence; a learner needs one per time step")
        self._are_classes = (loss.get("type") if isinstance(loss, Mapping) else loss) == "cross_entropy"
        self._stream = model.stream(batch_size)
        self._trainer = Trainer(model, loss=loss, seed=seed, learning_rate=learning_rate, stateful=True, **options)
        # The states before every update_every-th step of the window, oldest first, and streams to copy the next ones into: always one at
        # least.
        self._states: deque[Stream] = deque()
        self._spare = [self._stream.fork() for _ in range(self._window // self._every + 1)]
        inputs = (batch_size,) if model.input_kind == "token" else (batch_size, model.input_size)
        answers = (batch_size,) if self._are_classes else (batch_size, model.output_size)
        self._inputs = np.zeros((self._window, *inputs), dtype=np.int32 if model.input_kind == "token" else np.float32)
        self._answers = np.zeros((self._window, *answers), dtype=np.int32 if self._are_classes else np.float32)
        self._is_known = np.zeros(self._window, dtype=bool)
        self._batch = Batch(model, self._inputs, batch_first=False)
        self._has_weights = False
        self._count = 0  # steps since the reset
        self._loss: Optional[float] = None
        self._skipped = 0

    @property
    def model(self) -> Model:
        """The model that learns."""
        return self._trainer.model

    @property
    def stream(self) -> Stream:
        """The live stream."""
        return self._stream

    @property
    def trainer(self) -> Trainer:
        """The trainer: its learning_rate may be set at any time, and metric("gradient_norm") read."""
        return self._trainer

    @property
    def loss(self) -> Optional[float]:
        """Of the last update, before it; None before the first."""
        return self._loss

    @property
    def skipped_updates(self) -> int:
        """Updates that were left out because they would have diverged; the parameters are then as before."""
        return self._skipped

    def step(self, x: ArrayLike, target: Optional[ArrayLike] = None) -> Floats:
        """One time step of the live stream, and every update_every steps an update after it.

        x: as Stream.step takes it.
        target: what the answer should have been: [batch_size][output_size], or class indices [batch_size]; without the lanes, or a number,
            where the sizes are 1. None: not known; the step moves the state and counts in no loss.

        Returns the output, computed before anything is learned from this step. Raises as Stream.step, ArgumentError (target: then the step
        is not made), and as Trainer.update but for DivergedError, which is counted in skipped_updates.
        """
        place = self._count % self._window
        if target is not None:
            answer = (_arrays.as_int32 if self._are_classes else _arrays.as_float32)(target, "target")
            shape = self._answers.shape[1:]
            if answer.size != int(np.prod(shape)):
                raise ArgumentError(f"target: expected {_arrays.show(shape)}, got {_arrays.show(answer.shape)}")
            if not self._are_classes and not np.isfinite(answer).all():
                raise ArgumentError("target: a value is not finite")
        begins = self._count % self._every == 0
        if begins:
            self._stream.copy_to(self._spare[-1])
        output = self._stream.step(x)
        if begins:
            self._states.append(self._spare.pop())
            if len(self._states) * self._every > self._window:
                self._spare.append(self._states.popleft())
        self._inputs[place] = np.asarray(x).reshape(self._inputs.shape[1:])
        self._answers[place] = -1 if target is None and self._are_classes else 0 if target is None else answer.reshape(shape)
        self._is_known[place] = target is not None
        self._count += 1
        if self._count % self._every == 0:
            self._learn()
        return output

    def reset(self) -> None:
        """Puts the stream into the model's initial state and forgets the window; what was learned stays."""
        self._stream.reset()
        self._count = 0
        self._spare.extend(self._states)
        self._states.clear()

    def _learn(self) -> None:
        count = min(self._count, self._window)
        # Ordered in time; what is not yet there is padding.
        order = (np.arange(self._window) + (self._count if self._count > self._window else 0)) % self._window
        known = self._is_known[order] & (np.arange(self._window) < count)
        if not known.any():
            return
        lanes = self._stream.batch_size
        self._batch.set_inputs(self._inputs[order], lengths=np.full(lanes, count))
        answers = self._answers[order]
        if self._are_classes:
            self._batch.set_classes(answers)
        else:
            self._batch.set_targets(answers)
            if self._has_weights or not known[:count].all():
                self._batch.set_weights(np.repeat(known[:, np.newaxis], lanes, axis=1).astype(np.float32))
                self._has_weights = True
        self._trainer.set_state(self._states[0])
        try:
            self._loss = self._trainer.update(self._batch)
        except DivergedError:
            self._skipped += 1
            return
        self.model.publish()
        self._stream.refresh()
