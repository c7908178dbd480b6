"""numpy arrays to and from the library: the right type and layout without a copy where the array has them already."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Union

import numpy as np
from numpy.typing import NDArray

from ._errors import ArgumentError
from ._library import FloatPointer, Int32Pointer

FLOAT32 = np.dtype(np.float32)
INT32 = np.dtype(np.int32)
INT32_RANGE = np.iinfo(np.int32)

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]


def as_float32(value: Any, name: str) -> Floats:
    """Anything that numpy.asarray takes as C-contiguous, aligned float32: an array that is that already is not copied."""
    return float32(numbers(value, name))


def as_int32(value: Any, name: str) -> Integers:
    """The same for int32."""
    return int32(integers(value, name), name)


def numbers(value: Any, name: str) -> NDArray[Any]:
    """An array of real numbers of any type and layout, before its conversion by float32. Raises ArgumentError for other kinds."""
    return _array(value, name, "fiub", "numbers")


def integers(value: Any, name: str) -> NDArray[Any]:
    """An array of integers of any width and layout. Floats are refused even if they are whole: they are features, not tokens."""
    return _array(value, name, "iu", "integers")


def _array(value: Any, name: str, kinds: str, expected: str) -> NDArray[Any]:
    try:
        array = np.asarray(value)
    except ValueError as error:  # what numpy says of lists of unequal lengths
        raise ArgumentError(f"{name}: not an array: {error}") from None
    # An empty list is an array of floats; it has no value of a wrong kind.
    if array.dtype.kind not in kinds and array.size > 0:
        raise ArgumentError(f"{name}: expected {expected}, got an array of {array.dtype}")
    return array


def float32(array: NDArray[Any]) -> Floats:
    """The second half of as_float32: a caller that reorders the dimensions does so in between, and copies once at most. Numbers beyond
    float32 become infinite, which the library refuses."""
    return _aligned(np.asarray(array, dtype=FLOAT32, order="C"))


def int32(array: NDArray[Any], name: str) -> Integers:
    """The second half of as_int32. Raises ArgumentError for integers that int32 does not hold."""
    if array.dtype != INT32 and array.size > 0:
        for extreme in (int(array.min()), int(array.max())):
            if not INT32_RANGE.min <= extreme <= INT32_RANGE.max:
                raise ArgumentError(f"{name}: {extreme} is beyond int32")
    return _aligned(np.asarray(array, dtype=INT32, order="C"))


def _aligned(array: NDArray[Any]) -> NDArray[Any]:
    return array if array.flags.aligned else array.copy()


def pointer(array: NDArray[Any]) -> Union[FloatPointer, Int32Pointer]:
    """The address of a C-contiguous float32 or int32 array, which lives as long as the pointer."""
    kind = FloatPointer if array.dtype == FLOAT32 else Int32Pointer
    if array.dtype not in (FLOAT32, INT32) or not array.flags.c_contiguous:
        raise TypeError("pointer: a C-contiguous array of float32 or int32 is needed")
    result = kind(array.ctypes.data)
    result.array = array
    return result


def expect_shape(shape: tuple[int, ...], expected: tuple[int, ...], name: str) -> None:
    """Raises ArgumentError if the two differ."""
    if shape != expected:
        raise ArgumentError(f"{name}: expected shape {show(expected)}, got {show(shape)}")


def show(shape: tuple[Any, ...]) -> str:
    """A shape as it is written in this package: [batch][time][3]."""
    return "".join(f"[{size}]" for size in shape) or "a scalar"


def expect_output(out: Any, shape: tuple[int, ...]) -> None:
    """Raises ArgumentError unless out is a float32 array of that shape that can be written to."""
    if not isinstance(out, np.ndarray) or out.dtype != FLOAT32:
        raise ArgumentError(f"out: expected an array of float32, got {out.dtype if isinstance(out, np.ndarray) else type(out).__name__}")
    expect_shape(out.shape, shape, "out")
    if not out.flags.writeable:
        raise ArgumentError("out: the array is read-only")


@contextmanager
def output_memory(view: Floats, inputs: NDArray[Any]) -> Iterator[Floats]:
    """Contiguous memory for the library to write what shall stand in view: view itself where possible.

    Otherwise (view is strided, or overlaps the inputs, which the library forbids) a copy, written back also after a failure: what
    the library left untouched is then as it was.
    """
    if view.flags.c_contiguous and view.flags.aligned and not np.may_share_memory(view, inputs):
        yield view
        return
    memory = np.array(view, dtype=FLOAT32, order="C")
    try:
        yield memory
    finally:
        view[...] = memory
