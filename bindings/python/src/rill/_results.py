"""What calls answer that is more than an array."""

from __future__ import annotations

from typing import NamedTuple


class Settled(NamedTuple):
    """How Stream.settle ended."""

    step_count: int
    """Steps made."""
    last_change: float
    """The largest change of a state value in the last of them."""
    rests: bool
    """Whether the state came to rest: last_change is at most the tolerance. Some networks never do."""


class PrecisionError(NamedTuple):
    """How far the outputs of smaller weights are from those of float32, in the units of the outputs. Not an exception."""

    largest_difference: float
    """The largest absolute difference of an output."""
    rms_difference: float
    """The root of the mean squared difference."""
    rms_output: float
    """The root of the mean squared float32 output."""

    @property
    def relative(self) -> float:
        """rms_difference / rms_output; 0 if both are 0, infinite if rms_output alone is."""
        if self.rms_output == 0:
            return 0.0 if self.rms_difference == 0 else float("inf")
        return self.rms_difference / self.rms_output
