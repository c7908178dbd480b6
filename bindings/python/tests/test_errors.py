"""Status codes as exceptions."""

import pickle
import re

import pytest
from helpers import HEADER, make_model

import rill
from rill import _errors

KINDS = [
    ("ARGUMENT", rill.ArgumentError, ValueError),
    ("STATE", rill.StateError, RuntimeError),
    ("FORMAT", rill.FormatError, ValueError),
    ("IO", rill.FileError, OSError),
    ("MEMORY", rill.OutOfMemoryError, MemoryError),
    ("UNSUPPORTED", rill.UnsupportedError, NotImplementedError),
    ("DIVERGED", rill.DivergedError, ArithmeticError),
    ("INTERNAL", rill.InternalError, RuntimeError),
]


@pytest.mark.parametrize(("name", "kind", "builtin"), KINDS)
def test_every_status_of_the_header_has_its_exception(name, kind, builtin):
    status = int(re.search(rf"RILL_ERROR_{name} = (-\d+)", HEADER.read_text()).group(1))
    with pytest.raises(kind) as caught:
        _errors.check(status)
    assert type(caught.value) is kind
    assert isinstance(caught.value, rill.Error)
    assert isinstance(caught.value, builtin)
    assert caught.value.status == kind.status == status


def test_the_header_has_no_further_status():
    assert len(re.findall(r"RILL_ERROR_\w+ = ", HEADER.read_text())) == len(KINDS)


def test_an_unknown_failure_is_an_error_with_its_code():
    with pytest.raises(rill.Error) as caught:
        _errors.check(-99)
    assert type(caught.value) is rill.Error
    assert caught.value.status == -99


def test_success_raises_nothing():
    _errors.check(0)


@pytest.mark.parametrize("kind", [kind for _, kind, _ in KINDS])
def test_errors_survive_pickling(kind):
    error = pickle.loads(pickle.dumps(kind("a message")))
    assert type(error) is kind
    assert str(error) == "a message"
    assert error.status == kind.status


def test_messages_of_the_library_arrive():
    with pytest.raises(rill.FormatError, match=re.escape("layers[0].hidden_size")):
        make_model(hidden_size=0)
    with pytest.raises(rill.FileError, match="no-such-file.json"):
        rill.Model.load("/no-such-folder/no-such-file.json")
    with pytest.raises(rill.FormatError):
        rill.Model.parse("{")
    with pytest.raises(rill.UnsupportedError):
        configuration = {
            "input": {"kind": "vector", "size": 1},
            "layers": [{"type": "dense", "output_size": 2}],
            "output": {"shift": 1.0},
        }
        rill.Trainer(rill.Model(configuration, seed=1), loss="cross_entropy", seed=1)
