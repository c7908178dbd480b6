"""Conversion of arrays: no copy where none is needed, and no value changed in silence."""

import numpy as np
import pytest
from helpers import noise, pointer_of, same_bits

import rill
from rill import _arrays, _library


@pytest.mark.parametrize("array", [noise(4), noise(2, 3), noise(2, 3, 4), np.array(1.5, dtype=np.float32)])
def test_contiguous_float32_is_passed_through(array):
    result = _arrays.as_float32(array, "x")
    assert result is array
    assert _arrays.pointer(result).value == pointer_of(array)


def test_contiguous_int32_is_passed_through():
    array = np.arange(6, dtype=np.int32).reshape(2, 3)
    result = _arrays.as_int32(array, "x")
    assert result is array
    assert _arrays.pointer(result).value == pointer_of(array)


@pytest.mark.parametrize(
    "value",
    [
        [[1, 2], [3, 4]],
        np.array([[1, 2], [3, 4]], dtype=np.float64),
        np.array([[1, 2], [3, 4]], dtype=np.float16),
        np.array([[1, 2], [3, 4]], dtype=np.uint8),
        np.array([[1, 2], [3, 4]], dtype=">f4"),
        np.array([[1, 2], [3, 4]], dtype=np.float32, order="F"),
        np.array([[1, 0, 2], [3, 0, 4]], dtype=np.float32)[:, ::2],
    ],
)
def test_other_numbers_are_copied_once_to_float32(value):
    result = _arrays.as_float32(value, "x")
    assert same_bits(result, np.array([[1, 2], [3, 4]], dtype=np.float32))
    assert result.flags.c_contiguous
    assert result.flags.aligned
    assert not isinstance(value, np.ndarray) or not np.shares_memory(result, value)


def test_unaligned_memory_is_copied():
    raw = np.zeros(17, dtype=np.uint8)
    array = raw[1:].view(np.float32)
    array[:] = [1, 2, 3, 4]
    assert not array.flags.aligned
    result = _arrays.as_float32(array, "x")
    assert result.flags.aligned
    assert result.tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("value", [["a"], [1j], [None], np.array(["2020-01-01"], dtype="datetime64[D]"), [[1, 2], [3]]])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(rill.ArgumentError, match="^x: "):
        _arrays.as_float32(value, "x")


@pytest.mark.parametrize("value", [[1.0, 2.0], np.float32([1]), [True, False], ["1"]])
def test_what_is_no_integer_is_refused(value):
    with pytest.raises(rill.ArgumentError, match="expected integers"):
        _arrays.as_int32(value, "x")


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1, np.uint64(2**63)])
def test_integers_beyond_int32_are_refused_and_not_wrapped(value):
    with pytest.raises(rill.ArgumentError, match=str(value)):
        _arrays.as_int32(np.array([value]), "x")


def test_the_ends_of_int32_are_kept():
    assert _arrays.as_int32([2**31 - 1, -(2**31)], "x").tolist() == [2**31 - 1, -(2**31)]


def test_pointer_refuses_what_the_library_could_not_read():
    with pytest.raises(TypeError):
        _arrays.pointer(np.zeros(3))
    with pytest.raises(TypeError):
        _arrays.pointer(np.zeros((3, 3), dtype=np.float32).T[:2])
    assert isinstance(_arrays.pointer(np.zeros(3, dtype=np.float32)), _library.FloatPointer)
    assert isinstance(_arrays.pointer(np.zeros(3, dtype=np.int32)), _library.Int32Pointer)


@pytest.mark.parametrize(
    "out",
    [np.zeros((2, 3)), np.zeros((3, 2), dtype=np.float32), [[0.0] * 3] * 2, np.zeros((2, 3, 1), dtype=np.float32)],
)
def test_unfit_outputs_are_refused(out):
    with pytest.raises(rill.ArgumentError, match="^out: "):
        _arrays.expect_output(out, (2, 3))


def test_read_only_output_is_refused():
    out = np.zeros((2, 3), dtype=np.float32)
    out.flags.writeable = False
    with pytest.raises(rill.ArgumentError, match="read-only"):
        _arrays.expect_output(out, (2, 3))


def test_output_memory_is_the_view_itself_where_possible():
    view = np.zeros((2, 3), dtype=np.float32)
    with _arrays.output_memory(view, noise(4)) as memory:
        assert memory is view


def test_strided_output_is_written_back():
    whole = np.zeros((2, 6), dtype=np.float32)
    with _arrays.output_memory(whole[:, ::2], noise(4)) as memory:
        assert memory.flags.c_contiguous
        memory[...] = 1
    assert whole.tolist() == [[1, 0, 1, 0, 1, 0]] * 2


def test_output_over_the_input_gets_memory_of_its_own():
    both = noise(2, 3)
    before = both.copy()
    with _arrays.output_memory(both, both) as memory:
        assert not np.shares_memory(memory, both)
        memory[...] = 7
        assert same_bits(both, before)
    assert (both == 7).all()


def test_a_failed_call_leaves_a_strided_output_as_it_was():
    whole = noise(2, 6)
    before = whole.copy()
    with pytest.raises(rill.DivergedError), _arrays.output_memory(whole[:, ::2], noise(4)):
        raise rill.DivergedError("")
    assert same_bits(whole, before)
