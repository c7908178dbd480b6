"""Model files: every bit survives, and what is broken is refused."""

import json
import os
from pathlib import Path

import pytest
from helpers import make_model, noise, same_bits, tokens

import rill


@pytest.mark.parametrize("encoding", ["auto", "decimal", "base64"])
def test_text_keeps_every_bit(encoding):
    model = make_model()
    again = rill.Model.parse(model.to_text(encoding=encoding))
    for name, values in model.parameters.items():
        assert same_bits(again.parameters[name], values)
    assert same_bits(again(noise(7, 3)), model(noise(7, 3)))
    assert again.to_text(encoding=encoding) == model.to_text(encoding=encoding)


def test_a_file_holds_the_text(tmp_path):
    model = make_model()
    for path in (tmp_path / "model.json", str(tmp_path / "möbius.json"), os.fsencode(tmp_path / "bytes.json")):
        model.save(path, encoding="base64")
        assert Path(os.fsdecode(path)).read_text() == model.to_text(encoding="base64")
        assert rill.Model.load(path).to_text() == model.to_text()


def test_text_may_be_bytes():
    model = make_model()
    assert rill.Model.parse(model.to_text().encode()).to_text() == model.to_text()


def test_saving_takes_parameters_that_are_not_published():
    model = make_model()
    model.parameters["1.bias"] = [3, 4]
    assert rill.Model.parse(model.to_text()).parameters["1.bias"].tolist() == [3, 4]


def test_a_loaded_model_is_published():
    model = make_model()
    model.parameters["1.bias"] = [3, 4]
    again = rill.Model.parse(model.to_text())
    model.publish()
    assert same_bits(again(noise(7, 3)), model(noise(7, 3)))


@pytest.mark.parametrize("is_token", [True, False])
def test_the_self_test_is_checked(is_token):
    model = make_model(tokens=is_token, input_size=9)
    text = model.to_text(self_test=4)
    again = rill.Model.parse(text)
    x = tokens(7, below=9) if is_token else noise(7, 9)
    assert same_bits(again(x), model(x))
    content = json.loads(text)
    assert len(content["self_test"]["inputs"]) == 4
    content["self_test"]["outputs"][2][1] += 0.01
    with pytest.raises(rill.FormatError, match="self_test"):
        rill.Model.parse(json.dumps(content))


def test_wrong_options_are_refused(tmp_path):
    with pytest.raises(rill.FormatError, match="encoding"):
        make_model().to_text(encoding="hexadecimal")
    with pytest.raises(rill.FormatError, match="self_test"):
        make_model().save(tmp_path / "model.json", self_test=-1)
    assert not list(tmp_path.iterdir())


def test_files_that_cannot_be_used(tmp_path):
    with pytest.raises(rill.FileError):
        rill.Model.load(tmp_path / "none.json")
    with pytest.raises(rill.FileError):
        make_model().save(tmp_path)
    with pytest.raises(rill.ArgumentError, match="NUL"):
        rill.Model.load("a\0b")
    (tmp_path / "half.json").write_text(make_model().to_text()[:-40])
    with pytest.raises(rill.FormatError):
        rill.Model.load(tmp_path / "half.json")


def test_text_with_a_nul_in_it_is_refused():
    with pytest.raises(rill.FormatError):
        rill.Model.parse(make_model().to_text() + "\0{")
