"""One board: what it may be asked, what has happened on it, what is known after a lost line.

Nothing here runs by itself: heartbeats come from the caller's loop, so that a loop that stands
still lets the device's lease run out, and the device switches everything off.
"""

import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Self

from hardware.clock import DeviceClock
from hardware.connection import Connection
from hardware.handshake import Expected
from hardware.history import Happened, History
from hardware.interface import (
    DeviceFault,
    Disconnected,
    Identity,
    Ledger,
    Limits,
    Refused,
    RigError,
    SafeState,
    TrialReport,
)
from hardware.link import Link
from hardware.messages import Fault, Request, State
from hardware.pulse_book import Asked, AskedTrial, Fate, PulseBook, Reconciliation
from hardware.readings import DeviceStatus, read_ledger, read_ledgers, read_status
from hardware.wire import Reply

PROBE_S = 0.5  # how long a device that may be gone is asked whether it is off


class NativeDevice:
    """A board with this program's firmware. For one thread; lines go by their names."""

    def __init__(
        self,
        port: str,
        *,
        device_id: str | None = None,
        build: str | None = None,
        timeout_s: float = 0.05,
        tries: int = 20,
    ) -> None:
        """`device_id` and `build` (hexadecimal) refuse every other board; None accepts it."""
        self.link = Link(port, timeout_s=timeout_s, tries=tries)
        self._connection = Connection(self.link, Expected(device_id, build))
        self._book = PulseBook()
        self._history = History(self._connection, self._book)

    def __enter__(self) -> Self:
        """Open it."""
        self.open()
        return self

    def __exit__(self, *exception: object) -> None:
        """Switch everything off and let go of the port."""
        self.make_safe()
        self.close()

    @property
    def identity(self) -> Identity:
        """Which device answered.

        Raises:
            Disconnected: before `open`.
        """
        if self._connection.identity is None:
            raise Disconnected(f"no device was opened on {self.link.port} yet: open() comes first")
        return self._connection.identity

    @property
    def clock(self) -> DeviceClock:
        """Device time on the host's monotonic clock; every request measures it."""
        return self._connection.clock

    # the connection

    def open(self) -> None:
        """Open the port and get to know the device; everything on it is off and disarmed.

        Raises:
            RigError: when it isn't there, isn't what was expected, or is another program's.
        """
        self._connection.open()
        self._connection.restart = None
        try:
            self._book.begin(self.ledgers(), self.status().last_id)
        except BaseException:
            self.link.close()
            raise

    def close(self) -> None:
        """Let go of the port; what had come can still be taken."""
        self._connection.absorb()
        self.link.close()

    def reconnect(self) -> Reconciliation:
        """Open the port again, and find out what became of what was under way.

        Can be tried again for as long as it raises. Everything is off and disarmed afterwards;
        after a restart limits and tones have to be set again. `take_events` comes before, so that
        what belongs to the boot that is over isn't taken for the new one's; it comes after as well,
        for what was looked up.

        Raises:
            RigError: as for `open`; another board than before is a wrong one.
        """
        self._connection.open()
        restarted = self._connection.restart is not None
        trial, report = self._trial_after(restarted=restarted)
        ledgers, last_id = self.ledgers(), self.status().last_id
        pulse = self._book.fate(None if restarted else ledgers)
        excess = {} if restarted else self._book.unaccounted(ledgers)
        unfinished = self._settle(restarted=restarted)
        self._connection.restart = None
        self._book.begin(ledgers, last_id)
        return Reconciliation(restarted, pulse, trial, report, unfinished, excess)

    def ping(self) -> int:
        """Return the round trip, ns, as this program sees it; the clock learns from it.

        Raises:
            Disconnected: when no answer comes.
        """
        begin_ns = time.monotonic_ns()
        self._connection.ask(Request.PING, echo=begin_ns & 0xFFFFFFFF)
        return time.monotonic_ns() - begin_ns

    def wait(self, timeout_s: float) -> bool:
        """Wait until the device says something; whether it did. Renews no lease.

        Raises:
            Disconnected: when the port is dead.
        """
        return self._connection.wait(timeout_s)

    # what is allowed

    def set_limits(self, line: str, limits: Limits) -> None:
        """Set an output's bounds: anything up to its ceiling while disarmed, else only tighter.

        Raises:
            Refused, DeviceFault, Disconnected.
        """
        self._command(
            Request.LIMITS,
            line=self._connection.index(line),
            max_us=limits.max_us,
            gap_us=limits.gap_us,
            budget_us=limits.budget_us,
        )

    def tone(self, line: str, frequency_hz: int) -> int:
        """Set with which frequency a tone's line toggles while it is on, 0 for steady.

        Returns:
            The nearest frequency that the device can make, Hz.

        Raises:
            Refused, DeviceFault, Disconnected.
        """
        return self._command(
            Request.TONE, line=self._connection.index(line), frequency_hz=frequency_hz
        ).applied

    def identify(self, device_id: str) -> None:
        """Give the device a name that outlives it: 16 hexadecimal digits. Only while disarmed.

        Raises:
            Refused, DeviceFault, Disconnected.
        """
        self._command(Request.IDENTIFY, device_id=int(device_id, 16))
        self._connection.identity = replace(self.identity, device_id=f"{int(device_id, 16):016x}")

    def arm(self, lease_ms: int) -> None:
        """Allow outputs while a heartbeat comes at least every `lease_ms`.

        Raises:
            Refused, DeviceFault, Disconnected.
        """
        self._command(Request.ARM, lease_ms=lease_ms)

    def heartbeat(self) -> State:
        """Renew the lease; look for events that never came.

        Raises:
            DeviceFault: after a fault.
            Disconnected: also after a restart of the device.
        """
        fields: Mapping = self._command(Request.HEARTBEAT).fields
        self._connection.stream.check(fields["next_event"], time.monotonic_ns())
        self._history.look_up()
        self._connection.ready()
        if fields["state"] == State.FAULT:
            raise DeviceFault(Fault(fields["fault"]), "clear() and arm() again")
        return State(fields["state"])

    def clear(self) -> None:
        """Let the device forget its fault; it is disarmed then.

        Raises:
            Refused, Disconnected.
        """
        self._connection.clear()

    # outputs

    def pulse(self, line: str, width_us: int) -> int:
        """Switch an output on for a while; returns the pulse's id as soon as it has begun.

        Raises:
            Refused: nothing was switched on.
            DeviceFault: nothing was switched on.
            Disconnected: it may have been switched on; `reconnect` tells.
        """
        self._certain({line})
        index = self._connection.index(line)
        asked = self._book.ask(line, width_us)
        try:
            reply = self._connection.ask(Request.PULSE, id=asked.id, line=index, width_us=width_us)
        except (Refused, DeviceFault):
            self._book.refuse()
            raise
        self._book.accept(asked, self._connection.device_us(reply.t_us))
        return asked.id

    def run_trial(self, program: Mapping[str, int]) -> int:
        """Let the device run a trial by itself; returns the trial's id.

        Args:
            program: the fields of a TRIAL request; the id is replaced.

        Raises:
            Refused: nothing was begun.
            DeviceFault: nothing was begun.
            Disconnected: it may have begun; `reconnect` tells.
        """
        name = self._connection.stream.name
        self._certain({name(program[field]) for field in program if "line" in field})
        asked = self._book.ask_trial(program)
        try:
            reply = self._connection.ask(Request.TRIAL, **asked.program)
        except (Refused, DeviceFault):
            self._book.refuse_trial()
            raise
        self._book.accept_trial(asked, name, self._connection.device_us(reply.t_us))
        return asked.id

    def cancel_trial(self) -> None:
        """End the trial that runs, with its outcome switched off.

        Raises:
            Refused, Disconnected.
        """
        self._connection.ask(Request.CANCEL)

    def all_off(self) -> None:
        """Switch everything off and cancel the trial; the device stays armed.

        Raises:
            Refused, Disconnected.
        """
        self._connection.ask(Request.ALL_OFF)

    def disarm(self) -> None:
        """Switch everything off, cancel the trial, allow no more outputs.

        Raises:
            Refused, Disconnected.
        """
        self._connection.ask(Request.DISARM)

    def make_safe(self) -> SafeState:
        """Switch everything off, disarm and read back; doesn't raise where the device is gone.

        What was cut by it can be taken afterwards, by `take_events`.
        """
        for request in (Request.ALL_OFF, Request.DISARM):
            with suppress(RigError):
                self._connection.ask(request)
        with suppress(RigError):
            return self._safe_state()
        # nothing can be asked before a request that was left without an answer is settled, and
        # sending that again might switch something on: a new HELLO switches off instead
        with suppress(RigError):
            self._connection.hello(PROBE_S)
            return self._safe_state()
        return SafeState(outputs_on=(), armed=False, verified=False)

    # what has happened

    def status(self) -> DeviceStatus:
        """Ask how the device is.

        Raises:
            Disconnected: when no answer comes.
        """
        return read_status(self._connection)

    def ledger(self, line: str) -> Ledger:
        """Ask what the device has counted of one output.

        Raises:
            Refused, Disconnected.
        """
        return read_ledger(self._connection, line)

    def ledgers(self) -> Mapping[str, Ledger]:
        """Ask what the device has counted of every output.

        Raises:
            Disconnected: when no answer comes.
        """
        return read_ledgers(self._connection)

    def trial_report(self) -> TrialReport:
        """Ask how the last trial went, or goes.

        Raises:
            Refused: when there was none.
            Disconnected: when no answer comes.
        """
        return self._history.report()

    def take_events(self) -> Happened:
        """Return what has happened since the last call.

        Raises:
            Disconnected: when the delivered outcome of a trial has to be asked for, and can't;
                nothing is lost by that.
        """
        self._connection.absorb()
        return self._history.take()

    def index(self, line: str) -> int:
        """Return a line's number, as a trial's program names it.

        Raises:
            WrongDevice: when the device has no such line.
        """
        return self._connection.index(line)

    def _command(self, request: Request, **values: int) -> Reply:
        self._connection.ready()
        return self._connection.ask(request, **values)

    def _certain(self, lines: Collection[str]) -> None:
        """Refuse to switch anything on while it isn't known what was switched on before.

        How the last pulse on a line ended can only be asked until there is another.
        """
        self._connection.ready()
        if self._book.in_doubt is not None or not self.link.in_step:
            raise Disconnected(
                f"the last request to {self.link.port} had no answer, and may have been carried "
                "out: reconnect, which finds out"
            )
        self._history.settle(lines)

    def _settle(self, *, restarted: bool) -> tuple[Asked, ...]:
        """Ask for the ends of all pulses, now that all is off; return those that nobody knows."""
        if restarted:
            return self._history.forget()
        self._history.settle()
        return ()

    def _safe_state(self) -> SafeState:
        status = self.status()
        with suppress(RigError):  # safe is what counts; what isn't known stays so
            self._history.settle()
            self._history.settle_doubt()
        return SafeState(status.outputs_on, armed=status.state == State.ARMED, verified=True)

    def _trial_after(
        self, *, restarted: bool
    ) -> tuple[tuple[AskedTrial, Fate] | None, TrialReport | None]:
        """Return what became of the trial that wasn't known to be over."""
        asked = self._book.trial
        if asked is None:
            return None, None
        if restarted:
            return (asked, Fate.UNKNOWN), None
        try:
            report = self.trial_report()
        except Refused:  # the device has never run one
            return (asked, Fate.NEVER), None
        if report.id != asked.id:
            return (asked, Fate.NEVER), None
        return (asked, Fate.HAPPENED), report
