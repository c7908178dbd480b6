"""How the caller's arrays of whole sequences lie, and the same memory as the library wants it: [time][batch][size].

Shape letters: T time steps, B sequences, I values per time step, O outputs.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

import numpy as np
from numpy.typing import NDArray

from . import _arrays
from ._architecture import Architecture
from ._arrays import Floats
from ._errors import ArgumentError


class Layout(NamedTuple):
    """Of the caller's inputs; the outputs follow it."""

    single: bool
    """One sequence without a batch dimension: [T][I]."""
    batch_first: bool
    """[B][T][I] rather than [T][B][I]."""

    def time_major(self, array: NDArray[Any]) -> NDArray[Any]:
        """A view as [T][B]…"""
        if self.single:
            return array[:, np.newaxis]
        return array.swapaxes(0, 1) if self.batch_first else array

    def shape(self, sequence_length: int, batch_size: int, size: int) -> tuple[int, ...]:
        """What the caller's array has for [T][B][size]."""
        if self.single:
            return (sequence_length, size)
        return (batch_size, sequence_length, size) if self.batch_first else (sequence_length, batch_size, size)

    def empty(self, sequence_length: int, batch_size: int, size: int) -> Floats:
        """An array of that shape whose memory is time-major, so that the library writes straight into it."""
        memory = np.empty((sequence_length, batch_size, size), dtype=np.float32)
        if self.single:
            return memory[:, 0]
        return memory.swapaxes(0, 1) if self.batch_first else memory


class Sequences(NamedTuple):
    """Whole sequences, ready for the library."""

    values: NDArray[Any]
    """float32 [T][B][I] or int32 [T][B], C-contiguous."""
    layout: Layout

    @property
    def sequence_length(self) -> int:
        return int(self.values.shape[0])

    @property
    def batch_size(self) -> int:
        return int(self.values.shape[1])


def read_sequences(x: Any, architecture: Architecture, batch_first: bool, name: str = "x") -> Sequences:
    """Inputs for a model: [B][T][I] or, of one sequence, [T][I], or [T] if I is 1; of a token model integers [B][T] or [T].

    Raises ArgumentError.
    """
    if architecture.reads_tokens:
        array = _arrays.integers(x, name)
        if array.ndim not in (1, 2):
            raise ArgumentError(f"{name}: expected tokens [batch][time] or [time], got {_arrays.show(array.shape)}")
        layout = Layout(array.ndim == 1, batch_first)
        return Sequences(_arrays.int32(layout.time_major(array), name), layout)

    array = _arrays.numbers(x, name)
    size = architecture.input_size
    if array.ndim == 1 and size == 1:
        array = array[:, np.newaxis]
    if array.ndim not in (2, 3) or array.shape[-1] != size:
        order = "[batch][time]" if batch_first else "[time][batch]"
        raise ArgumentError(f"{name}: expected {order}[{size}] or [time][{size}], got {_arrays.show(array.shape)}")
    layout = Layout(array.ndim == 2, batch_first)
    return Sequences(_arrays.float32(layout.time_major(array)), layout)


def outputs_per_step(out: Optional[Floats], sequences: Sequences, size: int) -> tuple[Floats, Floats]:
    """The array for the caller, [B][T][O] or as the inputs lie, and a view of it as [T][B][O]. Raises ArgumentError for an unfit out."""
    layout, dimensions = sequences.layout, (sequences.sequence_length, sequences.batch_size, size)
    if out is None:
        out = layout.empty(*dimensions)
    else:
        _arrays.expect_output(out, layout.shape(*dimensions))
    return out, layout.time_major(out)


def outputs_per_sequence(out: Optional[Floats], sequences: Sequences, size: int) -> tuple[Floats, Floats]:
    """The array for the caller, [B][O], or [O] of a single sequence, and a view of it as [B][O]."""
    single = sequences.layout.single
    shape = (size,) if single else (sequences.batch_size, size)
    if out is None:
        out = np.empty(shape, dtype=np.float32)
    else:
        _arrays.expect_output(out, shape)
    return out, out[np.newaxis] if single else out
