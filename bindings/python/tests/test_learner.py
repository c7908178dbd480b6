"""A model that learns while it streams."""

import numpy as np
import pytest
from helpers import make_model, noise, same_bits, tokens

import rill


def test_it_learns_from_the_last_steps_and_from_the_state_before_them():
    """The same by hand: a copy of the stream from before every step."""
    x, y = noise(20, 3), noise(20, 2, seed=1)
    learner = rill.OnlineLearner(make_model(), loss="mse", window=6, update_every=3, learning_rate=0.01)
    model = make_model()
    trainer = rill.Trainer(model, loss="mse", seed=0, learning_rate=0.01, stateful=True)
    stream, before = model.stream(), []
    for t in range(20):
        before.append(stream.fork())
        assert same_bits(learner.step(x[t], y[t]), stream.step(x[t])), t
        if (t + 1) % 3 == 0:
            first = max(0, t - 5)
            trainer.set_state(before[first])
            # Padded, as the learner's first windows are: the same batch in the same order of sums.
            padded = [np.zeros((1, 6, size), dtype=np.float32) for size in (3, 2)]
            for target, source in zip(padded, (x, y)):
                target[0, : t + 1 - first] = source[first : t + 1]
            loss = trainer.update(rill.Batch(model, *padded, lengths=[t + 1 - first]))
            assert learner.loss == loss
            model.publish()
            stream.refresh()
    assert learner.trainer.update_count == 6
    assert learner.model.to_text() == model.to_text()


def test_it_follows_a_signal_that_changes():
    learner = rill.OnlineLearner(
        make_model(input_size=1, output_size=1, hidden_size=12), loss="mse", window=32, update_every=8, learning_rate=0.01, clip_norm=1.0
    )
    signal = [np.sin(0.3 * t) * (1 if t < 1500 else -2) for t in range(3001)]
    errors = [(learner.step(signal[t], signal[t + 1])[0] - signal[t + 1]) ** 2 for t in range(3000)]
    assert np.mean(errors[1300:1500]) < 0.1 * np.mean(errors[:100])
    assert np.mean(errors[2800:]) < 0.1 * np.mean(errors[1500:1530])


def test_classes_of_tokens_and_several_lanes():
    model = make_model(tokens=True, input_size=5, output_size=5)
    learner = rill.OnlineLearner(model, loss="cross_entropy", window=4, update_every=2, batch_size=3, learning_rate=0.1)
    cycle = tokens(3, below=5)
    losses = []
    for t in range(200):
        target = (cycle + t + 1) % 5
        learner.step((cycle + t) % 5, None if t % 3 == 0 else target)
        losses.append(learner.loss)
    assert losses[-1] < 0.1 * losses[3]


def test_steps_without_any_answer_teach_nothing():
    model = make_model()
    before = model.to_text()
    learner = rill.OnlineLearner(model, loss="mse", window=4, update_every=2)
    for row in noise(10, 3):
        learner.step(row)
    assert model.to_text() == before
    assert learner.loss is None


def test_steps_without_an_answer_count_in_no_loss():
    learner = rill.OnlineLearner(make_model(), loss="mse", window=4, update_every=4, learning_rate=0)
    x, y = noise(4, 3), noise(4, 2, seed=1)
    outputs = [learner.step(x[t], None if t == 2 else y[t]) for t in range(4)]
    expected = np.mean([(outputs[t] - y[t]) ** 2 for t in (0, 1, 3)])
    assert learner.loss == pytest.approx(expected, rel=1e-5)  # float32 sums of six terms


def test_a_refused_step_leaves_all_as_it_was():
    x, y = noise(12, 3), noise(12, 2, seed=1)
    texts = []
    for disturbed in (False, True):
        learner = rill.OnlineLearner(make_model(), loss="mse", window=4, update_every=2, learning_rate=0.01)
        for t in range(12):
            if disturbed:
                for bad in ((np.full(3, np.nan), y[t]), (x[t], y[t][:1]), (x[t], np.full(2, np.inf)), (x[t, :2], y[t])):
                    with pytest.raises(rill.ArgumentError):
                        learner.step(*bad)
            learner.step(x[t], y[t])
        texts.append(learner.model.to_text())
    assert texts[0] == texts[1]


def test_a_diverging_update_is_skipped():
    learner = rill.OnlineLearner(make_model(), loss="mse", window=2, update_every=2, optimizer="sgd", learning_rate=1e38)
    before = learner.model.to_text()
    for row in noise(4, 3):
        learner.step(row, [1e30, -1e30])
    assert learner.skipped_updates == 2
    assert learner.model.to_text() == before


def test_reset_begins_a_new_window():
    x, y = noise(9, 3), noise(9, 2, seed=1)
    learner = rill.OnlineLearner(make_model(), loss="mse", window=4, update_every=2, learning_rate=0)
    outputs = [learner.step(x[t], y[t]) for t in range(5)]
    learner.reset()
    again = [learner.step(x[t], y[t]) for t in range(5)]
    assert same_bits(np.array(outputs), np.array(again))
    assert learner.stream.batch_size == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 5, "update_every": 2}, "multiple of update_every"),
        ({"window": 0, "update_every": 2}, "multiple of update_every"),
        ({"window": 4, "update_every": 0}, "multiple of update_every"),
    ],
)
def test_wrong_windows_are_refused(options, message):
    with pytest.raises(rill.ArgumentError, match=message):
        rill.OnlineLearner(make_model(), loss="mse", **options)


def test_a_model_with_one_output_per_sequence_is_refused():
    with pytest.raises(rill.ArgumentError, match="one output per sequence"):
        rill.OnlineLearner(make_model(return_sequences=False), loss="mse", window=2, update_every=1)
