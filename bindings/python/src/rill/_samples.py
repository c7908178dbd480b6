"""The caller's data as samples: sequences with their answers, cut into windows, put into an order, gathered into batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Callable, NamedTuple, Optional, Union

import numpy as np
from numpy.typing import NDArray

from ._architecture import Architecture
from ._errors import ArgumentError
from .batch import Batch
from .data import windows
from .model import Model

Arrays = Union[Sequence[NDArray[Any]], NDArray[Any]]


class Samples(NamedTuple):
    """Sequences, one entry each; an array with a first dimension for them is such a sequence of entries too."""

    inputs: Arrays
    """[time][input_size] floats, or [time] tokens."""
    answers: Arrays
    """[time][output_size] or [time], or without the time of a model with one output per sequence (unless is_long)."""
    weights: Optional[Arrays]
    """[time], or scalars."""
    is_long: bool
    """Whether this is one long sequence, whose answers have a time dimension in any case."""
    are_classes: bool

    def map(self, function: Callable[[Arrays], Arrays]) -> Samples:
        """The same done to inputs, answers and weights; what comes out is not one long sequence any more."""
        weights = None if self.weights is None else function(self.weights)
        return Samples(function(self.inputs), function(self.answers), weights, False, self.are_classes)

    @property
    def lengths(self) -> NDArray[np.intp]:
        return np.array([len(item) for item in self.inputs])

    def batch(self, model: Model, indices: NDArray[np.intp]) -> Batch:
        """These samples, padded if they are unequal."""
        inputs, answers = ([items[index] for index in indices] for items in (self.inputs, self.answers))
        is_equal = len({len(item) for item in inputs}) == 1
        options: dict[str, Any] = {}
        if self.weights is not None:
            chosen = [np.atleast_1d(self.weights[index]) for index in indices]
            weights = np.zeros((len(chosen), max(map(len, chosen))), dtype=np.float32)
            for row, values in zip(weights, chosen):
                row[: len(values)] = values
            options["weights"] = weights[:, 0] if np.ndim(self.weights[0]) == 0 else weights
        options["classes" if self.are_classes else "targets"] = np.stack(answers) if is_equal or model.output_per_sequence else answers
        return Batch(model, np.stack(inputs) if is_equal else inputs, **options)

    def batches(self, model: Model, batch_size: int, random: Optional[np.random.Generator] = None, sort: bool = True) -> Iterator[Batch]:
        """All samples once. random puts them into a new order; sort puts such of similar length together, to pad little."""
        order = np.arange(len(self.inputs)) if random is None else random.permutation(len(self.inputs))
        lengths = self.lengths
        if sort and lengths.min() != lengths.max():
            order = order[np.argsort(lengths[order], kind="stable")]
        groups = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
        for place in range(len(groups)) if random is None else random.permutation(len(groups)):
            yield self.batch(model, groups[place])


def cut_windows(samples: Samples, architecture: Architecture, sequence_length: Optional[int], stride: Optional[int]) -> Samples:
    """Windows of up to sequence_length steps as samples of their own.

    Of a model with one output per time step no step is lost: the last window of a sequence may be shorter. One with an output per
    sequence gets whole windows of a long sequence, and answers what stands at the last step of each. Raises ArgumentError.
    """
    if architecture.output_per_sequence:
        if not samples.is_long:
            return samples
        if sequence_length is None:
            raise ArgumentError("sequence_length: needed to cut one long sequence for a model with one output per sequence")

        def at_ends(items: Arrays) -> NDArray[Any]:
            return windows(items[0], sequence_length, stride)[:, -1]

        end_weights = None if samples.weights is None else at_ends(samples.weights)
        return samples._replace(
            inputs=windows(samples.inputs[0], sequence_length, stride), answers=at_ends(samples.answers), weights=end_weights, is_long=False
        )
    if sequence_length is None or samples.lengths.max() <= sequence_length:
        return samples

    def cut(items: Arrays) -> Arrays:
        step = sequence_length if stride is None else stride
        # The first window that reaches the end is the last one.
        starts = [range(0, max(1, len(item) - sequence_length + step), step) for item in items]
        return [item[start : start + sequence_length] for item, places in zip(items, starts) for start in places]

    return samples.map(cut)
