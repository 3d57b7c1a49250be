"""Write the firmware's table of messages, `core/wire.h`, from the host's.

`python -m hardware.firmware.header` writes it; a test fails when it is out of date.
"""

from collections.abc import Iterator, Mapping
from enum import IntEnum
from pathlib import Path

from hardware import messages
from hardware.messages import NOTICE_HEAD, NOTICES, REPLIES, REPLY_HEAD, REQUESTS

PATH = Path(__file__).parent / "core" / "wire.h"
CODES: tuple[type[IntEnum], ...] = (
    messages.Request,
    messages.Notice,
    messages.Status,
    messages.State,
    messages.Fault,
    messages.LineKind,
    messages.Go,
    messages.Outcome,
    messages.Reset,
)
CONSTANTS = ("VERSION", "MAX_BODY", "RESPONSES", "NO_LINE", "REPLY")


def header() -> str:
    """Return the header's text."""
    lines = [
        "/* Messages and codes. Written by `python -m hardware.firmware.header`; don't edit. */",
        "#ifndef BIASLOOP_WIRE_H",
        "#define BIASLOOP_WIRE_H",
        "",
        f"#define WIRE_INTERFACE 0x{messages.interface():08X}UL",
        *(f"#define WIRE_{name} {getattr(messages, name)}" for name in CONSTANTS),
        "",
    ]
    for code in CODES:
        lines += [*_codes(code), ""]
    lines += ["/* Where a field begins in its payload, and how long the payload is. */"]
    for request, layout in REQUESTS.items():
        lines += _layout(f"REQ_{request.name}", layout)
    for request, layout in REPLIES.items():
        lines += _layout(f"REP_{request.name}", {**REPLY_HEAD, **layout})
    for notice, layout in NOTICES.items():
        lines += _layout(f"NOTE_{notice.name}", {**NOTICE_HEAD, **layout})
    return "\n".join([*lines, "", "#endif", ""])


def _codes(code: type[IntEnum]) -> Iterator[str]:
    prefix = {"Request": "REQ", "Notice": "NOTE", "LineKind": "KIND"}.get(
        code.__name__, code.__name__.upper()
    )
    for member in code:
        yield f"#define {prefix}_{member.name} {member.value}"


def _layout(name: str, layout: Mapping[str, str]) -> Iterator[str]:
    at = 0
    for field, kind in layout.items():
        yield f"#define {name}_AT_{field.upper()} {at}"
        at += messages.size({field: kind})
    yield f"#define {name}_SIZE {at}"


if __name__ == "__main__":
    PATH.write_text(header(), encoding="utf-8")
