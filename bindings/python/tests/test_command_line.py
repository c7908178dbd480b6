"""The command `rill`, as its users run it."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers import SOURCES, make_model, noise, tokens

import rill
from rill import cli

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(SOURCES)}
COMMAND = [sys.executable, "-W", "error", "-m", "rill"]


def run(*words, status=0, **options):
    """What a command in a process of its own prints: on stdout, or on stderr after a failure."""
    done = subprocess.run([*COMMAND, *map(str, words)], capture_output=True, timeout=120, env=ENVIRONMENT, **options)
    assert done.returncode == status, (done.stdout, done.stderr)
    return done.stdout if status == 0 else done.stderr.decode()


def call(*words):
    """The same in this process: quicker. Returns the exit status."""
    return cli.main([str(word) for word in words])


def fails(capsys, *words):
    """The one line that a command says before it gives up."""
    assert call(*words) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"rill: [^\n]+\n", err), err
    return err


def write_table(path, columns):
    rows = zip(*columns.values())
    path.write_text("\n".join([",".join(columns), *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where a table, a text and configurations lie."""
    monkeypatch.chdir(tmp_path)
    time = np.arange(400)
    wave = np.sin(0.2 * time)
    write_table(
        Path("wave.csv"), {"time": time, "a": wave.round(5), "b": (10 + 5 * np.roll(wave, 1)).round(5), "up": (np.cos(0.2 * time) > 0) * 1}
    )
    Path("text.txt").write_text("abcabd" * 60)
    layers = [{"type": "lstm", "hidden_size": 8}, {"type": "dense"}]
    training = {"loss": "mse", "epochs": 3, "learning_rate": 0.02, "sequence_length": 20, "batch_size": 4}
    Path("config.json").write_text(json.dumps({"layers": layers, "training": training}))
    Path("classes.json").write_text(
        json.dumps({"layers": layers, "training": {**training, "loss": "cross_entropy", "target": "up", "input": ["a"]}})
    )
    Path("text.json").write_text(json.dumps({"layers": layers, "training": {"epochs": 3, "learning_rate": 0.02, "sequence_length": 20}}))
    return tmp_path


def train(*words, config="config.json", data="wave.csv"):
    assert call("train", config, data, "--quiet", *words) == 0


def test_train_eval_and_run_agree_with_the_package(folder, capsys):
    train("--input", "a,b", "--target", "a", "--ahead", "1", "--epochs", "5", "-o", "m.json")
    out = capsys.readouterr().out
    assert re.search(r"5 epochs: loss \S+, validation loss \S+, validation mse \S+, validation mae \S+, validation r2 \S+\nm.json", out)
    model = rill.Model.load("m.json")
    assert (model.input_size, model.output_size) == (2, 1)
    data = np.loadtxt("wave.csv", delimiter=",", skiprows=1, dtype=np.float32)
    x, y = data[:-1, 1:3], data[1:, 1]
    by_hand = rill.Model(
        {"input": {"kind": "vector", "size": 2}, "layers": [{"type": "lstm", "hidden_size": 8}, {"type": "dense", "output_size": 1}]},
        seed=0,
    )
    by_hand.fit(x, y, loss="mse", epochs=5, learning_rate=0.02, sequence_length=20, batch_size=4, validation_split=0.1, progress=False)
    for name, values in by_hand.parameters.items():
        assert (model.parameters[name] == values).all()
    assert call("eval", "m.json", "wave.csv", "--json") == 0
    assert json.loads(capsys.readouterr().out) == model.evaluate(x, y, loss="mse")
    assert call("eval", "m.json", "wave.csv") == 0
    assert re.match(r"loss +\S+\n", capsys.readouterr().out)
    lines = run("run", "m.json", "wave.csv").decode().splitlines()
    assert lines[0] == "a"
    assert (np.array(lines[1:], dtype=np.float32) == model(data[:, 1:3])[:, 0]).all()


def test_normalization_is_that_of_the_training_rows(folder):
    config = json.loads(Path("config.json").read_text())
    config["training"]["normalize"] = True
    Path("config.json").write_text(json.dumps(config))
    train("--input", "b", "--target", "b", "--ahead", "1", "--validation", "0.25")
    rows = np.loadtxt("wave.csv", delimiter=",", skiprows=1)[:, 2]
    shown = rill.Model.load("model.json").describe()["configuration"]
    first = 399 - round(399 * 0.25)
    assert shown["input"]["shift"] == pytest.approx([rows[:first].mean()], rel=1e-6)
    assert shown["input"]["scale"] == pytest.approx([rows[:first].std()], rel=1e-6)
    assert shown["output"]["shift"] == pytest.approx([rows[1 : first + 1].mean()], rel=1e-6)


def test_classes_groups_and_defaults_of_the_model(folder, capsys):
    train("-o", "m.json", config="classes.json")
    model = rill.Model.load("m.json")
    assert model.output_size == 2
    capsys.readouterr()
    assert call("eval", "m.json", "wave.csv", "--json") == 0
    assert 0 <= json.loads(capsys.readouterr().out)["accuracy"] <= 1
    text = Path("wave.csv").read_text().splitlines()
    Path("grouped.csv").write_text("\n".join([f"{text[0]},run", *(f"{line},{number // 37}" for number, line in enumerate(text[1:]))]))
    train("--group", "run", "--input", "a", "--target", "b", "--ahead", "2", "-o", "g.json", data="grouped.csv")
    capsys.readouterr()
    assert call("eval", "g.json", "grouped.csv", "--json") == 0
    # 10 groups of 37 and one of 30, of which the last 2 have no answer.
    assert json.loads(capsys.readouterr().out)["step_count"] == 400 - 2 * 11


def test_one_answer_per_group(folder, capsys):
    config = json.loads(Path("config.json").read_text())
    config["layers"][0]["return_sequences"] = False
    Path("config.json").write_text(json.dumps(config))
    write_table(Path("g.csv"), {"g": [0, 0, 0, 1, 1, 2, 3], "x": [1, 2, 3, 4, 5, 6, 7], "y": [9, 9, 1, 9, 0, 1, 0]})
    train("--group", "g", "--target", "y", "--validation", "0.25", "-o", "m.json", data="g.csv")
    model = rill.Model.load("m.json")
    capsys.readouterr()
    assert call("eval", "m.json", "g.csv", "--json") == 0
    expected = model.evaluate([[1.0, 2, 3], [4.0, 5], [6.0], [7.0]], [[1.0], [0.0], [1.0], [0.0]], loss="mse")
    assert json.loads(capsys.readouterr().out) == expected


def test_a_text(folder, capsys):
    train("--text", "-o", "t.json", config="text.json", data="text.txt")
    model = rill.Model.load("t.json")
    assert (model.input_kind, model.input_size, model.output_size) == ("token", 4, 4)
    capsys.readouterr()
    assert call("eval", "t.json", "text.txt", "--json") == 0
    codes = np.array(["abcd".index(character) for character in "abcabd" * 60])
    assert json.loads(capsys.readouterr().out) == model.evaluate(codes, loss="cross_entropy")
    out = run("run", "t.json", "--text", input=b"abd")
    assert (np.array([line.split(",") for line in out.decode().splitlines()], dtype=np.float32) == model([0, 1, 3])).all()
    Path("other.txt").write_text("abc\nab")
    assert "other.txt, line 1: the model does not know the character '\\n'" in fails(capsys, "eval", "t.json", "other.txt")


def test_run_answers_a_live_source_line_by_line(folder):
    model = make_model(input_size=2)
    model.save("m.json")
    with subprocess.Popen(
        [*COMMAND, "run", "m.json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENVIRONMENT, bufsize=0
    ) as process:
        stream = model.stream()
        for row in noise(5, 2):
            process.stdin.write(f"{row[0]!s},{row[1]!s}\n".encode())
            line = process.stdout.readline()  # would wait for ever if it did not come
            assert (np.array(line.decode().split(","), dtype=np.float32) == stream.step(row)).all()
        process.stdin.close()
        assert process.stdout.read() == b""
        assert process.wait(timeout=60) == 0


@pytest.mark.parametrize("block", [1, 3])
def test_run_raw(folder, block):
    model, x = make_model(), noise(10, 3)
    model.save("m.json")
    x.tofile("x.f32")
    expected = model(x).tobytes()
    assert run("run", "m.json", "x.f32", "--raw", "--block", block) == expected
    assert run("run", "m.json", "--raw", "--block", block, input=x.tobytes()) == expected
    assert "ends within step 9, after 5 of its 12 bytes" in run(
        "run", "m.json", "--raw", "--block", block, input=x.tobytes()[:-7], status=1
    )
    ids = tokens(10, below=9)
    other = make_model(tokens=True, input_size=9)
    other.save("t.json")
    assert run("run", "t.json", "--raw", "--block", block, input=ids.tobytes()) == other(ids).tobytes()


def test_run_finds_columns_and_takes_tokens(folder, capsys, monkeypatch):
    model = make_model(input_size=2, output_size=2)
    model.save("m.json")
    Path("a.csv").write_text("x;y;z\n1;2;3\n\n4;5;6\n")
    assert call("run", "m.json", "a.csv", "--input", "z,x", "--delimiter", ";", "--block", "5") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "output_1;output_2"
    assert (np.array([line.split(";") for line in lines[1:]], dtype=np.float32) == model([[3.0, 1], [6.0, 4]])).all()
    Path("gap.csv").write_text("1,2\n,nan\n")
    assert call("run", "m.json", "gap.csv", "--nonfinite", "zero") == 0
    gap = [line.split(",") for line in capsys.readouterr().out.splitlines()]
    assert (np.array(gap, dtype=np.float32) == model([[1.0, 2], [0.0, 0]])).all()
    token_model = make_model(tokens=True, input_size=4)
    token_model.save("t.json")
    Path("t.csv").write_text("token\n3\n-1\n")
    assert call("run", "t.json", "t.csv") == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    Path("t.csv").write_text("token\n3\n4\n")
    assert call("run", "t.json", "t.csv") == 1
    assert "line 3: 4 is no token: -1 ... 3" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "config.json", "wave.csv", "--target", "c"], "wave.csv: there is no column 'c'; there are time, a, b, up"),
        (["train", "config.json", "wave.csv"], "--target: which columns of wave.csv is the model to answer? There are time, a, b, up"),
        (["train", "config.json", "hole.csv", "--target", "b"], "hole.csv, line 3, column a: the cell is empty"),
        (["train", "config.json", "nan.csv", "--target", "a"], "nan.csv, line 2, column b: 'nan' is not a number"),
        (
            ["train", "config.json", "word.csv", "--target", "b"],
            "word.csv, line 3, column a: 'x' is not a number that can be used (--input names",
        ),
        (["train", "config.json", "ragged.csv", "--target", "b"], "ragged.csv, line 3: expected 2 cells, got 1"),
        (["train", "config.json", "numbers.csv", "--target", "b"], "numbers.csv, line 1: expected the names of the columns"),
        (["train", "config.json", "empty.csv", "--target", "b"], "empty.csv: is empty"),
        (["train", "config.json", "none.csv", "--target", "b"], "none.csv: No such file"),
        (["train", "broken.json", "wave.csv", "--target", "b"], "broken.json: Expecting"),
        (["train", "sized.json", "wave.csv", "--input", "a", "--target", "b"], "sized.json: input.size: is 3, but the data need 1"),
        (["train", "unknown.json", "wave.csv", "--input", "a", "--target", "b"], "no_such"),
        (["train", "config.json", "wave.csv", "--target", "b", "--checkpoint", "none/a", "--quiet"], "none/a: there is no such folder"),
        (["train", "classes.json", "wave.csv", "--target", "b"], "line 2, column b: 5.23927 is no class: 0, 1, 2"),
        (["eval", "config.json", "wave.csv"], "config.json"),
        (["eval", "none.json", "wave.csv"], "none.json"),
        (["eval", "plain.json", "wave.csv"], "--loss: plain.json does not say"),
        (["run", "plain.json", "wave.csv"], "the model reads 3 columns, got 4: time, a, b, up"),
        (["run", "plain.json", "none.csv"], "none.csv: No such file"),
        (["info", "wave.csv"], "wave.csv"),
        (["plot", "config.json"], "config.json: is neither a history nor a model"),
        (["plot", "plain.json", "-o", "a.what"], "what"),
        (["bench", "plain.json", "--batch", "0"], "--batch"),
    ],
)
def test_failures_are_one_line(folder, capsys, words, message):
    files = {"hole.csv": "a,b\n1,2\n,3\n", "nan.csv": "a,b\n1,nan\n", "word.csv": "a,b\n1,2\nx,3\n", "ragged.csv": "a,b\n1,2\n3\n"}
    files.update({"numbers.csv": "1,2\n3,4\n", "empty.csv": "", "broken.json": '{"layers": ]'})
    config = json.loads(Path("config.json").read_text())
    files["sized.json"] = json.dumps({**config, "input": {"kind": "vector", "size": 3}})
    files["unknown.json"] = json.dumps({**config, "training": {**config["training"], "no_such": 1}})
    for name, text in files.items():
        Path(name).write_text(text)
    make_model().save("plain.json")
    assert message in fails(capsys, *words)


def test_run_gives_what_came_before_a_bad_line(folder):
    make_model(input_size=1).save("m.json")
    done = subprocess.run([*COMMAND, "run", "m.json", "--block", "4"], input=b"1\n2\nx\n", capture_output=True, env=ENVIRONMENT, timeout=60)
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 2
    assert done.stderr == b"rill: -, line 3, column 1: 'x' is not a number that can be used\n"


def test_a_closed_pipe_is_silent(folder):
    make_model(input_size=1).save("m.json")
    Path("long.csv").write_text("0.5\n" * 20_000)
    command = f"{sys.executable} -m rill run m.json long.csv | head -n 1"
    done = subprocess.run(["bash", "-c", f"{command}; exit ${{PIPESTATUS[0]}}"], capture_output=True, env=ENVIRONMENT, timeout=60)
    assert (done.returncode, done.stderr) == (cli.BROKEN_PIPE, b"")
    assert len(done.stdout.splitlines()) == 1


def test_an_interrupt_ends_with_130(folder):
    make_model(input_size=1).save("m.json")
    with subprocess.Popen(
        [*COMMAND, "run", "m.json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT
    ) as process:
        process.stdin.write(b"1\n")
        process.stdin.flush()
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
        assert process.stderr.read() == b"rill: interrupted\n"


def test_resume_continues_to_the_same_bits(folder, capsys):
    roles = ["--input", "a", "--target", "b"]
    train(*roles, "--epochs", "6", "-o", "whole.json")
    train(*roles, "--epochs", "2", "-o", "part.json", "--checkpoint", "c")
    assert call("info", "c") == 0
    assert re.search(r"updates: +\d+\n", capsys.readouterr().out)
    train(*roles, "--epochs", "6", "-o", "resumed.json", "--resume", "c")
    assert Path("resumed.json").read_text() == Path("whole.json").read_text()


def test_info(folder, capsys):
    model = make_model()
    model.save("m.json")
    assert call("info", "m.json") == 0
    out = capsys.readouterr().out
    assert re.search(r"parameters: +212\n", out)
    assert re.search(r"0 +lstm +200 values +hidden_size 5", out)
    assert model.describe()["instruction_set"] in out
    assert call("info", "m.json", "--json") == 0
    assert json.loads(capsys.readouterr().out) == model.describe()


def test_bench(folder, capsys):
    make_model().save("m.json")
    words = ["bench", "m.json", "--batch", "1,3", "--precision", "float32,int8", "--seconds", "0.001"]
    assert call(*words) == 0
    assert re.search(r"\n +3 +\d+\.\d +\d+\.\d\n", capsys.readouterr().out)
    assert call(*words, "--json") == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["batch_size"] for row in rows] == [1, 3]
    assert all(row[name] > 0 for row in rows for name in ("float32", "int8"))


def test_pictures(folder, capsys):
    train("--input", "a", "--target", "b", "--plot", "p.svg", "--history", "h.json")
    assert "validation" in Path("p.svg").read_text()
    assert call("plot", "h.json", "model.json") == 0
    for name in ("h.png", "model.weights.png"):
        assert Path(name).read_bytes().startswith(b"\x89PNG")
    assert call("plot", "model.json", "h.json", "-o", "x.png") == 1


@pytest.mark.parametrize("command", [[], ["train"], ["eval"], ["run"], ["info"], ["bench"], ["plot"]])
def test_help_has_examples(command, capsys):
    with pytest.raises(SystemExit) as end:
        call(*command, "--help")
    assert end.value.code == 0
    assert "examples:\n  " in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["dance"], ["train"], ["run", "m.json", "--block", "0"], ["train", "a", "b", "--validation", "2"]])
def test_wrong_usage_ends_with_2(words, capsys):
    with pytest.raises(SystemExit) as end:
        call(*words)
    assert end.value.code == 2
    assert "usage: rill" in capsys.readouterr().err


def test_version(capsys):
    with pytest.raises(SystemExit) as end:
        call("--version")
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith(f"rill {rill.__version__}, library {rill.version()} in ")
