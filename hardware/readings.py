"""What a device says about itself when it is asked."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from hardware.connection import Connection
from hardware.interface import Ledger, Limits
from hardware.messages import NO_LINE, Fault, LineKind, Request, State

INPUT = LineKind.INPUT.name.lower()


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """How a device is."""

    state: State
    fault: Fault
    fault_line: str | None
    outputs_on: tuple[str, ...]
    inputs_high: tuple[str, ...]
    edges_lost: int
    """Edges since its boot that came faster than they could be sent."""
    bad_frames: int
    """Frames that reached it damaged, modulo 2¹⁶."""
    trial: int
    """The last trial's id."""
    last_id: int
    """Of the last pulse, over all lines."""


def read_status(connection: Connection) -> DeviceStatus:
    """Ask how the device is.

    Raises:
        Disconnected: when no answer comes.
    """
    fields: Mapping = connection.ask(Request.STATUS).fields
    connection.stream.check(fields["next_event"], time.monotonic_ns())
    lines = connection.lines.values()
    fault_line = fields["fault_line"]
    return DeviceStatus(
        state=State(fields["state"]),
        fault=Fault(fields["fault"]),
        fault_line=None if fault_line == NO_LINE else connection.stream.name(fault_line),
        outputs_on=tuple(line.name for line in lines if fields["outputs"] >> line.index & 1),
        inputs_high=tuple(line.name for line in lines if fields["inputs"] >> line.index & 1),
        edges_lost=fields["edges_lost"],
        bad_frames=fields["bad_frames"],
        trial=fields["trial"],
        last_id=fields["last_id"],
    )


def read_ledger(connection: Connection, line: str) -> Ledger:
    """Ask what the device has counted of one output.

    Raises:
        WrongDevice, Refused, Disconnected.
    """
    return read_output(connection, line)[0]


def read_output(connection: Connection, line: str) -> tuple[Ledger, bool]:
    """Ask what the device has counted of one output, and whether it is on.

    While it is, the last width is what was asked for. Its pin doesn't tell: a tone's toggles.

    Raises:
        WrongDevice, Refused, Disconnected.
    """
    reply = connection.ask(Request.LEDGER, line=connection.index(line))
    fields: Mapping = reply.fields
    ledger = Ledger(
        pulses=fields["pulses"],
        on_us=fields["on_us"],
        last_id=fields["last_id"],
        last_start_us=connection.device_us(fields["last_start_us"]),
        last_width_us=fields["last_width_us"],
        limits=Limits(fields["max_us"], fields["gap_us"], fields["budget_us"]),
    )
    return ledger, bool(reply.applied)


def read_ledgers(connection: Connection) -> Mapping[str, Ledger]:
    """Ask what the device has counted of every output.

    Raises:
        Disconnected: when no answer comes.
    """
    outputs = [line.name for line in connection.lines.values() if line.kind != INPUT]
    return {name: read_ledger(connection, name) for name in outputs}
