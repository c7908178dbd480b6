"""Outputs against the equations, in float64. Shape letters: T time, B batch, I input, H hidden."""

import numpy as np
import pytest
from helpers import make_model, noise, tokens

# The outputs stay within a few units, where float32 rounds at 1e-7 or so per operation; a wrong gate order or transposition shows at 1e-2.
TOLERANCE = 1e-6


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def lstm(p, x, k, h, c):
    """i, f, o = sigmoid(...), g = tanh(...); c' = f c + i g; h' = o tanh(c'). x: [B][T][I] -> [B][T][H]."""
    rows = []
    for t in range(x.shape[1]):
        gates = x[:, t] @ p[f"0.weight_ih_l{k}"].T + p[f"0.bias_ih_l{k}"] + h @ p[f"0.weight_hh_l{k}"].T + p[f"0.bias_hh_l{k}"]
        i, f, g, o = np.split(gates, 4, axis=-1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        rows.append(h)
    return np.stack(rows, axis=1), h, c


def gru(p, x, k, h):
    """r, z = sigmoid(...); n = tanh(W x + b + r (U h + b)); h' = (1 - z) n + z h."""
    rows = []
    for t in range(x.shape[1]):
        from_input = np.split(x[:, t] @ p[f"0.weight_ih_l{k}"].T + p[f"0.bias_ih_l{k}"], 3, axis=-1)
        from_state = np.split(h @ p[f"0.weight_hh_l{k}"].T + p[f"0.bias_hh_l{k}"], 3, axis=-1)
        r, z = (sigmoid(a + b) for a, b in zip(from_input[:2], from_state[:2]))
        h = (1 - z) * np.tanh(from_input[2] + r * from_state[2]) + z * h
        rows.append(h)
    return np.stack(rows, axis=1), h


def in_double(model):
    return {name: values.astype(np.float64) for name, values in model.parameters.items()}


def dense(p, x):
    return x @ p["1.weight"].T + p["1.bias"]


def close(a, b):
    return a.shape == b.shape and np.abs(a - b).max() <= TOLERANCE


def test_lstm():
    model, x = make_model(num_layers=2, hidden_size=7), noise(4, 30, 3)
    p, zero = in_double(model), np.zeros((4, 7))
    first, h0, c0 = lstm(p, x.astype(np.float64), 0, zero, zero)
    second, h1, c1 = lstm(p, first, 1, zero, zero)
    assert close(model(x), dense(p, second))
    stream = model.stream(4)
    stream.run(x)
    assert close(stream.state["0.hidden"], np.stack([h0, h1]))
    assert close(stream.state["0.cell"], np.stack([c0, c1]))


def test_gru():
    model, x = make_model(kind="gru", hidden_size=7), noise(4, 30, 3)
    p = in_double(model)
    expected, h = gru(p, x.astype(np.float64), 0, np.zeros((4, 7)))
    assert close(model(x), dense(p, expected))
    stream = model.stream(4)
    stream.run(x)
    assert close(stream.state["0.hidden"], h[np.newaxis])


def test_lstm_of_tokens_reads_one_hot_vectors():
    model, x = make_model(tokens=True, input_size=9, hidden_size=7), tokens(4, 30, below=9)
    x[2, 5] = -1  # the zero vector
    p, zero = in_double(model), np.zeros((4, 7))
    one_hot = np.concatenate([np.eye(9), np.zeros((1, 9))])[x]
    assert close(model(x), dense(p, lstm(p, one_hot, 0, zero, zero)[0]))


@pytest.mark.parametrize("batch_first", [True, False])
def test_initial_states_and_lengths(batch_first):
    model, x = make_model(initial_state=True, hidden_size=7, return_sequences=False), noise(4, 30, 3)
    model.parameters["0.h0_l0"], model.parameters["0.c0_l0"] = noise(7, seed=1), noise(7, seed=2)
    model.publish()
    p, lengths = in_double(model), [30, 1, 7, 29]
    start = (np.broadcast_to(p[f"0.{name}_l0"], (4, 7)) for name in ("h0", "c0"))
    hidden = lstm(p, x.astype(np.float64), 0, *start)[0]
    last = hidden[np.arange(4), np.array(lengths) - 1]
    given = x if batch_first else x.swapaxes(0, 1)
    assert close(model(given, lengths=lengths, batch_first=batch_first), dense(p, last))
