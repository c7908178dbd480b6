"""What a command says when it cannot go on."""

from __future__ import annotations


class Failure(Exception):
    """One line for the user; the exit status is 1."""
