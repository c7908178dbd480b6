"""Named tensors of a native object as a mapping: a model's parameters, a stream's state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Callable

import numpy as np
from numpy.typing import ArrayLike

from . import _arrays
from ._arrays import Floats


class TensorView(Mapping[str, Floats]):
    """Reads and writes the tensors of a native object by name.

    view[name] gives a copy; view[name] = array writes at once. There is nothing to delete or to add: a name that is not there
    raises KeyError, a shape that does not fit ArgumentError. The order of the names is that of the layers.
    """

    def __init__(
        self,
        what: str,
        shapes: Mapping[str, tuple[int, ...]],
        read: Callable[[str, Floats], None],
        write: Callable[[str, Floats], None],
    ) -> None:
        """read fills the array it is given, write takes the values of it; what is the word for one tensor."""
        self._what = what
        self._shapes = shapes
        self._read = read
        self._write = write

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a tensor. Raises KeyError."""
        try:
            return self._shapes[name]
        except KeyError:
            raise KeyError(f"no {self._what} named {name!r}; there are {', '.join(self._shapes) or 'none'}") from None

    def __getitem__(self, name: str) -> Floats:
        values = np.empty(self.shape(name), dtype=np.float32)
        self._read(name, values)
        return values

    def __setitem__(self, name: str, values: ArrayLike) -> None:
        self._write(name, self.prepare(name, values))

    def prepare(self, name: str, values: Any) -> Floats:
        """The values as this tensor takes them; nothing is written. Raises KeyError, ArgumentError."""
        shape = self.shape(name)
        array = _arrays.as_float32(values, name)
        _arrays.expect_shape(array.shape, shape, name)
        return array

    def __iter__(self) -> Iterator[str]:
        return iter(self._shapes)

    def __len__(self) -> int:
        return len(self._shapes)

    def __contains__(self, name: object) -> bool:
        return name in self._shapes

    def __repr__(self) -> str:
        return "{" + ", ".join(f"{name!r}: {_arrays.show(shape)}" for name, shape in self._shapes.items()) + "}"
