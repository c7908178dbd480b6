"""Where the library is looked for, and in which order."""

import shutil

import pytest
from helpers import SOURCES, compile_library, run_python, version_functions

from rill import _find


def test_a_named_library_is_the_only_candidate(tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "librill.so.0").touch()
    candidates = _find.candidates({"RILL_LIBRARY": "/somewhere/librill.so"}, tmp_path)
    assert candidates == [("RILL_LIBRARY=/somewhere/librill.so", "/somewhere/librill.so")]


def test_a_named_library_is_a_path_and_not_a_soname(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert _find.candidates({"RILL_LIBRARY": "librill.so"}, tmp_path)[0][1] == str(tmp_path / "librill.so")


@pytest.mark.parametrize("environment", [{}, {"RILL_LIBRARY": ""}])
def test_the_bundled_library_comes_before_the_systems(tmp_path, environment):
    (tmp_path / "lib").mkdir()
    bundled = tmp_path / "lib" / "librill.so.0"
    bundled.touch()
    assert [path for _, path in _find.candidates(environment, tmp_path)] == [str(bundled), "librill.so.0"]


def test_open_library_takes_the_first_that_opens(tmp_path):
    bundled = compile_library(tmp_path / "lib", version_functions())
    opened, origin = _find.open_library({}, tmp_path)
    assert opened._name == str(bundled)
    assert origin == f"bundled {bundled}"


def test_a_broken_candidate_is_passed_over_and_named(tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "librill.so.0").write_text("not a library")
    (tmp_path / "lib" / "librill.so.0.1.0").symlink_to(compile_library(tmp_path / "good", version_functions()))
    _, origin = _find.open_library({}, tmp_path)
    assert origin.endswith("librill.so.0.1.0")


def test_the_error_lists_every_place_that_was_tried(tmp_path, monkeypatch):
    monkeypatch.setattr(_find, "SONAME", "librill-that-nobody-has.so.0")
    with pytest.raises(ImportError) as caught:
        _find.open_library({}, tmp_path)
    message = str(caught.value)
    assert str(tmp_path / "lib" / "librill-that-nobody-has.so.0") in message
    assert "the system's librill-that-nobody-has.so.0" in message
    assert "RILL_LIBRARY" in message


def test_import_fails_with_the_named_path(tmp_path):
    missing = tmp_path / "missing.so"
    result = run_python("import rill", RILL_LIBRARY=str(missing))
    assert result.returncode != 0
    assert f"RILL_LIBRARY={missing}" in result.stderr
    assert "ImportError" in result.stderr


def test_import_uses_the_bundled_library(tmp_path):
    """A copy of the package with a library inside finds that one: here a fake, whose version gives it away."""
    shutil.copytree(SOURCES / "rill", tmp_path / "rill", ignore=shutil.ignore_patterns("__pycache__", "lib"))
    compile_library(tmp_path / "rill" / "lib", version_functions(number=99_001_000))
    result = run_python("import rill", RILL_LIBRARY="", PYTHONPATH=str(tmp_path))
    assert "bundled" in result.stderr
    assert "99.1" in result.stderr
