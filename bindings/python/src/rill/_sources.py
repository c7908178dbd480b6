"""Where the batches of an epoch come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Callable, NamedTuple, Optional, Protocol

import numpy as np

from . import data
from ._errors import ArgumentError
from ._samples import Samples
from .batch import Batch
from .model import Model


class Step(NamedTuple):
    """What one update learns from."""

    batch: Batch
    begins: bool
    """Whether its sequences begin here: states that a stateful trainer carries belong to others."""


class Source(Protocol):
    """Batches, epoch by epoch: the same for the same epoch, so that an interrupted one can go on in the middle."""

    update_count: Optional[int]
    """Batches in an epoch, if they can be counted."""

    def epoch(self, number: int, first: int) -> Iterator[Step]:
        """The batches of epoch number, from batch number first on."""


class SampleSource:
    """Samples, put into a new order in every epoch."""

    def __init__(self, model: Model, samples: Samples, batch_size: int, shuffle: bool, seed: int) -> None:
        self._model, self._samples, self._batch_size, self._shuffle, self._seed = model, samples, batch_size, shuffle, seed
        self.update_count: Optional[int] = -(-len(samples.inputs) // batch_size)

    def epoch(self, number: int, first: int) -> Iterator[Step]:
        random = np.random.default_rng([self._seed, number]) if self._shuffle else None
        batches = self._samples.batches(self._model, self._batch_size, random, sort=self._shuffle)
        return (Step(batch, True) for batch in islice(batches, first, None))


class LaneSource:
    """Windows of lanes in the order of time, for a trainer that carries the state from one to the next."""

    def __init__(self, model: Model, samples: Samples, batch_size: int, sequence_length: Optional[int]) -> None:
        """A long sequence is cut into batch_size lanes; of many sequences, which must have one length, batch_size go side by side.
        Raises ArgumentError."""
        self._model = model
        self._groups = lane_groups(samples, batch_size)
        length = len(self._groups[0].inputs[0])
        self._starts = range(0, length, length if sequence_length is None else sequence_length)
        self._length = self._starts.step
        self.update_count: Optional[int] = len(self._groups) * len(self._starts)

    def epoch(self, number: int, first: int) -> Iterator[Step]:
        places = [(group, start) for group in self._groups for start in self._starts]
        for group, start in places[first:]:
            window = group.map(lambda items, start=start: [item[start : start + self._length] for item in items])  # type: ignore[misc]
            yield Step(window.batch(self._model, np.arange(len(group.inputs))), start == 0)


def lane_groups(samples: Samples, batch_size: int) -> list[Samples]:
    """Sequences that go side by side from beginning to end. Raises ArgumentError."""
    if samples.is_long:
        return [samples.map(lambda items: data.lanes(items[0], batch_size))]
    lengths = samples.lengths
    if lengths.min() != lengths.max():
        raise ArgumentError(f"stateful: needs sequences of one length, got {lengths.min()} to {lengths.max()} time steps")
    return [
        samples.map(lambda items, start=start: items[start : start + batch_size])  # type: ignore[misc]
        for start in range(0, len(lengths), batch_size)
    ]


class BatchSource:
    """Batches that the caller made."""

    def __init__(self, batches: Sequence[Batch], shuffle: bool, seed: int) -> None:
        self._batches, self._shuffle, self._seed = batches, shuffle, seed
        self.update_count: Optional[int] = len(batches)

    def epoch(self, number: int, first: int) -> Iterator[Step]:
        count = len(self._batches)
        order = np.random.default_rng([self._seed, number]).permutation(count) if self._shuffle else range(count)
        return (Step(self._batches[place], index == 0) for index, place in list(enumerate(order))[first:])


class IteratorSource:
    """Anything that can be iterated. An iterator goes on from epoch to epoch, every other iterable begins anew."""

    def __init__(self, items: Iterable[Any], read: Callable[[Any], Batch], steps_per_epoch: Optional[int]) -> None:
        """read makes a batch of an item."""
        self._items, self._read = items, read
        self.update_count = steps_per_epoch

    def epoch(self, number: int, first: int) -> Iterator[Step]:
        iterator = iter(self._items)
        # After an interruption an iterator goes on with the data that are next, of anything else the same batches come again.
        skipped, done = (0, first) if iterator is self._items else (first, 0)
        wanted = None if self.update_count is None else self.update_count - done
        count = 0
        for count, item in enumerate(islice(iterator, wanted), 1):
            if count > skipped:
                yield Step(self._read(item), count == 1 and iterator is not self._items)
        if count < (1 if wanted is None else wanted):
            raise ArgumentError(f"x: the iterator ended after {count} of {wanted or 'at least 1'} batches in epoch {number}")
