"""Named arrays and numbers ↔ bytes, checked by CRC-32C; nothing is ever unpickled.

    header length u4 | 4 spare bytes | header JSON, padded | buffers, each padded to 8 | crc u4

Buffers are little-endian and C-ordered. The checksum stands last, so that the checksum of the
whole is a constant and a reader needs no copy to verify it.
"""

import json
import math
import struct
from collections.abc import Mapping
from typing import Any

import google_crc32c
import numpy as np

_LENGTH = struct.Struct("<Ixxxx")
_CRC = struct.Struct("<I")
_RESIDUE = 0x48674BC7
_ALIGN = 8


Number = int | float


class DecodeError(Exception):
    """The bytes are damaged or were not written by `encode`."""


def encode(arrays: Mapping[str, np.ndarray], numbers: Mapping[str, Number] | None = None) -> bytes:
    """Bytes of named arrays (of booleans and numbers) and named Python numbers."""
    listed, parts = [], []
    for name, given in arrays.items():
        array = np.asarray(given)
        if array.dtype.kind not in "biufc":
            raise ValueError(f"{name}: expected an array of numbers, got {array.dtype}")
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        listed.append((name, array.dtype.str, array.shape))
        # bytes, because the checksum takes nothing else.
        parts.append(array.tobytes())
        if gap := -array.nbytes % _ALIGN:
            parts.append(bytes(gap))
    header = json.dumps([listed, dict(numbers or {})], separators=(",", ":")).encode()
    header += b" " * (-len(header) % _ALIGN)
    parts = [_LENGTH.pack(len(header)), header, *parts]
    crc = 0
    for part in parts:
        crc = google_crc32c.extend(crc, part)
    return b"".join((*parts, _CRC.pack(crc)))


def decode(payload: bytes, *, verify: bool = True) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays (read-only views of `payload`) and numbers given to `encode`.

    Raises:
        DecodeError: a damaged payload.
    """
    if len(payload) < _LENGTH.size + _CRC.size:
        raise DecodeError(f"expected at least {_LENGTH.size + _CRC.size} bytes, got {len(payload)}")
    if verify and google_crc32c.value(payload) != _RESIDUE:
        raise DecodeError("the checksum does not match")
    try:
        offset = _LENGTH.size + _LENGTH.unpack_from(payload)[0]
        listed, numbers = json.loads(payload[_LENGTH.size : offset])
        arrays = {}
        for name, dtype, shape in listed:
            kind, count = np.dtype(dtype), math.prod(shape)
            arrays[name] = np.frombuffer(payload, kind, count, offset).reshape(shape)
            offset += count * kind.itemsize + (-count * kind.itemsize % _ALIGN)
    except (ValueError, TypeError) as error:
        raise DecodeError(f"unreadable header ({error})") from error
    return arrays, numbers
