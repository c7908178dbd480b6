"""What a fit takes: every kind of data ends in the same parameters as the updates that one would write by hand."""

import numpy as np
import pytest
from helpers import configuration, make_model, noise, tokens

import rill

QUIET = {"progress": False, "epochs": 2}
TOKENS = {"tokens": True, "input_size": 6, "output_size": 6}


def by_hand(make_batches, loss="mse", **options):
    """The text of a model that learned from those batches twice."""
    model = make_model(**options)
    trainer = rill.Trainer(model, loss=loss, seed=0)
    for batch in list(make_batches(model)) * 2:
        trainer.update(batch)
    return model.to_text()


def fitted(x, y=None, loss="mse", shuffle=False, fit=None, **options):
    model = make_model(**options)
    model.fit(x, y, loss=loss, shuffle=shuffle, **QUIET, **(fit or {}))
    return model.to_text()


X, Y = noise(10, 7, 3, seed=1), noise(10, 7, 2, seed=2)


def test_an_array_of_sequences():
    def batches(model):
        return [rill.Batch(model, X[i : i + 4], Y[i : i + 4]) for i in (0, 4, 8)]

    expected = by_hand(batches)
    assert fitted(X, Y, fit={"batch_size": 4}) == expected
    assert fitted(X.astype(np.float64), Y.tolist(), fit={"batch_size": 4}) == expected
    model = make_model()
    model.fit(batches(model), loss="mse", **QUIET)
    assert model.to_text() == expected
    model = make_model()
    model.fit(iter([(X[i : i + 4], Y[i : i + 4]) for i in (0, 4, 8)] * 2), loss="mse", steps_per_epoch=3, **QUIET)
    assert model.to_text() == expected


def test_anything_that_can_be_iterated_again():
    class Loader:
        def __iter__(self):
            yield X[:4], Y[:4]
            yield X[4:8], Y[4:8]
            yield X[8:], Y[8:]

    assert fitted(Loader(), shuffle=None) == fitted(X, Y, fit={"batch_size": 4})
    assert fitted(Loader(), shuffle=None, fit={"steps_per_epoch": 2}) == fitted(X[:8], Y[:8], fit={"batch_size": 4})


def test_padded_sequences_with_lengths_are_a_list_of_unequal_ones():
    lengths = [7, 3, 5, 7, 1, 2, 7, 7, 4, 6]

    def batches(model):
        return [rill.Batch(model, X[i : i + 4], Y[i : i + 4], lengths=lengths[i : i + 4]) for i in (0, 4, 8)]

    expected = by_hand(batches)
    assert fitted(X, Y, fit={"batch_size": 4, "lengths": lengths}) == expected
    cut = [[item[:length] for item, length in zip(array, lengths)] for array in (X, Y)]
    assert fitted(*cut, fit={"batch_size": 4}) == expected


def test_sequences_of_similar_length_share_a_batch():
    lengths = np.random.default_rng(1).permutation(40) + 1
    x = [np.full((length, 3), length, dtype=np.float32) for length in lengths]
    model, seen = make_model(), []

    class Watch(rill.Trainer):
        def update(self, batch):
            seen.append(sorted(batch._lengths))
            return super().update(batch)

    watch = Watch(model, loss="mse", seed=1)
    watch.fit(x, [noise(length, 2) for length in lengths], batch_size=10, epochs=2, progress=False)
    wanted = [list(range(first, first + 10)) for first in (1, 11, 21, 31)]
    assert sorted(seen[:4]) == sorted(seen[4:]) == wanted
    assert seen[:4] != wanted or seen[4:] != wanted  # 1 in 576 orders is sorted in both; the seed is fixed


def test_one_long_sequence_is_cut_into_windows():
    x, y = noise(23, 3, seed=3), noise(23, 2, seed=4)

    def batches(model):
        yield rill.Batch(model, [x[0:5], x[5:10]], [y[0:5], y[5:10]])
        yield rill.Batch(model, [x[10:15], x[15:20]], [y[10:15], y[15:20]])
        yield rill.Batch(model, [x[20:]], [y[20:]])

    assert fitted(x, y, fit={"batch_size": 2, "sequence_length": 5}) == by_hand(batches)
    assert fitted(x, y) == by_hand(lambda model: [rill.Batch(model, x[None], y[None])])


def test_windows_that_overlap():
    x, y = noise(9, 3, seed=3), noise(9, 2, seed=4)

    def batches(model):
        return [rill.Batch(model, [x[0:5], x[2:7], x[4:9]], [y[0:5], y[2:7], y[4:9]])]

    assert fitted(x, y, fit={"sequence_length": 5, "stride": 2}) == by_hand(batches)


def test_sequences_that_are_too_long_are_cut_too():
    def batches(model):
        parts = [(sequence, part) for sequence in range(2) for part in (slice(0, 4), slice(4, 7))]
        return [rill.Batch(model, [X[i, part] for i, part in parts], [Y[i, part] for i, part in parts])]

    assert fitted(X[:2], Y[:2], fit={"sequence_length": 4}) == by_hand(batches)


def test_a_model_with_one_output_answers_at_the_end_of_each_window():
    x, y = noise(12, 3, seed=3), noise(12, 2, seed=4)
    options = {"return_sequences": False}

    def batches(model):
        return [rill.Batch(model, [x[i : i + 5] for i in range(8)], y[4:])]

    assert fitted(x, y, fit={"sequence_length": 5, "stride": 1}, **options) == by_hand(batches, **options)
    assert fitted(X, Y[:, 0], **options) == by_hand(lambda model: [rill.Batch(model, X, Y[:, 0])], **options)


def test_tokens_learn_the_next_token():
    one, many = tokens(40, below=6), tokens(3, 9, below=6, seed=1)

    def windows(model):
        starts = range(0, 39, 10)
        return [rill.Batch(model, [one[i : min(i + 10, 39)] for i in starts], classes=[one[i + 1 : i + 11] for i in starts])]

    options = {"loss": "cross_entropy", **TOKENS}
    assert fitted(one, fit={"sequence_length": 10}, **options) == by_hand(windows, **options)
    expected = by_hand(lambda model: [rill.Batch(model, many[:, :-1], classes=many[:, 1:])], **options)
    assert fitted(many, **options) == expected
    assert fitted(list(many), **options) == expected
    assert fitted(many[:, :-1], many[:, 1:], **options) == expected


def test_a_last_dimension_of_one_may_be_left_out():
    options = {"input_size": 1, "output_size": 1}
    x, y = X[..., 0], Y[..., 0]
    expected = fitted(x[..., None], y[..., None], **options)
    assert fitted(x, y, **options) == expected
    assert fitted(list(x), list(y), **options) == expected
    long = {"fit": {"sequence_length": 3}, **options}
    assert fitted(x[0], y[0], **long) == fitted(x[0][:, None], y[0][:, None], **long)


def test_shuffling_follows_the_seed_and_changes_from_epoch_to_epoch():
    texts = [fitted(X, Y, shuffle=None, fit={"batch_size": 4, "seed": seed}) for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]
    seen = []

    class Watch(rill.Trainer):
        def update(self, batch):
            seen.append(super().update(batch))
            return seen[-1]

    Watch(make_model(), loss="mse", seed=1, learning_rate=0).fit(X, Y, batch_size=1, epochs=2, progress=False)
    assert sorted(seen[:10]) == sorted(seen[10:])
    assert seen[:10] != seen[10:]


def test_validation_is_the_last_part():
    model = make_model()
    history = model.fit(X, Y, loss="mse", validation_split=0.3, **QUIET)
    assert history.validation_loss[-1] == model.evaluate(X[7:], Y[7:], loss="mse")["loss"]
    other = make_model()
    data = other.fit(X[:7], Y[:7], loss="mse", validation_data=(X[7:], Y[7:]), **QUIET)
    assert data.validation_loss == history.validation_loss
    assert other.to_text() == model.to_text()
    expected = rill.Trainer(model, loss="mse", seed=1).evaluate(rill.Batch(model, X[7:], Y[7:]))
    assert model.evaluate(X[7:], Y[7:], loss="mse") == expected
    for validation in (rill.Batch(model, X[7:], Y[7:]), [rill.Batch(model, X[7:], Y[7:])]):
        again = make_model().fit(X[:7], Y[:7], loss="mse", validation_data=validation, **QUIET)
        assert again.validation_loss == history.validation_loss


def test_validation_of_tokens_takes_them_alone():
    text = tokens(100, below=6)
    model = make_model(**TOKENS)
    history = model.fit(text, loss="cross_entropy", sequence_length=10, validation_split=0.2, **QUIET)
    assert history.epochs["validation_accuracy"][-1] == model.evaluate(text[80:], loss="cross_entropy", sequence_length=10)["accuracy"]
    other = make_model(**TOKENS).fit(text[:80], loss="cross_entropy", sequence_length=10, validation_data=text[80:], **QUIET)
    assert other.epochs["validation_loss"] == history.epochs["validation_loss"]


@pytest.mark.parametrize(
    ("x", "y", "options", "message"),
    [
        (noise(4, 7, 2), Y[:4], {}, r"x: expected \[sequences\]\[time\]\[3\], or \[time\]\[3\] of one long sequence, got \[4\]\[7\]\[2\]"),
        (X, Y[:9], {}, "y: expected 10 sequences like x, got 9"),
        (X, Y[:, :6], {}, r"y: sequence 0 has 7 time steps in x; expected as many here, got \[6\]\[2\]"),
        (X, None, {}, "y: missing"),
        ([X[0], X[1, :, :2]], [Y[0], Y[1]], {}, r"x\[1\]: expected \[time\]\[3\], got \[7\]\[2\]"),
        ([], None, {}, "no batches and no sequences"),
        (X, Y, {"batch_size": 0}, "batch_size: expected at least 1"),
        (X, Y, {"sequence_length": 0}, "sequence_length: expected at least 1"),
        (X, Y, {"steps_per_epoch": 3}, "steps_per_epoch: for iterables"),
        (X, Y, {"validation_split": 0.2, "validation_data": (X, Y)}, "validation_data"),
        (X, Y, {"validation_split": 1.5}, "validation"),
        (X, Y, {"lengths": [8] * 10}, "lengths: expected 1 ... 7, got 8 to 8"),
        (iter([(X, Y)]), None, {}, "steps_per_epoch: needed"),
        (iter([(X, Y)]), None, {"steps_per_epoch": 1}, "the iterator ended after 0 of 1 batches in epoch 1"),
        (iter([(X, Y)]), Y, {"steps_per_epoch": 1}, "y: only with arrays"),
        (5, None, {}, "x: expected arrays, batches or an iterable, got int"),
        (X, Y, {"patience": 3}, "patience: follows the validation loss"),
        (X, Y, {"schedule": {"type": "plateau"}}, "schedule: follows the validation loss"),
        (X, Y, {"callbacks": [5]}, "callbacks: int is no function"),
    ],
)
def test_what_does_not_fit_is_refused(x, y, options, message):
    with pytest.raises(rill.ArgumentError, match=message):
        make_model().fit(x, y, loss="mse", **QUIET, **options)


def test_options_reach_the_library_unchanged():
    with pytest.raises(rill.FormatError, match="no_such_option"):
        make_model().fit(X, Y, loss="mse", no_such_option=1, **QUIET)
    model = make_model()
    options = {"reduction": "sum", "clip_value": 0.5, "optimizer": {"type": "sgd", "momentum": 0.9}, "learning_rate": 0.01}
    model.fit(X, Y, loss="mse", shuffle=False, **options, **QUIET)
    other = make_model()
    trainer = rill.Trainer(other, loss="mse", seed=0, **options)
    for _ in range(2):
        trainer.update(rill.Batch(other, X, Y))
    assert model.to_text() == other.to_text()


def test_windows_for_a_state_that_is_carried():
    """What a stateful trainer is given, without one: lanes side by side, windows in the order of time."""
    from rill._prepare import Preparation

    model = make_model()
    x, y = noise(23, 3), noise(23, 2)
    preparation = Preparation(model, "mse", True, 2, 4, None, None, None, 0)
    source, validation = preparation.sources(x, y, None, None, 0.0, (x, y))
    steps = list(source.epoch(0, 0))
    assert [step.begins for step in steps] == [True, False, False]
    assert [(step.batch.batch_size, step.batch.sequence_length) for step in steps] == [(2, 4), (2, 4), (2, 3)]
    assert source.update_count == 3
    assert [step.begins for step in source.epoch(1, 1)] == [False, False]
    trainer = rill.Trainer(model, loss="mse", seed=1)
    lanes_x, lanes_y = rill.lanes(x, 2), rill.lanes(y, 2)
    expected = trainer.evaluate(rill.Batch(model, lanes_x[:, 4:8], lanes_y[:, 4:8]))
    assert trainer.evaluate(steps[1].batch) == expected
    assert trainer.evaluate(validation()) == trainer.evaluate(rill.Batch(model, lanes_x, lanes_y))
    groups, _ = Preparation(model, "mse", True, 4, None, None, None, None, 0).sources(X, Y, None, None, 0.0, None)
    assert [(step.batch.batch_size, step.begins) for step in groups.epoch(0, 0)] == [(4, True), (4, True), (2, True)]
    with pytest.raises(rill.ArgumentError, match="sequences of one length"):
        preparation.sources([x[:4], x], [y[:4], y], None, None, 0.0, None)


def test_a_model_without_a_head_per_step_cannot_carry():
    from rill._prepare import Preparation

    with pytest.raises(rill.ArgumentError, match="stateful"):
        Preparation(rill.Model(configuration(return_sequences=False), seed=1), "mse", True, 2, 4, None, None, None, 0)
