"""One trial: the plan's instructions through the safety gate to the rig, and its events back."""

import time
from collections.abc import Callable
from dataclasses import replace

from controller.session.gate import SafetyGate
from hardware.interface import Event, Instruction, Rig
from protocols.plans.base import Trialling
from protocols.trials import Response


class TrialRunner:
    """The driver of plans: safety belongs to it and not to them."""

    def __init__(self, rig: Rig, gate: SafetyGate, saw: Callable[[Event], None]) -> None:
        """`saw` is given every event as soon as it came."""
        self._rig, self._gate, self._saw = rig, gate, saw
        self._events: list[Event] = []
        self._rest_ns = time.perf_counter_ns()
        self._overhead_ns = 0

    def perform(self, instruction: Instruction) -> Event:
        """Look, then carry out.

        Raises:
            Refusal: the gate's; nothing was switched on.
            RigError: the rig's.
        """
        self._gate.check(instruction)
        begin_ns = time.perf_counter_ns()
        self._overhead_ns += begin_ns - self._rest_ns
        try:
            event = self._rig.perform(instruction)
        finally:
            self._rest_ns = time.perf_counter_ns()
        self._events.append(event)
        self._saw(event)
        return event

    def run(self, plan: Trialling) -> Response:
        """Run a plan to its end; whatever is raised, the rig is made safe before the plan knows."""
        try:
            instruction = next(plan)
            while True:
                instruction = plan.send(self.perform(instruction))
        except StopIteration as end:
            return end.value
        except BaseException:
            try:
                self._rig.make_safe()
            finally:
                plan.close()
            raise

    def apart(self, event: Event) -> None:
        """Take the pulses out of an event that was stored by itself, so that they count once."""
        self._events = [replace(one, pulsed=()) if one is event else one for one in self._events]

    def take(self) -> tuple[list[Event], float]:
        """Return the events since the last call, and the time spent outside the rig, µs."""
        now_ns = time.perf_counter_ns()
        overhead_us = (self._overhead_ns + now_ns - self._rest_ns) / 1e3
        events, self._events = self._events, []
        self._overhead_ns, self._rest_ns = 0, now_ns
        return events, overhead_us

    def excuse(self, action: Callable[[], None]) -> None:
        """Do what is no business of a session's, such as telling a simulated animal what it sees.

        The time that it takes isn't counted as the controller's own.
        """
        begin_ns = time.perf_counter_ns()
        action()
        self._rest_ns += time.perf_counter_ns() - begin_ns

    def forget_time(self) -> None:
        """Begin to measure anew, after a pause that somebody wanted."""
        self._overhead_ns, self._rest_ns = 0, time.perf_counter_ns()
