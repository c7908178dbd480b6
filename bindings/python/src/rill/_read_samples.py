"""Reads what a caller gives a fit: arrays or lists of sequences, one long sequence, tokens that are their own answers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _arrays
from ._architecture import Architecture
from ._errors import ArgumentError
from ._samples import Arrays, Samples


def read_samples(architecture: Architecture, x: Any, y: Any, are_classes: bool, lengths: Any = None, weights: Any = None) -> Samples:
    """The data of a fit, as its documentation describes them. Raises ArgumentError."""
    inputs, is_long = _read_inputs(architecture, x)
    answers: Arrays
    if y is None:
        if not architecture.reads_tokens or architecture.output_per_sequence:
            raise ArgumentError("y: missing; only a token model with one output per time step can predict its own next token instead")
        if not are_classes or architecture.output_size < architecture.input_size:
            raise ArgumentError('y: missing; to predict the next token takes the loss "cross_entropy" and an output for every token')
        whole = [item[:length] for item, length in zip(inputs, _read_lengths(lengths, inputs))]
        short = min(map(len, whole))
        if short < 2:
            raise ArgumentError(f"x: to predict the next token a sequence needs at least 2, and one has {short}")
        inputs, answers = [item[:-1] for item in whole], [item[1:] for item in whole]
        if weights is not None:  # of the steps; the last one has no next token
            weights = [np.asarray(item)[: len(kept)] for item, kept in zip([weights] if is_long else weights, inputs)]
        return Samples(inputs, answers, weights, is_long, are_classes)
    has_time = is_long or not architecture.output_per_sequence
    answers = _read_values(y, "y", are_classes, is_long)
    given_weights = None if weights is None else _read_values(weights, "weights", False, is_long)
    samples = Samples(inputs, answers, given_weights, is_long, are_classes)
    for items, name in ((answers, "y"), (given_weights, "weights")):
        if items is not None and len(items) != len(inputs):
            raise ArgumentError(f"{name}: expected {len(inputs)} sequences like x, got {len(items)}")
        if items is not None and has_time:
            _expect_lengths(items, inputs, name)
    if lengths is None:
        return samples
    kept = _read_lengths(lengths, inputs)

    def cut(items: Arrays) -> Arrays:
        # Answers of whole sequences have no time to be cut.
        return [item[:length] for item, length in zip(items, kept)] if items is inputs or has_time else items

    return samples.map(cut)._replace(is_long=is_long)


def _read_inputs(architecture: Architecture, x: Any) -> tuple[Arrays, bool]:
    """The sequences, and whether they are one long one without a dimension for sequences."""
    reads_tokens, size = architecture.reads_tokens, architecture.input_size
    if isinstance(x, (list, tuple)) and len(x) > 0 and np.ndim(x[0]) > 0:
        items = [_read_one(item, f"x[{index}]", reads_tokens) for index, item in enumerate(x)]
        if not reads_tokens and size == 1:
            items = [item[:, np.newaxis] if item.ndim == 1 else item for item in items]
        wanted = () if reads_tokens else (size,)
        for index, item in enumerate(items):
            if item.ndim != len(wanted) + 1 or item.shape[1:] != wanted or len(item) == 0:
                raise ArgumentError(f"x[{index}]: expected {_arrays.show(('time', *wanted))}, got {_arrays.show(item.shape)}")
        return items, False
    array = _read_one(x, "x", reads_tokens)
    if not reads_tokens and size == 1 and array.ndim <= 2 and array.shape[-1:] != (1,):
        array = array[..., np.newaxis]
    dimensions = array.ndim + (1 if reads_tokens else 0)
    if dimensions not in (2, 3) or (not reads_tokens and array.shape[-1] != size) or array.size == 0:
        one = "[time]" if reads_tokens else f"[time][{size}]"
        raise ArgumentError(f"x: expected [sequences]{one}, or {one} of one long sequence, got {_arrays.show(array.shape)}")
    return (array, False) if dimensions == 3 else ([array], True)


def _read_one(value: Any, name: str, is_integer: bool) -> NDArray[Any]:
    return _arrays.as_int32(value, name) if is_integer else _arrays.as_float32(value, name)


def _read_values(value: Any, name: str, are_integers: bool, is_long: bool) -> Arrays:
    """Answers or weights, one entry per sequence."""
    if not is_long and isinstance(value, (list, tuple)) and len(value) > 0 and np.ndim(value[0]) > 0:
        return [_read_one(item, f"{name}[{index}]", are_integers) for index, item in enumerate(value)]
    array = _read_one(value, name, are_integers)
    if array.ndim == 0:
        raise ArgumentError(f"{name}: expected an array, got a scalar")
    return [array] if is_long else array


def _expect_lengths(items: Arrays, inputs: Arrays, name: str) -> None:
    for index, (item, sequence) in enumerate(zip(items, inputs)):
        if np.ndim(item) == 0 or len(item) != len(sequence):
            got = _arrays.show(np.shape(item))
            raise ArgumentError(f"{name}: sequence {index} has {len(sequence)} time steps in x; expected as many here, got {got}")


def _read_lengths(lengths: Any, inputs: Arrays) -> NDArray[Any]:
    """One length per sequence; the sequences' own without lengths."""
    if lengths is None:
        return np.array([len(item) for item in inputs])
    values = _arrays.as_int32(lengths, "lengths")
    _arrays.expect_shape(values.shape, (len(inputs),), "lengths")
    longest = min(len(item) for item in inputs)
    if values.min() < 1 or values.max() > longest:
        raise ArgumentError(f"lengths: expected 1 ... {longest}, got {values.min()} to {values.max()}")
    return values
