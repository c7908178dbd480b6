"""Models: creation, sizes, and whole sequences."""

import numpy as np
import pytest
from helpers import configuration, make_model, noise, same_bits, tokens

import rill


def test_configuration_is_a_dict_or_json():
    import json

    a = rill.Model(configuration(), seed=7)
    b = rill.Model(json.dumps(configuration()), seed=7)
    assert a.to_text() == b.to_text()


def test_configuration_takes_numpy_values():
    x = noise(100, 3) * 4 + 10
    settings = configuration()
    settings["input"].update(shift=x.mean(axis=0), scale=x.std(axis=0))
    described = rill.Model(settings, seed=1).describe()["configuration"]["input"]
    assert np.float32(described["shift"]).tolist() == x.mean(axis=0).tolist()


def test_the_seed_decides_the_parameters():
    assert make_model(seed=5).to_text() == make_model(seed=5).to_text()
    assert make_model(seed=5).to_text() != make_model(seed=6).to_text()
    assert make_model(seed=2**64 - 1).to_text() != make_model(seed=0).to_text()


def test_the_seed_is_required():
    with pytest.raises(TypeError, match="seed"):
        rill.Model(configuration())


@pytest.mark.parametrize("seed", [-1, 2**64, 0.5])
def test_a_seed_beyond_64_bits_is_refused(seed):
    with pytest.raises(rill.ArgumentError, match="seed"):
        make_model(seed=seed)


def test_sizes_and_kinds():
    model = make_model(input_size=3, output_size=2)
    assert (model.input_kind, model.input_size, model.output_size, model.output_per_sequence) == ("vector", 3, 2, False)
    model = make_model(tokens=True, input_size=11, output_size=4, return_sequences=False)
    assert (model.input_kind, model.input_size, model.output_size, model.output_per_sequence) == ("token", 11, 4, True)


def test_repr_says_what_it_is():
    assert repr(make_model(input_size=3, hidden_size=5, output_size=2)) == (
        "<rill.Model vector 3 -> lstm(5), dense(2) -> 2, 212 parameters>"  # 20 x 3 + 20 x 5 + 20 + 20, and 2 x 5 + 2
    )


def test_a_single_sequence_equals_a_batch_of_one():
    model, x = make_model(), noise(7, 3)
    y = model(x)
    assert y.shape == (7, 2)
    assert y.dtype == np.float32
    assert same_bits(y, model(x[np.newaxis])[0])


def test_batch_first_and_time_first_agree():
    model, x = make_model(), noise(4, 7, 3)
    y = model(x)
    assert y.shape == (4, 7, 2)
    assert same_bits(y, model(x.swapaxes(0, 1), batch_first=False).swapaxes(0, 1))
    for lane in range(4):
        assert same_bits(y[lane], model(x[lane]))


def test_other_numbers_give_the_same():
    model, x = make_model(), noise(4, 7, 3)
    y = model(x)
    assert same_bits(model(x.astype(np.float64)), y)
    assert same_bits(model(x.tolist()), y)
    assert same_bits(model(np.asfortranarray(x)), y)


def test_lengths_leave_zeros_behind_the_end():
    model, x = make_model(), noise(3, 7, 3)
    y = model(x, lengths=[7, 4, 1])
    whole = model(x)
    for lane, length in enumerate([7, 4, 1]):
        assert same_bits(y[lane, :length], whole[lane, :length])
        assert same_bits(y[lane, length:], np.zeros((7 - length, 2), dtype=np.float32))


def test_a_single_sequence_takes_a_single_length():
    model, x = make_model(), noise(7, 3)
    assert same_bits(model(x, lengths=4)[:4], model(x[:4]))


@pytest.mark.parametrize("lengths", [[7, 7], [7, 7, 0], [7, 7, 8], [7.0, 7.0, 7.0], [[7, 7, 7]]])
def test_wrong_lengths_are_refused(lengths):
    with pytest.raises(rill.ArgumentError, match="length"):
        make_model()(noise(3, 7, 3), lengths=lengths)


def test_one_output_per_sequence():
    model, x = make_model(return_sequences=False), noise(4, 7, 3)
    y = model(x)
    assert y.shape == (4, 2)
    assert model(x[0]).shape == (2,)
    assert same_bits(model(x[0]), y[0])
    # At each sequence's own end.
    assert same_bits(model(x, lengths=[7, 3, 7, 7])[1], model(x[1, :3]))


def test_tokens():
    model, x = make_model(tokens=True, input_size=9), tokens(4, 7, below=9)
    y = model(x)
    assert y.shape == (4, 7, 2)
    assert same_bits(model(x.astype(np.int64)), y)
    assert same_bits(model(x[0].tolist()), y[0])
    assert same_bits(model(x.T, batch_first=False).swapaxes(0, 1), y)
    with pytest.raises(rill.ArgumentError, match="expected integers"):
        model(x.astype(np.float32))
    with pytest.raises(rill.ArgumentError):
        model([0, 9])
    with pytest.raises(rill.ArgumentError):
        model([0, -2])
    assert np.isfinite(model([-1])).all()


@pytest.mark.parametrize("batch_first", [True, False])
def test_out_receives_the_result(batch_first):
    model, x = make_model(), noise(4, 7, 3)
    expected = model(x, batch_first=batch_first)
    out = np.full(expected.shape, np.nan, dtype=np.float32)
    assert model(x, batch_first=batch_first, out=out) is out
    assert same_bits(out, expected)
    with pytest.raises(rill.ArgumentError, match="^out: "):
        model(x, batch_first=batch_first, out=out[:2])


def test_out_of_one_output_per_sequence():
    model, x = make_model(return_sequences=False), noise(4, 7, 3)
    out = np.full((4, 2), np.nan, dtype=np.float32)
    assert model(x, out=out) is out
    assert same_bits(out, model(x))
    assert same_bits(model(x[1], out=out[0]), out[1])


def test_out_may_be_the_input():
    model, x = make_model(input_size=2, output_size=2), noise(7, 4, 2)
    expected = model(x, batch_first=False)
    assert model(x, batch_first=False, out=x) is x
    assert same_bits(x, expected)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e39])
def test_values_that_are_not_finite_in_float32_are_refused(value):
    x = np.zeros((2, 7, 3))
    x[1, 3, 2] = value
    out = np.zeros((2, 7, 2), dtype=np.float32)
    with np.errstate(over="ignore"), pytest.raises(rill.ArgumentError):
        make_model()(x, out=out)
    assert not out.any()


def test_shift_and_scale_are_the_hosts_units():
    """Power-of-two scales and whole shifts, so that the arithmetic outside is exact."""
    plain = make_model()
    settings = configuration()
    settings["input"].update(shift=[2.0, -1.0, 8.0], scale=4.0)
    settings["output"] = {"shift": 16.0, "scale": [2.0, 0.5]}
    scaled = rill.Model(settings, seed=1)
    scaled.load_state_dict(plain.state_dict())
    scaled.publish()
    x = np.round(noise(2, 7, 3) * 64) / 64
    # The result is rounded twice, at y * scale and at + shift: within one unit in the last place of 16, which is 2e-6.
    assert np.allclose(scaled(x * 4 + [2, -1, 8]), plain(x) * [2, 0.5] + 16, rtol=0, atol=4e-6)


def test_describe():
    description = make_model().describe()
    assert description["input_size"] == 3
    assert description["states"] == [{"name": "0.hidden", "shape": [1, 5]}, {"name": "0.cell", "shape": [1, 5]}]
