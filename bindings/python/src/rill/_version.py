"""The package's version: the one place where it stands. pyproject.toml reads it, and a test compares it with include/rill.h."""

VERSION = "0.1.0"
"""Major and minor must be the library's; the patch may differ."""

FORMAT_VERSION = 1
"""The version of the model files that this package was written for; the library must read it."""
