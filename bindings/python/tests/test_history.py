"""What a fit keeps, and what callbacks see of it."""

import math

import pytest
from helpers import make_model, noise

import rill

X, Y = noise(10, 7, 3, seed=1), noise(10, 7, 2, seed=2)


def fit(model=None, **options):
    model = model or make_model()
    return model.fit(X, Y, loss="mse", batch_size=4, progress=False, **{"epochs": 3, **options})


def test_columns_of_updates_and_epochs():
    model = make_model()
    history = fit(model, validation_split=0.2, learning_rate=0.01)
    assert model.history is history
    assert history.updates["update"] == list(range(6))
    assert history.updates["epoch"] == [0, 0, 1, 1, 2, 2]
    assert history.epochs["updates"] == [2, 4, 6]
    assert history.updates["learning_rate"] == pytest.approx([0.01] * 6)
    for epoch in range(3):
        for name in ("loss", "gradient_norm"):
            assert history.epochs[name][epoch] == sum(history.updates[name][2 * epoch : 2 * epoch + 2]) / 2
    assert history.loss == history.epochs["loss"]
    assert history.validation_loss == history.epochs["validation_loss"]
    assert "validation_step_count" not in history.epochs
    assert all(value > 0 for value in history.epochs["steps_per_second"])
    assert history.stopped == ""


def test_a_file_keeps_all(tmp_path):
    history = fit()
    history.add_update({"loss": math.nan, "new": 1.0})
    history.save(tmp_path / "history.json")
    again = rill.History.load(tmp_path / "history.json")
    assert again.epochs == history.epochs
    assert again.updates["loss"][:-1] == history.updates["loss"][:-1]
    assert math.isnan(again.updates["loss"][-1])
    assert again.updates["new"][-1] == 1
    assert all(math.isnan(value) for value in again.updates["new"][:-1])


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("{", rill.FormatError),
        ("[]", rill.FormatError),
        ('{"format": "rill"}', rill.FormatError),
        ('{"format": "rill-history", "updates": 3}', rill.FormatError),
        ('{"format": "rill-history", "updates": {"a": 3}}', rill.FormatError),
        ('{"format": "rill-history", "epochs": {"a": ["x"]}}', rill.FormatError),
        ('{"format": "rill-history", "epochs": {"a": [1], "b": [1, 2]}}', rill.FormatError),
        (None, rill.FileError),
    ],
)
def test_other_files_are_refused(tmp_path, text, kind):
    path = tmp_path / "history.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(kind, match="history.json"):
        rill.History.load(path)


def test_plot_returns_a_figure_and_draws_what_there_is(tmp_path):
    figure = fit(validation_split=0.2).plot(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    loss, rate, norm = figure.axes
    assert [line.get_label() for line in loss.lines] == ["update", "epoch, mean", "validation"]
    assert list(loss.lines[1].get_xdata()) == [2, 4, 6]
    assert (rate.get_ylabel(), norm.get_ylabel()) == ("learning rate", "gradient norm")
    assert len(rill.History(epochs={"loss": [2.0, 1.0]}).plot().axes) == 1
    assert len(rill.History().plot().axes) == 1


class Recorder(rill.Callback):
    def __init__(self):
        self.events = []

    def on_fit_begin(self, trainer):
        self.trainer = trainer
        self.events.append("begin")

    def on_epoch_begin(self, epoch):
        self.events.append(f"epoch {epoch}")

    def on_update_end(self, update, logs):
        assert logs["update"] == update
        self.events.append(f"update {update}")

    def on_epoch_end(self, epoch, logs):
        assert logs["epoch"] == epoch
        self.events.append(f"end {epoch}")

    def on_fit_end(self, history):
        self.events.append("over")
        self.history = history


def test_hooks_come_in_their_order():
    recorder = Recorder()
    history = fit(epochs=2, callbacks=[recorder])
    assert recorder.events == [
        *("begin", "epoch 0", "update 0", "update 1", "update 2", "end 0"),
        *("epoch 1", "update 3", "update 4", "update 5", "end 1", "over"),
    ]
    assert recorder.history is history is recorder.trainer.history


def test_functions_are_called_after_every_epoch():
    seen = []
    fit(callbacks=lambda epoch, logs: seen.append((epoch, logs["loss"])), validation_split=0.2)
    assert [epoch for epoch, _ in seen] == [0, 1, 2]


@pytest.mark.parametrize("how", ["word", "exception"])
def test_a_callback_may_stop_the_training(how):
    def stop(epoch, logs):
        if epoch == 1:
            if how == "exception":
                raise rill.StopTraining("it is enough")
            return "stop"
        return None

    recorder = Recorder()
    history = fit(epochs=9, callbacks=[stop, recorder])
    assert len(history.loss) == 2
    assert history.stopped == ("by a callback" if how == "word" else "it is enough")
    assert recorder.events[-1] == "over"
    # With the word, the callbacks after it see the event too.
    assert ("end 1" in recorder.events) == (how == "word")


def test_an_exception_reaches_the_caller_and_the_history_stays():
    def fail(epoch, logs):
        if epoch == 1:
            raise KeyError("mine")

    model = make_model()
    with pytest.raises(KeyError, match="mine"):
        fit(model, callbacks=fail)
    assert len(model.history.loss) == 2
