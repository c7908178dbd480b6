"""Inputs, targets and classes of a batch, one per time step: an array, or a list of unequal sequences, padded here."""

from __future__ import annotations

from typing import Any, Callable, NamedTuple, Optional

import numpy as np
from numpy.typing import NDArray

from . import _arrays
from ._arrays import Integers
from ._errors import ArgumentError


class Steps(NamedTuple):
    """One value or row of values for every time step."""

    values: NDArray[Any]
    """float32 [time][batch][size] or int32 [time][batch], C-contiguous."""
    lengths: Optional[Integers]
    """[batch], if a list of sequences was given."""


def read_steps(value: Any, name: str, size: Optional[int], batch_first: bool, sequence_length: Optional[int] = None) -> Steps:
    """Reads [batch][time][size] floats, or [batch][time] integers if size is None; or a list of such sequences without the batch.

    The last dimension may be left out if size is 1. Lists are padded to sequence_length (default: the longest of them), floats with
    0 and integers with -1, which is valid everywhere. Raises ArgumentError.
    """
    if isinstance(value, (list, tuple)):
        if not batch_first:
            raise ArgumentError(f"{name}: a list of sequences is batch first; give an array with batch_first=False")
        return _pad([_read_one(item, f"{name}[{index}]", size, 1) for index, item in enumerate(value)], name, sequence_length)
    array = _read_one(value, name, size, 2)
    return Steps(_convert(size)(array.swapaxes(0, 1) if batch_first else array, name), None)


def _read_one(value: Any, name: str, size: Optional[int], dimensions: int) -> NDArray[Any]:
    """An array of that many dimensions besides the one of size."""
    array = (_arrays.integers if size is None else _arrays.numbers)(value, name)
    if size == 1 and array.ndim == dimensions:
        array = array[..., np.newaxis]
    trailing = () if size is None else (size,)
    if array.ndim != dimensions + len(trailing) or array.shape[dimensions:] != trailing:
        leading = ("time",) if dimensions == 1 else ("batch", "time")
        raise ArgumentError(f"{name}: expected {_arrays.show(leading + trailing)}, got {_arrays.show(array.shape)}")
    return array


def _convert(size: Optional[int]) -> Callable[[NDArray[Any], str], NDArray[Any]]:
    return _arrays.int32 if size is None else _arrays.as_float32


def _pad(sequences: list[NDArray[Any]], name: str, sequence_length: Optional[int]) -> Steps:
    """Sequences [time][size] or [time] of one kind."""
    if not sequences:
        raise ArgumentError(f"{name}: an empty list")
    lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int32)
    if sequence_length is None:
        sequence_length = int(lengths.max())
    elif lengths.max() > sequence_length:
        raise ArgumentError(f"{name}: a sequence has {lengths.max()} time steps, the batch {sequence_length}")
    trailing = sequences[0].shape[1:]
    padded: NDArray[Any]
    if trailing:
        padded = np.zeros((sequence_length, len(sequences), *trailing), dtype=np.float32)
    else:
        padded = np.full((sequence_length, len(sequences)), -1, dtype=np.int32)
    for lane, sequence in enumerate(sequences):
        padded[: len(sequence), lane] = sequence if trailing else _arrays.int32(sequence, f"{name}[{lane}]")
    return Steps(padded, lengths)
