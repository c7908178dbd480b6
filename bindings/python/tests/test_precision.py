"""Streams of smaller weights, and input that is not finite."""

import numpy as np
import pytest
from helpers import make_model, noise, same_bits, tokens

import rill

PRECISIONS = ["float32", "bfloat16", "int8"]


def bfloat16(values):
    """Rounded to nearest even, to the upper half of a float."""
    bits = np.ascontiguousarray(values).view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_bfloat16_is_float32_of_rounded_weights(kind):
    model, rounded, x = make_model(kind=kind, output_size=7), make_model(kind=kind, output_size=7), noise(4, 9, 3)
    for name, values in model.parameters.items():
        if "weight" in name:
            rounded.parameters[name] = bfloat16(values)
    rounded.publish()
    assert same_bits(model.stream(4, precision="bfloat16").run(x), rounded.stream(4).run(x))
    assert not same_bits(model.stream(4, precision="bfloat16").run(x), model.stream(4).run(x))


@pytest.mark.parametrize("precision", PRECISIONS)
def test_steps_and_runs_agree(precision):
    model, x = make_model(hidden_size=20), noise(3, 9, 3)
    stream = model.stream(3, precision=precision)
    assert stream.precision == precision
    stepped = np.stack([stream.step(x[:, t]) for t in range(9)], axis=1)
    assert same_bits(model.stream(3, precision=precision).run(x), stepped)
    assert same_bits(model.stream(precision=precision).run(x[1]), stepped[1])
    # int8 is the coarsest: half a level, 1/254 of the largest weight of a row, on sums of a few products.
    assert np.abs(stepped - model(x)).max() < 0.02


def test_defaults():
    stream = make_model().stream()
    assert (stream.precision, stream.nonfinite) == ("float32", "refuse")


def test_a_fork_keeps_the_options():
    model, x = make_model(), noise(3)
    stream = rill.Stream(model, 1, precision="int8", nonfinite="zero")
    stream.step(x)
    branch = stream.fork()
    assert (branch.precision, branch.nonfinite) == ("int8", "zero")
    x[1] = np.nan
    assert same_bits(branch.step(x), stream.step(x))


@pytest.mark.parametrize("options", [{"precision": "float16"}, {"precision": 8}, {"nonfinite": "ignore"}, {"nonfinite": None}])
def test_unknown_options_are_refused(options):
    with pytest.raises(rill.FormatError, match=f"options.{next(iter(options))}"):
        make_model().stream(**options)


def test_states_fit_streams_of_every_precision():
    model, x = make_model(), noise(2, 5, 3)
    exact, small = model.stream(2), model.stream(2, precision="int8")
    small.run(x)
    exact.load_state(small.save_state())
    assert exact.save_state() == small.save_state()
    small.step(x[:, 0])
    small.copy_to(exact)
    assert exact.save_state() == small.save_state()


@pytest.mark.parametrize("batch_size", [1, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nonfinite_input_counts_as_zero(dtype, batch_size):
    model, x = make_model(input_size=20), noise(batch_size, 50, 20).astype(dtype)
    x[0, 3, 1], x[-1, 4, 17], x[0, 49, 19] = np.nan, np.inf, -np.inf
    cleaned = np.where(np.isfinite(x), x, 0)
    expected = model(cleaned)
    assert same_bits(model.stream(batch_size, nonfinite="zero").run(x), expected)
    stream = model.stream(batch_size, nonfinite="zero")
    assert same_bits(np.stack([stream.step(x[:, t]) for t in range(50)], axis=1), expected)
    stepped = stream.save_state()
    with pytest.raises(rill.ArgumentError, match="is not finite"):
        model.stream(batch_size).run(x)
    assert stream.save_state() == stepped


def test_nonfinite_numbers_and_lists():
    model = make_model(input_size=1)
    expected = model.stream().step(0.0)
    for value in (np.nan, np.inf, -np.inf, [np.nan], float("nan")):
        assert same_bits(model.stream(nonfinite="zero").step(value), expected)


def test_precision_after_publish():
    model, x = make_model(), noise(2, 5, 3)
    streams = {precision: model.stream(2, precision=precision) for precision in PRECISIONS}
    model.parameters["0.weight_hh_l0"] = noise(20, 5)
    model.publish()
    for precision, stream in streams.items():
        stream.refresh()
        assert same_bits(stream.run(x), model.stream(2, precision=precision).run(x))


def test_weight_bytes():
    sizes = make_model(hidden_size=64, output_size=64).describe()["weight_bytes"]
    assert list(sizes) == PRECISIONS
    # Biases and scales stay float32.
    assert sizes["float32"] > 1.9 * sizes["bfloat16"] > 1.9 * 1.7 * sizes["int8"]


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("batch_first", [True, False])
def test_evaluate_precision(precision, batch_first):
    model, x = make_model(), noise(3, 40, 3)
    exact = model.stream(3).run(x).astype(np.float64)
    difference = model.stream(3, precision=precision).run(x) - exact
    error = model.evaluate_precision(precision, x if batch_first else x.swapaxes(0, 1), batch_first=batch_first)
    assert isinstance(error, rill.PrecisionError)
    assert error.largest_difference == np.abs(difference).max()
    # Sums of 240 squares in double, in another order.
    assert error.rms_difference == pytest.approx(np.sqrt(np.mean(difference**2)), rel=1e-12, abs=0)
    assert error.rms_output == pytest.approx(np.sqrt(np.mean(exact**2)), rel=1e-12)
    assert error.relative == error.rms_difference / error.rms_output
    assert (error.rms_difference == 0) == (precision == "float32")


def test_evaluate_precision_of_tokens_and_single_sequences():
    model, x = make_model(tokens=True, input_size=9), tokens(40, below=9)
    single = model.evaluate_precision("int8", x)
    assert single == model.evaluate_precision("int8", x[np.newaxis])
    assert 0 < single.relative < 0.1


def test_evaluate_precision_refuses():
    model = make_model()
    with pytest.raises(rill.ArgumentError, match="^precision: expected float32, bfloat16 or int8"):
        model.evaluate_precision("int4", noise(7, 3))
    with pytest.raises(rill.ArgumentError, match="inputs"):
        model.evaluate_precision("int8", np.full((7, 3), np.nan))
    with pytest.raises(rill.ArgumentError, match="^x: "):
        model.evaluate_precision("int8", noise(7, 4))


def test_relative_of_silence():
    assert rill.PrecisionError(0, 0, 0).relative == 0
    assert rill.PrecisionError(1, 1, 0).relative == float("inf")
