"""Batches: whole sequences with their targets."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any, Optional, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _arrays
from ._errors import ArgumentError, check
from ._handles import BatchHandle
from ._library import library
from ._locks import SharedLock
from ._objects import NativeObject
from ._padding import read_steps
from .model import Model

SequencesLike = Union[ArrayLike, Sequence[ArrayLike]]


class Batch(NativeObject[BatchHandle]):
    """A batch of whole sequences with their targets or classes, to train or evaluate on. It copies what it is given.

    Threads: several trainers may read a batch at once; a set method waits until they are done.
    """

    def __init__(
        self,
        model: Model,
        inputs: SequencesLike,
        targets: Optional[SequencesLike] = None,
        classes: Optional[SequencesLike] = None,
        lengths: Optional[ArrayLike] = None,
        batch_first: bool = True,
        weights: Optional[SequencesLike] = None,
    ) -> None:
        """A batch for models with the same input and output as model. The order of its dimensions holds for the set methods too.

        inputs: an array [batch][time][input_size] ([time][batch][input_size] with batch_first=False), of a token model integers
            [batch][time], each in -1 ..< input_size; or a list of sequences [time][input_size] or [time] of unequal length, which are
            padded, and whose lengths are set.
        targets: for every loss but "cross_entropy": [batch][time][output_size] in the same order, or a list as the inputs are; for a model
            with one output per sequence [batch][output_size]. A last dimension of size 1 may be left out, here and in inputs.
        classes: instead, for "cross_entropy": integers [batch][time], or [batch] for one output per sequence; -1 counts in no loss.
        lengths: [batch]: valid time steps of each sequence, 1 ... time; later ones change no state, count in no loss and give no gradient.
        weights: of the time steps in the loss: [batch][time] or a list, or [batch] for one output per sequence; finite and >= 0. A mean is
            over their sum; a step of weight 0 counts in no loss and no metric. None: all are 1. Not for "esr".

        Raises ArgumentError, StateError (closed model), OutOfMemoryError.
        """
        self._architecture = model._architecture
        self._batch_first = batch_first
        self._lock = SharedLock()
        steps = read_steps(inputs, "inputs", self._input_values, batch_first)
        self._sequence_length: int = steps.values.shape[0]
        self._batch_size: int = steps.values.shape[1]
        self._lengths = np.full(self._batch_size, self._sequence_length, dtype=np.int32)
        handle = BatchHandle()
        check(library.rill_batch_create(model._open(), self._sequence_length, self._batch_size, None, ctypes.byref(handle)))
        self._handle = handle
        self._write_inputs(steps.values, self._merge_lengths(steps.lengths, lengths))
        if targets is not None:
            self.set_targets(targets)
        if classes is not None:
            self.set_classes(classes)
        if weights is not None:
            self.set_weights(weights)

    @property
    def sequence_length(self) -> int:
        """Time steps, padding included."""
        return self._sequence_length

    @property
    def batch_size(self) -> int:
        """Number of sequences."""
        return self._batch_size

    def set_inputs(self, inputs: SequencesLike, lengths: Optional[ArrayLike] = None) -> None:
        """Replaces the inputs (or tokens) by others of the same shape, or by a list of sequences up to the batch's length.

        A list sets the lengths too; with an array they stay, unless they are given. Raises ArgumentError; then nothing is changed.
        """
        steps = read_steps(inputs, "inputs", self._input_values, self._batch_first, self._sequence_length)
        self._expect_shape(steps.values, "inputs")
        self._write_inputs(steps.values, self._merge_lengths(steps.lengths, lengths))

    def set_lengths(self, lengths: Optional[ArrayLike]) -> None:
        """Replaces the lengths: [batch], each in 1 ... sequence_length. None makes all sequences full. Raises ArgumentError."""
        values = np.full_like(self._lengths, self._sequence_length) if lengths is None else self._read_lengths(lengths)
        with self._lock.exclusive():
            self._write_lengths(values)

    def set_targets(self, targets: SequencesLike) -> None:
        """Replaces the targets or classes by targets: shapes as in __init__. Raises ArgumentError."""
        self._write_answers(library.rill_batch_set_targets, targets, "targets", self._architecture.output_size)

    def set_classes(self, classes: SequencesLike) -> None:
        """Replaces the targets or classes by classes: shapes as in __init__. Raises ArgumentError."""
        self._write_answers(library.rill_batch_set_classes, classes, "classes", None)

    def set_weights(self, weights: Optional[SequencesLike]) -> None:
        """Replaces the weights of the time steps: shapes as in __init__. None makes all of them 1. Raises ArgumentError."""
        if weights is not None:
            self._write_answers(library.rill_batch_set_weights, weights, "weights", 1)
            return
        with self._lock.exclusive():
            check(library.rill_batch_set_weights(self._open(), None, 0))

    @property
    def _input_values(self) -> Optional[int]:
        """Floats per time step; None of a token model."""
        return None if self._architecture.reads_tokens else self._architecture.input_size

    def _write_inputs(self, values: NDArray[Any], lengths: Optional[NDArray[np.int32]]) -> None:
        write = library.rill_batch_set_tokens if self._architecture.reads_tokens else library.rill_batch_set_inputs
        with self._lock.exclusive():
            check(write(self._open(), _arrays.pointer(values), values.size))
            if lengths is not None:
                self._write_lengths(lengths)

    def _write_lengths(self, lengths: NDArray[np.int32]) -> None:
        check(library.rill_batch_set_lengths(self._open(), _arrays.pointer(lengths), lengths.size))
        self._lengths = lengths

    def _write_answers(self, write: Any, value: SequencesLike, name: str, size: Optional[int]) -> None:
        """Targets of that size (weights: 1), or classes if size is None."""
        if self._architecture.output_per_sequence:
            values = _arrays.as_int32(value, name) if size is None else _arrays.as_float32(value, name)
            if size == 1 and values.ndim == 1:
                values = values[:, np.newaxis]
            _arrays.expect_shape(values.shape, (self._batch_size,) if size is None else (self._batch_size, size), name)
        else:
            values, lengths = read_steps(value, name, size, self._batch_first, self._sequence_length)
            self._expect_shape(values, name)
            # A list may also hold sequences that are padded already: then all have the batch's length.
            if lengths is not None and (lengths < self._sequence_length).any() and (lengths != self._lengths).any():
                lane = int(np.flatnonzero(lengths != self._lengths)[0])
                raise ArgumentError(f"{name}[{lane}]: {lengths[lane]} time steps, but the inputs have {self._lengths[lane]}")
        with self._lock.exclusive():
            check(write(self._open(), _arrays.pointer(values), values.size))

    def _expect_shape(self, values: NDArray[Any], name: str) -> None:
        """Raises ArgumentError unless time-major values have the batch's first two dimensions."""
        if values.shape[:2] != (self._sequence_length, self._batch_size):
            time, batch = values.shape[:2]
            raise ArgumentError(
                f"{name}: expected {self._batch_size} sequences of {self._sequence_length} time steps, got {batch} of {time}"
            )

    def _merge_lengths(self, of_list: Optional[NDArray[np.int32]], given: Optional[ArrayLike]) -> Optional[NDArray[np.int32]]:
        """The lengths to set, if any: of a list of sequences, or given ones."""
        if given is None:
            return None if of_list is None else self._read_lengths(of_list)
        if of_list is not None and of_list.min() != of_list.max():
            raise ArgumentError("lengths: the list of sequences has lengths of its own")
        return self._read_lengths(given)

    def _read_lengths(self, lengths: ArrayLike) -> NDArray[np.int32]:
        values = _arrays.as_int32(lengths, "lengths").copy()  # kept, and the caller may change an array
        _arrays.expect_shape(values.shape, (self._batch_size,), "lengths")
        # Checked here, so that a bad length is found before the inputs are replaced.
        if values.min() < 1 or values.max() > self._sequence_length:
            raise ArgumentError(f"lengths: expected 1 ... {self._sequence_length}, got {values.min()} to {values.max()}")
        return values

    def _describe(self) -> str:
        return f"of {self._batch_size} sequences, {self._sequence_length} time steps"
