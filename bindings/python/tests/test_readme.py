"""What the README shows works as it stands, and docstrings are there."""

import re
from dataclasses import is_dataclass
from pathlib import Path

import rill

README = Path(__file__).resolve().parents[1] / "README.md"


def test_the_program_in_the_readme_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    programs = re.findall(r"^```python\n(.*?)^```", README.read_text(), flags=re.MULTILINE | re.DOTALL)
    assert len(programs) == 1
    exec(compile(programs[0], str(README), "exec"), {})
    error = float(re.search(r"mean squared error ([\d.e-]+)", capsys.readouterr().out).group(1))
    assert error < 0.01  # of a wave whose mean square is 0.5
    assert (tmp_path / "sine.json").exists()


def test_everything_public_is_documented():
    for name in rill.__all__:
        value = getattr(rill, name)
        if name != "__version__":
            assert value.__doc__, name
        for member, function in vars(value).items() if isinstance(value, type) else ():
            is_public = not member.startswith("_") or (member in ("__init__", "__call__") and not is_dataclass(value))
            if is_public and (callable(function) or isinstance(function, (property, classmethod))):
                assert function.__doc__, f"{name}.{member}"
