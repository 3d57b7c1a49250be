"""Outputs on a virtual clock, kept within the same bounds, and refused for them in the same way."""

from collections.abc import Mapping
from dataclasses import dataclass

from hardware.interface import DeviceFault, Limits, Pulsed, Refused
from hardware.messages import Fault, Request, Status

FAULTS = {
    Status.OVER_MAX: Fault.OVER_MAX,
    Status.TOO_SOON: Fault.TOO_SOON,
    Status.OVER_BUDGET: Fault.OVER_BUDGET,
}


@dataclass(slots=True)
class _Output:
    limits: Limits
    on_us: int = 0
    free_us: int = 0
    """When its last pulse was over."""
    used: bool = False


class VirtualOutputs:
    """What the device does about pulses: bounds, budgets, ids and the latched fault."""

    def __init__(self, limits: Mapping[str, Limits]) -> None:
        self._outputs = {line: _Output(bounds) for line, bounds in limits.items()}
        self.armed = False
        self.fault = Fault.NONE
        self._next_id = 1

    def arm(self) -> None:
        """Allow pulses.

        Raises:
            DeviceFault: after a fault, until `clear`.
        """
        self._check_fault()
        self.armed = True

    def disarm(self) -> None:
        """Allow no more."""
        self.armed = False

    def clear(self) -> None:
        """Forget the fault."""
        self.fault = Fault.NONE

    def trip(self, fault: Fault) -> None:
        """Latch a fault: everything is off."""
        self.armed, self.fault = False, fault

    def ready(self, request: Request) -> None:
        """Raise unless pulses are allowed.

        Raises:
            DeviceFault, Refused.
        """
        self._check_fault()
        if not self.armed:
            raise Refused(request, Status.NOT_ARMED, "arm() comes first")

    def check(self, request: Request, line: str, width_us: int, extra_us: int = 0) -> None:
        """Refuse a pulse that is too long, or more than is left of its budget.

        Raises:
            Refused: and the fault is latched.
        """
        output = self._outputs.get(line)
        if output is None:
            raise Refused(request, Status.BAD_LINE, f"{line} is no output of this rig")
        if width_us < 1:
            raise Refused(request, Status.BAD_VALUE, "a pulse lasts at least 1 µs")
        if width_us > output.limits.max_us:
            self._refuse(request, Status.OVER_MAX)
        if output.on_us + extra_us + width_us > output.limits.budget_us:
            self._refuse(request, Status.OVER_BUDGET)

    def ids(self, count: int) -> int:
        """Return the first of so many ids that were never used."""
        first, self._next_id = self._next_id, self._next_id + count
        return first

    def pulse(
        self, request: Request, number: int, line: str, start_us: int, width_us: int
    ) -> Pulsed:
        """Switch an output on at a time, for a while.

        Raises:
            Refused: and the fault is latched.
        """
        self.check(request, line, width_us)
        output = self._outputs[line]
        if output.used and start_us - output.free_us < output.limits.gap_us:
            self._refuse(request, Status.TOO_SOON)
        output.used = True
        output.free_us = start_us + width_us
        output.on_us += width_us
        return Pulsed(line, number, start_us, width_us, cut=False)

    def _refuse(self, request: Request, status: Status) -> None:
        self.trip(FAULTS[status])
        raise Refused(request, status)

    def _check_fault(self) -> None:
        if self.fault != Fault.NONE:
            raise DeviceFault(self.fault, "find the cause, then clear() and arm() again")
