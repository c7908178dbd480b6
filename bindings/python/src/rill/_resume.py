"""What a trainer carries besides the parameters: states, waiting gradients, checkpoints."""

from __future__ import annotations

import ctypes
import json
import os
import threading
from contextlib import ExitStack
from typing import Any, Optional, TypeVar, Union

import numpy as np
from numpy.typing import ArrayLike

from . import _arrays, _text
from ._arrays import Floats
from ._errors import ArgumentError, check
from ._handles import ModelHandle, TrainerHandle
from ._library import library
from ._objects import NativeObject
from ._place import Place
from .batch import Batch
from .model import Model
from .stream import Stream

Self = TypeVar("Self", bound="ResumableTrainer")


class ResumableTrainer(NativeObject[TrainerHandle]):
    """A trainer whose whole condition can be read, written, saved and restored."""

    _model: Model
    _loss: Optional[str] = None
    """The loss's name."""
    _stateful: Optional[bool] = None
    _place: Optional[Place] = None
    """Where a fit stood that wrote the checkpoint this was loaded from; the next fit takes it."""
    _lock: threading.Lock

    @classmethod
    def load(cls: type[Self], path: Union[str, os.PathLike[str]]) -> Self:
        """The trainer in a checkpoint, with its model: trainer.model. Training goes on with the same bits as if it had never stopped.

        Of a checkpoint that a fit wrote, the next fit of this trainer continues in the epoch and at the update where that one was.
        Raises FileError, FormatError, UnsupportedError, OutOfMemoryError.
        """
        model_handle, handle = ModelHandle(), TrainerHandle()
        name = _text.encode(os.fsencode(path), "path")
        check(library.rill_trainer_load(name, None, ctypes.byref(model_handle), ctypes.byref(handle)))
        trainer = cls.__new__(cls)
        trainer._model = Model._from_handle(model_handle)
        trainer._lock = threading.Lock()
        trainer._handle = handle
        trainer._place = Place.from_bytes(trainer.data)
        options = trainer.describe()["options"]
        loss = options["loss"]
        trainer._loss = loss if isinstance(loss, str) else loss["type"]
        trainer._stateful = options.get("stateful")
        return trainer

    def describe(self) -> dict[str, Any]:
        """What the trainer is: "options" as they were given to the library, "seed" (two numbers, the higher 32 bits first),
        "update_count", "lanes" (sequences whose states are carried), "workspace_bytes"."""
        with self._lock:
            result: dict[str, Any] = json.loads(_text.read_bytes(library.rill_trainer_describe, self._open()))
        return result

    def save(self, path: Union[str, os.PathLike[str]]) -> None:
        """Writes a checkpoint: model, options, moments, schedule, random numbers, carried states, waiting gradients and data. The file
        appears whole or not at all. Raises FileError, StateError (parameters in use by another thread), OutOfMemoryError."""
        name = _text.encode(os.fsencode(path), "path")
        with self._lock:
            check(library.rill_trainer_save(self._open(), name, None))

    @property
    def data(self) -> bytes:
        """Bytes of the host's own that go into checkpoints, up to 2**20; empty at first. A fit that writes checkpoints keeps its place
        here."""
        with self._lock:
            return _text.read_bytes(library.rill_trainer_get_data, self._open())

    @data.setter
    def data(self, value: bytes) -> None:
        content = bytes(memoryview(value))
        with self._lock:
            check(library.rill_trainer_set_data(self._open(), content, len(content)))

    def reset_state(self, lane: Optional[int] = None) -> None:
        """The next batch begins in the model's initial state: all lanes, or one. Raises ArgumentError (no such lane), StateError (not
        stateful; lanes before the first update)."""
        with self._lock:
            if lane is None:
                check(library.rill_trainer_reset_state(self._open()))
            else:
                check(library.rill_trainer_reset_state_lane(self._open(), _text.whole_number(lane, "lane")))

    def set_state(self, stream: Stream) -> None:
        """The next update's batch, of as many sequences as the stream has lanes, begins in the stream's states.

        Raises ArgumentError (other recurrent layers), StateError (the stream needs a reset), OutOfMemoryError.
        """
        with self._with_stream(stream):
            check(library.rill_trainer_set_state(self._open(), stream._open()))

    def get_state(self, stream: Stream) -> None:
        """Puts the states in which the last batch ended into a stream of as many lanes.

        Raises ArgumentError (other recurrent layers or lanes), StateError (no batch yet), OutOfMemoryError.
        """
        with self._with_stream(stream):
            check(library.rill_trainer_get_state(self._open(), stream._open()))

    def _with_stream(self, stream: Stream) -> ExitStack:
        """This trainer's lock and the stream's, always in this order."""
        if not isinstance(stream, Stream):
            raise ArgumentError(f"stream: expected a Stream, got {type(stream).__name__}")
        stack = ExitStack()
        stack.enter_context(self._lock)
        stack.enter_context(stream._lock)
        return stack

    def evaluate_gradients(self, batch: Batch) -> float:
        """The first half of an update: adds the batch's gradient to those that wait in the trainer. Returns the loss of the batch.

        Raises as update; UnsupportedError with "truncation".
        """
        if not isinstance(batch, Batch):
            raise ArgumentError(f"batch: expected a Batch, got {type(batch).__name__}")
        loss = ctypes.c_double()
        with self._lock, batch._lock.shared():
            check(library.rill_trainer_evaluate_gradients(self._open(), batch._open(), ctypes.byref(loss)))
        return loss.value

    def update_from_gradients(self) -> None:
        """The second half: one optimizer step from all waiting gradients, which are then none. Raises as update; StateError (none wait)."""
        with self._lock:
            check(library.rill_trainer_update_from_gradients(self._open()))

    @property
    def gradients(self) -> Floats:
        """The waiting gradients, a flat array: of the sum of all losses with respect to every parameter value, in the order of
        model.parameters, then the sum of the losses, then what a mean divides by.

        The sum of two trainers' arrays is the array of both batches together: add them up over all machines, set the result in each,
        update_from_gradients. Setting raises ArgumentError (count, or a value that is not finite).
        """
        count = ctypes.c_size_t()
        with self._lock:
            handle = self._open()
            check(library.rill_trainer_get_gradients_count(handle, ctypes.byref(count)))
            values = np.empty(count.value, dtype=np.float32)
            check(library.rill_trainer_get_gradients(handle, _arrays.pointer(values), values.size))
        return values

    @gradients.setter
    def gradients(self, values: ArrayLike) -> None:
        array = _arrays.as_float32(values, "gradients")
        if array.ndim != 1:
            raise ArgumentError(f"gradients: expected a flat array, got {_arrays.show(array.shape)}")
        with self._lock:
            check(library.rill_trainer_set_gradients(self._open(), _arrays.pointer(array), array.size))
