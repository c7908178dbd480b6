"""Rill: recurrent neural networks that train and stream in process.

    model = rill.Model({"input": {"kind": "vector", "size": 1},
                        "layers": [{"type": "lstm", "hidden_size": 32}, {"type": "dense", "output_size": 1}]}, seed=1)
    trainer = rill.Trainer(model, loss="mse", seed=1)
    trainer.fit([rill.Batch(model, inputs, targets)], epochs=100)
    stream = model.stream()
    y = stream.step(0.5)

Arrays are numpy's: float32 (other numbers are converted), tokens and classes int32. Sequences are [batch][time][size], or
[time][batch][size] with batch_first=False. What the library refuses raises a subclass of rill.Error; a name that is not in a model's
parameters or a stream's state raises KeyError. All objects are context managers, and may be closed or dropped in any order.
"""

from __future__ import annotations

from . import _library
from ._errors import (
    ArgumentError,
    DivergedError,
    Error,
    FileError,
    FormatError,
    InternalError,
    OutOfMemoryError,
    StateError,
    UnsupportedError,
)
from ._fit import History
from ._results import PrecisionError, Settled
from ._version import VERSION as __version__
from .batch import Batch
from .model import Model
from .stream import Stream
from .trainer import Trainer

__all__ = [
    "ArgumentError",
    "Batch",
    "DivergedError",
    "Error",
    "FileError",
    "FormatError",
    "History",
    "InternalError",
    "Model",
    "OutOfMemoryError",
    "PrecisionError",
    "Settled",
    "StateError",
    "Stream",
    "Trainer",
    "UnsupportedError",
    "__version__",
    "library_path",
    "version",
]


def version() -> str:
    """Version of the library in use, which may differ from __version__, the package's, in its last number."""
    text: bytes = _library.library.rill_version_string()
    return text.decode()


def library_path() -> str:
    """The file that the library was loaded from."""
    return _library.path_of(_library.library)
