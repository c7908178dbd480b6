"""JAX as an engine that trains; see training_peer.py. One compiled function makes an update: the products with a layer's inputs for
all time steps at once, the recurrence by lax.scan, Adam written out."""

import os
import sys

os.environ["JAX_PLATFORMS"] = "cpu"
if sys.argv[-1] == "1":  # threads
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false " + os.environ.get("XLA_FLAGS", "")

import jax
import jax.numpy as jnp
from training_peer import CLIP_NORM, LEARNING_RATE, make_data, make_weights, serve, task_of_arguments


def lstm(state, from_input, recurrent, bias):
    h, c = state
    i, f, g, o = jnp.split(from_input + h @ recurrent + bias, 4, -1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def gru(state, from_input, recurrent, bias):
    (h,) = state
    input_r, input_z, input_n = jnp.split(from_input, 3, -1)
    state_r, state_z, state_n = jnp.split(h @ recurrent + bias, 3, -1)
    z = jax.nn.sigmoid(input_z + state_z)
    n = jnp.tanh(input_n + jax.nn.sigmoid(input_r + state_r) * state_n)
    return ((1 - z) * n + z * h,)


def run_layer(task, weights, inputs):
    cell, states = (lstm, 2) if task.cell == "lstm" else (gru, 1)
    input_weights, recurrent, input_bias, bias = weights
    from_inputs = inputs @ input_weights.T + input_bias

    def step(state, from_input):
        state = cell(state, from_input, recurrent.T, bias)
        return state, state[0]

    return jax.lax.scan(step, (jnp.zeros((task.batch, task.hidden)),) * states, from_inputs)[1]


def measure(task, weights, inputs, targets):
    values = jax.nn.one_hot(inputs, task.inputs) if task.kind == "charlm" else inputs
    for layer in range(task.layers):
        values = run_layer(task, weights[4 * layer : 4 * layer + 4], values)
    outputs = values @ weights[-2].T + weights[-1]
    if task.kind == "charlm":
        chosen = jax.nn.log_softmax(outputs) * jax.nn.one_hot(targets, task.outputs)  # picking by index has a slow gradient
        return -jnp.sum(chosen) / (task.length * task.batch)
    return jnp.mean((outputs - targets) ** 2)


def update_all(task, weights, first, second, count, inputs, targets):
    loss, gradients = jax.value_and_grad(lambda weights: measure(task, weights, inputs, targets))(weights)
    norm = jnp.sqrt(sum(jnp.sum(gradient**2) for gradient in gradients))
    gradients = [gradient * jnp.minimum(1, CLIP_NORM / (norm + 1e-6)) for gradient in gradients]
    count += 1
    first = [0.9 * m + 0.1 * g for m, g in zip(first, gradients)]
    second = [0.999 * v + 0.001 * g * g for v, g in zip(second, gradients)]
    rate, correction = LEARNING_RATE / (1 - 0.9**count), 1 / jnp.sqrt(1 - 0.999**count)
    weights = [w - rate * m / (jnp.sqrt(v) * correction + 1e-8) for w, m, v in zip(weights, first, second)]
    return weights, first, second, count, loss


def main():
    task = task_of_arguments()
    inputs, targets = map(jnp.asarray, make_data(task))
    weights = [jnp.asarray(values) for values in make_weights(task)]
    compiled = jax.jit(lambda *arguments: update_all(task, *arguments), donate_argnums=(0, 1, 2, 3))
    state = (weights, [jnp.zeros_like(w) for w in weights], [jnp.zeros_like(w) for w in weights], jnp.float32(0))

    def update():
        nonlocal state
        *state, loss = compiled(*state, inputs, targets)
        return float(loss)

    serve(update)


if __name__ == "__main__":
    main()
