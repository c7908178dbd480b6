"""From what a caller gives a fit to its sources of batches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Callable, Optional

import numpy as np

from . import _text
from ._errors import ArgumentError
from ._read_samples import read_samples
from ._samples import Samples, cut_windows
from ._sources import BatchSource, IteratorSource, LaneSource, SampleSource, Source, lane_groups
from .batch import Batch
from .data import split_by_time
from .model import Model

Validation = Callable[[], Iterable[Batch]]


@dataclass
class Preparation:
    """How data become batches; the fields are the parameters of Trainer.fit."""

    model: Model
    loss: Any
    """Of the trainer; None if it is not known."""
    stateful: bool
    batch_size: int
    sequence_length: Optional[int]
    stride: Optional[int]
    steps_per_epoch: Optional[int]
    shuffle: Optional[bool]
    seed: int

    def __post_init__(self) -> None:
        for name in ("batch_size", "sequence_length", "stride", "steps_per_epoch"):
            value = getattr(self, name)
            if value is not None and _text.whole_number(value, name) == 0:
                raise ArgumentError(f"{name}: expected at least 1, got 0")
        _text.whole_number(self.seed, "seed")
        if self.stateful and self.stride is not None:
            raise ArgumentError("stride: windows of a stateful trainer follow one another")
        if self.stateful and self.model.output_per_sequence:
            raise ArgumentError("stateful: for models with one output per time step")

    def sources(
        self, x: Any, y: Any, lengths: Any, weights: Any, validation_split: float, validation_data: Any
    ) -> tuple[Source, Optional[Validation]]:
        """What to train and what to validate on. Raises ArgumentError."""
        if validation_split and validation_data is not None:
            raise ArgumentError("validation_data: there is a validation_split too")
        batches = read_batches(x)
        if batches is None and is_array_like(x):
            if self.steps_per_epoch is not None:
                raise ArgumentError("steps_per_epoch: for iterables; of arrays an epoch is all there is")
            held_out = validation_data
            if validation_split:
                (x, y), held_out = split_by_time(x, y, validation_split)
                lengths, late_lengths = split_by_time(x=lengths, validation=validation_split) if lengths is not None else ((None,), (None,))
                weights, late_weights = split_by_time(x=weights, validation=validation_split) if weights is not None else ((None,), (None,))
                held_out = (*held_out, late_lengths[0], late_weights[0])
                lengths, weights = lengths[0], weights[0]
            return self._sample_source(self._samples(x, y, lengths, weights)), self.validation(held_out)
        for name, value in {"y": y, "lengths": lengths, "weights": weights, "validation_split": validation_split or None}.items():
            if value is not None:
                raise ArgumentError(f"{name}: only with arrays; batches and iterables bring their own")
        if batches is not None:
            if self.steps_per_epoch is not None:
                raise ArgumentError("steps_per_epoch: for iterables; of a list an epoch is all there is")
            return BatchSource(batches, bool(self.shuffle), self.seed), self.validation(validation_data)
        if not isinstance(x, Iterable):
            raise ArgumentError(f"x: expected arrays, batches or an iterable, got {type(x).__name__}")
        return IteratorSource(x, self._read_item, self.steps_per_epoch), self.validation(validation_data)

    def _samples(self, x: Any, y: Any, lengths: Any = None, weights: Any = None) -> Samples:
        return read_samples(self.model._architecture, x, y, self._are_classes(y), lengths, weights)

    def _are_classes(self, y: Any) -> bool:
        """Whether answers are class indices: as the loss says, or else how they look."""
        if self.loss is not None:
            name = self.loss.get("type") if isinstance(self.loss, Mapping) else self.loss
            return bool(name == "cross_entropy")
        if y is None:
            return True
        first = np.asarray(y[0] if isinstance(y, (list, tuple)) else y)
        return first.dtype.kind in "iu" and self.model.output_size > 1 and first.shape[-1:] != (self.model.output_size,)

    def _cut(self, samples: Samples) -> Samples:
        return cut_windows(samples, self.model._architecture, self.sequence_length, self.stride)

    def _sample_source(self, samples: Samples) -> Source:
        if self.stateful:
            if self.shuffle:
                raise ArgumentError("shuffle: windows of a stateful trainer follow one another")
            return LaneSource(self.model, samples, self.batch_size, self.sequence_length)
        return SampleSource(self.model, self._cut(samples), self.batch_size, self.shuffle is not False, self.seed)

    def _read_item(self, item: Any) -> Batch:
        """A batch of what an iterable brought."""
        if isinstance(item, Batch):
            return item
        x, y = item if isinstance(item, tuple) and len(item) == 2 else (item, None)
        samples = self._samples(x, y)
        if samples.is_long:
            raise ArgumentError("x: what an iterable brings has a dimension for the sequences of a batch")
        return samples.batch(self.model, np.arange(len(samples.inputs)))

    def validation(self, data: Any) -> Optional[Validation]:
        """What gives the batches to evaluate, each time anew; None without data. Raises ArgumentError."""
        if data is None:
            return None
        batches = read_batches(data)
        if batches is not None:
            return lambda: batches
        samples = self._samples(*data) if isinstance(data, tuple) else self._samples(data, None)
        if not self.stateful:
            cut = self._cut(samples)
            return lambda: cut.batches(self.model, self.batch_size)
        size = min(self.batch_size, len(samples.inputs[0])) if samples.is_long else self.batch_size
        groups = lane_groups(samples, size)
        return lambda: (group.batch(self.model, np.arange(len(group.inputs))) for group in groups)


def read_batches(x: Any) -> Optional[list[Batch]]:
    """The batches of a Batch or of a list of them; None if it is something else. Raises ArgumentError for an empty list."""
    if isinstance(x, Batch):
        return [x]
    if isinstance(x, (list, tuple)):
        if not x:
            raise ArgumentError("x: there are no batches and no sequences")
        if all(isinstance(item, Batch) for item in x):
            return list(x)
    return None


def is_array_like(x: Any) -> bool:
    """Lists, arrays, and what becomes an array: tensors, tables."""
    return isinstance(x, (list, tuple)) or hasattr(x, "__array__")
