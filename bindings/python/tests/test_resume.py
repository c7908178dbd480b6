"""Training that goes on: the place of a fit, checkpoints, carried states, gradients in two halves."""

import json
import signal

import numpy as np
import pytest
from helpers import make_model, noise, same_bits, tokens

import rill
from rill._place import LIMIT, Place

X, Y = noise(10, 7, 3, seed=1), noise(10, 7, 2, seed=2)
OPTIONS = {"batch_size": 4, "seed": 3, "progress": False}
FILES = {}


class PlainTrainer(rill.Trainer):
    """Plain gradient descent has no memory but the parameters: its checkpoints are easily kept without the library's help."""

    data = b""
    at = None

    def __init__(self, model):
        super().__init__(model, loss="mse", seed=1, optimizer="sgd", learning_rate=0.1)

    def save(self, path):
        FILES[str(path)] = self.model.to_text(), self.data

    @classmethod
    def load(cls, path):
        text, data = FILES[str(path)]
        trainer = cls(rill.Model.parse(text))
        trainer._place = Place.from_bytes(data)
        return trainer

    def update(self, batch):
        result = super().update(batch)
        if self.update_count == self.at:
            signal.raise_signal(signal.SIGINT)
        return result


@pytest.mark.parametrize("at", [1, 2, 3, 4, 5, 9])
def test_a_fit_goes_on_where_it_was_interrupted(at, tmp_path):
    whole = PlainTrainer(make_model())
    history = whole.fit(X, Y, epochs=4, validation_data=(X, Y), **OPTIONS)
    trainer = PlainTrainer(make_model())
    trainer.at = at
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(X, Y, epochs=4, validation_data=(X, Y), checkpoint=tmp_path / "a", **OPTIONS)
    again = PlainTrainer.load(tmp_path / "a")
    resumed = again.fit(X, Y, epochs=4, validation_data=(X, Y), **OPTIONS)
    assert again.model.to_text() == whole.model.to_text()
    assert resumed.loss == history.loss
    assert resumed.validation_loss == history.validation_loss
    assert resumed.updates["loss"] == history.updates["loss"][at:]
    assert resumed.updates["update"] == list(range(at, 12))


def test_a_fit_that_is_over_goes_on_with_more_epochs(tmp_path):
    whole = PlainTrainer(make_model())
    whole.fit(X, Y, epochs=4, **OPTIONS)
    trainer = PlainTrainer(make_model())
    trainer.fit(X, Y, epochs=3, checkpoint=str(tmp_path / "a"), **OPTIONS)
    again = PlainTrainer.load(tmp_path / "a")
    assert again.fit(X, Y, epochs=3, **OPTIONS).updates == {}
    again = PlainTrainer.load(tmp_path / "a")
    assert len(again.fit(X, Y, epochs=4, **OPTIONS).loss) == 4
    assert again.model.to_text() == whole.model.to_text()
    # The place is taken once: the next fit of the same trainer begins anew.
    assert len(again.fit(X, Y, epochs=1, **OPTIONS).updates["loss"]) == 3


def test_a_missing_folder_is_noticed_before_the_training(tmp_path):
    trainer = PlainTrainer(make_model())
    with pytest.raises(rill.FileError, match="no such folder"):
        trainer.fit(X, Y, epochs=1, checkpoint=tmp_path / "none" / "a", **OPTIONS)
    assert trainer.update_count == 0


def test_bytes_of_the_host_are_no_place():
    for data in (b"", b"\xff\0", b"7", b"{}", json.dumps({"format": "other"}).encode()):
        assert Place.from_bytes(data) is None
    with pytest.raises(rill.FormatError):
        Place.from_bytes(b'{"format": "rill-fit", "what": 1}')
    long = Place(epoch=3, epochs={"loss": [1 / 3] * 100_000}).to_bytes()
    assert len(long) < LIMIT
    assert Place.from_bytes(long).epoch == 3


@pytest.mark.parametrize("at", [2, 3, 5])
def test_checkpoints_of_the_library(at, tmp_path):
    options = {"validation_split": 0.2, "batch_size": 3, "seed": 3, "progress": False, "epochs": 3}
    model = make_model(num_layers=2, dropout=0.5)
    history = rill.Trainer(model, loss="mse", seed=1).fit(X, Y, **options)

    def interrupt(update, logs):
        if update + 1 == at:
            signal.raise_signal(signal.SIGINT)

    callback = rill.Callback()
    callback.on_update_end = interrupt
    trainer = rill.Trainer(make_model(num_layers=2, dropout=0.5), loss="mse", seed=1)
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(X, Y, callbacks=[callback], checkpoint=tmp_path / "a", **options)
    again = rill.Trainer.load(tmp_path / "a")
    assert again.update_count == at
    resumed = again.fit(X, Y, **options)
    assert again.model.to_text() == model.to_text()
    assert resumed.loss == history.loss
    assert repr(again).startswith("<rill.Trainer with mse of <rill.Model vector 3")


def test_data_of_the_host(tmp_path):
    trainer = rill.Trainer(make_model(), loss="mse", seed=1)
    assert trainer.data == b""
    trainer.data = b"\0\xffplace"
    trainer.save(tmp_path / "a")
    assert rill.Trainer.load(tmp_path / "a").data == b"\0\xffplace"
    with pytest.raises(rill.ArgumentError):
        trainer.data = bytes(2**20 + 1)
    assert trainer.data == b"\0\xffplace"
    with pytest.raises(rill.FileError):
        rill.Trainer.load(tmp_path / "none")
    (tmp_path / "half").write_bytes((tmp_path / "a").read_bytes()[:-20])
    with pytest.raises(rill.FormatError):
        rill.Trainer.load(tmp_path / "half")


def test_a_carried_state_is_that_of_a_stream():
    model = make_model()
    trainer = rill.Trainer(model, loss="mse", seed=1, stateful=True, learning_rate=0)
    stream, after = model.stream(2), model.stream(2)
    stream.run(X[:2])
    trainer.set_state(stream)
    trainer.update(rill.Batch(model, X[2:4], Y[2:4]))
    trainer.get_state(after)
    stream.run(X[2:4])
    assert same_bits(after.state["0.hidden"], stream.state["0.hidden"])
    trainer.reset_state(1)
    trainer.update(rill.Batch(model, X[4:6], Y[4:6]))
    stream.reset(1)
    stream.run(X[4:6])
    trainer.get_state(after)
    assert same_bits(after.state["0.cell"], stream.state["0.cell"])
    trainer.reset_state()
    with pytest.raises(rill.ArgumentError):
        trainer.reset_state(9)
    with pytest.raises(rill.ArgumentError):
        trainer.set_state(model)
    with pytest.raises(rill.StateError):
        rill.Trainer(model, loss="mse", seed=1).reset_state()


def test_a_stateful_fit_carries_the_state_from_window_to_window():
    x, y = noise(24, 3, seed=3), noise(24, 2, seed=4)
    model = make_model()
    model.fit(x, y, loss="mse", epochs=2, batch_size=2, sequence_length=4, stateful=True, progress=False)
    other = make_model()
    trainer = rill.Trainer(other, loss="mse", seed=0, stateful=True)
    lanes_x, lanes_y = rill.lanes(x, 2), rill.lanes(y, 2)
    for _ in range(2):
        trainer.reset_state()
        for start in (0, 4, 8):
            trainer.update(rill.Batch(other, lanes_x[:, start : start + 4], lanes_y[:, start : start + 4]))
    assert model.to_text() == other.to_text()


def test_gradients_of_two_machines_are_those_of_one():
    models = [make_model() for _ in range(3)]
    trainers = [rill.Trainer(model, loss="mse", seed=1) for model in models]
    halves = [rill.Batch(models[0], X[:5], Y[:5]), rill.Batch(models[1], X[5:], Y[5:], lengths=[7, 3, 2, 7, 1])]
    for trainer, half in zip(trainers, halves):
        trainer.evaluate_gradients(half)
    total = trainers[0].gradients + trainers[1].gradients
    assert total.shape == (sum(values.size for values in models[0].parameters.values()) + 2,)
    for trainer in trainers[:2]:
        trainer.gradients = total
        trainer.update_from_gradients()
    assert models[0].to_text() == models[1].to_text()
    trainers[2].update(rill.Batch(models[2], X, Y, lengths=[7] * 5 + [7, 3, 2, 7, 1]))
    for name, values in models[2].parameters.items():
        # Adam's first step is 0.001 for every value, whatever the gradient's size; where that is near 0 its rounding shows.
        assert np.linalg.norm(models[0].parameters[name] - values) <= 1e-5 * np.linalg.norm(values), name
    with pytest.raises(rill.StateError):
        trainers[0].update_from_gradients()
    with pytest.raises(rill.ArgumentError):
        trainers[0].gradients = total[:-1]
    with pytest.raises(rill.ArgumentError):
        trainers[0].gradients = np.full_like(total, np.nan)


def test_patience_and_the_best_parameters():
    model = make_model()
    worst = (noise(4, 7, 3, seed=5), 100 * noise(4, 7, 2, seed=6))
    losses = []

    def remember(epoch, logs):
        losses.append((logs["validation_loss"], model.to_text()))

    history = model.fit(
        X,
        Y,
        loss="mse",
        epochs=200,
        learning_rate=0.1,
        patience=3,
        keep_best=True,
        validation_data=worst,
        progress=False,
        callbacks=remember,
    )
    assert history.stopped == "by patience"
    best = min(range(len(losses)), key=lambda epoch: losses[epoch][0])
    assert len(losses) == best + 4
    assert model.to_text() == losses[best][1]
    assert same_bits(model(X), rill.Model.parse(losses[best][1])(X))


def test_the_learning_rate_of_a_schedule_is_kept():
    schedule = {"type": "step", "step_size": 2, "gamma": 0.5}
    history = make_model().fit(X, Y, loss="mse", epochs=2, batch_size=4, learning_rate=0.1, schedule=schedule, progress=False)
    assert history.updates["learning_rate"] == pytest.approx([0.1, 0.1, 0.05, 0.05, 0.025, 0.025])


def test_weights_of_steps():
    weights = np.ones((10, 7), dtype=np.float32)
    weights[:, 5:] = 0
    model, other = make_model(), make_model()
    model.fit(X, Y, loss="mse", epochs=2, shuffle=False, weights=weights, progress=False)
    other.fit(X[:, :5], Y[:, :5], loss="mse", epochs=2, shuffle=False, progress=False)
    for name, values in other.parameters.items():
        # The same sums in another order.
        assert np.linalg.norm(model.parameters[name] - values) <= 1e-5 * np.linalg.norm(values), name
    classes = make_model(tokens=True, input_size=6, output_size=6)
    classes.fit(tokens(4, 9, below=6), loss="cross_entropy", epochs=1, weights=np.ones((4, 9)), progress=False)
