"""Optimizers, groups, schedules, averages and early stopping, as a Trainer takes them."""

import math

import numpy as np
import pytest
from helpers import make_model, noise, same_bits

import rill


def problem(model, seed=0):
    """A batch with something to learn: the running mean of the inputs."""
    x = noise(8, 12, 3, seed=seed)
    return rill.Batch(model, x, np.cumsum(x, axis=1)[..., :2] / np.arange(1, 13)[:, np.newaxis])


@pytest.mark.parametrize(
    ("optimizer", "learning_rate"),
    [("adagrad", 0.05), ("adamw", 0.05), ("nadam", 0.05), ({"type": "sgd", "momentum": 0.9, "nesterov": True}, 0.1)],
)
def test_training_reduces_the_loss(optimizer, learning_rate):
    model = make_model()
    trainer = rill.Trainer(model, loss="mse", seed=1, optimizer=optimizer, learning_rate=learning_rate)
    batch = problem(model)
    first = trainer.update(batch)
    for _ in range(100):
        last = trainer.update(batch)
    assert last < 0.5 * first


def test_a_head_alone_learns():
    model = make_model()
    trainer = rill.Trainer(
        model, loss="mse", seed=1, optimizer="adamw", groups=[{"parameters": "1.*"}, {"parameters": "*", "frozen": True}]
    )
    before = model.state_dict()
    trainer.update(problem(model))
    for name, values in model.parameters.items():
        assert same_bits(values, before[name]) == name.startswith("0.")


def test_groups_scale_the_rate():
    model = make_model()
    before = model.state_dict()
    groups = [{"parameters": ["*.bias*"], "learning_rate_factor": 0}, {"parameters": "1.weight", "learning_rate_factor": np.float32(0.5)}]
    trainer = rill.Trainer(model, loss="mse", seed=1, optimizer="sgd", learning_rate=0.5, groups=groups)
    trainer.update(problem(model))
    for name, values in model.parameters.items():
        rate = 0 if "bias" in name else 0.25 if name == "1.weight" else 0.5
        # Parameters below 1 are rounded at 6e-8 at the most.
        assert values - before[name] == pytest.approx(-rate * trainer.gradient(name), abs=1e-7)


def test_the_schedule_moves_the_rate():
    model = make_model()
    schedule = {"type": "cosine", "t_max": 4, "eta_min": 0.1, "warmup": 2}
    trainer = rill.Trainer(model, loss="mse", seed=1, learning_rate=0.5, schedule=schedule)
    batch = problem(model)
    rates = []
    for _ in range(8):
        rates.append(trainer.metric("learning_rate"))
        trainer.update(batch)
    cosine = [0.1 + 0.4 * (1 + math.cos(math.pi * n / 4)) / 2 for n in range(5)]
    assert rates == pytest.approx([0.25, 0.5, *cosine, 0.1])
    assert trainer.learning_rate == 0.5


@pytest.mark.parametrize("average", [0.75, {"decay": 0.75}])
def test_the_average_follows_the_parameters(average):
    model, other = make_model(), make_model(seed=2)
    trainer = rill.Trainer(model, loss="mse", seed=1, learning_rate=0.1, average=average)
    with pytest.raises(rill.StateError):
        trainer.copy_parameters("average")
    batch = problem(model)
    expected = None
    for _ in range(3):
        trainer.update(batch)
        values = model.parameters["0.weight_hh_l0"].astype(np.float64)
        expected = values if expected is None else 0.75 * expected + 0.25 * values
    trainer.copy_parameters("average", other)
    assert other.parameters["0.weight_hh_l0"] == pytest.approx(expected, abs=1e-6)
    trainer.copy_parameters("average")
    assert same_bits(model.parameters["0.weight_hh_l0"], other.parameters["0.weight_hh_l0"])


def test_the_best_parameters_come_back():
    model = make_model()
    trainer = rill.Trainer(model, loss="mse", seed=1, keep_best=True, patience=2, min_delta=0.5)
    batch = problem(model)
    for loss, stops in ((3.0, False), (2.0, False), (2.25, False), (4.0, True)):
        trainer.update(batch)
        if loss == 2:
            best = model.to_text()
        trainer.set_validation_loss(loss)
        assert trainer.should_stop is stops
    assert trainer.metric("best_validation_loss") == 2
    assert trainer.metric("validations_since_best") == 2
    assert model.to_text() != best
    trainer.copy_parameters("best")
    assert model.to_text() == best


def test_fit_tells_its_validation_loss_and_stops():
    model = make_model()
    trainer = rill.Trainer(model, loss="mse", seed=1, learning_rate=0, keep_best=True, patience=3)
    batch = problem(model)
    history = trainer.fit([batch], epochs=20, validation_data=batch, progress=False)
    # Nothing is learned: the first loss is the best, and three follow that are no better.
    assert len(history.loss) == len(history.validation_loss) == 4
    assert trainer.metric("best_validation_loss") == history.validation_loss[0]
    assert trainer.metric("validations_since_best") == 3


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"groups": [{"parameters": "9.*"}]}, rill.FormatError, r"groups\[0\].parameters"),
        ({"groups": [{}]}, rill.FormatError, "parameters"),
        ({"schedule": {"type": "cosine"}}, rill.FormatError, "t_max"),
        ({"schedule": {}}, rill.FormatError, "type"),
        ({"average": 2}, rill.FormatError, "decay"),
        ({"average": float("nan")}, rill.ArgumentError, "options"),
        ({"patience": 0}, rill.FormatError, "patience"),
        ({"min_delta": 1}, rill.FormatError, "min_delta"),
        ({"optimizer": {"type": "sgd", "nesterov": True}}, rill.FormatError, "nesterov"),
    ],
)
def test_wrong_options_are_refused(options, kind, message):
    with pytest.raises(kind, match=message):
        rill.Trainer(make_model(), loss="mse", seed=1, **options)


def test_wrong_calls_are_refused():
    model = make_model()
    trainer = rill.Trainer(model, loss="mse", seed=1, keep_best=True)
    for wrong in (math.nan, math.inf, -math.inf):
        with pytest.raises(rill.ArgumentError):
            trainer.set_validation_loss(wrong)
    with pytest.raises(rill.StateError):
        trainer.metric("best_validation_loss")
    with pytest.raises(rill.StateError):
        trainer.copy_parameters("average")
    trainer.set_validation_loss(1)
    with pytest.raises(rill.ArgumentError):
        trainer.copy_parameters("worst")
    with pytest.raises(rill.ArgumentError):
        trainer.copy_parameters("best", make_model(hidden_size=4))
    with pytest.raises(rill.ArgumentError, match="expected a Model, got str"):
        trainer.copy_parameters("best", "model")
    trainer.copy_parameters("best", make_model(seed=5))
