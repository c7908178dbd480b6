"""Tables with named columns: CSV."""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, NoReturn, TextIO

import numpy as np
from numpy.typing import NDArray

from ._failure import Failure


@contextmanager
def open_text(path: str) -> Iterator[TextIO]:
    """A file, or standard input for "-"."""
    if path == "-":
        yield sys.stdin
        return
    try:
        file = open(path, newline="", encoding="utf-8-sig")
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}") from None
    with file:
        yield file


class Row(NamedTuple):
    line: int
    """In the file, from 1."""
    cells: list[str]


def read_rows(file: TextIO, path: str, delimiter: str) -> Iterator[Row]:
    """Row by row, as they come; an empty line is none. Raises Failure."""
    if len(delimiter) != 1:
        raise Failure(f"--delimiter: expected one character, got {delimiter!r}")
    reader = csv.reader(file, delimiter=delimiter)
    try:
        for cells in reader:
            if len(cells) > 1 or (cells and cells[0].strip()):
                yield Row(reader.line_num, [cell.strip() for cell in cells])
    except (csv.Error, UnicodeDecodeError) as error:
        raise Failure(f"{path}, line {reader.line_num + 1}: {error}") from None


def is_header(cells: list[str]) -> bool:
    """Whether no cell is a number."""
    return bool(cells) and not any(_is_number(cell) for cell in cells)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def places_of(names: list[str], header: list[str], path: str) -> list[int]:
    """Where columns of these names stand. Raises Failure with the names that there are."""
    for name in names:
        if name not in header:
            raise Failure(f"{path}: there is no column {name!r}; there are {', '.join(header)}")
        if header.count(name) > 1:
            raise Failure(f"{path}: the column {name!r} stands there twice")
    return [header.index(name) for name in names]


class Table(NamedTuple):
    """A whole file."""

    path: str
    header: list[str]
    rows: list[Row]

    def numbers(self, names: list[str]) -> NDArray[np.float64]:
        """[rows][names]. Raises Failure, which names the row and the column of a cell that is no finite number."""
        places = places_of(names, self.header, self.path)
        cells = [[row.cells[place] for place in places] for row in self.rows]
        try:
            values = np.array(cells, dtype=np.float64)
            if np.isfinite(values.astype(np.float32)).all():
                return values
        except ValueError:
            pass
        for row in self.rows:
            for name, place in zip(names, places):
                read_number(row.cells[place], f"{self.path}, line {row.line}, column {name}")
        raise AssertionError("a cell is no finite number, and none was found")

    def texts(self, name: str) -> list[str]:
        (place,) = places_of([name], self.header, self.path)
        return [row.cells[place] for row in self.rows]


def read_number(cell: str, where: str) -> float:
    """A finite float32. Raises Failure."""
    try:
        value = float(cell)
    except ValueError:
        refuse(cell, where)
    if not math.isfinite(value) or not np.isfinite(np.float32(value)):
        refuse(cell, where)
    return value


def refuse(cell: str, where: str) -> NoReturn:
    raise Failure(f"{where}: {'the cell is empty' if not cell else f'{cell!r} is not a number that can be used'}")


def read_table(path: str, delimiter: str) -> Table:
    """A file with a header. Raises Failure."""
    with open_text(path) as file:
        rows = read_rows(file, path, delimiter)
        first = next(rows, None)
        if first is None:
            raise Failure(f"{path}: is empty")
        if not is_header(first.cells):
            raise Failure(f"{path}, line {first.line}: expected the names of the columns, got numbers")
        table = Table(path, first.cells, list(rows))
    for row in table.rows:
        expect_cells(row, len(table.header), path)
    if not table.rows:
        raise Failure(f"{path}: no rows below the header")
    return table


def expect_cells(row: Row, count: int, path: str) -> None:
    if len(row.cells) != count:
        raise Failure(f"{path}, line {row.line}: expected {count} cells, got {len(row.cells)}")


def group_bounds(values: list[Any]) -> list[tuple[int, int]]:
    """First and one past the last row of each run of equal values."""
    starts = [index for index in range(len(values)) if index == 0 or values[index] != values[index - 1]]
    return list(zip(starts, [*starts[1:], len(values)]))
