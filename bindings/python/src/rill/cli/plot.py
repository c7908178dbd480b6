"""rill plot"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import rill

from . import _options
from ._failure import Failure
from .train import draw

TEXT = """A history (of rill train --history, or History.save) is drawn as curves: loss, validation loss, learning rate, gradient norm. A
model is drawn as histograms of its weights. Needs matplotlib.

examples:
  rill plot history.json
  rill plot model.json -o weights.pdf"""


def add(commands: Any) -> None:
    parser = _options.command(commands, "plot", "Draw a history, or the weights of a model.", TEXT, execute)
    parser.add_argument("files", nargs="+", metavar="file", help="history or model")
    parser.add_argument("-o", "--output", metavar="FILE", help="picture to write (default: beside the file, with .png or .weights.png)")


def execute(arguments: argparse.Namespace) -> int:
    if arguments.output and len(arguments.files) > 1:
        raise Failure("--output: one picture, but several files")
    for path in arguments.files:
        content = _options.read_json(path)
        kind = content.get("format") if isinstance(content, dict) else None
        if kind not in ("rill", "rill-history"):
            raise Failure(f"{path}: is neither a history nor a model")
        output = arguments.output or str(Path(path).with_suffix(".png" if kind == "rill-history" else ".weights.png"))
        if kind == "rill-history":
            draw(lambda path=path, output=output: rill.History.load(path).plot(output))
        else:
            model = _options.load_model(path)
            draw(lambda model=model, path=path, output=output: _draw_weights(model, path, output))
        print(f"{output} is saved")
    return 0


def _draw_weights(model: rill.Model, path: str, output: str) -> None:
    from .._plots import draw_weights

    draw_weights(model.state_dict(), f"{Path(path).name}: {model.describe()['parameter_values']:,} parameters").savefig(output)
