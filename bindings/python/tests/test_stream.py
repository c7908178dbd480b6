"""Streams: shapes, and the same bits as whole sequences."""

import numpy as np
import pytest
from helpers import make_model, noise, same_bits, tokens

import rill


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_steps_are_the_rows_of_the_whole_sequence(kind):
    model, x = make_model(kind=kind), noise(4, 7, 3)
    expected = model(x)
    stream = model.stream(4)
    assert stream.batch_size == 4
    for t in range(7):
        assert same_bits(stream.step(x[:, t]), expected[:, t])


def test_one_lane_needs_no_dimension_for_it():
    model, x = make_model(), noise(7, 3)
    expected = model(x)
    a, b = model.stream(), model.stream()
    for t in range(7):
        y = a.step(x[t])
        assert y.shape == (2,)
        assert same_bits(y, expected[t])
        assert same_bits(b.step(x[t : t + 1]), expected[t : t + 1])


def test_one_number_per_step_may_be_a_number():
    model, x = make_model(input_size=1), noise(7)
    expected = model(x)
    a, b, c = model.stream(), model.stream(), model.stream()
    for t in range(7):
        assert same_bits(a.step(float(x[t])), expected[t])
        assert same_bits(b.step(x[t]), expected[t])
        assert same_bits(c.step([[x[t]]]), expected[t : t + 1])


def test_other_numbers_give_the_same():
    model, x = make_model(), noise(2, 3)
    expected = model.stream(2).step(x)
    assert same_bits(model.stream(2).step(x.astype(np.float64)), expected)
    assert same_bits(model.stream(2).step(x.tolist()), expected)
    assert same_bits(model.stream(2).step(np.asfortranarray(x)), expected)
    assert same_bits(model.stream(2).step(x.astype(">f4")), expected)


def test_results_of_steps_are_arrays_of_their_own():
    stream, x = make_model().stream(), noise(2, 3)
    first = stream.step(x[0])
    kept = first.copy()
    second = stream.step(x[1])
    assert not same_bits(first, second)
    assert same_bits(first, kept)


@pytest.mark.parametrize("x", [noise(2), noise(4), noise(2, 3), noise(3, 1), noise(1, 1, 3), 1.0])
def test_wrong_shapes_are_refused_and_change_nothing(x):
    model = make_model()
    stream, untouched = model.stream(), model.stream()
    with pytest.raises(rill.ArgumentError, match=r"^x: expected \[1\]\[3\] or \[3\], got"):
        stream.step(x)
    assert stream.save_state() == untouched.save_state()


def test_a_row_is_not_spread_over_several_lanes():
    with pytest.raises(rill.ArgumentError, match=r"^x: expected \[2\]\[3\], got \[3\]"):
        make_model().stream(2).step(noise(3))


def test_values_that_are_not_finite_are_refused():
    with pytest.raises(rill.ArgumentError):
        make_model().stream().step([0, np.nan, 0])


def test_tokens():
    model, x = make_model(tokens=True, input_size=9), tokens(4, 7, below=9)
    expected = model(x)
    many, one, array = model.stream(4), model.stream(), model.stream()
    for t in range(7):
        assert same_bits(many.step(x[:, t]), expected[:, t])
        assert same_bits(one.step(int(x[0, t])), expected[0, t])
        assert same_bits(array.step([x[0, t]]), expected[:1, t])
    one.step(-1)
    for wrong in (1.0, [[1]], 9, -2, 2**32):
        with pytest.raises(rill.ArgumentError):
            one.step(wrong)


def test_step_into_out():
    model, x = make_model(), noise(7, 3)
    expected = model(x)
    stream, out = model.stream(), np.zeros((7, 2), dtype=np.float32)
    for t in range(7):
        row = out[t]
        assert stream.step(x[t], out=row) is row
    assert same_bits(out, expected)
    before = stream.save_state()
    for wrong in (out, out[0].astype(np.float64), [0.0, 0.0]):
        with pytest.raises(rill.ArgumentError, match="^out: "):
            stream.step(x[0], out=wrong)
    assert stream.save_state() == before


@pytest.mark.parametrize("batch_first", [True, False])
def test_run_goes_on_where_the_last_call_stopped(batch_first):
    model, x = make_model(), noise(4, 9, 3)
    expected = model(x)
    if not batch_first:
        x, expected = x.swapaxes(0, 1), expected.swapaxes(0, 1)
    time = 1 if batch_first else 0
    stream = model.stream(4)
    parts = [stream.run(part, batch_first=batch_first) for part in np.array_split(x, [2, 2, 7], axis=time)]
    assert parts[1].shape[time] == 0
    assert same_bits(np.concatenate(parts, axis=time), expected)


def test_run_of_one_lane():
    model, x = make_model(), noise(7, 3)
    expected = model(x)
    assert same_bits(model.stream().run(x), expected)
    assert same_bits(model.stream().run(x[np.newaxis]), expected[np.newaxis])
    with pytest.raises(rill.ArgumentError, match="expected 2 sequences, got 1"):
        model.stream(2).run(x)
    single = make_model(input_size=1)
    assert same_bits(single.stream().run(x[:, 0]), single(x[:, :1]))


def test_run_of_tokens():
    model, x = make_model(tokens=True, input_size=9), tokens(4, 7, below=9)
    assert same_bits(model.stream(4).run(x), model(x))
    assert same_bits(model.stream().run(x[0].tolist()), model(x[0]))


def test_run_into_out():
    model, x = make_model(), noise(4, 7, 3)
    expected = model(x)
    out = np.zeros((4, 14, 2), dtype=np.float32)
    for view in (np.zeros_like(expected), out[:, ::2], out[:, 1::2]):
        assert model.stream(4).run(x, out=view) is view
        assert same_bits(view, expected)


def test_one_output_per_sequence_is_told_at_every_step():
    model, x = make_model(return_sequences=False), noise(2, 7, 3)
    y = model.stream(2).run(x)
    assert y.shape == (2, 7, 2)
    for t in range(7):
        assert same_bits(y[:, t], model(x[:, : t + 1]))


def test_reset():
    model, x = make_model(), noise(2, 7, 3)
    expected = model(x)
    stream = model.stream(2)
    stream.run(x)
    stream.reset()
    assert same_bits(stream.run(x), expected)
    stream.reset(lane=1)
    again = stream.run(x)
    assert same_bits(again[1], expected[1])
    assert not same_bits(again[0], expected[0])
    for lane in (2, -1, 0.5):
        with pytest.raises(rill.ArgumentError, match="lane"):
            stream.reset(lane)


def test_refresh_adopts_what_was_published():
    model, x = make_model(), noise(3)
    stream = model.stream()
    model.parameters["1.weight"] = np.zeros((2, 5))
    model.parameters["1.bias"] = [3, 4]
    stream.step(x)
    model.publish()
    assert stream.step(x).tolist() != [3, 4]
    before = stream.save_state()
    stream.refresh()
    assert stream.save_state() == before
    assert stream.step(x).tolist() == [3, 4]


def test_a_diverged_stream_wants_a_reset():
    model = rill.Model(
        {"input": {"kind": "vector", "size": 1}, "layers": [{"type": "rnn", "nonlinearity": "relu", "hidden_size": 1}]}, seed=1
    )
    model.load_state_dict({"0.weight_ih_l0": [[1]], "0.weight_hh_l0": [[1e20]], "0.bias_ih_l0": [0], "0.bias_hh_l0": [0]})
    model.publish()
    stream = model.stream()
    out = np.full((4, 1), 7, dtype=np.float32)
    with pytest.raises(rill.DivergedError):
        stream.run([1, 0, 0, 0], out=out)  # h: 1, 1e20, overflow
    assert out[:, 0].tolist() == [1, np.float32(1e20), 7, 7]
    untouched = np.full(1, 7, dtype=np.float32)
    with pytest.raises(rill.StateError):
        stream.step(1.0, out=untouched)
    assert untouched == 7
    with pytest.raises(rill.StateError):
        stream.save_state()
    stream.reset()
    assert stream.step(1.0) == 1


@pytest.mark.parametrize("batch_size", [0, -1, 65537, 1.5])
def test_wrong_batch_sizes_are_refused(batch_size):
    with pytest.raises(rill.ArgumentError, match="batch_size"):
        make_model().stream(batch_size)


def test_repr_says_what_it_is():
    assert repr(make_model().stream(4)) == "<rill.Stream of 4 on vector 3 -> lstm(5), dense(2) -> 2, 212 parameters>"
