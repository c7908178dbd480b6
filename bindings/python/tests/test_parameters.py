"""The view of a model's parameters, and state dictionaries."""

import ctypes
import math

import numpy as np
import pytest
from helpers import make_model, noise, same_bits

import rill
from rill._library import library

SHAPES = {
    "0.weight_ih_l0": (20, 3),
    "0.weight_hh_l0": (20, 5),
    "0.bias_ih_l0": (20,),
    "0.bias_hh_l0": (20,),
    "1.weight": (2, 5),
    "1.bias": (2,),
}


def test_names_and_shapes():
    parameters = make_model().parameters
    assert list(parameters) == list(parameters.keys()) == list(SHAPES)
    assert len(parameters) == len(SHAPES)
    assert {name: parameters.shape(name) for name in parameters} == SHAPES
    assert {name: array.shape for name, array in parameters.items()} == SHAPES
    assert "1.bias" in parameters
    assert "2.bias" not in parameters
    assert "'1.weight': [2][5]" in repr(parameters)


def test_the_librarys_own_list_says_the_same():
    model = make_model(num_layers=2, initial_state=True)
    handle, count, rank, length = model._handle, ctypes.c_size_t(), ctypes.c_size_t(), ctypes.c_size_t()
    assert library.rill_model_get_parameter_count(handle, ctypes.byref(count)) == 0
    listed = {}
    for index in range(count.value):
        name, shape = ctypes.create_string_buffer(128), (ctypes.c_size_t * 2)()
        assert library.rill_model_get_parameter_name(handle, index, name, 128, ctypes.byref(length)) == 0
        assert library.rill_model_get_parameter_shape(handle, name.value, shape, 2, ctypes.byref(rank)) == 0
        listed[name.value.decode()] = tuple(shape[: rank.value])
    assert listed == {name: model.parameters.shape(name) for name in model.parameters}
    assert list(listed) == list(model.parameters)
    assert model.describe()["parameter_values"] == sum(math.prod(shape) for shape in listed.values())


def test_getting_copies_and_setting_writes():
    model = make_model()
    values = noise(2, 5)
    model.parameters["1.weight"] = values
    got = model.parameters["1.weight"]
    assert same_bits(got, values)
    got[:] = 0
    assert same_bits(model.parameters["1.weight"], values)
    model.parameters["1.weight"] = values.astype(np.float64).tolist()
    assert same_bits(model.parameters["1.weight"], values)


def test_what_was_set_counts_after_publish():
    model, x = make_model(), noise(7, 3)
    before = model(x)
    model.parameters["1.weight"] = np.zeros((2, 5))
    model.parameters["1.bias"] = [3, 4]
    assert same_bits(model(x), before)
    model.publish()
    assert (model(x) == [3, 4]).all()


def test_wrong_names_and_shapes_are_refused():
    parameters = make_model().parameters
    with pytest.raises(KeyError, match="no parameter named 'weight'; there are 0.weight_ih_l0"):
        parameters["weight"]
    with pytest.raises(KeyError):
        parameters["weight"] = np.zeros(3)
    with pytest.raises(KeyError):
        parameters.shape("weight")
    assert parameters.get("weight") is None
    with pytest.raises(rill.ArgumentError, match=r"1.weight: expected shape \[2\]\[5\], got \[5\]\[2\]"):
        parameters["1.weight"] = np.zeros((5, 2))
    with pytest.raises(rill.ArgumentError):
        parameters["1.weight"] = np.zeros(10)
    with pytest.raises(rill.ArgumentError):
        parameters["1.weight"] = np.full((2, 5), np.nan)


def test_state_dict_moves_a_model():
    source, target, x = make_model(seed=1), make_model(seed=2), noise(7, 3)
    target.load_state_dict(source.state_dict())
    target.publish()
    assert same_bits(source(x), target(x))


class ArrayLike:
    """What a PyTorch tensor is to numpy."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype=dtype)


def test_state_dict_takes_array_likes():
    source, target = make_model(seed=1), make_model(seed=2)
    target.load_state_dict({name: ArrayLike(values) for name, values in source.state_dict().items()})
    assert source.to_text() == target.to_text()


def spoil_missing(state):
    del state["1.bias"]


def spoil_unknown(state):
    state["2.bias"] = np.zeros(2)


def spoil_shape(state):
    state["1.bias"] = np.zeros(3)


def spoil_value(state):
    state["1.bias"] = [0, np.inf]


def spoil_kind(state):
    state["1.bias"] = ["a", "b"]


@pytest.mark.parametrize("spoil", [spoil_missing, spoil_unknown, spoil_shape, spoil_value, spoil_kind])
def test_a_wrong_state_dict_changes_nothing(spoil):
    model = make_model(seed=2)
    before = model.to_text()
    state = make_model(seed=1).state_dict()
    spoil(state)
    with pytest.raises(rill.ArgumentError, match=r"bias"):
        model.load_state_dict(state)
    assert model.to_text() == before
