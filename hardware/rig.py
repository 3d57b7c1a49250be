"""A board, and perhaps a screen, behind the `Rig` protocol.

One loop keeps the device's lease while an instruction is carried out, and nothing else does: when
the session's own loop stands still, so does the heartbeat, and the device switches everything off.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date
from typing import Self, TypeVar

from hardware.device import NativeDevice
from hardware.display import Display
from hardware.history import Happened
from hardware.interface import (
    Ask,
    Clear,
    Deliver,
    DisplayError,
    Edge,
    Event,
    Flip,
    GoEdge,
    Identity,
    Instruction,
    Ledger,
    Limits,
    Present,
    Pulse,
    Pulsed,
    RigError,
    SafeState,
    Scene,
    TrialReport,
    Wait,
    WrongDevice,
)
from hardware.messages import Outcome
from hardware.photodiode import match as match_flips
from hardware.program import GRACE_US, longest_us, trial_values
from hardware.rig_settings import RigSettings

BEATS = 4  # heartbeats in a lease
LONGEST_STEP_S = 0.05
PATIENCE_S = 2.0  # beyond the time that a trial may take by this computer's clock
T = TypeVar("T")
Keep = Callable[[Pulsed], None]


class NativeRig:
    """A real or emulated board with this program's firmware; a context manager."""

    def __init__(
        self,
        settings: RigSettings,
        port: str,
        *,
        display: Display | None = None,
        keep: Keep | None = None,
        watch: Callable[[], None] | None = None,
        typed: Callable[[Ask], str | None] | None = None,
        today: date | None = None,
    ) -> None:
        """Describe it; nothing is opened before `with`.

        Args:
            settings: what the rig is.
            port: where its board is.
            display: its screen, open already; it stays so.
            keep: is given every pulse that the device confirms, before anything else happens.
            watch: called at every heartbeat; what it raises ends the instruction at once.
            typed: what somebody has typed as an answer since; None as long as it isn't whole.
            today: on which calibrations have to be valid, by default this one.
        """
        self.settings, self.display = settings, display
        self.device = NativeDevice(port, device_id=settings.device_id, build=settings.build)
        self._keep, self._watch, self._typed, self._today = keep, watch, typed, today
        self._step_s = min(settings.lease_ms / 1000 / BEATS, LONGEST_STEP_S)
        self._edges: list[Edge] = []
        self._pulsed: list[Pulsed] = []
        self._unkept: deque[Pulsed] = deque()
        self._reports: list[TrialReport] = []
        self._missing = 0

    @property
    def identity(self) -> Identity:
        """Which device this is."""
        return self.device.identity

    def __enter__(self) -> Self:
        """Open it: handshake, limits and tones set, still disarmed.

        Raises:
            RigError: when it isn't what was expected; all outputs are off.
        """
        self.device.open()
        try:
            self.device.clear()
            self._check_lines()
            for name, output in self.settings.outputs.items():
                self.device.set_limits(name, output.limits)
                if output.kind == "tone":
                    self.device.tone(name, output.frequency_hz)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        """Make it safe and let go of the port, whatever happened."""
        try:
            self.make_safe()
        finally:
            self.device.close()

    def arm(self) -> None:
        """Allow outputs, for as long as instructions keep coming within the lease.

        Raises:
            DeviceFault, Disconnected.
        """
        self.device.arm(self.settings.lease_ms)

    def perform(self, instruction: Instruction) -> Event:
        """Carry out one instruction.

        Raises:
            Disconnected, DeviceFault, Refused, DisplayError, CalibrationError.
        """
        report, flip, typed = None, None, None
        match instruction:
            case Present():
                report, flip = self._present(instruction)
            case Deliver(pulse):
                self._deliver(pulse.line, self.settings.width_us(pulse, self._day()))
            case Clear():
                flip = self._clear()
            case Wait(duration_s):
                self._until(lambda: None, duration_s)
            case Ask(timeout_s=timeout_s):
                typed = self._until(lambda: self._answer(instruction), timeout_s)
        return self._event(instruction, report, flip, typed)

    def high_inputs(self) -> tuple[str, ...]:
        """Return the inputs that are high now.

        Raises:
            Disconnected: when no answer comes.
        """
        return self.device.status().inputs_high

    def ledgers(self) -> Mapping[str, Ledger]:
        """Return what the device has counted of every output since its boot.

        Raises:
            Disconnected: when no answer comes.
        """
        return self.device.ledgers()

    def rest(self) -> Event:
        """Return what happened since the last event, as far as it has come."""
        with suppress(RigError):  # an outcome that has to be looked up, and can't be
            return self._event(Wait(0.0), None, None, None)
        return Event(Wait(0.0), time.monotonic_ns())

    def make_safe(self) -> SafeState:
        """Switch every output off, disarm, and read back that it is so."""
        return self.device.make_safe()

    def _present(self, instruction: Present) -> tuple[TrialReport, Flip | None]:
        trial, scene = instruction.trial, instruction.scene
        values = trial_values(trial, self.device.index, self._width_us)
        if scene is not None:
            self._prepare(scene)
        self._collect()
        self._reports.clear()
        number = self.device.run_trial(values)
        flip = None if scene is None else self._flip(self._shown().start_present)
        report = self._until(lambda: self._reported(number), longest_us(values) / 1e6)
        if report is None:  # its notice was lost, or the device's clock is the slower one
            report = self._until(self._ended, PATIENCE_S)
        if report is None:
            raise RigError(f"trial {number} doesn't end; reconnect the device")
        if scene is not None and not instruction.keep:
            self._clear()
        return report, flip

    def _answer(self, ask: Ask) -> str | None:
        if self._typed is None:
            raise RigError(f"nobody is at the keyboard of the rig {self.settings.name} to answer")
        return self._typed(ask)

    def _reported(self, number: int) -> TrialReport | None:
        return next((report for report in self._reports if report.id == number), None)

    def _ended(self) -> TrialReport | None:
        """Ask how the last trial went; None while it runs."""
        report = self.device.trial_report()
        return None if report.outcome == Outcome.RUNNING else report

    def _deliver(self, line: str, width_us: int) -> None:
        number = self.device.pulse(line, width_us)

        def over() -> bool | None:
            return any(pulsed.id == number for pulsed in self._pulsed) or None

        if self._until(over, (width_us + GRACE_US) / 1e6) is None:
            raise RigError(
                f"the device began a pulse of {width_us / 1000:g} ms on {line}, but never said "
                "that it is over; look at the line, then reconnect the device"
            )

    def _prepare(self, scene: Scene) -> None:
        display = self._shown()
        display.start_prepare(scene)
        while not display.wait_prepared(self._step_s):
            self._beat()

    def _clear(self) -> Flip:
        return self._flip(self._shown().start_clear)

    def _flip(self, start: Callable[[], None]) -> Flip:
        start()
        while (flip := self._shown().wait_flip(self._step_s)) is None:
            self._beat()
        return flip

    def _shown(self) -> Display:
        if self.display is None:
            raise DisplayError(
                f"the rig {self.settings.name} has no screen; add a [screen] to its document, or "
                "use a protocol whose stimuli are lines of the device (odours, tones, lights)"
            )
        return self.display

    def _until(self, done: Callable[[], T | None], timeout_s: float) -> T | None:
        """Keep the lease until `done` gives something, which is returned, or the time is over."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            self._beat()
            if (result := done()) is not None:
                return result
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                return None
            self.device.wait(min(self._step_s, left_s))

    def _beat(self) -> None:
        self.device.heartbeat()
        self._collect()
        if self._watch is not None:
            self._watch()

    def _collect(self) -> None:
        happened: Happened = self.device.take_events()
        self._edges += happened.edges
        self._reports += happened.reports
        self._missing += happened.missing
        # queued first: where one can't be kept, those behind it are still known
        self._unkept += happened.pulsed
        while self._unkept:
            if self._keep is not None:
                self._keep(self._unkept[0])
            self._pulsed.append(self._unkept.popleft())

    def _event(
        self,
        instruction: Instruction,
        report: TrialReport | None,
        flip: Flip | None,
        typed: str | None,
    ) -> Event:
        self._collect()
        event = Event(
            instruction=instruction,
            t_host_ns=time.monotonic_ns(),
            trial=report,
            flip=None if flip is None else self._with_photodiode(flip, instruction, report),
            edges=tuple(self._edges),
            pulsed=tuple(self._pulsed),
            missing_events=self._missing,
            typed=typed,
        )
        self._edges, self._pulsed, self._reports, self._missing = [], [], [], 0
        return event

    def _with_photodiode(
        self, flip: Flip, instruction: Instruction, report: TrialReport | None
    ) -> Flip:
        line = self.settings.photodiode
        if report is not None and isinstance(instruction, Present):
            go = instruction.trial.go
            if isinstance(go, GoEdge) and go.line == line:  # the device itself waited for it
                return Flip(flip.t_host_ns, flip.dropped_frames, report.go_us)
        edges = sorted(edge.t_us for edge in self._edges if edge.line == line and edge.level)
        if not edges:
            return flip
        found = match_flips([flip.t_host_ns], edges, self.device.clock.host_ns).edges[0]
        seen = None if found is None else edges[found]
        return Flip(flip.t_host_ns, flip.dropped_frames, seen)

    def _check_lines(self) -> None:
        lines = {line.name: line for line in self.identity.lines}
        wanted = {name: output.kind for name, output in self.settings.outputs.items()}
        wanted |= dict.fromkeys(self.settings.inputs, "input")
        for name, kind in wanted.items():
            came = lines[name].kind if name in lines else "nothing"
            if came != kind:
                raise WrongDevice(
                    f"expected a line {name!r} of kind {kind} on the device, it has {came} there; "
                    f"its lines are {', '.join(lines)}: correct the rig's document, or the "
                    "firmware's lines.h and flash it"
                )
        self._check_limits()

    def _check_limits(self) -> None:
        ceilings = {line.name: line.ceiling for line in self.identity.lines}
        for name, output in self.settings.outputs.items():
            ceiling, asked = ceilings[name], output.limits
            closest = Limits(
                min(asked.max_us, ceiling.max_us),
                max(asked.gap_us, ceiling.gap_us),
                min(asked.budget_us, ceiling.budget_us),
            )
            if closest != asked:
                raise WrongDevice(
                    f"the limits of {name} go beyond what the firmware was built to allow "
                    f"({ceiling}); the closest that it takes are {closest}"
                )

    def _width_us(self, pulse: Pulse) -> int:
        return self.settings.width_us(pulse, self._day())

    def _day(self) -> date:
        return self._today or date.today()  # noqa: DTZ011  the lab's own calendar
