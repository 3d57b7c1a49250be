"""A rig without any hardware, on a clock of its own: as fast as the computer allows.

The animal is an object that touches and feels. Bounds, refusals and faults are the device's; what
isn't there is the wire, the screen and everything that can go wrong with them.
"""

import secrets
from collections.abc import Callable, Mapping
from datetime import date
from typing import Self

from hardware.interface import (
    Ask,
    Clear,
    Deliver,
    DeviceFault,
    Edge,
    Event,
    Flip,
    GoEdge,
    Identity,
    Instruction,
    Ledger,
    Limits,
    LineInfo,
    Present,
    Pulse,
    Pulsed,
    RigError,
    SafeState,
    Trial,
    TrialReport,
    Wait,
)
from hardware.messages import Fault, Outcome, Request
from hardware.program import trial_values
from hardware.rig_settings import RigSettings
from hardware.subject import Subject
from hardware.virtual_outputs import VirtualOutputs

FRAME_US = 16_667
TOUCH_US = 5_000  # how long a line stays high
NO_LIMITS = Limits(0, 0, 0)
Keep = Callable[[Pulsed], None]


class EmulatedRig:
    """A rig whose animal is an object; a context manager."""

    def __init__(
        self,
        settings: RigSettings,
        subject: Subject,
        *,
        keep: Keep | None = None,
        today: date | None = None,
        device_id: str = "emulated",
    ) -> None:
        """`subject` touches and feels; `keep` is given every pulse as soon as it is over.

        `today` is the day on which calibrations have to be valid, by default this one. Every
        emulated device has a boot of its own, as one that was just switched on.
        """
        self.settings, self._subject, self._keep = settings, subject, keep
        self._device_id, self._boot_id = device_id, secrets.randbits(31)
        self._today = today or date.today()  # noqa: DTZ011  the lab's own calendar
        self.outputs = VirtualOutputs(
            {name: output.limits for name, output in settings.outputs.items()}
        )
        self._index = {
            name: number for number, name in enumerate((*settings.inputs, *settings.outputs))
        }
        self._now_us, self._next_edge = 0, 0
        self._touched_at: list[tuple[int, str, bool]] = []
        self._pulsed: list[Pulsed] = []

    @property
    def identity(self) -> Identity:
        """What stands for a device."""
        lines = [
            LineInfo(name, "input", 0, self._index[name], NO_LIMITS)
            for name in self.settings.inputs
        ]
        lines += [
            LineInfo(name, output.kind, 0, self._index[name], output.limits)
            for name, output in self.settings.outputs.items()
        ]
        return Identity(
            "emulated", self._device_id, "emulated", "emulated", self._boot_id, tuple(lines)
        )

    @property
    def now_us(self) -> int:
        """The virtual clock."""
        return self._now_us

    def __enter__(self) -> Self:
        """Open it, disarmed."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Make it safe."""
        self.make_safe()

    def arm(self) -> None:
        """Allow outputs.

        Raises:
            DeviceFault: after a fault.
        """
        self.outputs.arm()

    def stand_still(self, duration_s: float) -> None:
        """Let time pass without a heartbeat, as a session that hangs does."""
        self._now_us += round(duration_s * 1e6)
        if self.outputs.armed and duration_s * 1e3 >= self.settings.lease_ms:
            self.outputs.trip(Fault.LEASE)

    def perform(self, instruction: Instruction) -> Event:
        """Carry out one instruction.

        Raises:
            DeviceFault, Refused, CalibrationError.
        """
        report, flip, typed = None, None, None
        if self.outputs.fault != Fault.NONE:
            raise DeviceFault(self.outputs.fault, "find the cause, then clear() and arm() again")
        match instruction:
            case Present():
                report, flip = self._present(instruction)
            case Deliver(pulse):
                self._deliver(pulse)
            case Clear():
                flip = self._flip()
            case Wait(duration_s):
                self._now_us += round(duration_s * 1e6)
            case Ask():
                typed = self._subject.say(instruction)
        return self._event(instruction, report, flip, typed)

    def high_inputs(self) -> tuple[str, ...]:
        """Return nothing: nobody touches anything before the first trial."""
        return ()

    def ledgers(self) -> Mapping[str, Ledger]:
        """Return nothing: what isn't there outlives no program."""
        return {}

    def rest(self) -> Event:
        """Return what happened since the last event."""
        return self._event(Wait(0.0), None, None, None)

    def _event(
        self,
        instruction: Instruction,
        report: TrialReport | None,
        flip: Flip | None,
        typed: str | None,
    ) -> Event:
        edges = self._edges()
        pulsed, self._pulsed = tuple(self._pulsed), []
        if self._keep is not None:
            for one in pulsed:
                self._keep(one)
        return Event(instruction, self._now_us * 1000, report, flip, edges, pulsed, typed=typed)

    def make_safe(self) -> SafeState:
        """Switch everything off and disarm."""
        self.outputs.disarm()
        return SafeState(outputs_on=(), armed=False, verified=True)

    def _deliver(self, pulse: Pulse) -> None:
        self.outputs.ready(Request.PULSE)
        width_us = self._width_us(pulse)
        number = self.outputs.ids(1)
        pulsed = self.outputs.pulse(Request.PULSE, number, pulse.line, self._now_us, width_us)
        self._pulsed.append(pulsed)
        self._now_us += width_us
        self._subject.feel(TrialReport(number, Outcome.NO_RESPONSE, None, None, None, None, pulsed))

    def _present(self, instruction: Present) -> tuple[TrialReport, Flip | None]:
        trial = instruction.trial
        self.outputs.ready(Request.TRIAL)
        trial_values(trial, self._line, self._width_us)  # refuses what a device would
        self._check(trial)
        number = self.outputs.ids(2)
        flip = None if instruction.scene is None else self._flip()
        go_us = self._go(trial, number, flip)
        if go_us is None:
            missed = TrialReport(number, Outcome.NO_GO, None, None, None, None)
            return self._over(missed), flip
        touches = self._touched(instruction, go_us)
        report = self._answered(trial, number, go_us, touches)
        self._subject.feel(report)
        return report, flip

    def _check(self, trial: Trial) -> None:
        """Refuse what would be too much before anything is switched on."""
        go_us = 0
        if isinstance(trial.go, Pulse):
            go_us = self._width_us(trial.go)
            self.outputs.check(Request.TRIAL, trial.go.line, go_us)
        for pulse in (*trial.responses.values(), trial.otherwise):
            if pulse is not None:
                same = isinstance(trial.go, Pulse) and pulse.line == trial.go.line
                extra_us = go_us if same else 0
                self.outputs.check(Request.TRIAL, pulse.line, self._width_us(pulse), extra_us)

    def _go(self, trial: Trial, number: int, flip: Flip | None) -> int | None:
        """Return when the trial's clock starts, None if it doesn't."""
        if isinstance(trial.go, Pulse):
            width_us = self._width_us(trial.go)
            self._pulsed.append(
                self.outputs.pulse(Request.TRIAL, number, trial.go.line, self._now_us, width_us)
            )
            return self._now_us
        if not isinstance(trial.go, GoEdge):
            return self._now_us
        if flip is not None and trial.go.line == self.settings.photodiode:
            return flip.photodiode_us
        self._now_us += trial.go.timeout_us
        return None

    def _touched(self, instruction: Present, go_us: int) -> list[tuple[int, str]]:
        touches = sorted(
            (go_us + touch.after_us, touch.line) for touch in self._subject.touches(instruction)
        )
        for t_us, line in touches:
            self._touched_at += [(t_us, line, True), (t_us + TOUCH_US, line, False)]
        self._touched_at.sort()
        return touches

    def _edges(self) -> tuple[Edge, ...]:
        """Take the edges until now, numbered as they come."""
        past = [one for one in self._touched_at if one[0] <= self._now_us]
        self._touched_at = self._touched_at[len(past) :]
        first, self._next_edge = self._next_edge, self._next_edge + len(past)
        return tuple(
            Edge(line, level, t_us, number)
            for number, (t_us, line, level) in enumerate(past, start=first)
        )

    def _answered(
        self, trial: Trial, number: int, go_us: int, touches: list[tuple[int, str]]
    ) -> TrialReport:
        open_us = go_us + trial.delay_us
        close_us = open_us + trial.window_us
        for t_us, line in touches:
            if open_us <= t_us < close_us and line in trial.responses:
                pulsed = self._outcome(trial.responses[line], number, t_us)
                return self._over(
                    TrialReport(number, Outcome.RESPONDED, line, go_us, open_us, t_us, pulsed)
                )
        pulsed = self._outcome(trial.otherwise, number, close_us)
        return self._over(
            TrialReport(number, Outcome.NO_RESPONSE, None, go_us, open_us, None, pulsed)
        )

    def _outcome(self, pulse: Pulse | None, number: int, since_us: int) -> Pulsed | None:
        self._now_us = max(self._now_us, since_us)
        if pulse is None:
            return None
        start_us, width_us = since_us + pulse.delay_us, self._width_us(pulse)
        pulsed = self.outputs.pulse(Request.TRIAL, number + 1, pulse.line, start_us, width_us)
        self._pulsed.append(pulsed)
        self._now_us = max(self._now_us, start_us + width_us)
        return pulsed

    def _over(self, report: TrialReport) -> TrialReport:
        # an output that was the go is over before the next instruction
        ends = [one.start_us + one.width_us for one in self._pulsed]
        self._now_us = max([self._now_us, *ends])
        return report

    def _flip(self) -> Flip:
        self._now_us += FRAME_US
        seen = None if self.settings.photodiode is None else self._now_us
        return Flip(self._now_us * 1000, 0, seen)

    def _line(self, name: str) -> int:
        if name not in self._index:
            raise RigError(
                f"the rig {self.settings.name} has no line {name!r}; its lines are "
                f"{', '.join(self._index)}"
            )
        return self._index[name]

    def _width_us(self, pulse: Pulse) -> int:
        return self.settings.width_us(pulse, self._today)
