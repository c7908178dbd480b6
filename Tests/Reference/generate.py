#!/usr/bin/env python3
"""Writes the fixtures of Tests/RillReferenceTests: what PyTorch computes in float64 for the same networks and data."""

import argparse
import sys
from pathlib import Path

import torch
from tqdm import tqdm

import forward_cases
import loss_cases
import optimizer_cases
import training_cases
import window_cases
from values import fixture_text

DEFAULT_OUTPUT = Path(__file__).resolve().parent.parent / "RillReferenceTests" / "Fixtures"


def jobs():
    """File name and the computation of each of its cases. Seeds are running numbers, so a case added at the end changes no other."""
    for group, (name, cases) in enumerate(forward_cases.groups()):
        yield name, [(forward_cases.compute, (*case, 1000 * group + index)) for index, case in enumerate(cases)]
    models = enumerate(training_cases.models())
    yield "training", [(training_cases.compute, (*model, 100_000 + index)) for index, model in models]
    losses = enumerate(loss_cases.cases())
    yield "losses", [(loss_cases.compute, (*case, 200_000 + index)) for index, case in losses]
    yield "optimizers", [(optimizer_cases.compute, (200_000,))]
    windows = enumerate(window_cases.cases())
    yield "windows", [(window_cases.compute, (*case, 300_000 + index)) for index, case in windows]
    yield "schedules", [(optimizer_cases.compute_schedule, (*case, 0)) for case in optimizer_cases.schedules()]
    yield "plateaus", [(optimizer_cases.compute_plateau, (*case, 0)) for case in optimizer_cases.plateaus()]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=DEFAULT_OUTPUT, help="folder to write to (default: %(default)s)")
    parser.add_argument("--only", metavar="NAME", help="write only the fixture of this name, such as forward-lstm")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # one order of summation, so that the same torch writes the same digits

    selected = [(name, cases) for name, cases in jobs() if arguments.only in (None, name)]
    if not selected:
        parser.error(f"--only: there is no fixture named {arguments.only}; known: {', '.join(name for name, _ in jobs())}")
    arguments.output.mkdir(parents=True, exist_ok=True)
    with tqdm(total=sum(len(cases) for _, cases in selected), unit="case", disable=not sys.stderr.isatty()) as progress:
        for name, cases in selected:
            progress.set_description(name)
            results = []
            for compute, case in cases:
                results.append(compute(*case))
                progress.update()
            (arguments.output / f"{name}.json").write_text(fixture_text(results), encoding="utf-8")


if __name__ == "__main__":
    main()
