"""Text, JSON and whole numbers on their way to C, and the two-call pattern."""

import json

import numpy as np
import pytest

import rill
from rill import _text


def test_text_that_c_would_cut_short_is_refused():
    assert _text.encode("é", "name") == "é".encode()
    with pytest.raises(rill.ArgumentError, match="^name: "):
        _text.encode("a\0b", "name")


def test_json_takes_numpy_values():
    value = {"shift": np.array([1.5, 2.5], dtype=np.float32), "size": np.int64(2), "p": np.float32(0.5)}
    assert json.loads(_text.to_json(value, "options")) == {"shift": [1.5, 2.5], "size": 2, "p": 0.5}


@pytest.mark.parametrize("value", [{"a": float("nan")}, {"a": np.float32("inf")}, {"a": object()}, {"a": {1, 2}}])
def test_what_json_cannot_say_is_refused(value):
    with pytest.raises(rill.ArgumentError, match="^options: "):
        _text.to_json(value, "options")


@pytest.mark.parametrize("value", [-1, 2**64, 1.0, "1", None])
def test_whole_number_refuses(value):
    with pytest.raises(rill.ArgumentError, match="^seed: "):
        _text.whole_number(value, "seed")


@pytest.mark.parametrize("value", [0, 2**64 - 1, np.uint64(2**64 - 1), np.int8(5)])
def test_whole_number_takes(value):
    assert _text.whole_number(value, "seed") == int(value)


def test_read_bytes_follows_a_text_that_grows_between_the_calls():
    lengths = iter([3, 5, 5])

    def function(buffer, capacity, length):
        size = next(lengths)
        length._obj.value = size
        if buffer is None:
            return 0
        if size + 1 > capacity:
            return rill.ArgumentError.status
        buffer.value = b"x" * size
        return 0

    assert _text.read_bytes(function) == b"xxxxx"


def test_read_bytes_raises_what_the_second_call_says():
    statuses = iter([0, rill.StateError.status])
    with pytest.raises(rill.StateError):
        _text.read_bytes(lambda *arguments: next(statuses))
