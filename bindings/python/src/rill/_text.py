"""Text and bytes to and from the library, and the JSON of its configurations and options."""

from __future__ import annotations

import ctypes
import json
import operator
from typing import Any, Callable

import numpy as np

from ._errors import ArgumentError, check


def encode(text: str | bytes, name: str) -> bytes:
    """NUL-terminated UTF-8 for a const char * parameter. Raises ArgumentError for text that C would cut short."""
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else bytes(text)
    if b"\0" in data:
        raise ArgumentError(f"{name}: a NUL character stands in it")
    return data


def to_json(value: Any, name: str) -> bytes:
    """JSON of a dict whose values may also be numpy scalars and arrays. Raises ArgumentError for what JSON cannot say."""
    try:
        return json.dumps(value, default=_plain, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"{name}: {error}") from None


def _plain(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no JSON")


def read_bytes(function: Callable[..., int], *arguments: Any) -> bytes:
    """The result of a function of the two-call pattern, called with arguments, a buffer, its capacity and a length to set."""
    length = ctypes.c_size_t()
    check(function(*arguments, None, 0, ctypes.byref(length)))
    while True:
        capacity = length.value + 1
        buffer = ctypes.create_string_buffer(capacity)
        status = function(*arguments, buffer, capacity, ctypes.byref(length))
        # Between two calls another thread may have changed a parameter, and with it the length of the text.
        if status == ArgumentError.status and length.value >= capacity:
            continue
        check(status)
        return ctypes.string_at(buffer, length.value)


def whole_number(value: Any, name: str) -> int:
    """A seed, count or index in 0 ..< 2**64. ctypes would wrap any other integer without a word. Raises ArgumentError."""
    try:
        number = operator.index(value)
    except TypeError:
        raise ArgumentError(f"{name}: expected an integer, got {type(value).__name__}") from None
    if not 0 <= number < 2**64:
        raise ArgumentError(f"{name}: expected 0 <= {name} < 2**64, got {number}")
    return number
