"""Frames: what the journal holds, one encoded dataclass for each thing that happened.

A new kind is a frozen dataclass with the three methods of `Frame` and the decorator `register`;
nothing else has to know it. Array fields are declared in its `ARRAYS`; all other fields are
Python numbers.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

import numpy as np

from controller.store import codec
from controller.store.arrays import Spec, as_dtype
from controller.store.schema import Layout, Rows

Tables = dict[str, dict[str, np.ndarray]]
"""Table → column → the rows to append."""


@runtime_checkable
class Frame(Protocol):
    """One journal entry."""

    ARRAYS: ClassVar[Spec]
    """Types and dimensions of the fields that are arrays."""

    def check(self, layout: Layout, rows: Rows) -> None:
        """Raise `ValueError` unless it can follow a store with this many rows in each table."""

    def count(self) -> dict[str, int]:
        """Rows that it adds to each table."""
        ...

    def expand(self, layout: Layout, rows: Rows) -> Tables:
        """The rows that it adds; every column of each table that it names, in equal number.

        Args:
            layout: decides which θ columns there are.
            rows: number of rows that the tables have before it.
        """
        ...


FRAME_KINDS: dict[str, type] = {}
_KIND_OF: dict[type, str] = {}
_F = TypeVar("_F", bound=type)


def register(kind: str) -> Callable[[_F], _F]:
    """Make a frame class known by the name that the journal stores."""

    def add(cls: _F) -> _F:
        if FRAME_KINDS.setdefault(kind, cls) is not cls:
            raise ValueError(f"the frame kind {kind!r} is taken by {FRAME_KINDS[kind].__name__}")
        _KIND_OF[cls] = kind
        return cls

    return add


def coerce(frame: Any) -> None:
    """Give the array fields of a frozen frame their declared types, in `__post_init__`."""
    for name, (dtype, _) in frame.ARRAYS.items():
        value = getattr(frame, name)
        if value is not None:
            label = f"{type(frame).__name__}.{name}"
            object.__setattr__(frame, name, as_dtype(label, value, dtype))


def encode_frame(frame: Frame) -> tuple[str, bytes]:
    """A frame's kind and payload."""
    kind = _KIND_OF.get(type(frame))
    if kind is None:
        raise ValueError(
            f"expected a frame of a registered class ({', '.join(sorted(FRAME_KINDS))}), "
            f"got {type(frame).__name__}"
        )
    arrays: dict[str, np.ndarray] = {}
    numbers: dict[str, codec.Number] = {}
    for field in fields(frame):  # pyright: ignore[reportArgumentType]
        value = getattr(frame, field.name)
        if field.name not in frame.ARRAYS:
            numbers[field.name] = value.item() if isinstance(value, np.generic) else value
        elif value is not None:
            arrays[field.name] = value
    return kind, codec.encode(arrays, numbers)


def decode_frame(kind: str, payload: bytes, *, verify: bool = True) -> Frame:
    """The frame of a payload; its arrays are read-only views of the payload.

    Raises:
        codec.DecodeError: an unknown kind or a damaged payload.
    """
    cls = FRAME_KINDS.get(kind)
    if cls is None:
        raise codec.DecodeError(f"unknown kind {kind!r}")
    arrays, numbers = codec.decode(payload, verify=verify)
    missing: Mapping[str, None] = dict.fromkeys(cls.ARRAYS)
    try:
        return cls(**{**missing, **arrays, **numbers})
    except TypeError as error:
        raise codec.DecodeError(f"fields of another version ({error})") from error
