"""What Model, Stream, Batch and Trainer have in common: closing, and use as a context manager."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Generic, Optional, TypeVar

from ._errors import StateError
from ._handles import Handle

AnyHandle = TypeVar("AnyHandle", bound=Handle)
Self = TypeVar("Self", bound="NativeObject[Any]")


class NativeObject(Generic[AnyHandle]):
    """Owner of a handle."""

    # On the class, so that an object whose __init__ failed counts as closed.
    _handle: Optional[AnyHandle] = None

    @property
    def closed(self) -> bool:
        """Whether the object was closed."""
        return self._handle is None

    def close(self) -> None:
        """Gives the native object back. Closing twice does no harm, and objects may be closed in any order.

        A call that another thread is in still ends well. Every later call raises StateError; sizes and shapes stay readable.
        Without close(), the native object goes with the last reference to this one.
        """
        self._handle = None

    def _open(self) -> AnyHandle:
        """The handle, for the caller to keep in a local variable during its call. Raises StateError after close()."""
        handle = self._handle
        if handle is None:
            raise self._closed_error()
        return handle

    def _closed_error(self) -> StateError:
        return StateError(f"this {type(self).__name__} is closed")

    def _describe(self) -> str:
        """What repr() says of an open object."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<rill.{type(self).__name__} {'closed' if self.closed else self._describe()}>"

    def __enter__(self: Self) -> Self:
        self._open()
        return self

    def __exit__(self, kind: Optional[type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]) -> None:
        self.close()
