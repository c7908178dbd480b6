"""Closing, dropping and failing: every native object is destroyed once, in any order, and never under a call."""

import ctypes
import gc
import itertools
import threading

import pytest
from helpers import configuration, make_model, noise, run_python, same_bits

import rill
from rill import _handles
from rill._library import library

ORDERS = list(itertools.permutations(["model", "stream", "batch", "trainer"]))
HANDLES = [_handles.ModelHandle, _handles.StreamHandle, _handles.BatchHandle, _handles.TrainerHandle]


@pytest.fixture
def destroyed(monkeypatch):
    """The addresses that were destroyed, in order."""
    gc.collect()  # what earlier tests left
    addresses = []

    def record(original):
        def destroy(handle):
            addresses.append(handle.value)
            original(handle)

        return staticmethod(destroy)

    for kind in HANDLES:
        monkeypatch.setattr(kind, "destroy", record(kind.destroy))
    return addresses


def make_all():
    model = make_model()
    return {
        "model": model,
        "stream": model.stream(),
        "batch": rill.Batch(model, noise(2, 7, 3), noise(2, 7, 2)),
        "trainer": rill.Trainer(model, loss="mse", seed=1),
    }


def use(objects):
    """Calls everything that is not closed."""
    if "model" in objects:
        objects["model"].describe()
    if "stream" in objects:
        objects["stream"].step(noise(3))
        objects["stream"].refresh()
    if "batch" in objects:
        objects["batch"].set_inputs(noise(2, 7, 3))
    if "batch" in objects and "trainer" in objects:
        objects["trainer"].update(objects["batch"])
        objects["trainer"].gradient("1.bias")


@pytest.mark.parametrize("order", ORDERS)
def test_objects_are_closed_in_any_order(order, destroyed):
    objects = make_all()
    addresses = [objects[name]._handle.value for name in order]
    use(objects)
    for name in order:
        objects.pop(name).close()
        use(objects)
    gc.collect()
    assert destroyed == addresses


@pytest.mark.parametrize("order", ORDERS)
def test_objects_are_dropped_in_any_order(order, destroyed):
    objects = make_all()
    addresses = {value._handle.value for value in objects.values()}
    for name in order:
        del objects[name]
        gc.collect()
        use(objects)
    assert sorted(destroyed) == sorted(addresses)


def test_cycles_are_collected(destroyed):
    objects = make_all()
    objects["self"] = objects
    del objects
    assert destroyed == []
    gc.collect()
    assert len(destroyed) == 4


def test_a_double_close_is_harmless(destroyed):
    for value in make_all().values():
        assert not value.closed
        value.close()
        value.close()
        assert value.closed
        assert repr(value) == f"<rill.{type(value).__name__} closed>"
    assert len(destroyed) == 4


def test_objects_are_context_managers():
    for value in make_all().values():
        with value as entered:
            assert entered is value
        assert value.closed
        with pytest.raises(rill.StateError, match=f"this {type(value).__name__} is closed"):
            value.__enter__()


def test_every_call_after_close_is_a_state_error(tmp_path):
    alive, closed = make_all(), make_all()
    batch = closed["batch"]
    for value in closed.values():
        value.close()
    model, stream, trainer = closed["model"], closed["stream"], closed["trainer"]
    calls = [
        lambda: model(noise(7, 3)),
        lambda: model.save(tmp_path / "model.json"),
        lambda: model.to_text(),
        lambda: model.describe(),
        lambda: model.parameters,
        lambda: model.state_dict(),
        lambda: model.load_state_dict({}),
        lambda: model.publish(),
        lambda: model.stream(),
        lambda: rill.Batch(model, noise(2, 7, 3)),
        lambda: rill.Trainer(model, loss="mse", seed=1),
        lambda: stream.step(noise(3)),
        lambda: stream.run(noise(7, 3)),
        lambda: stream.reset(),
        lambda: stream.reset(0),
        lambda: stream.copy_to(alive["stream"]),
        lambda: alive["stream"].copy_to(stream),
        lambda: stream.copy_lane(0, alive["stream"], 0),
        lambda: stream.fork(),
        lambda: stream.state,
        lambda: stream.save_state(),
        lambda: stream.load_state(b""),
        lambda: stream.refresh(),
        lambda: batch.set_inputs(noise(2, 7, 3)),
        lambda: batch.set_lengths([7, 7]),
        lambda: batch.set_targets(noise(2, 7, 2)),
        lambda: batch.set_classes([[0] * 7] * 2),
        lambda: trainer.update(alive["batch"]),
        lambda: trainer.evaluate(alive["batch"]),
        lambda: alive["trainer"].update(batch),
        lambda: alive["trainer"].evaluate(batch),
        lambda: trainer.learning_rate,
        lambda: setattr(trainer, "learning_rate", 1.0),
        lambda: trainer.metric("loss"),
        lambda: trainer.gradient("1.bias"),
        lambda: trainer.update_count,
    ]
    for number, call in enumerate(calls):
        with pytest.raises(rill.StateError, match="is closed"):
            call()
            pytest.fail(f"call {number} worked")
    assert not list(tmp_path.iterdir())
    use(alive)


def test_views_end_with_their_object():
    model = make_model()
    parameters, stream = model.parameters, model.stream()
    state = stream.state
    model.close()
    stream.close()
    with pytest.raises(rill.StateError):
        parameters["1.bias"]
    with pytest.raises(rill.StateError):
        state["0.hidden"]


def test_sizes_stay_readable():
    model = make_model()
    stream = model.stream(4)
    model.close()
    stream.close()
    assert (model.input_size, model.output_size, stream.batch_size) == (3, 2, 4)


def test_a_failed_creation_leaves_nothing(destroyed):
    model = make_model()
    for fail in (
        lambda: rill.Model("{}", seed=1),
        lambda: rill.Model(configuration(), seed=-1),
        lambda: rill.Model.parse("{}"),
        lambda: rill.Stream(model, 0),
        lambda: rill.Batch(model, noise(2, 0, 3)),
        lambda: rill.Trainer(model, loss="", seed=1),
    ):
        with pytest.raises(rill.Error):
            fail()
    gc.collect()
    assert destroyed == []
    with pytest.raises(rill.ArgumentError):
        rill.Batch(model, noise(2, 7, 3), noise(3, 7, 2))  # here the native batch exists already
    gc.collect()
    assert len(destroyed) == 1


@pytest.mark.parametrize("kind", [rill.Model, rill.Stream, rill.Batch, rill.Trainer])
def test_an_object_whose_init_never_ran_is_closed(kind):
    value = kind.__new__(kind)
    assert value.closed
    assert "closed" in repr(value)
    value.close()


def test_close_does_not_destroy_under_a_call(destroyed):
    """What a call of another thread holds is its handle: as long as that lives, so does the native object."""
    model = make_model()
    handle, size = model._open(), ctypes.c_size_t()
    model.close()
    assert destroyed == []
    assert library.rill_model_get_input_size(handle, ctypes.byref(size)) == 0
    assert size.value == 3
    del handle
    assert len(destroyed) == 1


@pytest.mark.parametrize("kind", ["model", "stream"])
def test_close_while_another_thread_computes(kind, destroyed):
    model = make_model(hidden_size=64)
    value = model if kind == "model" else model.stream()
    compute = value if kind == "model" else value.run
    x = noise(40_000, 3)
    results = []
    started = threading.Event()

    def work():
        started.set()
        results.append(compute(x))

    expected = model(x)
    thread = threading.Thread(target=work)
    thread.start()
    started.wait()
    # The call takes tens of milliseconds, so it runs by now; if not, it has ended, and close() is as free to come.
    threading.Event().wait(0.005)
    value.close()
    assert value.closed
    thread.join()
    assert same_bits(results[0], expected)
    with pytest.raises(rill.StateError):
        compute(x)


@pytest.mark.parametrize("keep", ["model", "stream", "batch", "trainer", "cycle"])
def test_the_interpreter_may_end_at_any_time(keep):
    result = run_python(
        f"""
import numpy as np, rill
model = rill.Model({configuration()!r}, seed=1)
stream = model.stream()
batch = rill.Batch(model, np.zeros((2, 7, 3)), np.zeros((2, 7, 2)))
trainer = rill.Trainer(model, loss="mse", seed=1)
trainer.update(batch)
cycle = [model, stream, batch, trainer]
cycle.append(cycle)
kept = {keep}
for name in ("model", "stream", "batch", "trainer", "cycle"):
    del globals()[name]
"""
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
