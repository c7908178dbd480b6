"""Second of three steps to the library (find, load, call): opens it, checks that it is the right one, declares its functions."""

from __future__ import annotations

import ctypes
import os
from ctypes import POINTER, c_char, c_char_p, c_double, c_float, c_int32, c_size_t, c_uint64, c_void_p
from pathlib import Path
from typing import Any

from ._find import open_library
from ._handles import BatchHandle, ModelHandle, StreamHandle, TrainerHandle
from ._version import FORMAT_VERSION, VERSION


class FloatPointer(c_void_p):
    """const float * or float *, made by _arrays.pointer. A class of its own, so that ctypes refuses an array of another type."""

    array: Any
    """What the pointer points into, kept alive by it."""


class Int32Pointer(c_void_p):
    """const int32_t *, made by _arrays.pointer."""

    array: Any


Status = c_int32
Text = c_char_p  # const char *: NUL-terminated UTF-8
Buffer = POINTER(c_char)
Length = POINTER(c_size_t)  # size_t * that a function sets
Double = POINTER(c_double)

# Name, result, parameters; in the order of include/rill.h.
FUNCTIONS: list[tuple[str, Any, list[Any]]] = [
    # version
    ("rill_version_number", c_int32, []),
    ("rill_version_string", Text, []),
    ("rill_format_version", c_int32, []),
    ("rill_format_version_oldest", c_int32, []),
    # errors
    ("rill_last_error_message", Text, []),
    ("rill_status_name", Text, [Status]),
    # model
    ("rill_model_create", Status, [Text, c_uint64, Text, POINTER(ModelHandle)]),
    ("rill_model_load", Status, [Text, Text, POINTER(ModelHandle)]),
    ("rill_model_parse", Status, [Text, c_size_t, Text, POINTER(ModelHandle)]),
    ("rill_model_save", Status, [ModelHandle, Text, Text]),
    ("rill_model_save_text", Status, [ModelHandle, Text, Buffer, c_size_t, Length]),
    ("rill_model_describe", Status, [ModelHandle, Buffer, c_size_t, Length]),
    ("rill_model_destroy", None, [ModelHandle]),
    ("rill_model_get_input_kind", Status, [ModelHandle, Int32Pointer]),
    ("rill_model_get_input_size", Status, [ModelHandle, Length]),
    ("rill_model_get_output_size", Status, [ModelHandle, Length]),
    ("rill_model_get_parameter_count", Status, [ModelHandle, Length]),
    ("rill_model_get_parameter_name", Status, [ModelHandle, c_size_t, Buffer, c_size_t, Length]),
    ("rill_model_get_parameter_shape", Status, [ModelHandle, Text, Length, c_size_t, Length]),
    ("rill_model_get_parameter", Status, [ModelHandle, Text, FloatPointer, c_size_t]),
    ("rill_model_set_parameter", Status, [ModelHandle, Text, FloatPointer, c_size_t]),
    ("rill_model_publish", Status, [ModelHandle]),
    (
        "rill_model_run",
        Status,
        [ModelHandle, c_size_t, c_size_t, FloatPointer, c_size_t, Int32Pointer, c_size_t, FloatPointer, c_size_t],
    ),
    (
        "rill_model_run_tokens",
        Status,
        [ModelHandle, c_size_t, c_size_t, Int32Pointer, c_size_t, Int32Pointer, c_size_t, FloatPointer, c_size_t],
    ),
    (
        "rill_model_evaluate_precision",
        Status,
        [ModelHandle, Text, c_size_t, c_size_t, FloatPointer, c_size_t, Double, Double, Double],
    ),
    (
        "rill_model_evaluate_precision_tokens",
        Status,
        [ModelHandle, Text, c_size_t, c_size_t, Int32Pointer, c_size_t, Double, Double, Double],
    ),
    # stream
    ("rill_stream_create", Status, [ModelHandle, c_size_t, Text, POINTER(StreamHandle)]),
    ("rill_stream_destroy", None, [StreamHandle]),
    ("rill_stream_get_batch_size", Status, [StreamHandle, Length]),
    ("rill_stream_step", Status, [StreamHandle, FloatPointer, c_size_t, FloatPointer, c_size_t]),
    ("rill_stream_step_tokens", Status, [StreamHandle, Int32Pointer, c_size_t, FloatPointer, c_size_t]),
    ("rill_stream_run", Status, [StreamHandle, c_size_t, FloatPointer, c_size_t, FloatPointer, c_size_t]),
    ("rill_stream_run_tokens", Status, [StreamHandle, c_size_t, Int32Pointer, c_size_t, FloatPointer, c_size_t]),
    ("rill_stream_reset", Status, [StreamHandle]),
    ("rill_stream_reset_lane", Status, [StreamHandle, c_size_t]),
    ("rill_stream_copy", Status, [StreamHandle, StreamHandle]),
    ("rill_stream_copy_lane", Status, [StreamHandle, c_size_t, StreamHandle, c_size_t]),
    ("rill_stream_get_state", Status, [StreamHandle, Text, FloatPointer, c_size_t]),
    ("rill_stream_set_state", Status, [StreamHandle, Text, FloatPointer, c_size_t]),
    ("rill_stream_save_state", Status, [StreamHandle, c_void_p, c_size_t, Length]),
    ("rill_stream_load_state", Status, [StreamHandle, c_void_p, c_size_t]),
    ("rill_stream_refresh", Status, [StreamHandle]),
    ("rill_stream_settle", Status, [StreamHandle, FloatPointer, c_size_t, c_float, c_size_t, Length, FloatPointer]),
    ("rill_stream_settle_tokens", Status, [StreamHandle, Int32Pointer, c_size_t, c_float, c_size_t, Length, FloatPointer]),
    ("rill_model_set_initial_state", Status, [ModelHandle, StreamHandle, c_size_t]),
    # batch
    ("rill_batch_create", Status, [ModelHandle, c_size_t, c_size_t, Text, POINTER(BatchHandle)]),
    ("rill_batch_destroy", None, [BatchHandle]),
    ("rill_batch_set_inputs", Status, [BatchHandle, FloatPointer, c_size_t]),
    ("rill_batch_set_tokens", Status, [BatchHandle, Int32Pointer, c_size_t]),
    ("rill_batch_set_lengths", Status, [BatchHandle, Int32Pointer, c_size_t]),
    ("rill_batch_set_targets", Status, [BatchHandle, FloatPointer, c_size_t]),
    ("rill_batch_set_classes", Status, [BatchHandle, Int32Pointer, c_size_t]),
    ("rill_batch_set_weights", Status, [BatchHandle, FloatPointer, c_size_t]),
    # trainer
    ("rill_trainer_create", Status, [ModelHandle, c_uint64, Text, POINTER(TrainerHandle)]),
    ("rill_trainer_destroy", None, [TrainerHandle]),
    ("rill_trainer_describe", Status, [TrainerHandle, Buffer, c_size_t, Length]),
    ("rill_trainer_update", Status, [TrainerHandle, BatchHandle, Double]),
    ("rill_trainer_evaluate", Status, [TrainerHandle, BatchHandle]),
    ("rill_trainer_reset_metrics", Status, [TrainerHandle]),
    ("rill_trainer_set_validation_loss", Status, [TrainerHandle, c_double]),
    ("rill_trainer_copy_parameters", Status, [TrainerHandle, Text, ModelHandle]),
    ("rill_trainer_get_metric", Status, [TrainerHandle, Text, Double]),
    ("rill_trainer_get_gradient", Status, [TrainerHandle, Text, FloatPointer, c_size_t]),
    ("rill_trainer_evaluate_gradients", Status, [TrainerHandle, BatchHandle, Double]),
    ("rill_trainer_update_from_gradients", Status, [TrainerHandle]),
    ("rill_trainer_get_gradients_count", Status, [TrainerHandle, Length]),
    ("rill_trainer_get_gradients", Status, [TrainerHandle, FloatPointer, c_size_t]),
    ("rill_trainer_set_gradients", Status, [TrainerHandle, FloatPointer, c_size_t]),
    ("rill_trainer_reset_state", Status, [TrainerHandle]),
    ("rill_trainer_reset_state_lane", Status, [TrainerHandle, c_size_t]),
    ("rill_trainer_set_state", Status, [TrainerHandle, StreamHandle]),
    ("rill_trainer_get_state", Status, [TrainerHandle, StreamHandle]),
    ("rill_trainer_save", Status, [TrainerHandle, Text, Text]),
    ("rill_trainer_save_text", Status, [TrainerHandle, Text, Buffer, c_size_t, Length]),
    ("rill_trainer_load", Status, [Text, Text, POINTER(ModelHandle), POINTER(TrainerHandle)]),
    ("rill_trainer_parse", Status, [Text, c_size_t, Text, POINTER(ModelHandle), POINTER(TrainerHandle)]),
    ("rill_trainer_set_data", Status, [TrainerHandle, c_void_p, c_size_t]),
    ("rill_trainer_get_data", Status, [TrainerHandle, c_void_p, c_size_t, Length]),
    ("rill_trainer_get_learning_rate", Status, [TrainerHandle, Double]),
    ("rill_trainer_set_learning_rate", Status, [TrainerHandle, c_double]),
]


def check_version(opened: ctypes.CDLL, origin: str) -> None:
    """Raises ImportError, with the library's origin, unless its interface and its model files are those of this package."""
    try:
        number = opened.rill_version_number()
        oldest, newest = opened.rill_format_version_oldest(), opened.rill_format_version()
    except AttributeError as error:
        raise ImportError(f"{origin} is not a Rill library: {error}") from None
    found = f"{number // 1_000_000}.{number // 1_000 % 1_000}"
    wanted = VERSION.rpartition(".")[0]
    if found != wanted:
        raise ImportError(f"the Python package rill {VERSION} needs a Rill library {wanted}.x, but {origin} is {found}.{number % 1_000}")
    if not oldest <= FORMAT_VERSION <= newest:
        raise ImportError(
            f"the Python package rill {VERSION} needs model format {FORMAT_VERSION}, but {origin} reads {oldest} to {newest}"
        )


def declare(opened: ctypes.CDLL, origin: str) -> None:
    """Gives every function its types, and every handle its destroy function."""
    for name, result, parameters in FUNCTIONS:
        try:
            function = getattr(opened, name)
        except AttributeError as error:
            raise ImportError(f"{origin} lacks a function: {error}") from None
        function.restype = result
        function.argtypes = parameters
    ModelHandle.destroy = opened.rill_model_destroy
    StreamHandle.destroy = opened.rill_stream_destroy
    BatchHandle.destroy = opened.rill_batch_destroy
    TrainerHandle.destroy = opened.rill_trainer_destroy


class _SymbolInformation(ctypes.Structure):
    """Dl_info of dladdr."""

    _fields_ = [("file_name", c_char_p), ("file_base", c_void_p), ("symbol_name", c_char_p), ("symbol_address", c_void_p)]


def path_of(opened: ctypes.CDLL) -> str:
    """The file that holds the library's code: also of one that the system found by its soname."""
    information = _SymbolInformation()
    # c_void_p: an untyped int would be cut to 32 bits.
    address = ctypes.cast(opened.rill_version_number, c_void_p)
    if not ctypes.CDLL(None).dladdr(address, ctypes.byref(information)) or information.file_name is None:
        return str(opened._name)
    return os.path.realpath(os.fsdecode(information.file_name))


def load() -> ctypes.CDLL:
    """Finds, opens, checks and declares. Raises ImportError."""
    opened, origin = open_library(os.environ, Path(__file__).parent)
    check_version(opened, origin)
    declare(opened, origin)
    return opened


library = load()
