"""Typed pointers to the library's objects. A handle destroys its object when the last reference to the handle goes."""

from __future__ import annotations

import ctypes
from typing import Any, Callable, ClassVar


class Handle(ctypes.c_void_p):
    """A pointer to a native object, NULL until a create function has set it.

    Every call holds a reference while it runs. Closing an object drops only the object's own reference, so what another thread is
    using is destroyed when that thread's call returns, and not before. It needs no lock.
    """

    destroy: ClassVar[Callable[[Any], None]]
    """The library's destroy function; set when the library is loaded."""

    def __del__(self) -> None:
        if self:
            type(self).destroy(self)


class ModelHandle(Handle):
    """rill_model *"""


class StreamHandle(Handle):
    """rill_stream *"""


class BatchHandle(Handle):
    """rill_batch *"""


class TrainerHandle(Handle):
    """rill_trainer *"""
