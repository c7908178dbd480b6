"""Runs the examples as their users do. scripts/test-examples.sh compiles the C ones and calls pytest with
RILL_EXAMPLE_PROGRAMS, the folder where they are."""

import importlib.util
import json
import math
import os
import re
import shutil
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
    assert "usage" in run(PROGRAMS / "online", "0", status=2)
    assert "usage" in run(PROGRAMS / "characters", status=2)
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


def held_out(output):
    """The column of held-out perplexities, and the one of the best parameters, as printed."""
    rows = re.findall(r"^ *[1-9][0-9]* +[0-9.]+ +([0-9.]+)", output, re.MULTILINE)
    return rows, re.search("best parameters: (.*)", output).group(1)


def test_c_and_python_learn_the_same_characters(tmp_path):
    output = run_python("characters.py", DATA / "persuasion.txt", tmp_path / "python.json", "--epochs", 2, "--hidden", 32)
    column, best = held_out(output)
    # An untrained network hesitates among all 75 characters, and one that knew how frequent each is, among 21.
    assert len(column) == 2 and float(best) < 12, output
    assert (column, best) == held_out(run(PROGRAMS / "characters", DATA / "persuasion.txt", tmp_path / "c.json", 2, 32))
    parameters = [json.loads((tmp_path / name).read_text())["parameters"] for name in ("python.json", "c.json")]
    assert parameters[0] == parameters[1]


def test_characters_stop_when_they_are_learned_by_heart():
    output = run_python("characters.py", "--characters", 20000, "--hidden", 64, "--epochs", 60, "--length", 20)
    column, best = held_out(output)
    assert "stopped" in output and len(column) < 60, output
    values = [float(value) for value in column]
    assert min(values) == float(best) == values[-4], output  # three epochs in a row were no better


def test_characters_refuse_a_text_that_is_too_short(tmp_path):
    (tmp_path / "short.txt").write_text("a rill")
    assert "too short" in run_python("characters.py", tmp_path / "short.txt", status=1)
    assert "too short" in run(PROGRAMS / "characters", tmp_path / "short.txt", tmp_path / "model.json", status=1)


@pytest.mark.parametrize("language", ["c", "python"])
def test_online_learning_follows_a_drifting_sensor(language, tmp_path):
    if language == "c":
        output = run(PROGRAMS / "online")
    else:
        output = run_python("online.py", "--plot", tmp_path / "online.png")
        assert (tmp_path / "online.png").read_bytes().startswith(b"\x89PNG")
    before, slow, jump = ([float(word) for word in line.split()[-2:]] for line in output.splitlines()[1:4])
    # The drift moves the readings by what 1 to 2 degrees would; the noise of a good estimate is a few tenths.
    assert max(before) < 0.5, output
    for frozen, learning in (slow, jump):
        assert frozen > 1 and learning < frozen / 3, output
    for line in output.splitlines()[4:6]:
        median, largest = map(int, re.search(r"median (\d+), largest (\d+)", line).groups())
        assert 0 < median <= largest, output


HAS_MPI = shutil.which("mpirun") is not None and importlib.util.find_spec("mpi4py") is not None


@pytest.mark.skipif(not HAS_MPI, reason="mpirun or mpi4py is not there")
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_processes_learn_what_one_with_the_whole_batch_does(count):
    environment = {
        **os.environ,
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        # More processes than processors, by the names of Open MPI 4 and 5; other MPIs allow it anyway.
        "OMPI_MCA_rmaps_base_oversubscribe": "1",
        "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
        "OMPI_MCA_btl_vader_single_copy_mechanism": "none",  # containers often forbid it
    }
    output = run("mpirun", "-n", count, sys.executable, HERE / "python" / "mpi_train.py", env=environment)
    assert f"{count} processes" in output
    first, last, alone = map(float, re.search(r"loss (\S+) at first, .* updates (\S+)\n.* batch (\S+)", output).groups())
    assert last < 0.8 * first, output
    assert abs(last / alone - 1) < 1e-6, output  # float32 rounds at 6e-8; 50 updates add some of that up
    assert "the same bits in all processes" in output
    assert ("whole batch: the same" in output) == (count == 1), output


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
