"""What the README shows works as it stands, and docstrings are there."""

import os
import re
import subprocess
import sys
from dataclasses import is_dataclass
from pathlib import Path

from helpers import SOURCES

import rill

README = Path(__file__).resolve().parents[1] / "README.md"


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README.read_text(), flags=re.MULTILINE | re.DOTALL)


def test_the_programs_in_the_readme_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    fit, step_by_step = blocks("python")
    for program in (fit, step_by_step):
        exec(compile(program, str(README), "exec"), {})
    errors = re.findall(r"mean squared error ([\d.e-]+)", capsys.readouterr().out)
    assert len(errors) == 2
    assert all(float(error) < 0.01 for error in errors)  # of a wave whose mean square is 0.5
    for name in ("sine.json", "history.png"):
        assert (tmp_path / name).exists()


def test_the_commands_in_the_readme_run(tmp_path):
    (script,) = [block for block in blocks("sh") if "\nrill train" in block]
    shims = tmp_path / "bin"
    shims.mkdir()
    for name, words in (("rill", "-m rill"), ("python", "")):
        (shims / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n')
        (shims / name).chmod(0o755)
    environment = {**os.environ, "PYTHONPATH": str(SOURCES), "PATH": f"{shims}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert float(re.search(r"^loss +(\S+)$", done.stdout, flags=re.MULTILINE).group(1)) < 0.05  # in units of the standard deviation
    assert (tmp_path / "training.png").exists()
    assert len((tmp_path / "predictions.csv").read_text().splitlines()) == 1001


def test_everything_public_is_documented():
    for name in rill.__all__:
        value = getattr(rill, name)
        if name != "__version__":
            assert value.__doc__, name
        # Also what stands in a class that it inherits from and that has no name of its own in public.
        kinds = [kind for kind in reversed(getattr(value, "__mro__", ())) if kind.__module__.startswith("rill")]
        members = {member: function for kind in kinds for member, function in vars(kind).items()}
        for member, function in members.items():
            is_public = not member.startswith("_") or (member in ("__init__", "__call__") and not is_dataclass(value))
            if is_public and (callable(function) or isinstance(function, (property, classmethod))):
                assert function.__doc__, f"{name}.{member}"
