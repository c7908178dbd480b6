"""The order of dimensions: what the caller gives and gets, and the same memory for the library."""

import numpy as np
import pytest
from helpers import noise, same_bits, tokens

import rill
from rill._architecture import Architecture
from rill._sequences import outputs_per_sequence, outputs_per_step, read_sequences


def architecture(input_kind, input_size):
    return Architecture(
        input_kind, input_size, output_size=5, output_per_sequence=False, parameter_shapes={}, state_shapes={}, summary=""
    )


VECTOR, SCALAR, TOKEN = architecture("vector", 3), architecture("vector", 1), architecture("token", 9)


@pytest.mark.parametrize(
    ("x", "batch_first"),
    [(noise(7, 2, 3), False), (noise(7, 3), True), (noise(7, 3), False), (noise(1, 7, 3), True)],
)
def test_time_major_float32_is_not_copied(x, batch_first):
    sequences = read_sequences(x, VECTOR, batch_first)
    assert np.shares_memory(sequences.values, x)
    assert sequences.values.flags.c_contiguous


def test_time_major_int32_is_not_copied():
    x = tokens(7, 2, below=9)
    assert np.shares_memory(read_sequences(x, TOKEN, False).values, x)


def test_batch_first_is_copied_once_into_time_major_order():
    x = noise(2, 7, 3)
    sequences = read_sequences(x, VECTOR, True)
    assert (sequences.sequence_length, sequences.batch_size) == (7, 2)
    assert same_bits(sequences.values, np.transpose(x, (1, 0, 2)))


def test_one_number_per_time_step_needs_no_dimension():
    assert read_sequences([1.0, 2.0], SCALAR, True).values.shape == (2, 1, 1)


@pytest.mark.parametrize("x", [noise(3), noise(7, 4), noise(2, 7, 4), noise(1, 2, 7, 3), np.float32(1)])
def test_wrong_shapes_of_vectors_are_refused(x):
    with pytest.raises(rill.ArgumentError, match=r"^x: expected \[batch\]\[time\]\[3\] or \[time\]\[3\], got"):
        read_sequences(x, VECTOR, True)


@pytest.mark.parametrize("x", [3, tokens(2, 7, 1, below=9)])
def test_wrong_shapes_of_tokens_are_refused(x):
    with pytest.raises(rill.ArgumentError, match=r"^x: expected tokens"):
        read_sequences(x, TOKEN, True)


def test_float_tokens_are_refused():
    with pytest.raises(rill.ArgumentError, match="expected integers"):
        read_sequences([[1.0, 2.0]], TOKEN, True)


@pytest.mark.parametrize(
    ("x", "batch_first", "shape"),
    [(noise(2, 7, 3), True, (2, 7, 5)), (noise(7, 2, 3), False, (7, 2, 5)), (noise(7, 3), True, (7, 5)), (noise(7, 3), False, (7, 5))],
)
def test_outputs_lie_as_the_inputs_in_time_major_memory(x, batch_first, shape):
    result, view = outputs_per_step(None, read_sequences(x, VECTOR, batch_first), 5)
    assert result.shape == shape
    assert view.shape == (7, 1 if x.ndim == 2 else 2, 5)
    assert view.flags.c_contiguous
    assert np.shares_memory(result, view)


@pytest.mark.parametrize(("x", "shape"), [(noise(2, 7, 3), (2, 5)), (noise(7, 3), (5,))])
def test_outputs_per_sequence_have_no_time(x, shape):
    result, view = outputs_per_sequence(None, read_sequences(x, VECTOR, True), 5)
    assert result.shape == shape
    assert view.shape == (2 if x.ndim == 3 else 1, 5)
    assert np.shares_memory(result, view)


def test_out_is_given_back():
    out = np.empty((2, 7, 5), dtype=np.float32)
    result, view = outputs_per_step(out, read_sequences(noise(2, 7, 3), VECTOR, True), 5)
    assert result is out
    assert np.shares_memory(view, out)
