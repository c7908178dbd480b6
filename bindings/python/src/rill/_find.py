"""First of three steps to the library (find, load, call): where it is looked for."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping
from pathlib import Path

SONAME = "librill.so.0"
ENVIRONMENT_VARIABLE = "RILL_LIBRARY"


def candidates(environment: Mapping[str, str], package: Path) -> list[tuple[str, str]]:
    """What to try, first to last: (a description of its origin, what dlopen is given).

    A library that the user names is the only one tried: to take another one in silence would hide a misspelled path.
    """
    named = environment.get(ENVIRONMENT_VARIABLE)
    if named:
        # Absolute, because dlopen searches the system's folders for a name without a slash.
        path = os.path.abspath(named)
        return [(f"{ENVIRONMENT_VARIABLE}={path}", path)]
    folder = package / "lib"
    bundled = sorted(folder.glob("librill.so*")) or [folder / SONAME]
    return [(f"bundled {path}", str(path)) for path in bundled] + [(f"the system's {SONAME}", SONAME)]


def open_library(environment: Mapping[str, str], package: Path) -> tuple[ctypes.CDLL, str]:
    """Opens the first library that can be opened; returns it and a description of its origin.

    Raises ImportError with every place that was tried and why it failed.
    """
    tried = []
    for origin, path in candidates(environment, package):
        try:
            return ctypes.CDLL(path), origin
        except OSError as error:
            tried.append(f"\n  {origin}: {error}")
    raise ImportError(
        f"the Rill library was not found; set {ENVIRONMENT_VARIABLE} to the path of librill.so, or install it. Tried:" + "".join(tried)
    )
