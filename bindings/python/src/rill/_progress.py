"""The bar of a fit. tqdm is optional."""

from __future__ import annotations

import time
from typing import Any, Optional

from .callbacks import Logs

SHORT_FIT = 30  # epochs: the bars of a longer one replace each other


class Progress:
    """A bar over the updates of each epoch: loss, learning rate, gradient norm, time steps per second, and then the metrics of
    validation."""

    def __init__(self, epochs: int, update_count: Optional[int], is_shown: bool) -> None:
        self._epochs, self._update_count = epochs, update_count
        self._bar: Any = None
        self._tqdm: Any = None
        self._text = ""
        if is_shown:
            try:
                from tqdm.auto import tqdm
            except ImportError:
                return
            self._tqdm = tqdm

    def begin_epoch(self, epoch: int, first: int) -> None:
        self._seconds, self._steps = 0.0, 0
        if self._tqdm is not None:
            is_kept = self._epochs <= SHORT_FIT or epoch + 1 == self._epochs
            self._bar = self._tqdm(
                total=self._update_count, initial=first, desc=f"epoch {epoch + 1}/{self._epochs}", unit="update", leave=is_kept
            )
            if not is_kept and self._text:
                self._bar.set_postfix_str(self._text)
        self._started = time.perf_counter()

    def update(self, logs: Logs, steps: int) -> None:
        """After an update that saw so many valid time steps."""
        self._steps += steps
        self._seconds = time.perf_counter() - self._started
        if self._bar is not None:
            rate, norm = logs["learning_rate"], logs["gradient_norm"]
            text = f"loss {logs['loss']:.4g}, rate {rate:.3g}, gradient {norm:.3g}, {_short(self.steps_per_second)} steps/s"
            self._bar.set_postfix_str(text, refresh=False)
            self._bar.update()

    @property
    def seconds(self) -> float:
        """From the beginning of the epoch to its last update."""
        return self._seconds

    @property
    def steps_per_second(self) -> float:
        return self._steps / self._seconds if self._seconds > 0 else 0.0

    def end_epoch(self, logs: Logs) -> None:
        prefix = "validation_"
        shown = {name[len(prefix) :]: value for name, value in logs.items() if name.startswith(prefix)}
        self._text = f"loss {logs['loss']:.4g}"
        if shown:
            self._text += ", validation " + ", ".join(f"{'' if name == 'loss' else name + ' '}{value:.4g}" for name, value in shown.items())
        self._text += f", {_short(self.steps_per_second)} steps/s"
        if self._bar is not None:
            self._bar.set_postfix_str(self._text, refresh=False)
        self.close()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _short(number: float) -> str:
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= limit:
            return f"{number / limit:.3g}{unit}"
    return f"{number:.3g}"
