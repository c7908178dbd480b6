"""States at rest, and beginning there."""

import numpy as np
import pytest
from helpers import make_model, noise, same_bits

import rill


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_a_settled_stream_stays_where_it_is(kind):
    stream, x = make_model(kind=kind, num_layers=2).stream(2), noise(2, 3)
    settled = stream.settle(x, tolerance=1e-6)
    assert isinstance(settled, rill.Settled)
    assert settled.rests
    assert 1 < settled.step_count < 1000
    assert 0 <= settled.last_change <= np.float32(1e-6)
    before = stream.state["0.hidden"]
    stream.step(x)
    # A network that comes to rest comes nearer with each step.
    assert np.abs(stream.state["0.hidden"] - before).max() <= 2e-6


def test_settling_is_stepping():
    model, x = make_model(), noise(3)
    a, b = model.stream(), model.stream()
    count = a.settle(x).step_count
    for _ in range(count):
        b.step(x)
    assert a.save_state() == b.save_state()


def test_inputs_as_step_takes_them():
    model = make_model(input_size=1)
    states = []
    for x in (0.5, [0.5], [[0.5]], np.full((1, 2), 0.5)[:, ::2]):
        stream = model.stream()
        stream.settle(x)
        states.append(stream.save_state())
    assert len(set(states)) == 1
    words = make_model(tokens=True, input_size=9)
    for x in (4, [4], np.array([4])):
        assert words.stream().settle(x).rests
    zero = model.stream(nonfinite="zero")
    assert zero.settle(np.nan) == model.stream().settle(0.0)


def test_what_never_rests_says_so():
    """A rotation by a right angle: the state comes back every four steps."""
    model = rill.Model(
        {"input": {"kind": "vector", "size": 1}, "layers": [{"type": "rnn", "hidden_size": 2, "initial_state": True}]}, seed=1
    )
    model.load_state_dict(
        {
            "0.weight_ih_l0": [[0], [0]],
            "0.weight_hh_l0": [[0, -4], [4, 0]],
            "0.bias_ih_l0": [0, 0],
            "0.bias_hh_l0": [0, 0],
            "0.h0_l0": [1, 0.5],
        }
    )
    model.publish()
    settled = model.stream().settle(0.0, step_limit=50)
    assert not settled.rests
    assert settled.step_count == 50
    assert settled.last_change > 0.5


def test_one_step_can_be_enough():
    assert make_model().stream().settle(noise(3), tolerance=10) == (1, pytest.approx(0.5, abs=0.5), True)
    assert make_model().stream().settle(noise(3), tolerance=0, step_limit=1).rests is False


def test_wrong_arguments_are_refused_and_change_nothing():
    stream = make_model().stream()
    before = stream.save_state()
    with pytest.raises(rill.ArgumentError, match=r"^x: expected \[1\]\[3\] or \[3\], got \[4\]"):
        stream.settle(noise(4))
    for tolerance in (-1e-9, np.nan, "small", None):
        with pytest.raises(rill.ArgumentError, match="^tolerance"):
            stream.settle(noise(3), tolerance=tolerance)
    for step_limit in (0, -1, 2.5, 2**64):
        with pytest.raises(rill.ArgumentError, match="^step_limit"):
            stream.settle(noise(3), step_limit=step_limit)
    with pytest.raises(rill.ArgumentError, match=r"^input\[1\]: is not finite"):
        stream.settle([0, np.nan, 0])
    assert stream.save_state() == before
    stream.close()
    with pytest.raises(rill.StateError, match="closed"):
        stream.settle(noise(3))


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_streams_begin_at_rest(kind, tmp_path):
    path = tmp_path / "model.json"
    make_model(kind=kind, hidden_size=6, num_layers=2).save(path)
    model, x = rill.Model.load(path, initial_state=True), noise(3)
    assert not model.parameters["0.h0_l1"].any()
    stream = model.stream(3)
    stream.settle(np.stack([x, 2 * x, -x]))
    model.set_initial_state(stream, lane=1)
    for layer in range(2):
        assert same_bits(model.parameters[f"0.h0_l{layer}"], stream.state["0.hidden"][layer, 1])
    if kind == "lstm":
        assert same_bits(model.parameters["0.c0_l1"], stream.state["0.cell"][1, 1])
    model.publish()
    stream.refresh()
    stream.reset()
    assert same_bits(stream.state["0.hidden"][:, 0], stream.state["0.hidden"][:, 2])
    y = model.stream().run(np.broadcast_to(2 * x, (5, 3)))
    # Two layers of six units, a head of six weights below 0.41: the last change of 1e-6 is passed on by at most a few times that.
    assert np.abs(np.diff(y, axis=0)).max() < 5e-6
    model.save(path)
    again = rill.Model.load(path)
    assert same_bits(again.stream().run(np.broadcast_to(2 * x, (5, 3))), y)


def test_parse_gives_initial_states():
    text = make_model().to_text()
    assert "0.h0_l0" not in rill.Model.parse(text).parameters
    model = rill.Model.parse(text, initial_state=True)
    assert not model.parameters["0.h0_l0"].any()
    model.parameters["0.h0_l0"] = noise(5)
    again = rill.Model.parse(model.to_text(), initial_state=True)
    assert same_bits(again.parameters["0.h0_l0"], noise(5))
    with pytest.raises(rill.FormatError, match="options.initial_state"):
        rill.Model.parse(text, initial_state=1)


def test_initial_states_that_do_not_fit_are_refused():
    plain, model = make_model(), make_model(initial_state=True)
    stream = model.stream(2)
    with pytest.raises(rill.ArgumentError, match="initial_state"):
        plain.set_initial_state(stream)
    with pytest.raises(rill.ArgumentError, match="^stream"):
        model.set_initial_state(make_model(hidden_size=6).stream())
    with pytest.raises(rill.ArgumentError, match="stream: expected a Stream, got Model"):
        model.set_initial_state(model)
    for lane in (2, -1, 0.5):
        with pytest.raises(rill.ArgumentError, match="^lane"):
            model.set_initial_state(stream, lane)
    model.set_initial_state(plain.stream())  # the recurrent layers are the same
