"""rill bench"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import numpy as np

import rill

from . import _options
from ._failure import Failure

TEXT = """What is measured is Stream.run on blocks of steps: the library's own time, without Python's. A row is a batch of so many lanes
that are stepped together; the numbers are nanoseconds per time step of one lane, the median of several runs.

examples:
  rill bench model.json
  rill bench model.json --batch 1,16,64 --precision float32,int8
  RILL_ISA=v3 rill bench model.json"""

PRECISIONS = ("float32", "bfloat16", "int8")
RUNS = 7


def add(commands: Any) -> None:
    parser = _options.command(commands, "bench", "Measure the time of a step on this machine.", TEXT, execute)
    parser.add_argument("model", help="model file")
    parser.add_argument("--batch", type=_options.names, default=["1", "8", "32"], metavar="N,N,…", help="lanes (default 1,8,32)")
    parser.add_argument(
        "--precision", type=_options.names, default=list(PRECISIONS), metavar="NAME,…", help="of the weights (default: all)"
    )
    parser.add_argument("--seconds", type=float, default=0.03, metavar="S", help="time of each measured run, roughly (default 0.03)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def execute(arguments: argparse.Namespace) -> int:
    if not all(text.isdecimal() and int(text) > 0 for text in arguments.batch):
        raise Failure(f"--batch: expected whole numbers from 1, got {','.join(arguments.batch)}")
    if not 0 < arguments.seconds <= 60:
        raise Failure("--seconds: expected more than 0 and at most 60")
    model = _options.load_model(arguments.model)
    instruction_set = model.describe()["instruction_set"]
    batches = [int(text) for text in arguments.batch]
    table = {batch: {name: _measure(model, batch, name, arguments.seconds) for name in arguments.precision} for batch in batches}
    if arguments.json:
        rows = [{"batch_size": batch, **row} for batch, row in table.items()]
        print(json.dumps({"instruction_set": instruction_set, "unit": "ns per step and lane", "rows": rows}))
        return 0
    print(f"nanoseconds per time step and lane, {instruction_set}")
    print(f"{'batch':>8}" + "".join(f"{name:>12}" for name in arguments.precision))
    for batch, row in table.items():
        print(f"{batch:>8}" + "".join(f"{value:>12.1f}" for value in row.values()))
    return 0


def _measure(model: rill.Model, batch_size: int, precision: str, seconds: float) -> float:
    """Nanoseconds per step and lane."""
    stream = model.stream(batch_size, precision=precision)
    random = np.random.default_rng(0)
    steps = 64

    def block() -> tuple[Any, Any]:
        if model.input_kind == "token":
            x: Any = random.integers(0, model.input_size, (steps, batch_size), dtype=np.int32)
        else:
            x = random.standard_normal((steps, batch_size, model.input_size), dtype=np.float32)
        return x, np.empty((steps, batch_size, model.output_size), dtype=np.float32)

    def once(x: Any, out: Any, count: int) -> float:
        started = time.perf_counter_ns()
        for _ in range(count):
            stream.run(x, batch_first=False, out=out)
        return (time.perf_counter_ns() - started) / count

    x, out = block()
    once(x, out, 1)  # packs smaller weights, and fills the caches
    # A block long enough that a call's own time does not count.
    while once(x, out, 1) < 200_000 and steps < 65536:
        steps *= 2
        x, out = block()
    count = max(1, round(seconds * 1e9 / max(1.0, once(x, out, 1))))
    return float(np.median([once(x, out, count) for _ in range(RUNS)])) / (steps * batch_size)
