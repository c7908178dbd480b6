"""Cutting long sequences for training, and holding out the part to validate on."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _arrays, _text
from ._errors import ArgumentError


def lanes(sequence: ArrayLike, batch_size: int) -> NDArray[Any]:
    """Cuts one long sequence into batch_size contiguous pieces of equal length, to be learned side by side: lane 1 goes on where lane 0
    ends.

    sequence: [time][...]: features, tokens or targets.

    Returns [batch_size][time // batch_size][...], a view where the memory allows it; up to batch_size - 1 steps at the end are left out.
    Raises ArgumentError (fewer steps than lanes).
    """
    array = np.asarray(sequence)
    count = _at_least_one(batch_size, "batch_size")
    if array.ndim == 0 or len(array) < count:
        raise ArgumentError(f"sequence: expected at least {count} time steps for {count} lanes, got {_arrays.show(array.shape)}")
    steps = len(array) // count
    return array[: steps * count].reshape(count, steps, *array.shape[1:])


def windows(sequence: ArrayLike, length: int, stride: Optional[int] = None) -> NDArray[Any]:
    """All whole windows of one long sequence: the first begins at step 0, each next one stride steps later.

    sequence: [time][...]. length: steps in a window. stride: None for length: windows that do not overlap; 1 for every window there is.

    Returns [count][length][...], a read-only view. Steps after the last whole window are left out. Raises ArgumentError (length).
    """
    array = np.asarray(sequence)
    steps = _at_least_one(length, "length")
    if array.ndim == 0 or len(array) < steps:
        raise ArgumentError(f"sequence: expected at least {steps} time steps for a window, got {_arrays.show(array.shape)}")
    view = np.lib.stride_tricks.sliding_window_view(array, steps, axis=0)
    return np.moveaxis(view, -1, 1)[:: steps if stride is None else _at_least_one(stride, "stride")]


def split_by_time(x: Any, y: Any = None, validation: float = 0.2) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Holds out the last part of the data: what comes later is not seen in training.

    x, y: one long sequence [time][...], or sequences in the order of their recording, an array [sequences][time][...] or a list. What is
        split is the first dimension. y may be None.
    validation: the share to hold out, 0 < share < 1; or a whole number of steps (sequences).

    Returns (x, y) to train on and (x, y) to validate on; arrays are views. Raises ArgumentError (nothing would be left on one side; y is of
    another length).
    """
    x, y = _sliceable(x), _sliceable(y)
    count = len(x)
    if y is not None and len(y) != count:
        raise ArgumentError(f"y: expected {count} entries like x, got {len(y)}")
    is_count = isinstance(validation, (int, np.integer)) and not isinstance(validation, bool)
    if not is_count and not 0 < validation < 1:
        raise ArgumentError(f"validation: expected 0 < share < 1, or a whole number, got {validation}")
    held_out = int(validation) if is_count else round(count * validation)
    if not 0 < held_out < count:
        what = (
            "one sequence [time][...] is split by time if it has no batch dimension" if count == 1 else "nothing would be left on one side"
        )
        raise ArgumentError(f"validation: {held_out} of {count}: {what}")
    first = count - held_out
    return (x[:first], None if y is None else y[:first]), (x[first:], None if y is None else y[first:])


def _sliceable(value: Any) -> Any:
    return value if value is None or isinstance(value, (list, tuple)) else np.asarray(value)


def _at_least_one(value: Any, name: str) -> int:
    number = _text.whole_number(value, name)
    if number == 0:
        raise ArgumentError(f"{name}: expected at least 1, got 0")
    return number
