"""Runs the examples as their users do. scripts/test-examples.sh compiles the C ones and calls pytest with
RILL_EXAMPLE_PROGRAMS, the folder where they are."""

import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
DATA = HERE / "data"
PROGRAMS = Path(os.environ["RILL_EXAMPLE_PROGRAMS"])


def run(*command, status=0, **options):
    """The standard output of a command that must end with that status."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300, **options)
    assert done.returncode == status, f"{command}: status {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout if status == 0 else done.stderr


def run_python(name, *arguments, **options):
    return run(sys.executable, HERE / "python" / name, *arguments, **options)


def table(output):
    """Rows of numbers after the line with "steps ahead": steps, network, last value, seasonal."""
    lines = output.splitlines()
    first = next(number for number, line in enumerate(lines) if "steps ahead" in line) + 1
    return [[float(word) for word in line.split()] for line in lines[first : first + 4]]


def weekly_changes(count):
    """Samples for a forecaster: one number per line."""
    values = [float(line.split(",")[1]) for line in (DATA / "co2.csv").read_text().splitlines()[1 : count + 2]]
    return "".join(f"{after - before:.2f}\n" for before, after in zip(values, values[1:]))


@pytest.fixture(scope="module")
def forecaster(tmp_path_factory):
    """A forecaster that train.c wrote, and what it printed."""
    path = tmp_path_factory.mktemp("forecaster") / "co2.json"
    return path, run(PROGRAMS / "train", DATA / "co2.csv", 52, path)


@pytest.fixture(scope="module")
def token_model(tmp_path_factory):
    """An untrained model of five tokens."""
    path = tmp_path_factory.mktemp("token") / "token.json"
    layers = '[{"type": "gru", "hidden_size": 8}, {"type": "dense", "output_size": 3, "activation": "softmax"}]'
    program = f'import json, rill; rill.Model({{"input": {{"kind": "token", "size": 5}}, "layers": {layers}}}, seed=1).save({str(path)!r})'
    run(sys.executable, "-c", program)
    return path


def test_c_forecaster_beats_both_simple_forecasts(forecaster):
    _, output = forecaster
    for steps, network, last, seasonal in table(output):
        assert network < last and network < seasonal, f"{steps} steps ahead:\n{output}"


def test_python_forecaster_beats_both_simple_forecasts(tmp_path):
    output = run_python("train.py", DATA / "nino.csv", 12, tmp_path / "nino.json")
    for steps, network, last, seasonal in table(output):
        assert network < last and network < seasonal, f"{steps} steps ahead:\n{output}"


def test_c_and_python_stream_the_same_numbers(forecaster):
    path, _ = forecaster
    samples = weekly_changes(200)
    output = run(PROGRAMS / "stream", path, input=samples)
    assert len(output.splitlines()) == 200
    assert all(len(line.split()) == 4 for line in output.splitlines())
    assert output == run_python("stream.py", path, input=samples)
    if (PROGRAMS / "stream-static").exists():
        assert output == run(PROGRAMS / "stream-static", path, input=samples)


def test_c_and_python_stream_the_same_numbers_from_tokens(token_model):
    samples = "-1\n0\n4\n\n2\n"  # an empty line is no time step
    output = run(PROGRAMS / "stream", token_model, input=samples)
    rows = [[float(word) for word in line.split()] for line in output.splitlines()]
    assert [len(row) for row in rows] == [3, 3, 3, 3]
    for row in rows:
        assert abs(sum(row) - 1) < 1e-5  # softmax in float32: three roundings of at most 6e-8 each, and the decimals'
    assert output == run_python("stream.py", token_model, input=samples)


@pytest.mark.parametrize("samples", ["0.5\nwind\n", "0.5\n1 2\n", "0.5\nnan\n"])
def test_stream_names_the_line_that_it_cannot_read(forecaster, samples):
    path, _ = forecaster
    assert "line 2" in run(PROGRAMS / "stream", path, input=samples, status=1)
    assert "line 2" in run_python("stream.py", path, input=samples, status=1)


@pytest.mark.parametrize("samples", ["1\n5\n", "1\n0.5\n", "1\n-2\n"])
def test_stream_names_the_line_with_a_bad_token(token_model, samples):
    assert "line 2" in run(PROGRAMS / "stream", token_model, input=samples, status=1)
    assert "line 2" in run_python("stream.py", token_model, input=samples, status=1)


def test_stream_passes_on_the_message_of_the_library(forecaster, tmp_path):
    model = json.loads(forecaster[0].read_text())
    model["input"]["size"] = 0
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps(model))
    assert "input.size" in run(PROGRAMS / "stream", broken, input="", status=1)
    assert "io" in run(PROGRAMS / "stream", tmp_path / "absent.json", input="", status=1)


def test_programs_show_their_usage():
    assert "usage" in run(PROGRAMS / "stream", status=2)
    assert "usage" in run(PROGRAMS / "train", status=2)
    assert "usage" in run(PROGRAMS / "stream", "--help")


def test_train_refuses_what_is_no_series(tmp_path):
    bad = tmp_path / "bad.csv"
    bad.write_text("date,value\n2000,1\n2001,wind\n")
    assert "value 2" in run(PROGRAMS / "train", bad, 12, tmp_path / "model.json", status=1)
    bad.write_text("date,value\n2000,1\n2001,2\n")
    assert "too short" in run(PROGRAMS / "train", bad, 12, tmp_path / "model.json", status=1)


def test_windows_learn_with_lstm_and_gru():
    output = run_python("windows.py")  # its status says whether the losses fell
    assert [line.split(":")[0] for line in output.splitlines()] == ["lstm", "gru"]


def test_text_model_learns_and_writes(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("the rill runs to the river and the river runs to the sea; " * 60)
    output = run_python("generate_text.py", text, tmp_path / "text.json", "--updates", 80, "--prompt", "the ", "--length", 50)
    words = output.split()
    before, after = float(words[words.index("text:") + 1]), float(words[words.index("before,") + 1])
    assert after < before / 3, output
    assert len(output.rstrip("\n").split("\n\n", 1)[1]) == len("the ") + 50
    assert (tmp_path / "text.json").exists()


def code_blocks(language):
    """The blocks of README.md in that language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", (HERE.parent / "README.md").read_text(), re.MULTILINE | re.DOTALL)


def test_programs_of_the_readme_work(tmp_path):
    [python_program], [c_program] = code_blocks("python"), code_blocks("c")
    output = run(sys.executable, "-c", python_program, cwd=tmp_path)
    assert float(output.split()[1]) < 0.01  # of sine waves, whose mean square is 0.5
    (tmp_path / "host.c").write_text(c_program)
    run("sh", "-c", "cc -Wall -Wextra -Werror -o host host.c $(pkg-config --cflags --libs rill) -lm", cwd=tmp_path)
    folder = run("pkg-config", "--variable=libdir", "rill").strip()
    lines = run("./host", cwd=tmp_path, env={**os.environ, "LD_LIBRARY_PATH": folder}).splitlines()
    assert len(lines) == 50
    for t, line in enumerate(lines[10:], 10):
        predicted = float(line.split()[-1])
        assert abs(predicted - math.sin(0.2 * (t + 1))) < 0.2, line  # twice the root of the loss above
