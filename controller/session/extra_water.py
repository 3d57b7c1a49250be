"""Water outside of trials: a free reward, and what is missing to the day's least in the end."""

import math

from controller.session.errors import Refusal
from controller.session.parts import Parts
from controller.session.trial_runner import TrialRunner
from hardware.interface import Deliver, Pulse, Refused, Wait

TOP_UP_S = 1.5  # between two doses


class ExtraWater:
    """Gives water by the protocol's own valve, in its largest dose."""

    def __init__(self, parts: Parts, runner: TrialRunner) -> None:
        self._p, self._runner = parts, runner
        pulses = parts.section.feedback.build().largest()
        valves = [one for one in pulses if one.volume_ul is not None]
        self._dose: Pulse | None = max(valves, key=lambda one: one.volume_ul or 0.0, default=None)

    def free(self, *, paused: bool) -> None:
        """Give one dose, if the day's limit allows it; in a pause everything else stays off."""
        p, dose = self._p, self._dose
        if dose is None:
            p.say("this protocol has no valve to give a free reward by")
            return
        if paused:
            p.rig.arm()
        try:
            event = self._runner.perform(Deliver(dose))
        except (Refusal, Refused) as refusal:
            p.log.event("refused", text=str(refusal))
            p.say(str(refusal))
            return
        finally:
            if paused:
                p.rig.make_safe()
        self._runner.apart(event)
        p.log.event("free_reward", value=dose.volume_ul or math.nan, pulsed=event.pulsed)

    def top_up(self) -> None:
        """Give what is missing to the day's least water, where the valve is to do that."""
        p, dose = self._p, self._dose
        if dose is None or p.limits.top_up != "valve" or self._missing_ul <= 0:
            return
        before_ul = p.rewards.given.water_ul
        p.rig.arm()  # it isn't where the session ended in a pause
        while self._missing_ul >= (dose.volume_ul or math.inf) / 2:
            p.controls.watch()
            try:
                event = self._runner.perform(Deliver(dose))
            except Refusal as refusal:  # least and most are closer than a dose
                p.say(str(refusal))
                break
            self._runner.apart(event)
            p.log.event("top_up", value=dose.volume_ul or math.nan, pulsed=event.pulsed)
            self._runner.perform(Wait(TOP_UP_S))
        p.say(f"topped up by {p.rewards.given.water_ul - before_ul:.0f} µl")

    def tell_missing(self) -> None:
        """Say how much somebody has to give by hand."""
        p, dose = self._p, self._dose
        by_valve = p.limits.top_up == "valve" and dose is not None
        rounding_ul = (dose.volume_ul or 0.0) / 2 if by_valve and dose is not None else 0.0
        missing_ul = self._missing_ul
        if missing_ul <= 0 or missing_ul < rounding_ul:
            return
        p.log.event("top_up", value=missing_ul, text="by hand")
        p.say(f"give {p.subject} {missing_ul:.0f} µl of water by hand")
        p.alerts.send("limit", f"{p.subject} needs {missing_ul:.0f} µl by hand")

    @property
    def _missing_ul(self) -> float:
        return self._p.limits.water_min_ul - self._p.rewards.given.water_ul
