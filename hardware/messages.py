"""What host and device say to each other: every message, its fields and what its codes mean.

This is the only table: the firmware's `core/wire.h` is written from it by
`python -m hardware.firmware.header`, and both sides compare its hash before anything else.

A request's reply begins with status, applied value and device time; what the device says unasked
begins with an event number, so that a gap shows what was lost, and a device time.
"""

import struct
import zlib
from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType

VERSION = 1
MAX_BODY = 96  # bytes before COBS, CRC included; below 254, so that COBS adds one byte
RESPONSES = 4  # lines on which one trial can wait
NO_LINE = 255
REPLY = 0x80  # set in the type of a reply
FIELDS = MappingProxyType({"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "name": "12s"})


class Request(IntEnum):
    """What the host asks."""

    HELLO = 1
    LINE = 2
    PING = 3
    LIMITS = 4
    ARM = 5
    DISARM = 6
    HEARTBEAT = 7
    PULSE = 8
    ALL_OFF = 9
    STATUS = 10
    LEDGER = 11
    CLEAR = 12
    TRIAL = 13
    CANCEL = 14
    REPORT = 15
    IDENTIFY = 16
    TONE = 17


class Notice(IntEnum):
    """What the device says unasked."""

    EDGE = 0x40
    PULSED = 0x41
    TRIAL_DONE = 0x42
    FAULT = 0x43
    BOOT = 0x44


class Status(IntEnum):
    """How a request ended. Everything but OK changed nothing but what its line says."""

    OK = 0
    BAD_LENGTH = 1
    UNKNOWN_TYPE = 2
    STALE = 3
    """The sequence number is neither the last nor the next: an old frame, not executed."""
    NO_HELLO = 4
    """Nothing but HELLO is answered before it."""
    WRONG_VERSION = 5
    NOT_ARMED = 6
    FAULTED = 7
    """A fault is latched; CLEAR it first."""
    ARMED = 8
    """Only possible while disarmed."""
    BAD_LINE = 9
    OVER_MAX = 10
    """Longer than the line's maximum; latches a fault if it was a pulse."""
    TOO_SOON = 11
    """Before the line's minimum gap has passed; latches a fault."""
    OVER_BUDGET = 12
    """More than what is left of the line's budget; latches a fault."""
    BUSY = 13
    """The line is on, or a trial is running."""
    OLD_ID = 14
    """A pulse's id isn't above the last one's."""
    LOOSER = 15
    """Limits can only be tightened while armed."""
    OVER_CEILING = 16
    """Beyond what the firmware was built to allow."""
    BAD_VALUE = 17


class State(IntEnum):
    """What the device is ready for."""

    SAFE = 0
    ARMED = 1
    FAULT = 2


class Fault(IntEnum):
    """Why everything was switched off; latched until CLEAR."""

    NONE = 0
    LEASE = 1
    """No heartbeat within the lease."""
    OVER_MAX = 2
    TOO_SOON = 3
    OVER_BUDGET = 4
    STUCK = 5
    """An output's pin doesn't read as it was driven."""
    STALLED = 6
    """The device's own loop stood still."""


class LineKind(IntEnum):
    """What hangs on a line."""

    INPUT = 0
    VALVE = 1
    PUFF = 2
    LED = 3
    TONE = 4
    ODOUR = 5
    SYNC = 6


class Go(IntEnum):
    """What starts a trial's clock."""

    NOW = 0
    RISING = 1
    FALLING = 2
    PULSE = 3
    """The device switches an output on (odour, tone), and its beginning is the go."""


class Outcome(IntEnum):
    """How a trial ended."""

    RUNNING = 0
    RESPONDED = 1
    NO_RESPONSE = 2
    NO_GO = 3
    """The go edge didn't come in time."""
    CANCELLED = 4
    FAULTED = 5


class Reset(IntEnum):
    """Why the device started."""

    UNKNOWN = 0
    POWER = 1
    EXTERNAL = 2
    """The reset line: an Arduino does this when its port is opened."""
    BROWN_OUT = 3
    WATCHDOG = 4


_RESPONSE = ("line", "outcome_line", "outcome_us", "outcome_delay_us")
_RESPONSE_TYPES = ("u8", "u8", "u32", "u32")
_TRIAL_REPORT = {
    "id": "u32",
    "outcome": "u8",
    "line": "u8",
    "go_us": "u32",
    "open_us": "u32",
    "response_us": "u32",
    "outcome_line": "u8",
    "outcome_start_us": "u32",
}

REQUESTS: Mapping[Request, Mapping[str, str]] = {
    Request.HELLO: {"version": "u8", "nonce": "u32"},
    Request.LINE: {"line": "u8"},
    Request.PING: {"echo": "u32"},
    Request.LIMITS: {"line": "u8", "max_us": "u32", "gap_us": "u32", "budget_us": "u32"},
    Request.ARM: {"lease_ms": "u16"},
    Request.DISARM: {},
    Request.HEARTBEAT: {},
    Request.PULSE: {"id": "u32", "line": "u8", "width_us": "u32"},
    Request.ALL_OFF: {},
    Request.STATUS: {},
    Request.LEDGER: {"line": "u8"},
    Request.CLEAR: {},
    Request.TRIAL: {
        "id": "u32",
        "go": "u8",
        "go_line": "u8",
        "go_width_us": "u32",
        "go_timeout_us": "u32",
        "delay_us": "u32",
        "window_us": "u32",
        **{
            f"{name}_{number}": kind
            for number in range(RESPONSES)
            for name, kind in zip(_RESPONSE, _RESPONSE_TYPES, strict=True)
        },
        "else_line": "u8",
        "else_us": "u32",
        "else_delay_us": "u32",
    },
    Request.CANCEL: {},
    Request.REPORT: {},
    Request.IDENTIFY: {"device_id": "u64"},
    Request.TONE: {"line": "u8", "frequency_hz": "u16"},
}

REPLY_HEAD = {"status": "u8", "applied": "u32", "t_us": "u32"}
REPLIES: Mapping[Request, Mapping[str, str]] = {
    **{request: {} for request in Request},
    Request.HELLO: {
        "device_id": "u64",
        "firmware": "u32",
        "build": "u32",
        "interface": "u32",
        "boot_id": "u32",
        "reset": "u8",
        "lines": "u8",
        "state": "u8",
        "version": "u8",
    },
    Request.LINE: {
        "kind": "u8",
        "pin": "u8",
        "max_us": "u32",
        "gap_us": "u32",
        "budget_us": "u32",
        "name": "name",
    },
    Request.HEARTBEAT: {"state": "u8", "fault": "u8", "next_event": "u16"},
    Request.STATUS: {
        "state": "u8",
        "fault": "u8",
        "fault_line": "u8",
        "outputs": "u32",
        "inputs": "u32",
        "next_event": "u16",
        "edges_lost": "u32",
        "bad_frames": "u16",
        "trial": "u32",
        "last_id": "u32",
    },
    Request.LEDGER: {
        "pulses": "u32",
        "on_us": "u32",
        "last_id": "u32",
        "last_start_us": "u32",
        "last_width_us": "u32",
        "max_us": "u32",
        "gap_us": "u32",
        "budget_us": "u32",
    },
    Request.REPORT: _TRIAL_REPORT,
}

NOTICE_HEAD = {"number": "u16", "t_us": "u32"}
NOTICES: Mapping[Notice, Mapping[str, str]] = {
    Notice.EDGE: {"line": "u8", "level": "u8"},
    Notice.PULSED: {"line": "u8", "id": "u32", "width_us": "u32", "cut": "u8"},
    Notice.TRIAL_DONE: _TRIAL_REPORT,
    Notice.FAULT: {"fault": "u8", "line": "u8", "detail": "u32"},
    Notice.BOOT: {"boot_id": "u32", "reset": "u8"},
}


def layout_format(layout: Mapping[str, str]) -> str:
    """Return the layout as `struct` writes it: little-endian, without gaps."""
    return "<" + "".join(FIELDS[kind] for kind in layout.values())


def interface() -> int:
    """Return the hash of the table: equal on both sides, or they can't talk."""
    tables = (REQUESTS.items(), REPLIES.items(), NOTICES.items())
    codes = (Status, State, Fault, LineKind, Go, Outcome, Reset)
    text = [str((VERSION, MAX_BODY, RESPONSES, NO_LINE, REPLY_HEAD, NOTICE_HEAD))]
    text += [f"{key.name}={key.value}:{dict(layout)}" for table in tables for key, layout in table]
    text += [f"{member.name}={member.value}" for code in codes for member in code]
    return zlib.crc32("\n".join(text).encode())


def size(layout: Mapping[str, str]) -> int:
    """Return the bytes of a layout."""
    return struct.calcsize(layout_format(layout))
