"""Several Python threads: side by side where that is free, one after the other where it must be."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from helpers import make_model, noise, same_bits

import rill
from rill._locks import SharedLock


def together(*works):
    """Runs every function in a thread of its own, and returns what they return; an exception in one fails the test."""
    barrier = threading.Barrier(len(works))

    def start(work):
        barrier.wait(timeout=60)
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        futures = [pool.submit(start, work) for work in works]
        return [future.result(timeout=120) for future in futures]


def test_two_streams_step_side_by_side():
    model, x = make_model(hidden_size=16), noise(2, 500, 3)
    expected = model(x)

    def work(lane):
        stream = model.stream()
        return np.array([stream.step(row) for row in x[lane]])

    results = together(lambda: work(0), lambda: work(1))
    for lane in range(2):
        assert same_bits(results[lane], expected[lane])


def test_models_are_called_side_by_side():
    model, x = make_model(), noise(3, 100, 3)
    expected = model(x)
    for results in together(*[lambda: [model(x) for _ in range(20)]] * 3):
        assert all(same_bits(result, expected) for result in results)


def test_one_stream_in_two_threads_takes_turns():
    """Which thread comes when is open, but every step is a whole one: with the same input in all, the outputs are those of 400 steps."""
    model, x = make_model(), noise(3)
    expected = model(np.tile(x, (400, 1)))
    stream = model.stream()

    def work():
        return [stream.step(x) for _ in range(200)]

    a, b = together(work, work)
    rows = {row.tobytes() for row in expected}
    assert {row.tobytes() for row in a + b} == rows
    assert same_bits(stream.step(x), model(np.tile(x, (401, 1)))[-1])


def test_stepping_goes_on_while_another_thread_trains_and_publishes():
    model, x = make_model(hidden_size=16), noise(8, 20, 3)
    trainer = rill.Trainer(model, loss="mse", seed=1, learning_rate=0.01)
    batch = rill.Batch(model, x, noise(8, 20, 2, seed=1))
    done = threading.Event()

    def train():
        try:
            for _ in range(100):
                trainer.update(batch)
                model.publish()
        finally:
            done.set()

    def step(refreshing):
        stream, count = model.stream(8), 0
        while not done.is_set() or count < 100:
            assert np.isfinite(stream.step(x[:, count % 20])).all()
            if refreshing:
                stream.refresh()
            count += 1
        return stream

    _, fresh, old = together(train, lambda: step(True), lambda: step(False))
    # After one refresh, both compute with the last snapshot, as a new stream does.
    new = model.stream(8)
    for stream in (fresh, old):
        stream.refresh()
        stream.copy_to(new)
        assert same_bits(stream.step(x[:, 0]), new.step(x[:, 0]))


def test_parameters_have_one_user_at_a_time():
    """A second user is turned away with StateError, or comes in between: neither waits, and nothing is torn."""
    model = make_model(hidden_size=32)
    trainer = rill.Trainer(model, loss="mse", seed=1)
    batch = rill.Batch(model, noise(16, 50, 3), noise(16, 50, 2))
    done = threading.Event()

    def train():
        try:
            count = 0
            while count < 30:
                try:
                    trainer.update(batch)
                    count += 1
                except rill.StateError:
                    pass
        finally:
            done.set()

    def read():
        refused = 0
        while not done.is_set():
            try:
                assert np.isfinite(model.parameters["0.weight_hh_l0"]).all()
            except rill.StateError:
                refused += 1
        return refused

    together(train, read)
    assert trainer.update_count == 30


def test_two_trainers_read_one_batch():
    x, y = noise(8, 20, 3), noise(8, 20, 2, seed=1)
    models = [make_model() for _ in range(3)]
    trainers = [rill.Trainer(model, loss="mse", seed=1) for model in models]
    shared = rill.Batch(models[0], x, y)
    together(*[lambda trainer=trainer: [trainer.update(shared) for _ in range(30)] for trainer in trainers[:2]])
    for _ in range(30):
        trainers[2].update(shared)
    assert models[0].to_text() == models[1].to_text() == models[2].to_text()


def test_a_batch_is_filled_while_a_trainer_reads_it():
    """Inputs and targets are one constant per fill, and the model gives zeros: a torn batch would show as a mean of two squares."""
    model = make_model(input_size=1, output_size=2)
    model.load_state_dict({name: np.zeros_like(values) for name, values in model.state_dict().items()})
    trainer = rill.Trainer(model, loss="mse", seed=1)
    batch = rill.Batch(model, np.zeros((64, 50, 1)), np.ones((64, 50, 2)))
    done = threading.Event()

    def fill():
        value = 1
        while not done.is_set():
            value = 3 - value
            batch.set_targets(np.full((64, 50, 2), value, dtype=np.float32))

    def evaluate():
        try:
            return {trainer.evaluate(batch)["loss"] for _ in range(100)}
        finally:
            done.set()

    _, losses = together(fill, evaluate)
    assert losses <= {1.0, 4.0}


class RecordedLock:
    """A lock that writes its name into a list when it is taken."""

    def __init__(self, name, taken):
        self.name, self.taken, self.lock = name, taken, threading.Lock()

    def __enter__(self):
        self.lock.acquire()
        self.taken.append(self.name)

    def __exit__(self, *_):
        self.lock.release()


def test_streams_that_copy_to_and_fro_do_not_lock_each_other_out():
    """Two threads wait for each other for ever only if they take two locks in different orders."""
    model, taken = make_model(), []
    a, b = model.stream(), model.stream()
    a._lock, b._lock = RecordedLock("a", taken), RecordedLock("b", taken)
    a.copy_to(b)
    b.copy_to(a)
    a.copy_lane(0, b, 0)
    b.copy_lane(0, a, 0)
    assert sorted(taken[:2]) == ["a", "b"]
    assert taken == taken[:2] * 4
    taken.clear()
    a.copy_lane(0, a, 0)
    assert taken == ["a"]


def test_close_while_another_thread_steps():
    model, x = make_model(), noise(3)
    for _ in range(20):
        stream = model.stream()

        def step(stream=stream):
            for count in range(100_000):
                try:
                    stream.step(x)
                except rill.StateError:
                    return count
            pytest.fail("close() was never seen")

        together(step, stream.close)


def test_shared_lock_lets_readers_in_together_and_writers_alone():
    lock, both_inside = SharedLock(), threading.Barrier(2)

    def read():
        with lock.shared():
            both_inside.wait(timeout=60)

    def write():
        with lock.exclusive():
            order.append("writer")

    together(read, read)
    order = []
    with lock.shared():
        with pytest.raises(RuntimeError), lock.shared():
            order.append("reader")
            raise RuntimeError  # gives the lock back all the same
        writer = threading.Thread(target=write)
        writer.start()
        writer.join(timeout=0.05)
        assert order == ["reader"]
    writer.join(timeout=60)
    assert order == ["reader", "writer"]
