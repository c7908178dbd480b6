"""Models: architecture and parameters."""

from __future__ import annotations

import ctypes
import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Optional, Union

import numpy as np
from numpy.typing import ArrayLike

from . import _arrays, _sequences, _text
from ._architecture import Architecture, read_architecture
from ._arrays import Floats
from ._errors import ArgumentError, check
from ._handles import ModelHandle
from ._library import library
from ._model_fit import FittingModel
from ._results import PrecisionError
from ._views import TensorView

if TYPE_CHECKING:
    from .stream import Stream


class Model(FittingModel):
    """Architecture and parameters of a recurrent neural network.

    Parameters are written by name or by a Trainer. publish() packs them into a snapshot, which is what streams and calls of the
    model compute with; a model publishes by itself when it is created or loaded.

    Threads: a model may be used by any number of threads, and calls of it run side by side. Its parameters have one user at a
    time: reading, setting, saving, publishing, update and evaluate raise StateError while another thread is in one of them.
    """

    _architecture: Architecture

    def __init__(self, configuration: Union[str, Mapping[str, Any]], *, seed: int) -> None:
        """A model with random parameters.

        configuration: a dict or JSON text, as docs/model-format.md describes it, for example
            {"input": {"kind": "vector", "size": 1}, "layers": [{"type": "lstm", "hidden_size": 32}, {"type": "dense", "output_size": 1}]}
            Values may also be numpy scalars and arrays.
        seed: 0 <= seed < 2**64; the same seed and configuration give the same parameters on every machine.

        Raises ArgumentError, FormatError (naming the JSON path), UnsupportedError, OutOfMemoryError.
        """
        if isinstance(configuration, str):
            text = _text.encode(configuration, "configuration")
        else:
            text = _text.to_json(dict(configuration), "configuration")
        handle = ModelHandle()
        check(library.rill_model_create(text, _text.whole_number(seed, "seed"), None, ctypes.byref(handle)))
        self._adopt(handle)

    @classmethod
    def load(cls, path: Union[str, os.PathLike[str]], initial_state: bool = False) -> Model:
        """The model in a file. A self-test in the file is run.

        initial_state: True gives every recurrent layer initial states (parameters h0 and, of an lstm, c0), whatever the file says; those
            that the file does not have are zero. set_initial_state needs them.

        Raises FileError, FormatError (naming the JSON path; also for a self-test that fails), UnsupportedError, OutOfMemoryError.
        """
        handle = ModelHandle()
        check(library.rill_model_load(_text.encode(os.fsencode(path), "path"), _load_options(initial_state), ctypes.byref(handle)))
        return cls._from_handle(handle)

    @classmethod
    def parse(cls, text: Union[str, bytes], initial_state: bool = False) -> Model:
        """The model in the text of a model file. initial_state as in load. Raises as load, without FileError."""
        data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else bytes(text)
        handle = ModelHandle()
        check(library.rill_model_parse(data, len(data), _load_options(initial_state), ctypes.byref(handle)))
        return cls._from_handle(handle)

    @classmethod
    def _from_handle(cls, handle: ModelHandle) -> Model:
        model = cls.__new__(cls)
        model._adopt(handle)
        return model

    def _adopt(self, handle: ModelHandle) -> None:
        self._architecture = read_architecture(json.loads(_text.read_bytes(library.rill_model_describe, handle)))
        self._handle = handle

    def save(self, path: Union[str, os.PathLike[str]], encoding: str = "auto", self_test: int = 0) -> None:
        """Writes a model file with the current parameters, published or not. The file appears whole or not at all.

        encoding: "decimal", "base64", or "auto": decimal up to 100000 parameters. Both keep every bit.
        self_test: this many time steps (0 to 1000) with their outputs are stored, and checked by every later load.

        Raises ArgumentError, FormatError (encoding or self_test), FileError, StateError, DivergedError (a parameter is not finite).
        """
        options = _save_options(encoding, self_test)
        check(library.rill_model_save(self._open(), _text.encode(os.fsencode(path), "path"), options))

    def to_text(self, encoding: str = "auto", self_test: int = 0) -> str:
        """The text that save writes. Model.parse takes it back."""
        return _text.read_bytes(library.rill_model_save_text, self._open(), _save_options(encoding, self_test)).decode()

    def describe(self) -> dict[str, Any]:
        """Versions, the configuration with every default filled in, sizes, parameters, states, cost per time step, instruction set.

        The keys are those of rill_model_describe in rill.h.
        """
        description: dict[str, Any] = json.loads(_text.read_bytes(library.rill_model_describe, self._open()))
        return description

    @property
    def input_size(self) -> int:
        """Floats per time step of a vector model; number of tokens of a token model."""
        return self._architecture.input_size

    @property
    def output_size(self) -> int:
        """Floats per output."""
        return self._architecture.output_size

    @property
    def input_kind(self) -> str:
        """ "vector" or "token"."""
        return self._architecture.input_kind

    @property
    def output_per_sequence(self) -> bool:
        """Whether whole sequences give one output each rather than one per time step."""
        return self._architecture.output_per_sequence

    @property
    def parameters(self) -> TensorView:
        """The parameters by PyTorch's names: model.parameters["0.weight_ih_l0"] gives a copy, assigning to it sets the values.

        Streams and calls of the model see what was set after publish(). Shapes stand in docs/model-format.md, and in
        model.parameters.shape(name). Raises KeyError, ArgumentError (shape, or a value that is not finite), StateError.
        """
        self._open()
        return TensorView("parameter", self._architecture.parameter_shapes, self._read_parameter, self._write_parameter)

    def state_dict(self) -> dict[str, Floats]:
        """Copies of all parameters by name, for numpy or PyTorch's load_state_dict (through torch.from_numpy)."""
        return dict(self.parameters)

    def load_state_dict(self, state: Mapping[str, ArrayLike]) -> None:
        """Sets all parameters from a mapping such as PyTorch's state_dict(). Call publish() afterwards.

        The values are anything that numpy.asarray takes. Raises ArgumentError, before anything is changed, if a name is missing or
        unknown, a shape does not fit or a value is not finite; StateError if another thread uses the parameters: then some may be set.
        """
        parameters = self.parameters
        missing = [name for name in parameters if name not in state]
        unknown = [name for name in state if name not in parameters]
        if missing or unknown:
            raise ArgumentError(f"state: missing {', '.join(missing) or 'nothing'}; unknown {', '.join(unknown) or 'nothing'}")
        prepared = {name: parameters.prepare(name, state[name]) for name in parameters}
        for name, values in prepared.items():
            if not np.isfinite(values).all():
                raise ArgumentError(f"{name}: a value is not finite in float32")
        for name, values in prepared.items():
            self._write_parameter(name, values)

    def publish(self) -> None:
        """Packs the current parameters into a new snapshot: for calls of the model and new streams at once, for existing streams after
        their refresh(). Raises DivergedError (a parameter is not finite; the older snapshot stays), StateError, OutOfMemoryError."""
        check(library.rill_model_publish(self._open()))

    def __call__(
        self, x: ArrayLike, lengths: Optional[ArrayLike] = None, batch_first: bool = True, out: Optional[Floats] = None
    ) -> Floats:
        """Computes whole sequences from the initial state with the newest snapshot.

        x: [batch][time][input_size], or [time][batch][input_size] with batch_first=False; or a single sequence [time][input_size]
            (also [time] if input_size is 1). Of a token model integers [batch][time] or [time], each in -1 ..< input_size.
        lengths: [batch]: valid time steps of each sequence; later ones are padding: they do not matter and give outputs of 0.
        out: None, or a float32 array of the result's shape to write into.

        Returns [batch][time][output_size] or [time][output_size] as x lies; [batch][output_size] or [output_size] from a model with one
        output per sequence. Time-major arrays of float32 (batch_first=False, or a single sequence) are read and written without a copy;
        a result with batch_first=True is a view of time-major memory.

        Raises ArgumentError, DivergedError, OutOfMemoryError.
        """
        handle = self._open()
        architecture = self._architecture
        sequences = _sequences.read_sequences(x, architecture, batch_first)
        values, batch_size = sequences.values, sequences.batch_size
        length_pointer = None
        if lengths is not None:
            length_values = np.atleast_1d(_arrays.as_int32(lengths, "lengths"))
            _arrays.expect_shape(length_values.shape, (batch_size,), "lengths")
            length_pointer = _arrays.pointer(length_values)
        arrange = _sequences.outputs_per_sequence if architecture.output_per_sequence else _sequences.outputs_per_step
        result, view = arrange(out, sequences, architecture.output_size)
        run = library.rill_model_run_tokens if architecture.reads_tokens else library.rill_model_run
        with _arrays.output_memory(view, values) as memory:
            check(
                run(
                    handle,
                    sequences.sequence_length,
                    batch_size,
                    _arrays.pointer(values),
                    values.size,
                    length_pointer,
                    batch_size if length_pointer is not None else 0,
                    _arrays.pointer(memory),
                    memory.size,
                )
            )
        return result

    def evaluate_precision(self, precision: str, x: ArrayLike, batch_first: bool = True) -> PrecisionError:
        """What smaller weights cost on these data: whole sequences computed from the initial state, with the newest snapshot, once in
        float32 and once with weights of that precision, "bfloat16" or "int8", all outputs compared.

        x: as a call of the model takes it. Of a model with one output per sequence the outputs at every step are compared.

        Returns largest_difference, rms_difference, rms_output, in the units of the outputs, and relative, the second by the third.
        Raises ArgumentError, DivergedError, OutOfMemoryError.
        """
        handle = self._open()
        sequences = _sequences.read_sequences(x, self._architecture, batch_first)
        values = sequences.values
        results = [ctypes.c_double() for _ in range(3)]
        reads_tokens = self._architecture.reads_tokens
        evaluate = library.rill_model_evaluate_precision_tokens if reads_tokens else library.rill_model_evaluate_precision
        check(
            evaluate(
                handle,
                _text.encode(precision, "precision"),
                sequences.sequence_length,
                sequences.batch_size,
                _arrays.pointer(values),
                values.size,
                *(ctypes.byref(result) for result in results),
            )
        )
        return PrecisionError(*(result.value for result in results))

    def set_initial_state(self, stream: Stream, lane: int = 0) -> None:
        """Makes the state of one lane of a stream the model's initial state, its parameters h0 and c0: what a reset goes back to, after
        publish() and the stream's refresh().

        The stream is of this model or of one with the same recurrent layers, every one of which must have initial states:
        "initial_state": True in the layer, or Model.load(path, initial_state=True). Raises ArgumentError (a layer without them, other
        layers, no such lane), StateError (parameters in use by another thread; the stream needs a reset).
        """
        from .stream import Stream

        if not isinstance(stream, Stream):
            raise ArgumentError(f"stream: expected a Stream, got {type(stream).__name__}")
        number = _text.whole_number(lane, "lane")
        with stream._lock:
            check(library.rill_model_set_initial_state(self._open(), stream._open(), number))

    def stream(self, batch_size: int = 1, precision: str = "float32", nonfinite: str = "refuse") -> Stream:
        """A stream of batch_size sequences in the initial state, on the newest snapshot; see Stream for precision and nonfinite.

        Raises ArgumentError, FormatError, OutOfMemoryError.
        """
        from .stream import Stream  # not at the top: the two classes name each other

        return Stream(self, batch_size, precision, nonfinite)

    def _read_parameter(self, name: str, values: Floats) -> None:
        check(library.rill_model_get_parameter(self._open(), name.encode(), _arrays.pointer(values), values.size))

    def _write_parameter(self, name: str, values: Floats) -> None:
        check(library.rill_model_set_parameter(self._open(), name.encode(), _arrays.pointer(values), values.size))

    def _describe(self) -> str:
        return self._architecture.summary


def _load_options(initial_state: bool) -> bytes:
    return _text.to_json({"initial_state": initial_state}, "options")


def _save_options(encoding: str, self_test: int) -> bytes:
    return _text.to_json({"encoding": encoding, "self_test": self_test}, "options")
