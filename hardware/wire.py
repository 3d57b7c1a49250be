"""Messages to bytes and back; nothing here touches a port.

A frame is `00 COBS(type sequence payload crc) 00`, integers little-endian, with the CRC-16/MCRF4XX
of all that stands before it. A reply has its request's type and sequence number, and bit 7 set.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from hardware.messages import (
    MAX_BODY,
    NOTICE_HEAD,
    NOTICES,
    REPLIES,
    REPLY,
    REPLY_HEAD,
    REQUESTS,
    Notice,
    Request,
    Status,
    layout_format,
    size,
)

CRC_INIT, CRC_POLYNOMIAL = 0xFFFF, 0x8408


class WireError(ValueError):
    """Bytes that are no message, or values that are no message's fields."""


class Frame(NamedTuple):
    """One message as it is on the wire, without its meaning."""

    kind: int
    sequence: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back to a request."""

    request: Request
    status: Status
    applied: int
    """What the device took of the value that was asked, for instance a width in µs."""
    t_us: int
    """Device time at which the request was executed, µs modulo 2³²."""
    fields: Mapping[str, int | str]


@dataclass(frozen=True, slots=True)
class Notification:
    """What the device said unasked."""

    notice: Notice
    number: int
    """Counts up modulo 2¹⁶, also for what was lost before it could be sent."""
    t_us: int
    """Device time, µs modulo 2³²."""
    fields: Mapping[str, int | str]


def crc16(data: bytes) -> int:
    """Return the CRC-16/MCRF4XX of bytes (0x6F91 for b"123456789")."""
    crc = CRC_INIT
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (CRC_POLYNOMIAL if crc & 1 else 0)
    return crc


def stuff(data: bytes) -> bytes:
    """Return bytes without a zero among them (consistent overhead byte stuffing).

    Raises:
        WireError: for more than 253 bytes, which would need more than one overhead byte.
    """
    if len(data) > 253:
        raise WireError(f"expected at most 253 bytes, got {len(data)}")
    return b"".join(bytes([len(part) + 1]) + part for part in data.split(b"\0"))


def unstuff(data: bytes) -> bytes:
    """Undo `stuff`.

    Raises:
        WireError: for bytes that `stuff` never makes.
    """
    parts, at = [], 0
    while at < len(data):
        code = data[at]
        part = data[at + 1 : at + code]
        if code == 0 or len(part) != code - 1 or 0 in part:
            raise WireError(f"byte {at} isn't the length of what follows it")
        parts.append(part)
        at += code
    return b"\0".join(parts)


def frame(kind: int, sequence: int, payload: bytes) -> bytes:
    """Return the frame of one message.

    Raises:
        WireError: for a payload that is too long.
    """
    body = bytes([kind, sequence]) + payload
    if len(body) + 2 > MAX_BODY:
        raise WireError(f"expected a body of at most {MAX_BODY - 2} bytes, got {len(body)}")
    return b"\0" + stuff(body + struct.pack("<H", crc16(body))) + b"\0"


def unframe(data: bytes) -> Frame:
    """Return the message between two zeros.

    Raises:
        WireError: for bytes whose stuffing, length or CRC isn't right.
    """
    body = unstuff(data)
    if not 4 <= len(body) <= MAX_BODY:
        raise WireError(f"expected 4 to {MAX_BODY} bytes, got {len(body)}")
    if crc16(body[:-2]) != int.from_bytes(body[-2:], "little"):
        raise WireError(f"the checksum of {body.hex()} is wrong")
    return Frame(body[0], body[1], body[2:-2])


def encode(request: Request, sequence: int, **values: int) -> bytes:
    """Return the frame of a request.

    Raises:
        WireError: when the values aren't the request's fields, or don't fit them.
    """
    layout = REQUESTS[request]
    if values.keys() != layout.keys():
        raise WireError(f"{request.name} has the fields {list(layout)}, got {list(values)}")
    try:
        payload = struct.pack(layout_format(layout), *(values[name] for name in layout))
    except struct.error as error:
        raise WireError(f"{request.name} with {values}: {error}") from None
    return frame(request, sequence, payload)


def decode(message: Frame) -> Reply | Notification:
    """Return what the device said.

    Raises:
        WireError: for a message that isn't in the table, or whose length isn't its layout's.
    """
    try:
        if message.kind & REPLY:
            return _reply(Request(message.kind & ~REPLY), message.payload)
        return _notification(Notice(message.kind), message.payload)
    except (ValueError, struct.error) as error:
        raise WireError(f"message of type {message.kind:#x}: {error}") from None


def _reply(request: Request, payload: bytes) -> Reply:
    head = size(REPLY_HEAD)
    status, applied, t_us = struct.unpack(layout_format(REPLY_HEAD), payload[:head])
    rest = payload[head:]
    # a refusal has no more than the head
    fields = _unpack(REPLIES[request], rest) if rest or status == Status.OK else {}
    return Reply(request, Status(status), applied, t_us, fields)


def _notification(notice: Notice, payload: bytes) -> Notification:
    head = size(NOTICE_HEAD)
    number, t_us = struct.unpack(layout_format(NOTICE_HEAD), payload[:head])
    return Notification(notice, number, t_us, _unpack(NOTICES[notice], payload[head:]))


def _unpack(layout: Mapping[str, str], payload: bytes) -> Mapping[str, int | str]:
    values = struct.unpack(layout_format(layout), payload)
    return {
        name: value.rstrip(b"\0").decode("ascii") if isinstance(value, bytes) else value
        for name, value in zip(layout, values, strict=True)
    }
