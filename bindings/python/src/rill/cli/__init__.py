"""The command `rill`: trains, judges and streams models without a program.

Each command is a module with two functions: add, which declares it, and execute.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Optional

import rill

from . import bench, evaluate, info, plot, run, train
from ._failure import Failure

EXAMPLES = """examples:
  rill train config.json measurements.csv --target temperature --ahead 1 -o model.json --plot training.png
  rill train config.json book.txt --text -o book.json --checkpoint book.checkpoint
  rill eval model.json late.csv
  sensor | rill run model.json > predictions.csv
  rill info model.json

"rill COMMAND --help" says more about each. Exit status: 0, or 1 after an error, 2 for wrong usage, 130 after an interrupt."""

BROKEN_PIPE = 141  # what a shell says of a program that SIGPIPE ended


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Runs a command; returns the exit status. arguments: None for those of the process."""
    options = parser().parse_args(arguments)
    try:
        status: int = options.execute(options)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # Nobody reads any more. What is still in the buffer goes nowhere, or Python would complain about it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except KeyboardInterrupt:
        print("rill: interrupted", file=sys.stderr)
        return 130
    except (Failure, rill.Error, OSError, MemoryError) as error:
        print(f"rill: {' '.join(str(error).split()) or type(error).__name__}", file=sys.stderr)
        return 1


def parser() -> argparse.ArgumentParser:
    """Of the whole command line."""
    result = argparse.ArgumentParser(
        prog="rill",
        description="Recurrent neural networks: training, evaluation and streaming.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument(
        "--version", action="version", version=f"rill {rill.__version__}, library {rill.version()} in {rill.library_path()}"
    )
    commands = result.add_subparsers(metavar="COMMAND", required=True)
    for module in (train, evaluate, run, info, bench, plot):
        module.add(commands)
    return result
