"""Rill: recurrent neural networks that train and stream in process.

    model = rill.Model({"input": {"kind": "vector", "size": 1},
                        "layers": [{"type": "lstm", "hidden_size": 32}, {"type": "dense", "output_size": 1}]}, seed=1)
    model.fit(inputs, targets, loss="mse", epochs=100, validation_split=0.2)
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
from ._results import PrecisionError, Settled
from ._version import VERSION as __version__
from .batch import Batch
from .callbacks import Callback, StopTraining
from .data import lanes, split_by_time, windows
from .history import History
from .learner import OnlineLearner
from .model import Model
from .stream import Stream
from .trainer import Trainer

__all__ = [
    "ArgumentError",
    "Batch",
    "Callback",
    "DivergedError",
    "Error",
    "FileError",
    "FormatError",
    "History",
    "InternalError",
    "Model",
    "OnlineLearner",
    "OutOfMemoryError",
    "PrecisionError",
    "Settled",
    "StateError",
    "StopTraining",
    "Stream",
    "Trainer",
    "UnsupportedError",
    "__version__",
    "lanes",
    "library_path",
    "split_by_time",
    "version",
    "windows",
]


def version() -> str:
    """Version of the library in use, which may differ from __version__, the package's, in its last number."""
    text: bytes = _library.library.rill_version_string()
    return text.decode()


def library_path() -> str:
    """The file that the library was loaded from."""
    return _library.path_of(_library.library)
