"""Trainers: learning, evaluation, gradients by name, and failures that change nothing."""

import numpy as np
import pytest
from helpers import configuration, make_model, noise, same_bits, tokens

import rill


def problem(model, seed=0):
    """A batch with something to learn: the running mean of the inputs."""
    x = noise(8, 12, 3, seed=seed)
    return rill.Batch(model, x, np.cumsum(x, axis=1)[..., :2] / np.arange(1, 13)[:, np.newaxis])


@pytest.mark.parametrize(
    ("optimizer", "learning_rate"), [("sgd", 0.3), ("rmsprop", 0.01), ("adam", 0.01), ({"type": "sgd", "momentum": 0.9}, 0.1)]
)
def test_training_reduces_the_loss(optimizer, learning_rate):
    model = make_model()
    trainer = rill.Trainer(model, loss="mse", seed=1, optimizer=optimizer, learning_rate=learning_rate, clip_norm=1)
    batch = problem(model)
    first = trainer.update(batch)
    for _ in range(100):
        last = trainer.update(batch)
    assert last < 0.5 * first
    assert trainer.update_count == 101
    assert trainer.metric("update_loss") == last


def test_the_same_seeds_give_the_same_parameters():
    texts = set()
    for seed in (1, 1, 2):
        model = make_model(num_layers=2, dropout=0.5)
        trainer = rill.Trainer(model, loss="mse", seed=seed)
        for _ in range(3):
            trainer.update(problem(model))
        texts.add(model.to_text())
    assert len(texts) == 2


def test_streams_see_training_after_publish():
    model, x = make_model(), noise(7, 3)
    trainer, before = rill.Trainer(model, loss="mse", seed=1), model(x)
    trainer.update(problem(model))
    assert same_bits(model(x), before)
    model.publish()
    assert not same_bits(model(x), before)
    assert trainer.model is model


def test_evaluate_averages_over_valid_steps():
    model = make_model()
    trainer = rill.Trainer(model, loss="mse", seed=1)
    x, y = noise(4, 7, 3, seed=1), noise(4, 7, 2, seed=2)
    lengths = [7, 1, 3, 2]
    whole = rill.Batch(model, x, y, lengths=lengths)
    parts = [rill.Batch(model, x[:1], y[:1]), rill.Batch(model, x[1:], y[1:], lengths=lengths[1:])]
    a, b = trainer.evaluate(whole), trainer.evaluate(iter(parts))
    assert set(a) == {"loss", "step_count", "mse", "mae", "r2"}
    assert a["step_count"] == b["step_count"] == sum(lengths)
    valid = np.arange(7) < np.array(lengths)[:, np.newaxis]
    expected = np.mean((model(x) - y)[valid].astype(np.float64) ** 2)
    # Sums of some 26 float32 terms, in whatever order: a few units of 6e-8.
    assert a["loss"] == pytest.approx(expected, rel=1e-6)
    assert b["loss"] == pytest.approx(expected, rel=1e-6)
    error, target = (model(x) - y)[valid].astype(np.float64), y[valid].astype(np.float64)
    r2 = np.mean(1 - (error**2).sum(axis=0) / ((target - target.mean(axis=0)) ** 2).sum(axis=0))
    for metrics in (a, b):
        assert metrics["mse"] == pytest.approx(expected, rel=1e-6)
        assert metrics["mae"] == pytest.approx(np.abs(error).mean(), rel=1e-6)
        assert metrics["r2"] == pytest.approx(r2, rel=1e-6)
    assert trainer.update_count == 0


def test_accuracy_of_classes():
    model = make_model(tokens=True, input_size=9, output_size=4)
    trainer = rill.Trainer(model, loss="cross_entropy", seed=1)
    x, classes = tokens(3, 7, below=9), tokens(3, 7, below=4, seed=1)
    classes[0, 3] = -1
    metrics = trainer.evaluate(rill.Batch(model, x, classes=classes))
    counted = classes >= 0
    logits = model(x)[counted].astype(np.float64)
    wanted = classes[counted]
    assert metrics["step_count"] == 20
    assert metrics["accuracy"] == np.mean(logits.argmax(axis=1) == wanted)
    losses = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(20), wanted]
    assert metrics["loss"] == pytest.approx(losses.mean(), rel=1e-6)
    assert metrics["perplexity"] == pytest.approx(np.exp(losses.mean()), rel=1e-6)
    assert metrics["macro_f1"] == pytest.approx(macro_f1(np.eye(4)[wanted] > 0, np.eye(4)[logits.argmax(axis=1)] > 0), rel=1e-12)
    assert set(metrics) == {"loss", "step_count", "accuracy", "macro_f1", "perplexity"}


def macro_f1(wanted, answered):
    """Of [steps][outputs] of bool."""
    both, either = (wanted & answered).sum(axis=0), wanted.sum(axis=0) + answered.sum(axis=0)
    return np.mean(2 * both[either > 0] / either[either > 0])


def test_accuracy_of_binary_targets():
    model = make_model(output={"activation": "sigmoid"})
    trainer = rill.Trainer(model, loss="bce", seed=1)
    x = noise(3, 7, 3)
    y = noise(3, 7, 2, seed=1) > 0
    metrics = trainer.evaluate(rill.Batch(model, x, y))
    p = model(x).astype(np.float64)
    assert metrics["accuracy"] == np.mean((p > 0.5) == y)
    # p is rounded to float32, which near 0.5 moves log p by 6e-8.
    assert metrics["loss"] == pytest.approx(-np.mean(np.log(np.where(y, p, 1 - p))), rel=1e-6)
    assert metrics["macro_f1"] == pytest.approx(macro_f1(y.reshape(-1, 2), p.reshape(-1, 2) > 0.5), rel=1e-12)
    assert set(metrics) == {"loss", "step_count", "accuracy", "macro_f1"}


def test_metrics_that_are_not_defined_are_nan():
    model = make_model()
    trainer = rill.Trainer(model, loss="mae", seed=1)
    metrics = trainer.evaluate(rill.Batch(model, noise(3, 7, 3), np.ones((3, 7, 2))))
    assert np.isnan(metrics["r2"])
    assert metrics["loss"] == pytest.approx(metrics["mae"], rel=1e-12)
    with pytest.raises(rill.StateError):
        trainer.evaluate([])


def own_losses(model, x, y):
    """Each loss by its definition, of all steps."""
    e, z = (model(x) - y).astype(np.float64), model(x).astype(np.float64)
    yield "mae", np.abs(e).mean()
    yield {"type": "huber", "delta": 0.5}, np.where(np.abs(e) <= 0.5, e**2 / 2, 0.5 * (np.abs(e) - 0.25)).mean()
    filtered = [np.diff(v.astype(np.float64), axis=1, prepend=0) for v in (e, y)]  # pre-emphasis 1
    energy = (filtered[1] ** 2).sum(axis=1) + 0.01 * x.shape[1]
    yield {"type": "esr", "pre_emphasis": 1, "epsilon": 0.01}, ((filtered[0] ** 2).sum(axis=1) / energy).mean()
    sides, positive = y > 0, np.array([0.5, 3])
    yield {"type": "bce", "positive_weights": positive}, np.where(sides, positive * np.log1p(np.exp(-z)), np.log1p(np.exp(z))).mean()


def test_losses_with_options():
    model = make_model()
    x, y = noise(3, 7, 3), noise(3, 7, 2, seed=1)
    for loss, expected in own_losses(model, x, y):
        trainer = rill.Trainer(model, loss=loss, seed=1, learning_rate=0)
        is_binary = isinstance(loss, dict) and loss["type"] == "bce"
        value = trainer.update(rill.Batch(model, x, y > 0 if is_binary else y))
        assert value == pytest.approx(expected, rel=1e-6), loss
        assert f"with {loss if isinstance(loss, str) else loss['type']} of" in repr(trainer)


def test_classes_with_weights_and_smoothing():
    model = make_model(output_size=3)
    x, classes = noise(3, 7, 3), tokens(3, 7, below=3, seed=1)
    z = model(x).astype(np.float64)
    losses = np.log(np.exp(z).sum(axis=-1, keepdims=True)) - z
    weights, smoothing = np.array([0.5, 2, 1], dtype=np.float32), 0.25
    own = np.take_along_axis(weights * losses, classes[..., np.newaxis], axis=-1)[..., 0]
    terms = (1 - smoothing) * own + smoothing / 3 * (weights * losses).sum(axis=-1)
    loss = {"type": "cross_entropy", "label_smoothing": smoothing, "class_weights": weights}
    value = rill.Trainer(model, loss=loss, seed=1).update(rill.Batch(model, x, classes=classes))
    assert value == pytest.approx(terms.sum() / weights[classes].sum(dtype=np.float64), rel=1e-6)


@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
def test_gradients_are_those_of_the_named_parameters(loss):
    """Central differences through evaluate. They are float32 here, so this says that names, shapes and order are right and not how exact
    the gradients are: with steps of 1/64 the cubic term stays near 1e-4 of the gradient and the rounding of the loss near 1e-5."""
    model = make_model(hidden_size=3)
    trainer = rill.Trainer(model, loss=loss, seed=1, optimizer="sgd", learning_rate=0)
    x = noise(2, 4, 3)
    batch = rill.Batch(model, x, noise(2, 4, 2)) if loss == "mse" else rill.Batch(model, x, classes=tokens(2, 4, below=2))
    trainer.update(batch)
    gradients = {name: trainer.gradient(name) for name in model.parameters}
    assert trainer.gradient_norm == pytest.approx(np.sqrt(sum((g.astype(np.float64) ** 2).sum() for g in gradients.values())), rel=1e-6)
    step = 1 / 64
    for name, values in model.parameters.items():
        estimate = np.zeros(values.shape)
        for index in np.ndindex(values.shape):
            losses = []
            for sign in (1, -1):
                moved = values.copy()
                moved[index] += sign * step
                model.parameters[name] = moved
                losses.append(trainer.evaluate(batch)["loss"])
            estimate[index] = (losses[0] - losses[1]) / (2 * step)
        model.parameters[name] = values
        assert gradients[name].shape == values.shape
        assert np.linalg.norm(gradients[name] - estimate) <= 1e-3 * np.linalg.norm(estimate), name


def test_a_diverged_update_changes_nothing():
    model = make_model()
    trainer, reference = (rill.Trainer(model, loss="mse", seed=1, optimizer="sgd", learning_rate=0.01) for _ in range(2))
    batch = problem(model)
    trainer.update(batch)
    before = model.to_text()
    trainer.learning_rate = 1e38
    spoiled = rill.Batch(model, noise(2, 7, 3), np.full((2, 7, 2), 1e30))
    with pytest.raises(rill.DivergedError):
        trainer.update(spoiled)
    assert model.to_text() == before
    assert trainer.update_count == 1
    trainer.learning_rate = 0.01
    trainer.update(batch)
    after = model.to_text()
    # And it goes on as one that never saw the spoiled batch.
    model.load_state_dict(rill.Model.parse(before).state_dict())
    reference.update(batch)
    assert model.to_text() == after


def test_clipping_limits_the_step():
    model = make_model()
    before = model.state_dict()
    trainer = rill.Trainer(model, loss="mse", seed=1, optimizer="sgd", learning_rate=1, clip_value=1e-3)
    trainer.update(problem(model))
    moved = max(np.abs(values - before[name]).max() for name, values in model.parameters.items())
    # One unit in the last place of a parameter near 1 is 1.2e-7.
    assert 0.9e-3 < moved <= 1e-3 + 1.2e-7


def test_reduction():
    model = make_model()
    batch = problem(model)
    mean, total = (rill.Trainer(model, loss="mse", seed=1, learning_rate=0, reduction=r).update(batch) for r in ("mean", "sum"))
    assert total == pytest.approx(mean * 8 * 12 * 2, rel=1e-6)


def test_learning_rate():
    model = make_model()
    assert rill.Trainer(model, loss="mse", seed=1).learning_rate == pytest.approx(0.001)
    assert rill.Trainer(model, loss="mse", seed=1, optimizer="sgd").learning_rate == pytest.approx(0.01)
    assert rill.Trainer(model, loss="mse", seed=1, optimizer={"type": "sgd", "learning_rate": 0.25}).learning_rate == 0.25
    trainer = rill.Trainer(model, loss="mse", seed=1, learning_rate=np.float32(0.125))
    assert trainer.learning_rate == 0.125
    trainer.learning_rate = 0.5
    assert trainer.learning_rate == 0.5
    for wrong in (-1, np.nan, np.inf):
        with pytest.raises(rill.ArgumentError):
            trainer.learning_rate = wrong
    assert trainer.learning_rate == 0.5


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"loss": "hinge"}, rill.FormatError),
        ({"loss": {"type": "mse", "delta": 1}}, rill.FormatError),
        ({"loss": {"delta": 1}}, rill.FormatError),
        ({"loss": {"type": "bce", "positive_weights": [1, 2, 3]}}, rill.FormatError),
        ({"optimizer": "lion"}, rill.FormatError),
        ({"optimizer": {"type": "sgd", "momentums": 1}}, rill.FormatError),
        ({"optimizer": {"type": "sgd", "learning_rate": 1}, "learning_rate": 1}, rill.ArgumentError),
        ({"clip_norm": float("nan")}, rill.ArgumentError),
        ({"clip_norm": -1}, rill.FormatError),
        ({"reduction": "none"}, rill.FormatError),
        ({"seed": -1}, rill.ArgumentError),
    ],
)
def test_wrong_options_are_refused(options, kind):
    with pytest.raises(kind):
        rill.Trainer(make_model(), **{"loss": "mse", "seed": 1, **options})


def test_combinations_that_are_not_offered():
    with pytest.raises(rill.UnsupportedError):
        rill.Trainer(make_model(output={"activation": "tanh"}), loss="bce", seed=1)
    with pytest.raises(rill.UnsupportedError):
        rill.Trainer(rill.Model({**configuration(), "output": {"scale": 2.0}}, seed=1), loss="cross_entropy", seed=1)


def test_what_is_not_there_yet_is_a_state_error():
    model = make_model()
    trainer = rill.Trainer(model, loss="mse", seed=1)
    for name in ("loss", "step_count", "update_loss", "gradient_norm"):
        with pytest.raises(rill.StateError):
            trainer.metric(name)
    with pytest.raises(rill.StateError):
        trainer.gradient("1.bias")
    with pytest.raises(rill.StateError):
        trainer.update(rill.Batch(model, noise(2, 7, 3)))
    with pytest.raises(rill.StateError):
        trainer.update(rill.Batch(model, noise(2, 7, 3), classes=tokens(2, 7, below=2)))
    assert trainer.update_count == 0


def test_wrong_names_and_types_are_refused():
    model = make_model()
    trainer = rill.Trainer(model, loss="mse", seed=1)
    with pytest.raises(rill.ArgumentError):
        trainer.metric("los")
    with pytest.raises(rill.ArgumentError, match="no parameter named '1.biases'"):
        trainer.gradient("1.biases")
    with pytest.raises(rill.ArgumentError, match="expected a Batch, got list"):
        trainer.update([])
    with pytest.raises(rill.ArgumentError):
        trainer.update(rill.Batch(make_model(input_size=4), noise(2, 7, 4), noise(2, 7, 2)))


def test_repr_says_what_it_is():
    trainer = rill.Trainer(make_model(), loss="mse", seed=1)
    assert repr(trainer) == "<rill.Trainer with mse of <rill.Model vector 3 -> lstm(5), dense(2) -> 2, 212 parameters>>"
