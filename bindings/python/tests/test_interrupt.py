"""Ctrl-C: training ends between two updates, and what was learned and seen stays."""

import signal
import threading

import pytest
from helpers import make_model, noise, same_bits

import rill
from rill._interrupts import Interrupts

X, Y = noise(10, 7, 3, seed=1), noise(10, 7, 2, seed=2)


class InterruptAt(rill.Trainer):
    """Gets the signal within an update, as an impatient user sends it."""

    at = 4

    def update(self, batch):
        result = super().update(batch)
        if self.update_count == self.at:
            signal.raise_signal(signal.SIGINT)
        return result


def test_the_model_keeps_what_it_learned_and_the_history_all_updates():
    model = make_model()
    trainer = InterruptAt(model, loss="mse", seed=0)
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(X, Y, batch_size=4, epochs=3, progress=False)
    assert trainer.update_count == 4
    assert model.history is trainer.history
    assert len(model.history.updates["loss"]) == 4
    assert len(model.history.loss) == 1
    assert model.history.stopped == "by an interrupt"
    # Published, with the parameters of the fourth update.
    assert same_bits(model(X), rill.Model.parse(model.to_text())(X))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_callbacks_and_iterators_are_interrupted_at_once():
    reached = []

    def interrupt(epoch, logs):
        signal.raise_signal(signal.SIGINT)
        reached.append(epoch)

    with pytest.raises(KeyboardInterrupt):
        make_model().fit(X, Y, loss="mse", epochs=3, progress=False, callbacks=interrupt)
    assert not reached


def test_an_interrupt_waits_for_the_end_of_what_is_held():
    done = []
    with Interrupts() as interrupts, pytest.raises(KeyboardInterrupt):
        with interrupts.held():
            signal.raise_signal(signal.SIGINT)
            done.append(True)
        done.append(False)
    assert done == [True]


def test_other_threads_fit_too():
    results = []
    thread = threading.Thread(target=lambda: results.append(make_model().fit(X, Y, loss="mse", epochs=1, progress=False)))
    thread.start()
    thread.join()
    assert len(results[0].loss) == 1


def test_the_hosts_own_handler_is_called():
    calls = []
    previous = signal.signal(signal.SIGINT, lambda number, frame: calls.append(number))
    try:
        trainer = InterruptAt(make_model(), loss="mse", seed=0)
        history = trainer.fit(X, Y, batch_size=4, epochs=3, progress=False)
    finally:
        signal.signal(signal.SIGINT, previous)
    assert calls == [signal.SIGINT]
    assert len(history.loss) == 3
