"""rill run"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple, Optional

import numpy as np
from numpy.typing import NDArray

import rill

from . import _options
from ._dataset import encode
from ._failure import Failure
from ._tables import Row, expect_cells, is_header, open_text, places_of, read_number, read_rows, refuse

TEXT = """One row in, one row out, flushed at once: it works in a pipe with a live source. If the input has a header, so has the output,
and columns are found by name: those that the model was trained with, or --input. Without a header the cells of a row are
the model's input. A token model reads a token (a whole number) in each line; with --text, characters.

--raw: float32 in the machine's byte order (tokens: int32), without anything between steps, in and out.

examples:
  sensor | rill run model.json
  rill run model.json measurements.csv >predictions.csv
  rill run model.json --raw --block 64 <audio.f32 >processed.f32"""


def add(commands: Any) -> None:
    parser = _options.command(commands, "run", "Stream data through a model, step by step.", TEXT, execute)
    parser.add_argument("model", help="model file")
    parser.add_argument("data", nargs="?", default="-", help="CSV, or raw numbers with --raw (default: standard input)")
    parser.add_argument("--input", type=_options.names, metavar="COLUMNS", help="input columns, by name, separated by commas")
    parser.add_argument("--delimiter", default=",", metavar="CHARACTER", help="between the cells of a row (default: comma)")
    parser.add_argument(
        "--block", type=_options.positive, default=1, metavar="N", help="steps to read before they are computed (default 1)"
    )
    parser.add_argument("--raw", action="store_true", help="float32 in and out, no text")
    parser.add_argument("--text", action="store_true", help="characters in, for a model that rill trained on a text")
    parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16", "int8"], help="of the weights (default float32)")
    parser.add_argument(
        "--nonfinite", default="refuse", choices=["refuse", "zero"], help="empty cells and NaN: an error (default), or taken for 0"
    )


def execute(arguments: argparse.Namespace) -> int:
    model = _options.load_model(arguments.model)
    stream = model.stream(precision=arguments.precision, nonfinite=arguments.nonfinite)
    if arguments.raw:
        _run_raw(model, stream, arguments)
    else:
        _run_rows(model, stream, arguments)
    return 0


def _run_rows(model: rill.Model, stream: rill.Stream, arguments: argparse.Namespace) -> None:
    path, delimiter = arguments.data, arguments.delimiter
    with open_text(path) as file:
        if arguments.text:
            steps = _read_characters(model, file, path)
        else:
            rows = read_rows(file, path, delimiter)
            first = next(rows, None)
            if first is None:
                return
            header = first.cells if is_header(first.cells) else None
            columns = _find_columns(model, header, arguments)
            steps = _read_steps(model, rows if header is not None else _chain(first, rows), columns, arguments)
            if header is not None:
                print(delimiter.join(_output_names(model)), flush=True)
        for block in _blocks(steps, arguments.block):
            outputs = stream.run(np.array(block, dtype=np.int32 if model.input_kind == "token" else np.float32))
            # Nine digits bring back the same float.
            sys.stdout.write("".join(delimiter.join(f"{value:.9g}" for value in output) + "\n" for output in outputs))
            sys.stdout.flush()


def _chain(first: Row, rows: Iterator[Row]) -> Iterator[Row]:
    yield first
    yield from rows


class Columns(NamedTuple):
    """Of the input."""

    names: list[str]
    places: list[int]
    cell_count: int
    """In a row."""


def _find_columns(model: rill.Model, header: Optional[list[str]], arguments: argparse.Namespace) -> Columns:
    """Which columns are the model's input. Raises Failure."""
    path, size = arguments.data, 1 if model.input_kind == "token" else model.input_size
    if header is None:
        if arguments.input:
            raise Failure(f"{path}: no header with the names of the columns, but --input names some")
        return Columns([f"{number + 1}" for number in range(size)], list(range(size)), size)
    names = arguments.input or _options.metadata_of(model).get("input") or header
    if len(names) != size:
        raise Failure(f"{path}: the model reads {size} columns, got {len(names)}: {', '.join(names)}")
    return Columns(names, places_of(names, header, path), len(header))


def _read_steps(model: rill.Model, rows: Iterator[Row], columns: Columns, arguments: argparse.Namespace) -> Iterator[Any]:
    """The input of each step: a list of numbers, or a token. Raises Failure, which names the line and the column."""
    path, is_token, places = arguments.data, model.input_kind == "token", columns.places
    for row in rows:
        expect_cells(row, columns.cell_count, path)
        values = [
            _read_cell(row.cells[place], f"{path}, line {row.line}, column {name}", arguments) for name, place in zip(columns.names, places)
        ]
        if not is_token:
            yield values
        elif values[0] != int(values[0]) or not -1 <= values[0] < model.input_size:
            raise Failure(f"{path}, line {row.line}: {row.cells[places[0]]} is no token: -1 ... {model.input_size - 1}")
        else:
            yield int(values[0])


def _read_cell(cell: str, where: str, arguments: argparse.Namespace) -> float:
    if arguments.nonfinite == "refuse":
        return read_number(cell, where)
    try:
        return float(cell) if cell else float("nan")
    except ValueError:
        refuse(cell, where)


def _read_characters(model: rill.Model, file: Any, path: str) -> Iterator[int]:
    characters = _options.metadata_of(model).get("characters")
    if not isinstance(characters, str):
        raise Failure("--text: the model has no characters in its metadata: it was not trained on a text by rill")
    for number, line in enumerate(file, 1):
        try:
            yield from encode(line, characters, path).tolist()
        except Failure as error:
            raise Failure(str(error).replace(", line 1:", f", line {number}:")) from None


def _blocks(steps: Iterator[Any], size: int) -> Iterator[list[Any]]:
    """Lists of size steps, the last one shorter. What was read before a failure is still given."""
    block: list[Any] = []
    try:
        for step in steps:
            block.append(step)
            if len(block) == size:
                yield block
                block = []
    except Failure:
        if block:
            yield block
        raise
    if block:
        yield block


def _output_names(model: rill.Model) -> list[str]:
    names = _options.metadata_of(model).get("target")
    if isinstance(names, list) and len(names) == model.output_size:
        return [str(name) for name in names]
    return [f"output_{number + 1}" for number in range(model.output_size)]


def _run_raw(model: rill.Model, stream: rill.Stream, arguments: argparse.Namespace) -> None:
    if arguments.data == "-":
        _stream_raw(model, stream, sys.stdin.buffer, arguments)
        return
    try:
        file = open(arguments.data, "rb")
    except OSError as error:
        raise Failure(f"{arguments.data}: {error.strerror}") from None
    with file:
        _stream_raw(model, stream, file, arguments)


def _stream_raw(model: rill.Model, stream: rill.Stream, file: BinaryIO, arguments: argparse.Namespace) -> None:
    kind, size = (np.int32, 1) if model.input_kind == "token" else (np.float32, model.input_size)
    step, done = 4 * size, 0
    while True:
        data = file.read(step * arguments.block)
        whole = len(data) // step
        if whole:
            values: NDArray[Any] = np.frombuffer(data, kind, whole * size)
            try:
                outputs = stream.run(values if size == 1 else values.reshape(whole, size))
            except rill.ArgumentError as error:
                raise Failure(f"{arguments.data}, steps {done} to {done + whole - 1}: {error}") from None
            sys.stdout.buffer.write(np.ascontiguousarray(outputs).tobytes())
            sys.stdout.buffer.flush()
            done += whole
        if len(data) % step:
            raise Failure(f"{arguments.data}: ends within step {done}, after {len(data) % step} of its {step} bytes")
        if len(data) < step * arguments.block:
            return
