"""A device behind a port: who it is, its clock, its refusals as errors, and what it says unasked.

Refused       a request that the device refused, with the remedy
DeviceFault   a request after a fault was latched, or `ready` once its notice has come
Disconnected  any death of the port, silence, or a restart of the device
"""

import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType

from hardware.clock import DeviceClock, Sample, Unwrapper
from hardware.event_stream import EventStream
from hardware.handshake import Expected, identify, reset_name
from hardware.interface import (
    DeviceFault,
    Disconnected,
    Edge,
    Identity,
    LineInfo,
    Pulsed,
    Refused,
    WrongDevice,
)
from hardware.link import Link
from hardware.messages import NO_LINE, Fault, Notice, Request, Status
from hardware.reader import Arrival
from hardware.wire import Notification, Reply

REMEDIES: Mapping[Status, str] = MappingProxyType(
    {
        Status.NOT_ARMED: "arm() comes first, and again after disarm() or a new connection",
        Status.ARMED: "disarm() first",
        Status.BAD_LINE: "the line is no output, or no input where one is needed",
        Status.OVER_MAX: "shorten the pulse, or loosen the line's limits while disarmed",
        Status.TOO_SOON: "leave the line's minimum gap between two pulses",
        Status.OVER_BUDGET: "the line's budget is used up; it begins anew when the device does",
        Status.BUSY: "the line is on, or a trial is running: wait for its end",
        Status.OLD_ID: "another program has pulsed meanwhile: reconnect",
        Status.LOOSER: "while armed limits can only be tightened: disarm() first",
        Status.OVER_CEILING: "the firmware was built to allow less (its lines.h)",
    }
)
Said = Edge | Pulsed | Notification


class Connection:
    """One device, from the first HELLO over every new one."""

    def __init__(self, link: Link, expected: Expected) -> None:
        self.link, self.clock = link, DeviceClock()
        self.identity: Identity | None = None
        self.restart: str | None = None
        """Why the device has started anew since it was identified; None if it hasn't."""
        self._expected = expected
        self._unwrap = Unwrapper()
        self._stream: EventStream | None = None
        self._said: list[Said] = []
        self._fault: DeviceFault | None = None
        self._cleared_us = 0

    @property
    def stream(self) -> EventStream:
        """What came of the device unasked.

        Raises:
            Disconnected: before `open`.
        """
        if self._stream is None:
            raise Disconnected(f"no device was opened on {self.link.port} yet: open() comes first")
        return self._stream

    @property
    def missing(self) -> int:
        """Events that never came, since the first HELLO or the last restart."""
        return 0 if self._stream is None else self._stream.missing

    @property
    def lines(self) -> Mapping[str, LineInfo]:
        """The device's lines by name."""
        return {} if self.identity is None else {line.name: line for line in self.identity.lines}

    def index(self, line: str) -> int:
        """Return a line's number on the device.

        Raises:
            WrongDevice: when the device has no such line.
        """
        lines = self.lines
        if line not in lines:
            raise WrongDevice(
                f"the device on {self.link.port} has no line {line!r}, it has "
                f"{', '.join(lines)}: correct the name, or the firmware's lines.h"
            )
        return lines[line].index

    def open(self, patience_s: float = 5.0) -> None:
        """Open the port, again or for the first time; everything on the device is off then.

        Raises:
            RigError: when it isn't there, isn't what was expected, or is another program's.
        """
        self.absorb()
        self.link.close(hang_up=False)
        self.link.open()
        try:
            self.hello(patience_s)
        except BaseException:
            self.link.close(hang_up=False)
            raise

    def hello(self, patience_s: float) -> None:
        """Switch everything off by a new HELLO, and see whether it is still the same device.

        Raises:
            RigError: as for `open`.
        """
        before = self.identity
        exchange = self.link.hello(secrets.randbits(32), patience_s=patience_s)
        expected = self._expected
        if before is not None:
            expected = Expected(before.device_id, expected.build)
        now = identify(self.link, exchange, expected)
        if before is not None and now.boot_id != before.boot_id:
            self.restart = reset_name(exchange.reply.fields)
        if before is None or now.boot_id != before.boot_id:
            self._start(now)
        self.identity = now
        self.absorb()

    def ask(self, request: Request, **values: int) -> Reply:
        """Ask one thing.

        Raises:
            Refused, DeviceFault, Disconnected.
        """
        exchange = self.link.request(request, **values)
        reply = exchange.reply
        if exchange.tries == 1:
            t_us = self._unwrap(reply.t_us, exchange.received_ns)
            self.clock.add(Sample(t_us, exchange.executed_ns, exchange.delay_ns))
        self.absorb()
        if reply.status == Status.OK:
            return reply
        if reply.status == Status.FAULTED:
            raise self._fault or self._latched()
        raise Refused(request, reply.status, REMEDIES.get(reply.status, ""))

    def ready(self) -> None:
        """Raise what has come in the meantime.

        Raises:
            DeviceFault: after a FAULT notice, until `clear`.
            Disconnected: after a restart, until everything is set again.
        """
        if self.restart is not None:
            raise Disconnected(
                f"the device on {self.link.port} has restarted ({self.restart}): all is off, "
                "its limits are gone; look for what resets it (power, cable), then reconnect"
            )
        if self._fault is not None:
            raise self._fault

    def clear(self) -> None:
        """Let the device forget its fault.

        Raises:
            Refused, Disconnected.
        """
        reply = self.ask(Request.CLEAR)
        self._cleared_us = self.device_us(reply.t_us)
        self._fault = None

    def device_us(self, t_us: int) -> int:
        """Return a device time of the last half hour unwrapped."""
        return self._unwrap(t_us, time.monotonic_ns())

    def absorb(self) -> None:
        """Take in what the device has said; what had come before the port died, too."""
        with suppress(Disconnected):
            while (arrival := self.link.notice()) is not None:
                self._hear(arrival)

    def wait(self, timeout_s: float) -> bool:
        """Wait until the device says something; whether it did.

        Raises:
            Disconnected: when the port is dead.
        """
        arrival = self.link.notice(timeout_s)
        if arrival is not None:
            self._hear(arrival)
            self.absorb()
        return arrival is not None

    def take(self) -> list[Said]:
        """Return what the device has said since the last call, in its order."""
        said, self._said = self._said, []
        return said

    def _start(self, identity: Identity) -> None:
        """Begin the device's clock and its count of events."""
        reply = self.link.request(Request.STATUS).reply
        self.clock, self._unwrap = DeviceClock(), Unwrapper()
        self._stream = EventStream(identity.lines, self._unwrap, int(reply.fields["next_event"]))
        self._fault, self._cleared_us = None, 0

    def _hear(self, arrival: Arrival) -> None:
        notification, t_host_ns = arrival
        fields: Mapping = notification.fields
        if self._stream is None or self.identity is None:
            return  # said before it was asked who it is
        if notification.notice == Notice.BOOT:
            if fields["boot_id"] != self.identity.boot_id:
                self.restart = reset_name(fields)
            return
        said = self._stream.take(notification, t_host_ns)
        if isinstance(said, Notification) and said.notice == Notice.FAULT:
            if self.device_us(said.t_us) > self._cleared_us:
                self._fault = self._as_error(fields["fault"], fields["line"])
        elif said is not None:
            self._said.append(said)

    def _latched(self) -> DeviceFault:
        """Ask for the fault whose notice didn't come."""
        fields: Mapping = self.link.request(Request.STATUS).reply.fields
        self._fault = self._as_error(fields["fault"], fields["fault_line"])
        return self._fault

    def _as_error(self, fault: int, line: int) -> DeviceFault:
        where = "" if line == NO_LINE else f"on {self.stream.name(line)}; "
        return DeviceFault(Fault(fault), f"{where}find the cause, then clear() and arm() again")
