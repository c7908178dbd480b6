"""Status codes of the library as exceptions."""

from __future__ import annotations

from ._library import library


class Error(Exception):
    """Base of everything that Rill raises. str(error) names the parameter, shape or JSON path at fault."""

    status: int = -8
    """The code in rill.h; for a code that this package does not know, set on the instance."""


class ArgumentError(Error, ValueError):
    """An argument is out of range, not finite, or has the wrong shape, type or name."""

    status = -1


class StateError(Error, RuntimeError):
    """The call does not fit the object now: closed, wrong input kind, missing targets, parameters in use by another thread, needs a
    reset."""

    status = -2


class FormatError(Error, ValueError):
    """A configuration, a model file or a saved state is broken or says something impossible."""

    status = -3


class FileError(Error, OSError):
    """A file could not be opened, read or written."""

    status = -4


class OutOfMemoryError(Error, MemoryError):
    """An allocation failed."""

    status = -5


class UnsupportedError(Error, NotImplementedError):
    """Well-formed, but a combination that this version does not offer."""

    status = -6


class DivergedError(Error, ArithmeticError):
    """A loss, gradient, parameter or state became infinite or NaN."""

    status = -7


class InternalError(Error, RuntimeError):
    """A defect in the library; please report it."""

    status = -8


CLASSES: dict[int, type[Error]] = {
    kind.status: kind
    for kind in (
        ArgumentError,
        StateError,
        FormatError,
        FileError,
        OutOfMemoryError,
        UnsupportedError,
        DivergedError,
        InternalError,
    )
}


def check(status: int) -> None:
    """Raises the exception of a failed status with the message of the calling thread; does nothing for success."""
    if status >= 0:
        return
    message = library.rill_last_error_message().decode("utf-8", "replace")
    error = CLASSES.get(status, Error)(message)
    error.status = status
    raise error
