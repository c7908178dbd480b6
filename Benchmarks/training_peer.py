"""What training engines in Python share: they answer training.py as train.c does, on the same data, from the same weights.

usage of such an engine: ENGINE.py TASK CELL INPUTS HIDDEN LAYERS OUTPUTS T B THREADS
"""

import sys
import time
from typing import NamedTuple

import numpy as np
from generator import Generator

LEARNING_RATE = 0.002
CLIP_NORM = 5.0
FIRST_LOSSES = 10
GATES = {"lstm": 4, "gru": 3}


class Task(NamedTuple):
    kind: str  # "charlm": tokens and classes; "reg": inputs and targets
    cell: str
    inputs: int
    hidden: int
    layers: int
    outputs: int
    length: int
    batch: int
    threads: int


def task_of_arguments():
    if len(sys.argv) != 10:
        sys.exit(__doc__)
    return Task(*sys.argv[1:3], *map(int, sys.argv[3:]))


def make_data(task):
    """Inputs or tokens, and targets or classes: [T][B], as make_data in train.c has them."""
    if task.kind == "charlm":
        tokens = np.zeros((task.length + 1, task.batch), np.int64)
        tokens[0] = np.arange(task.batch) % task.inputs
        for step in range(task.length):
            tokens[step + 1] = (7 * tokens[step] + 3) % task.inputs
        return tokens[:-1], tokens[1:]
    inputs = Generator(5).draw((task.length, task.batch, task.inputs), 1)
    targets = np.zeros((task.length, task.batch, task.outputs), np.float32)
    targets[1:, :, 0] = inputs[:-1, :, 0] * inputs[:-1, :, 1]
    return inputs, targets


def make_weights(task):
    """Arrays in the order of engine.h, PyTorch's shapes: four for each layer, then weight and bias of the head."""
    generator, scale = Generator(1), 1 / np.sqrt(np.float32(task.hidden))
    rows, arrays = GATES[task.cell] * task.hidden, []
    for layer in range(task.layers):
        inputs = task.hidden if layer else task.inputs
        arrays += [generator.draw(shape, scale) for shape in ((rows, inputs), (rows, task.hidden), (rows,), (rows,))]
    return arrays + [generator.draw(shape, scale) for shape in ((task.outputs, task.hidden), (task.outputs,))]


def peak_memory_kib():
    """From /proc: what getrusage says contains the program that this process was before exec."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next((int(line.split()[1]) for line in status if line.startswith("VmHWM:")), 0)


def serve(update):
    """Answers requests with update(), which makes one update and returns its loss. See train.c."""
    losses = [update() for _ in range(FIRST_LOSSES)]
    print("ready", *(f"{loss:.9g}" for loss in losses), flush=True)
    loss = losses[-1]
    for line in sys.stdin:
        request, *numbers = line.split()
        if request == "end":
            print(peak_memory_kib(), f"{loss:.9g}", flush=True)
            return
        if request == "parts":
            print("nan nan nan", flush=True)
            continue
        warm, count = map(int, numbers)
        for _ in range(warm):
            loss = update()
        start = time.perf_counter_ns()
        for _ in range(count):
            loss = update()
        print((time.perf_counter_ns() - start) / count, flush=True)
