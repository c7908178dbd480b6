"""Streams a model, one time step per line in, one prediction per line out: examples/c/stream.c in Python.

    python stream.py model.json <samples.txt
"""

import argparse
import sys

import numpy as np
import rill


def read_step(line, is_token):
    """One time step: a token, or the numbers of a line, separated by spaces or commas. Raises ValueError."""
    words = line.replace(",", " ")
    return int(words) if is_token else np.array(words.split(), dtype=np.float32)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="model file")
    arguments = parser.parse_args()

    model = rill.Model.load(arguments.model)
    is_token = model.input_kind == "token"
    stream = model.stream()
    for number, line in enumerate(sys.stdin, 1):
        if not line.strip(" ,\t\r\n"):
            continue  # an empty line is no time step
        try:
            output = stream.step(read_step(line, is_token))
        except ValueError as error:  # rill.ArgumentError is one
            sys.exit(f"stream: line {number}: {error}")
        # Nine digits bring back the same float.
        print(" ".join(f"{value:.9g}" for value in output), flush=True)


if __name__ == "__main__":
    try:
        main()
    except (rill.Error, BrokenPipeError) as error:
        sys.exit(f"stream: {error}")
