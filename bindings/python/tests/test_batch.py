"""Batches: shapes, padding, and lists of unequal sequences. What a batch holds is seen by its losses."""

import numpy as np
import pytest
from helpers import make_model, noise, same_bits, tokens

import rill


def trained_on(make, **options):
    """Loss and gradients of one update of a fresh model on the batch that make(model) gives: equal bits mean an equal batch."""
    loss = options.pop("loss", "mse")
    model = make_model(**options)
    trainer = rill.Trainer(model, loss=loss, seed=1)
    value = trainer.update(make(model))
    return value, {name: trainer.gradient(name) for name in model.parameters}


def assert_same_training(a, b):
    assert a[0] == b[0]
    for name, gradient in a[1].items():
        assert same_bits(gradient, b[1][name]), name


X, Y, LENGTHS = noise(3, 7, 3, seed=1), noise(3, 7, 2, seed=2), [7, 4, 2]


@pytest.fixture(scope="module")
def reference():
    return trained_on(lambda model: rill.Batch(model, X, Y, lengths=LENGTHS))


def cut(array):
    """The batch-first array as a list of sequences without their padding."""
    return [sequence[:length] for sequence, length in zip(array, LENGTHS)]


def test_lengths_matter(reference):
    assert trained_on(lambda model: rill.Batch(model, X, Y))[0] != reference[0]


def test_padding_does_not_matter(reference):
    x, y = X.copy(), Y.copy()
    for lane, length in enumerate(LENGTHS):
        x[lane, length:] = 5
        y[lane, length:] = -5
    assert_same_training(trained_on(lambda model: rill.Batch(model, x, y, lengths=LENGTHS)), reference)


def test_a_list_of_unequal_sequences_equals_the_padded_batch(reference):
    assert_same_training(trained_on(lambda model: rill.Batch(model, cut(X), cut(Y))), reference)
    lists = [x.tolist() for x in cut(X)], tuple(y.tolist() for y in cut(Y))
    assert_same_training(trained_on(lambda model: rill.Batch(model, *lists)), reference)
    assert_same_training(trained_on(lambda model: rill.Batch(model, cut(X), Y)), reference)


def test_time_first_equals_batch_first(reference):
    def make(model):
        return rill.Batch(model, X.swapaxes(0, 1), Y.swapaxes(0, 1), lengths=LENGTHS, batch_first=False)

    assert_same_training(trained_on(make), reference)


def test_other_numbers_give_the_same(reference):
    def make(model):
        return rill.Batch(model, X.astype(np.float64), Y.tolist(), lengths=np.array(LENGTHS, dtype=np.uint8))

    assert_same_training(trained_on(make), reference)


def test_a_batch_is_filled_again(reference):
    def make(model):
        batch = rill.Batch(model, noise(3, 7, 3, seed=8), noise(3, 7, 2, seed=9))
        batch.set_inputs(X, lengths=LENGTHS)
        batch.set_targets(Y)
        return batch

    def make_from_lists(model):
        batch = rill.Batch(model, noise(3, 7, 3, seed=8))
        batch.set_inputs(cut(X))
        batch.set_targets(cut(Y))
        return batch

    def make_step_by_step(model):
        batch = rill.Batch(model, X)
        batch.set_targets(Y)
        batch.set_lengths([1, 1, 1])
        batch.set_lengths(LENGTHS)
        return batch

    for refill in (make, make_from_lists, make_step_by_step):
        assert_same_training(trained_on(refill), reference)


def test_lengths_are_forgotten_with_none():
    def make(model):
        batch = rill.Batch(model, X, Y, lengths=LENGTHS)
        batch.set_lengths(None)
        return batch

    assert_same_training(trained_on(make), trained_on(lambda model: rill.Batch(model, X, Y)))


def test_the_batch_copies_what_it_is_given(reference):
    def make(model):
        x, y, lengths = X.swapaxes(0, 1).copy(), Y.swapaxes(0, 1).copy(), np.array(LENGTHS, dtype=np.int32)
        batch = rill.Batch(model, x, y, lengths=lengths, batch_first=False)
        x[:], y[:], lengths[:] = 0, 0, 1
        return batch

    assert_same_training(trained_on(make), reference)


def test_tokens_and_classes():
    options = {"tokens": True, "input_size": 9, "output_size": 4, "loss": "cross_entropy"}
    x, classes = tokens(3, 7, below=9), tokens(3, 7, below=4, seed=1)
    reference = trained_on(lambda model: rill.Batch(model, x, classes=classes, lengths=LENGTHS), **options)
    lists = [sequence.tolist() for sequence in cut(x)], [sequence.tolist() for sequence in cut(classes)]
    assert_same_training(trained_on(lambda model: rill.Batch(model, lists[0], classes=lists[1]), **options), reference)
    masked = classes.copy()
    masked[1, 4:] = masked[2, 2:] = -1
    assert_same_training(trained_on(lambda model: rill.Batch(model, x, classes=masked, lengths=LENGTHS), **options), reference)
    # Without lengths, what counts in no loss gives no gradient either: these networks look back only.
    assert_same_training(trained_on(lambda model: rill.Batch(model, x, classes=masked), **options), reference)


def test_weights(reference):
    weights = noise(3, 7, seed=4) ** 2
    x, y = noise(3, 7, 3, seed=1), Y
    weighted = trained_on(lambda model: rill.Batch(model, x, y, lengths=LENGTHS, weights=weights))
    assert weighted[0] != reference[0]
    for value in (weights.tolist(), cut(weights), weights.astype(np.float64)):
        assert_same_training(trained_on(lambda model, value=value: rill.Batch(model, cut(x), cut(y), weights=value)), weighted)
    time_first = trained_on(
        lambda model: rill.Batch(
            model, x.swapaxes(0, 1), y.swapaxes(0, 1), lengths=LENGTHS, weights=weights.swapaxes(0, 1), batch_first=False
        )
    )
    assert_same_training(time_first, weighted)

    def make(model):
        batch = rill.Batch(model, X, Y, lengths=LENGTHS, weights=weights)
        for wrong in (weights[:2], -weights, np.full_like(weights, np.nan), weights[0]):
            with pytest.raises(rill.ArgumentError, match="weights"):
                batch.set_weights(wrong)
        assert rill.Trainer(model, loss="mse", seed=1, learning_rate=0).update(batch) == weighted[0]
        batch.set_weights(None)
        return batch

    assert_same_training(trained_on(make), reference)


def test_weights_of_sequences():
    y, options = noise(3, 2, seed=5), {"return_sequences": False}
    weighted = trained_on(lambda model: rill.Batch(model, X, y, weights=[1, 0, 1]), **options)
    alone = trained_on(lambda model: rill.Batch(model, X[[0, 2]], y[[0, 2]]), **options)
    assert weighted[0] == pytest.approx(alone[0], rel=1e-12)
    with pytest.raises(rill.ArgumentError, match="weights"):
        trained_on(lambda model: rill.Batch(model, X, y, weights=np.ones((3, 7))), **options)


def test_one_output_per_sequence():
    y = noise(3, 2, seed=5)
    options = {"return_sequences": False}
    reference = trained_on(lambda model: rill.Batch(model, X, y, lengths=LENGTHS), **options)
    assert_same_training(trained_on(lambda model: rill.Batch(model, cut(X), y.tolist()), **options), reference)
    time_first = trained_on(lambda model: rill.Batch(model, X.swapaxes(0, 1), y, lengths=LENGTHS, batch_first=False), **options)
    assert_same_training(time_first, reference)
    classes = {"loss": "cross_entropy", **options}
    trained_on(lambda model: rill.Batch(model, cut(X), classes=[0, 1, 1]), **classes)
    for wrong in ([0, 1], [[0], [1], [1]], [0, 1, 2], [0.0, 1.0, 1.0]):
        with pytest.raises(rill.ArgumentError, match="class|count"):
            trained_on(lambda model, wrong=wrong: rill.Batch(model, X, classes=wrong), **classes)


def test_a_last_dimension_of_one_may_be_left_out():
    options = {"input_size": 1, "output_size": 1}
    x, y = X[..., 0], Y[..., 0]
    reference = trained_on(lambda model: rill.Batch(model, x[..., np.newaxis], y[..., np.newaxis], lengths=LENGTHS), **options)
    assert_same_training(trained_on(lambda model: rill.Batch(model, x, y, lengths=LENGTHS), **options), reference)
    assert_same_training(trained_on(lambda model: rill.Batch(model, cut(x), cut(y)), **options), reference)
    options["return_sequences"] = False
    reference = trained_on(lambda model: rill.Batch(model, x, y[:, :1]), **options)
    assert_same_training(trained_on(lambda model: rill.Batch(model, x, y[:, 0]), **options), reference)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"inputs": noise(7, 3)}, r"inputs: expected \[batch\]\[time\]\[3\], got \[7\]\[3\]"),
        ({"inputs": noise(3, 7, 4)}, r"inputs: expected \[batch\]\[time\]\[3\], got \[3\]\[7\]\[4\]"),
        ({"inputs": [noise(7, 3), noise(4, 4)]}, r"inputs\[1\]: expected \[time\]\[3\], got \[4\]\[4\]"),
        ({"inputs": [noise(7, 3), ["a"]]}, r"inputs\[1\]: expected numbers"),
        ({"inputs": []}, "inputs: an empty list"),
        ({"inputs": [noise(7, 3), noise(0, 3)]}, "lengths: expected 1 ... 7"),
        ({"inputs": cut(X), "lengths": LENGTHS}, "lengths of its own"),
        ({"inputs": cut(X), "batch_first": False}, "batch first"),
        ({"inputs": X, "lengths": [7, 7]}, r"lengths: expected shape \[3\], got \[2\]"),
        ({"inputs": X, "lengths": [7, 7, 8]}, "lengths: expected 1 ... 7, got 7 to 8"),
        ({"inputs": X, "lengths": [7, 7, 0]}, "lengths: expected 1 ... 7, got 0 to 7"),
        ({"inputs": X, "targets": Y[:2]}, "targets: expected 3 sequences of 7 time steps, got 2 of 7"),
        ({"inputs": X, "targets": Y[:, :6]}, "targets: expected 3 sequences of 7 time steps, got 3 of 6"),
        ({"inputs": X, "targets": Y[..., :1]}, r"targets: expected \[batch\]\[time\]\[2\], got \[3\]\[7\]\[1\]"),
        ({"inputs": cut(X), "targets": [Y[0], Y[1, :5], Y[2, :2]]}, r"targets\[1\]: 5 time steps, but the inputs have 4"),
        ({"inputs": X, "targets": [*cut(Y)[:2], noise(8, 2)]}, "targets: a sequence has 8 time steps, the batch 7"),
        ({"inputs": X, "classes": Y[..., 0]}, "classes: expected integers"),
        ({"inputs": X, "targets": np.full((3, 7, 2), np.nan)}, "targets"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(rill.ArgumentError, match=message):
        rill.Batch(make_model(), **arguments)


def test_another_shape_is_refused_and_nothing_is_changed(reference):
    def make(model):
        batch = rill.Batch(model, X, Y, lengths=LENGTHS)
        for wrong in (X[:2], X[:, :6], cut(X)[:2], np.full_like(X, np.inf)):
            with pytest.raises(rill.ArgumentError):
                batch.set_inputs(wrong)
        with pytest.raises(rill.ArgumentError):
            batch.set_inputs(noise(3, 7, 3), lengths=[0, 1, 1])
        with pytest.raises(rill.ArgumentError):
            batch.set_targets(Y[:2])
        return batch

    assert_same_training(trained_on(make), reference)


def test_sizes_and_repr():
    batch = rill.Batch(make_model(), cut(X))
    assert (batch.batch_size, batch.sequence_length) == (3, 7)
    assert repr(batch) == "<rill.Batch of 3 sequences, 7 time steps>"
