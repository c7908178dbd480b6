"""The declarations against the header, and the refusal of a wrong library."""

import ctypes
import os
import re

import pytest
from helpers import HEADER, compile_library, run_python, version_functions

import rill
from rill import _handles, _library, _version

HANDLES = {
    "rill_model": _handles.ModelHandle,
    "rill_stream": _handles.StreamHandle,
    "rill_batch": _handles.BatchHandle,
    "rill_trainer": _handles.TrainerHandle,
}

# The type of a parameter in C, without const and its name, and the one that it needs here.
TYPES = {
    "void": None,
    "int32_t": ctypes.c_int32,
    "rill_status": ctypes.c_int32,
    "size_t": ctypes.c_size_t,
    "uint64_t": ctypes.c_uint64,
    "float": ctypes.c_float,
    "double": ctypes.c_double,
    "size_t *": ctypes.POINTER(ctypes.c_size_t),
    "double *": ctypes.POINTER(ctypes.c_double),
    "float *": _library.FloatPointer,
    "int32_t *": _library.Int32Pointer,
    "void *": ctypes.c_void_p,
    **{f"{name} *": handle for name, handle in HANDLES.items()},
    **{f"{name} **": ctypes.POINTER(handle) for name, handle in HANDLES.items()},
}


def python_type(declaration):
    """The ctypes type of "const float *values" and the like."""
    kind, stars = re.fullmatch(r"(?:const )?(\w+) ?(\**)(?:\w+)?", declaration.strip()).groups()
    if kind == "char":
        return ctypes.c_char_p if declaration.strip().startswith("const") else ctypes.POINTER(ctypes.c_char)
    return TYPES[f"{kind} {stars}" if stars else kind]


def header_functions():
    text = re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.DOTALL)
    for result, name, parameters in re.findall(r"^((?:const )?\w+ \**)(rill_\w+)\(([^)]*)\);", text, flags=re.MULTILINE):
        items = [] if parameters == "void" else [python_type(" ".join(item.split())) for item in parameters.split(",")]
        yield name, python_type(result), items


def test_every_function_of_the_header_is_declared_in_its_order():
    expected = list(header_functions())
    assert len(expected) == 80
    assert _library.FUNCTIONS == expected


def test_declarations_reach_the_library():
    for name, result, parameters in _library.FUNCTIONS:
        function = getattr(_library.library, name)
        assert function.restype is result
        assert list(function.argtypes) == parameters


@pytest.mark.parametrize(
    ("macro", "value"),
    [("RILL_VERSION_STRING", f'"{_version.VERSION}"'), ("RILL_FORMAT_VERSION", str(_version.FORMAT_VERSION))],
)
def test_versions_are_those_of_the_header(macro, value):
    assert re.search(rf"^#define {macro} (\S+)", HEADER.read_text(), flags=re.MULTILINE).group(1) == value


def test_version_and_path():
    assert rill.__version__ == _version.VERSION
    assert rill.version() == rill.__version__
    assert rill.library_path() == os.path.realpath(os.environ["RILL_LIBRARY"])


@pytest.mark.parametrize("number", [1_001_000, 2_000, 0, 1_000_000])
def test_another_minor_or_major_version_is_refused(tmp_path, number):
    path = compile_library(tmp_path, version_functions(number=number))
    result = run_python("import rill", RILL_LIBRARY=str(path))
    assert result.returncode != 0
    assert f"needs a Rill library 0.1.x, but RILL_LIBRARY={path} is {number // 1_000_000}.{number // 1_000 % 1_000}.0" in result.stderr


def test_another_patch_version_passes_the_check(tmp_path):
    opened = ctypes.CDLL(str(compile_library(tmp_path, version_functions(number=1_007))))
    _library.check_version(opened, "here")


@pytest.mark.parametrize(("oldest", "newest"), [(2, 3), (0, 0)])
def test_another_model_format_is_refused(tmp_path, oldest, newest):
    opened = ctypes.CDLL(str(compile_library(tmp_path, version_functions(oldest=oldest, newest=newest))))
    with pytest.raises(ImportError, match=f"needs model format 1, but here reads {oldest} to {newest}"):
        _library.check_version(opened, "here")


def test_a_library_of_something_else_is_refused(tmp_path):
    opened = ctypes.CDLL(str(compile_library(tmp_path, "int other(void) { return 0; }")))
    with pytest.raises(ImportError, match="here is not a Rill library"):
        _library.check_version(opened, "here")


def test_a_library_without_all_functions_is_refused(tmp_path):
    path = compile_library(tmp_path, version_functions())
    result = run_python("import rill", RILL_LIBRARY=str(path))
    assert f"RILL_LIBRARY={path} lacks a function" in result.stderr
    assert "rill_last_error_message" in result.stderr


def test_pointers_of_another_type_are_refused():
    """The types in the table are not all void pointers to ctypes: what does not belong there raises instead of crashing."""
    wrong = _library.Int32Pointer(16)
    with pytest.raises(ctypes.ArgumentError):
        _library.library.rill_batch_set_inputs(_handles.BatchHandle(), wrong, 1)
    with pytest.raises(ctypes.ArgumentError):
        _library.library.rill_stream_reset(_handles.ModelHandle())
