"""The tests run against a built library, which RILL_LIBRARY names. Without one they fail: a skipped test proves nothing."""

import os

import pytest


def pytest_configure(config):
    path = os.environ.get("RILL_LIBRARY", "")
    if not path:
        pytest.exit("RILL_LIBRARY is not set; set it to the path of the librill.so to be tested", returncode=1)
    if not os.path.isfile(path):
        pytest.exit(f"RILL_LIBRARY is {path}, which is not a file; build the library first", returncode=1)
