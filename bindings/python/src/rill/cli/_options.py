"""Pieces that several commands declare alike."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, Callable

import rill

from ._failure import Failure


def command(commands: Any, name: str, summary: str, text: str, execute: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
    """A parser for a command; text stands below its options, as it is."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=summary, description=summary, epilog=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.set_defaults(execute=execute)
    return parser


def names(text: str) -> list[str]:
    """Column names, separated by commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def natural(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError
    return number


def share(text: str) -> float:
    """0 ..< 1."""
    number = float(text)
    if not 0 <= number < 1:
        raise ValueError
    return number


positive.__name__, natural.__name__, share.__name__ = "number from 1", "number from 0", "share below 1"  # what argparse says of wrong ones


def add_columns(parser: argparse.ArgumentParser) -> None:
    """Which columns of a table are what."""
    parser.add_argument("--input", type=names, metavar="COLUMNS", help="input columns, by name, separated by commas")
    parser.add_argument("--target", type=names, metavar="COLUMNS", help="columns to answer; of classes one, with whole numbers from 0")
    parser.add_argument("--ahead", type=natural, metavar="N", help="answer the target N rows later (default 0: in the same row)")
    parser.add_argument("--group", metavar="COLUMN", help="rows with the same value here, one below the other, are a sequence of their own")
    parser.add_argument("--delimiter", default=",", metavar="CHARACTER", help="between the cells of a row (default: comma)")
    parser.add_argument("--text", action="store_true", help="the data are text, UTF-8: a model that predicts the next character")


def read_json(path: str) -> Any:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise Failure(f"{path}: {error}") from None


def load_model(path: str) -> rill.Model:
    try:
        return rill.Model.load(path)
    except rill.Error as error:
        text = str(error)
        raise Failure(text if path in text else f"{path}: {text}") from None


def metadata_of(model: rill.Model) -> dict[str, Any]:
    result: dict[str, Any] = model.describe()["configuration"].get("metadata", {})
    return result
