"""Streams: the live state of sequences that are stepped together."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Optional

import numpy as np
from numpy.typing import ArrayLike

from . import _arrays, _sequences, _text
from ._arrays import Floats
from ._errors import ArgumentError, check
from ._handles import StreamHandle
from ._library import library
from ._objects import NativeObject
from ._results import Settled
from ._views import TensorView
from .model import Model


class Stream(NativeObject[StreamHandle]):
    """The live state of batch_size sequences ("lanes"), which do not influence one another, on one snapshot of a model's parameters.

    Threads: a stream works for one thread at a time; a call waits until another thread's call of the same stream is done.
    Different streams, also of one model, run side by side, and never wait for a trainer.
    """

    def __init__(self, model: Model, batch_size: int = 1, precision: str = "float32", nonfinite: str = "refuse") -> None:
        """A stream in the model's initial state, on its newest snapshot.

        precision: how weights are stored: "float32", "bfloat16" (half the bytes to read in a step, 8 bits of mantissa) or "int8" (a
            quarter). Sums and state stay float32; model.evaluate_precision tells what it costs.
        nonfinite: input that is infinite or NaN: "refuse" raises ArgumentError, "zero" takes 0 in its place, in the host's units.

        Raises ArgumentError, FormatError (an unknown precision or nonfinite), StateError (closed model), OutOfMemoryError.
        """
        handle = StreamHandle()
        self._batch_size = _text.whole_number(batch_size, "batch_size")
        options = _text.to_json({"precision": precision, "nonfinite": nonfinite}, "options")
        check(library.rill_stream_create(model._open(), self._batch_size, options, ctypes.byref(handle)))
        self._precision, self._nonfinite = precision, nonfinite
        self._model = model
        self._architecture = model._architecture
        self._lock = threading.Lock()
        self._prepare_step(handle)
        self._handle = handle

    def _prepare_step(self, handle: StreamHandle) -> None:
        """Makes everything for a step that does not change from one to the next.

        Inputs and outputs of a step go through two small arrays of the stream's own. To copy them costs a fraction of what it costs
        to ask a numpy array for its address (about 0.1 against 0.7 microseconds), and little beside the reading of the weights.
        """
        batch_size, architecture = self._batch_size, self._architecture
        output = np.empty((batch_size, architecture.output_size), dtype=np.float32)
        # Shape of x -> where it goes, and where its result then stands.
        self._views: dict[tuple[int, ...], tuple[np.ndarray[Any, Any], Floats]] = {}
        if architecture.reads_tokens:
            self._dtype: np.dtype[Any] = _arrays.INT32
            self._step = library.rill_stream_step_tokens
            input_ = np.empty(batch_size, dtype=np.int32)
            if batch_size == 1:
                self._views[()] = (input_.reshape(()), output[0])
        else:
            self._dtype = _arrays.FLOAT32
            self._step = library.rill_stream_step
            input_ = np.empty((batch_size, architecture.input_size), dtype=np.float32)
            if batch_size == 1:
                self._views[input_.shape[1:]] = (input_[0], output[0])
                if architecture.input_size == 1:
                    self._views[()] = (input_.reshape(()), output[0])
        self._views[input_.shape] = (input_, output)
        self._arguments: Optional[tuple[Any, ...]] = (
            handle,
            _arrays.pointer(input_),
            ctypes.c_size_t(input_.size),
            _arrays.pointer(output),
            ctypes.c_size_t(output.size),
        )

    def close(self) -> None:
        super().close()
        self._arguments = None  # it holds the handle

    close.__doc__ = NativeObject.close.__doc__

    @property
    def batch_size(self) -> int:
        """Number of lanes."""
        return self._batch_size

    @property
    def precision(self) -> str:
        """How weights are stored: "float32", "bfloat16" or "int8"."""
        return self._precision

    @property
    def nonfinite(self) -> str:
        """What becomes of input that is infinite or NaN: "refuse" or "zero"."""
        return self._nonfinite

    def step(self, x: ArrayLike, out: Optional[Floats] = None) -> Floats:
        """One time step for every lane.

        x: [batch_size][input_size]; of one lane also [input_size], or a number if input_size is 1. Of a token model integers
            [batch_size], or one integer, each in -1 ..< input_size. Arrays of float32 (tokens: int32) are the fastest.
        out: None, or a float32 array of the result's shape to write into.

        Returns [batch_size][output_size], or [output_size] if x has no dimension for the lanes.

        Raises ArgumentError; DivergedError (the state became infinite or NaN and is lost); StateError (needs a reset after that). Then
        out is untouched.
        """
        if type(x) is not np.ndarray or x.dtype is not self._dtype:
            x = self._convert(x)
        try:
            source, result = self._views[x.shape]
        except KeyError:
            raise self._wrong_shape(x) from None
        if out is not None:
            _arrays.expect_output(out, result.shape)
        with self._lock:
            arguments = self._arguments
            if arguments is None:
                raise self._closed_error()
            source[...] = x
            status = self._step(*arguments)
            if status:
                check(status)
            if out is None:
                return result.copy()
            out[...] = result
            return out

    def _convert(self, x: Any) -> np.ndarray[Any, Any]:
        if self._architecture.reads_tokens:
            return _arrays.as_int32(x, "x")
        return _arrays.as_float32(x, "x")

    def _wrong_shape(self, x: np.ndarray[Any, Any]) -> ArgumentError:
        expected = " or ".join(_arrays.show(shape) for shape in sorted(self._views, key=len, reverse=True))
        return ArgumentError(f"x: expected {expected}, got {_arrays.show(x.shape)}")

    def run(self, x: ArrayLike, out: Optional[Floats] = None, batch_first: bool = True) -> Floats:
        """Several time steps of the live sequences in one call; the same bits as that many steps.

        x: [batch_size][time][input_size], or [time][batch_size][input_size] with batch_first=False; of one lane also
            [time][input_size], or [time] if input_size is 1. Of a token model integers [batch_size][time], or [time] of one lane.
        out: None, or a float32 array of the result's shape to write into.

        Returns [batch_size][time][output_size] or as x lies. No copies are made for float32 and time-major memory: batch_first=False, or
        one lane. The result with batch_first=True is a view of time-major memory.

        Raises as step; the whole of x is checked before the first step. After DivergedError, out holds the steps before the overflow.
        """
        architecture = self._architecture
        sequences = _sequences.read_sequences(x, architecture, batch_first)
        values = sequences.values
        if sequences.batch_size != self._batch_size:
            raise ArgumentError(f"x: expected {self._batch_size} sequences, got {sequences.batch_size}")
        result, view = _sequences.outputs_per_step(out, sequences, architecture.output_size)
        run = library.rill_stream_run_tokens if architecture.reads_tokens else library.rill_stream_run
        with self._lock, _arrays.output_memory(view, values) as memory:
            check(
                run(
                    self._open(),
                    sequences.sequence_length,
                    _arrays.pointer(values),
                    values.size,
                    _arrays.pointer(memory),
                    memory.size,
                )
            )
        return result

    def reset(self, lane: Optional[int] = None) -> None:
        """Puts every lane, or one, into the model's initial state. After DivergedError only the reset of all lanes helps."""
        with self._lock:
            if lane is None:
                check(library.rill_stream_reset(self._open()))
            else:
                check(library.rill_stream_reset_lane(self._open(), _text.whole_number(lane, "lane")))

    def copy_to(self, other: Stream) -> None:
        """Copies the state of all lanes into another stream of the same architecture and batch_size, which keeps its own snapshot.

        Raises ArgumentError (they do not fit), StateError (this stream needs a reset).
        """
        with _locked(self, other):
            check(library.rill_stream_copy(self._open(), other._open()))

    def copy_lane(self, lane: int, other: Stream, other_lane: int) -> None:
        """Copies the state of one lane into a lane of another stream of the same architecture, or of this one.

        Raises ArgumentError, StateError (one of the two needs a reset).
        """
        source, destination = _text.whole_number(lane, "lane"), _text.whole_number(other_lane, "other_lane")
        with _locked(self, other):
            check(library.rill_stream_copy_lane(self._open(), source, other._open(), destination))

    def fork(self) -> Stream:
        """A new stream with the same state and options, on the model's newest snapshot. Raises StateError (also if the model is closed)."""
        other = Stream(self._model, self._batch_size, self._precision, self._nonfinite)
        self.copy_to(other)
        return other

    @property
    def state(self) -> TensorView:
        """The state by name, "<layer>.hidden" and, of an lstm, "<layer>.cell": arrays [num_layers][batch_size][hidden_size].

        stream.state["0.hidden"] gives a copy, assigning to it sets the state. Raises KeyError, ArgumentError (shape, or a value that is
        not finite), StateError (needs a reset).
        """
        self._open()
        shapes = {name: (layers, self._batch_size, size) for name, (layers, size) in self._architecture.state_shapes.items()}
        return TensorView("state", shapes, self._read_state, self._write_state)

    def _read_state(self, name: str, values: Floats) -> None:
        with self._lock:
            check(library.rill_stream_get_state(self._open(), name.encode(), _arrays.pointer(values), values.size))

    def _write_state(self, name: str, values: Floats) -> None:
        with self._lock:
            check(library.rill_stream_set_state(self._open(), name.encode(), _arrays.pointer(values), values.size))

    def save_state(self) -> bytes:
        """The whole state as bytes, for load_state on this or another machine. Raises StateError (needs a reset)."""
        with self._lock:
            return _text.read_bytes(library.rill_stream_save_state, self._open())

    def load_state(self, state: bytes) -> None:
        """Restores such bytes; the stream then continues with the same bits. Also ends the need of a reset.

        Raises ArgumentError (other architecture or batch_size), FormatError (truncated or corrupted); then the state stays as it was.
        """
        data = bytes(memoryview(state))
        with self._lock:
            check(library.rill_stream_load_state(self._open(), data, len(data)))

    def refresh(self) -> None:
        """Adopts the model's newest snapshot; the state stays."""
        with self._lock:
            check(library.rill_stream_refresh(self._open()))

    def settle(self, x: ArrayLike, tolerance: float = 1e-6, step_limit: int = 100_000) -> Settled:
        """Steps with a constant input until the state rests: no value of it changes by more than tolerance in a step.

        x: a step's input, as step takes it.
        tolerance: 0 or more; float32 itself seldom comes below 1e-7.
        step_limit: steps to make at the most, 1 or more.

        Returns step_count, last_change and rests, which is False for a network that was still moving after step_limit steps.
        model.set_initial_state(stream) then makes this state the one that streams begin in. Raises as step, and OutOfMemoryError.
        """
        x = self._convert(x)
        if x.shape not in self._views:
            raise self._wrong_shape(x)
        try:
            limit = ctypes.c_float(tolerance)
        except TypeError:
            raise ArgumentError(f"tolerance: expected a number, got {type(tolerance).__name__}") from None
        steps, change = ctypes.c_size_t(), np.empty(1, dtype=np.float32)
        settle = library.rill_stream_settle_tokens if self._architecture.reads_tokens else library.rill_stream_settle
        count = _text.whole_number(step_limit, "step_limit")
        with self._lock:
            check(settle(self._open(), _arrays.pointer(x), x.size, limit, count, ctypes.byref(steps), _arrays.pointer(change)))
        last_change = float(change[0])
        return Settled(steps.value, last_change, last_change <= limit.value)

    def _describe(self) -> str:
        return f"of {self._batch_size} on {self._architecture.summary}"


@contextmanager
def _locked(first: Stream, second: Stream) -> Iterator[None]:
    """Both streams' locks, in an order that two threads which copy to and fro agree on."""
    if not isinstance(second, Stream):
        raise ArgumentError(f"other: expected a Stream, got {type(second).__name__}")
    with ExitStack() as stack:
        for stream in sorted({first, second}, key=id):
            stack.enter_context(stream._lock)
        yield
