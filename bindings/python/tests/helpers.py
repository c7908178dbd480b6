"""Small models, arrays and a fake library, for all test files."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import rill

REPOSITORY = Path(__file__).resolve().parents[3]
HEADER = REPOSITORY / "include" / "rill.h"
SOURCES = Path(__file__).resolve().parents[1] / "src"

def configuration(kind="lstm", input_size=3, hidden_size=5, output_size=2, tokens=False, output=None, **options):
    """One recurrent layer and a dense one; options are the recurrent layer's, output the dense layer's."""
    return {
        "input": {"kind": "token" if tokens else "vector", "size": input_size},
        "layers": [
            {"type": kind, "hidden_size": hidden_size, **options},
            {"type": "dense", "output_size": output_size, **(output or {})},
        ],
    }


def make_model(seed=1, **options):
    return rill.Model(configuration(**options), seed=seed)


def noise(*shape, seed=0):
    """Standard normal float32."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def tokens(*shape, below, seed=0):
    return np.random.default_rng(seed).integers(0, below, shape, dtype=np.int32)


def same_bits(a, b):
    """Equal shapes and equal bits: also -0.0 and 0.0 differ."""
    a, b = np.ascontiguousarray(a), np.ascontiguousarray(b)
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


def pointer_of(array):
    return array.__array_interface__["data"][0]


def compile_library(folder, source, name="librill.so.0"):
    """A shared library of that C source; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    code = folder / "library.c"
    code.write_text(source)
    path = folder / name
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(path), str(code)], check=True)
    return path


def version_functions(number=1000, oldest=1, newest=1):
    """C source of a library that has the four version functions and nothing else."""
    return f"""
        #include <stdint.h>
        int32_t rill_version_number(void) {{ return {number}; }}
        const char *rill_version_string(void) {{ return "fake"; }}
        int32_t rill_format_version(void) {{ return {newest}; }}
        int32_t rill_format_version_oldest(void) {{ return {oldest}; }}
    """


def run_python(code, **environment):
    """Runs code in a new interpreter with this package; returns what became of it, with text output."""
    return subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", code],
        env={**os.environ, "PYTHONPATH": str(SOURCES), **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
