"""Ctrl-C between two updates, and not in the middle of one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Optional


class Interrupts:
    """While it is entered, an interrupt that comes within held() is raised at the end of it.

    A library call cannot be interrupted: Python would raise KeyboardInterrupt right after it, where the update is made but not yet counted.
    Only the main thread gets interrupts; elsewhere, and where the host has a handler that is not Python's, this changes nothing.
    """

    def __init__(self) -> None:
        self._is_held = self._is_pending = False
        self._previous: Any = None

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread() and callable(signal.getsignal(signal.SIGINT)):
            self._previous = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *_: Any) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)

    def _handle(self, number: int, frame: Optional[FrameType]) -> None:
        if self._is_held:
            self._is_pending = True
        else:
            self._previous(number, frame)

    @contextmanager
    def held(self) -> Iterator[None]:
        """What is within comes to its end first."""
        self._is_held = True
        try:
            yield
        finally:
            self._is_held = False
        if self._is_pending:
            self._is_pending = False
            self._previous(signal.SIGINT, None)
