"""The state of a stream: seen by name, copied, saved, branched."""

import numpy as np
import pytest
from helpers import make_model, noise, same_bits

import rill


def started(model, batch_size=2, seed=3):
    """A stream in the middle of a sequence."""
    stream = model.stream(batch_size)
    stream.run(noise(batch_size, 5, 3, seed=seed))
    return stream


@pytest.mark.parametrize(
    ("kind", "names"), [("rnn", ["0.hidden"]), ("gru", ["0.hidden"]), ("lstm", ["0.hidden", "0.cell"])]
)
def test_names_and_shapes(kind, names):
    state = make_model(kind=kind, num_layers=2).stream(3).state
    assert list(state) == names
    assert {name: array.shape for name, array in state.items()} == {name: (2, 3, 5) for name in names}
    assert state.shape("0.hidden") == (2, 3, 5)


def test_a_new_stream_is_at_zero():
    assert all(not array.any() for array in make_model().stream(2).state.values())


def test_trained_initial_states_are_seen():
    model = make_model(initial_state=True)
    model.parameters["0.h0_l0"] = noise(5)
    model.publish()
    assert same_bits(model.stream(2).state["0.hidden"], np.broadcast_to(noise(5), (1, 2, 5)))


def test_getting_copies_and_setting_writes():
    model = make_model()
    a, b, x = started(model), model.stream(2), noise(2, 3)
    for name, array in a.state.items():
        b.state[name] = array
        array[:] = 0
    assert a.save_state() == b.save_state()
    assert same_bits(a.step(x), b.step(x))


def test_wrong_states_are_refused():
    stream = started(make_model())
    before = stream.save_state()
    with pytest.raises(KeyError, match="no state named '1.hidden'; there are 0.hidden, 0.cell"):
        stream.state["1.hidden"]
    with pytest.raises(rill.ArgumentError, match="0.hidden: expected shape"):
        stream.state["0.hidden"] = np.zeros((2, 5))
    with pytest.raises(rill.ArgumentError):
        stream.state["0.hidden"] = np.full((1, 2, 5), np.inf)
    assert stream.save_state() == before


def test_copy_to():
    model, x = make_model(), noise(2, 3)
    a, b = started(model, seed=1), started(model, seed=2)
    a.copy_to(b)
    assert same_bits(a.step(x), b.step(x))
    before = a.save_state()
    a.copy_to(a)
    assert a.save_state() == before
    with pytest.raises(rill.ArgumentError):
        a.copy_to(model.stream(3))
    with pytest.raises(rill.ArgumentError):
        a.copy_to(make_model(hidden_size=6).stream(2))
    with pytest.raises(rill.ArgumentError, match="expected a Stream, got Model"):
        a.copy_to(model)


def test_copy_lane():
    model = make_model()
    a, b = started(model, 2, seed=1), started(model, 3, seed=2)
    before = b.state["0.hidden"]
    a.copy_lane(1, b, 2)
    after = b.state["0.hidden"]
    assert same_bits(after[:, 2], a.state["0.hidden"][:, 1])
    assert same_bits(after[:, :2], before[:, :2])
    b.copy_lane(2, b, 0)
    assert same_bits(b.state["0.cell"][:, 0], a.state["0.cell"][:, 1])
    for lane, other_lane in ((2, 0), (0, 3), (-1, 0)):
        with pytest.raises(rill.ArgumentError, match="lane"):
            a.copy_lane(lane, b, other_lane)


def test_fork_goes_its_own_way():
    stream, x = started(make_model()), noise(2, 2, 3)
    branch = stream.fork()
    assert branch.save_state() == stream.save_state()
    expected = stream.step(x[0])
    branch.step(x[1])
    assert branch.save_state() != stream.save_state()
    assert branch.batch_size == 2
    stream.close()
    assert not same_bits(branch.step(x[0]), expected)


def test_save_and_load():
    model, x = make_model(), noise(2, 5, 3)
    stream = started(model)
    saved = stream.save_state()
    assert isinstance(saved, bytes)
    expected = stream.run(x)
    for data in (saved, bytearray(saved), memoryview(saved)):
        stream.load_state(data)
        assert same_bits(stream.run(x), expected)
    other = rill.Model.parse(model.to_text()).stream(2)
    other.load_state(saved)
    assert same_bits(other.run(x), expected)


def test_broken_states_are_refused_and_change_nothing():
    stream = started(make_model())
    saved = stream.save_state()
    flipped = bytearray(saved)
    flipped[-1] ^= 1
    for data in (b"", saved[:-1], saved + b"\0", bytes(flipped)):
        with pytest.raises(rill.FormatError):
            stream.load_state(data)
    with pytest.raises(rill.ArgumentError):
        stream.load_state(started(make_model(), 3).save_state())
    with pytest.raises(rill.ArgumentError):
        stream.load_state(make_model(hidden_size=6).stream(2).save_state())
    with pytest.raises(TypeError):
        stream.load_state("text")
    assert stream.save_state() == saved


def test_loading_ends_the_need_of_a_reset():
    model = rill.Model(
        {"input": {"kind": "vector", "size": 1}, "layers": [{"type": "rnn", "nonlinearity": "relu", "hidden_size": 1}]}, seed=1
    )
    model.load_state_dict({"0.weight_ih_l0": [[1e30]], "0.weight_hh_l0": [[0]], "0.bias_ih_l0": [0], "0.bias_hh_l0": [0]})
    model.publish()
    stream = model.stream()
    saved = stream.save_state()
    with pytest.raises(rill.DivergedError):
        stream.step(1e30)
    stream.load_state(saved)
    assert stream.step(0.0) == 0
