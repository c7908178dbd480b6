"""What a command trains or judges on: a table or a text, and which part of it is what."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from ._failure import Failure
from ._tables import Table, group_bounds, open_text, places_of, read_table


@dataclass
class Roles:
    """Which columns are what; it goes into the metadata of the model."""

    input: Optional[list[str]] = None
    target: Optional[list[str]] = None
    ahead: int = 0
    group: Optional[str] = None

    @classmethod
    def read(cls, settings: Mapping[str, Any], arguments: argparse.Namespace, where: str) -> Roles:
        """From the command line, or else from settings. Raises Failure."""
        found: dict[str, Any] = {}
        kinds: dict[str, type] = {"input": list, "target": list, "ahead": int, "group": str}
        for name, kind in kinds.items():
            value: Any = getattr(arguments, name)
            if value is None:
                value = settings.get(name)
            if value is None:
                continue
            value = [value] if kind is list and isinstance(value, str) else value
            is_right = isinstance(value, list) and all(isinstance(item, str) for item in value) if kind is list else isinstance(value, kind)
            if not is_right or (kind is int and (isinstance(value, bool) or value < 0)):
                raise Failure(f"{where}: {name}: expected {'column names' if kind is list else kind.__name__}, got {value!r}")
            found[name] = value
        return cls(**found)


@dataclass
class Dataset:
    """Sequences with their answers; a long one alone if there are no groups."""

    inputs: list[NDArray[Any]]
    """[time][inputs], or tokens [time]."""
    answers: Optional[list[NDArray[Any]]]
    """[time][targets] or classes [time]; None of a text."""
    is_long: bool

    def for_fit(self, per_sequence: bool) -> tuple[Any, Any]:
        """x and y as Model.fit takes them."""
        if self.is_long:
            return self.inputs[0], None if self.answers is None else self.answers[0]
        if per_sequence and self.answers is not None:
            return self.inputs, np.stack([answer[-1] for answer in self.answers])
        return self.inputs, self.answers


def read_text(path: str) -> str:
    """Raises Failure."""
    try:
        with open_text(path) as file:
            text = file.read()
    except UnicodeDecodeError as error:
        raise Failure(f"{path}: is not UTF-8: {error}") from None
    if "\0" in text:
        raise Failure(f"{path}: is not text, it has a NUL in it")
    if len(text) < 2:
        raise Failure(f"{path}: a text of at least 2 characters is needed")
    return text


def encode(text: str, characters: str, path: str) -> NDArray[np.int32]:
    """A token for each character: its place in characters. Raises Failure for one that is not there."""
    places = {character: place for place, character in enumerate(characters)}
    unknown = sorted(set(text) - places.keys())
    if unknown:
        line = text[: text.index(unknown[0])].count("\n") + 1
        raise Failure(f"{path}, line {line}: the model does not know the character {unknown[0]!r}")
    return np.array([places[character] for character in text], dtype=np.int32)


def read_table_roles(path: str, delimiter: str, roles: Roles) -> Table:
    """The table; the roles that are open are filled in: targets must be named, inputs are all other columns, or all if it looks ahead."""
    table = read_table(path, delimiter)
    places_of([*(roles.target or []), *(roles.input or []), *([roles.group] if roles.group else [])], table.header, path)
    if not roles.target:
        raise Failure(f"--target: which columns of {path} is the model to answer? There are {', '.join(table.header)}")
    if not roles.input:
        left_out = {roles.group} if roles.ahead else {roles.group, *roles.target}
        roles.input = [name for name in table.header if name not in left_out]
        if not roles.input:
            raise Failure(f"{path}: no column is left for the input; name it with --input, or look --ahead")
        try:
            table.numbers([name for name in roles.input if name not in roles.target])
        except Failure as failure:
            raise Failure(f"{failure} (--input names the columns that are input)") from None
    return table


def read_dataset(table: Table, roles: Roles, are_classes: bool) -> Dataset:
    """Raises Failure, which names the row and the column of a cell that cannot be used."""
    assert roles.input is not None and roles.target is not None
    inputs, answers = table.numbers(roles.input).astype(np.float32), table.numbers(roles.target)
    if are_classes:
        if len(roles.target) != 1:
            raise Failure(f"--target: classes stand in one column, got {len(roles.target)}")
        answers = answers[:, 0]
        wrong = np.flatnonzero((answers != np.round(answers)) | (answers < -1))
        if wrong.size:
            raise Failure(
                f"{table.path}, line {table.rows[wrong[0]].line}, column {roles.target[0]}: {answers[wrong[0]]:g} is no class: 0, 1, 2, …"
            )
    answers = answers.astype(np.int32 if are_classes else np.float32)
    bounds = [(0, len(inputs))] if roles.group is None else group_bounds(table.texts(roles.group))
    pieces = []
    for first, end in bounds:
        if end - first <= roles.ahead:
            raise Failure(
                f"{table.path}, line {table.rows[first].line}: a sequence of {end - first} rows cannot be looked {roles.ahead} ahead in"
            )
        pieces.append((inputs[first : end - roles.ahead], answers[first + roles.ahead : end]))
    return Dataset([piece[0] for piece in pieces], [piece[1] for piece in pieces], roles.group is None)
