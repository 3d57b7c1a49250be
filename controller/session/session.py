"""One session: a subject on a rig, from arming it to showing that everything is off again.

    between trials: wishes → limits → suspenders
    a trial:        plan → gate → rig → event → plan …; durable before the next one begins

One odd trial is an outcome and never the end. What ends a session is an `Ending`; whatever it is,
the rig is made safe first, and that it is so is read back and stored.
"""

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from controller.session.alerts import Alerts
from controller.session.clock import Clock, StepWatch
from controller.session.controls import Controls, Wish
from controller.session.errors import LeaseLost, NothingToDo, Refusal, SessionError, Stopped
from controller.session.gate import SafetyGate
from controller.session.log import SessionLog
from controller.session.planning import FINISHED, STATE, Planning
from controller.session.queue import Lease, Queue, Result
from controller.session.rewards import Rewards
from controller.session.subjects import SubjectDocument
from controller.session.suspenders import Suspenders
from controller.session.trial_runner import TrialRunner
from controller.store import History, StoreError, TrialFrame
from hardware.interface import Deliver, Pulse, Refused, Rig, RigError, SafeState, Wait
from hardware.messages import Outcome
from learners.animal import AnimalLearner, Quality, TrialRequest, request
from protocols.assignment import Assignment
from protocols.context import cue
from protocols.mappings.base import AbstractMapping
from protocols.plans.base import Reward, no_reward
from protocols.session_document import SessionSection
from protocols.trials import Response, Shown

LOOK_S = 0.2  # between two looks while a session is held
OTHERS_S = 30.0  # how long somebody else's slots are waited for
PLANNER_S = 900.0
TELL_S = 2.0  # a planner takes a moment after every generation
TOP_UP_S = 1.5  # between two doses


@dataclass(frozen=True, slots=True)
class Ending:
    """How a session ended."""

    status: str
    """finished, stopped, time, trials, limit, episode, no_slot, held, aborted, emergency, fault,
    failed."""
    reason: str = ""


class _Over(Exception):  # noqa: N818  no error
    """The session ends after the trial that is done."""

    def __init__(self, ending: Ending) -> None:
        self.ending = ending
        super().__init__(ending.status)


class Observer(Protocol):
    """Who looks on: the eyes of a simulated subject."""

    def episode(self, assignment: Assignment, earlier: list[TrialFrame]) -> None:
        """An episode begins, or goes on after trials that another session ran."""
        ...

    def shown(self, shown: Shown, stimulus: np.ndarray | None) -> None:
        """A stimulus is about to be presented."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What a session is made of."""

    name: str
    subject: str
    section: SessionSection
    mapping: AbstractMapping | None
    limits: SubjectDocument
    rig: Rig
    queue: Queue
    planning: Planning
    log: SessionLog
    rewards: Rewards
    gate: SafetyGate
    controls: Controls
    alerts: Alerts
    clock: Clock
    photodiode: str | None
    responses: tuple[str, ...]
    slots: int
    """Of a generation."""
    sessions: Path
    """Folder of all sessions of the experiment."""
    say: Callable[[str], None]
    observer: Observer | None = None
    waits: bool = True
    """Whether slots and conditions are waited for; a run on a virtual clock ends instead."""
    patience_s: float = PLANNER_S
    """How long a planner that is late is waited for."""


class Session:
    """Runs one session to its end."""

    def __init__(self, parts: Parts) -> None:
        self._p = parts
        section = parts.section
        self._plan, self._feedback = section.plan.build(), section.feedback.build()
        self._suspenders = Suspenders(section.suspenders, parts.responses)
        self._runner = TrialRunner(parts.rig, parts.gate, self._suspenders.see)
        schedule = section.schedule.build()
        self._schedule = schedule
        quality = Quality(section.quality.max_flawed, section.quality.min_anchors_right)
        self._learner = AnimalLearner(schedule, quality, wash_out=section.subject.wash_out_trials)
        self._steps = StepWatch(parts.clock)
        self._begin_ns = parts.clock.passed_ns()
        self._stop: Ending | None = None
        self._paused = False
        self._warmed_up = self._held = False
        self.trials = 0
        self.episodes = 0

    def run(self) -> Ending:
        """Run it; whatever happens, the rig is off when this returns or raises.

        Raises:
            controller.store.StoreError: a trial can't be stored; the session ended there.
        """
        p, ending = self._p, Ending("failed", "a fault of the program")
        p.log.event("session_started")
        p.alerts.send("start", f"{p.subject}: session {p.name} begins")
        p.queue.while_waiting(lambda: self._runner.perform(Wait(0.0)))  # keeps the lease
        try:
            self._suspenders.begin(p.rig.high_inputs())
            p.rig.arm()
            ending = self._until_over()
            self._top_up()
        except Stopped as stopped:
            emergency = str(stopped) == Wish.EMERGENCY.name.lower()
            ending = Ending("emergency" if emergency else "aborted", "asked for at the keyboard")
        except KeyboardInterrupt:
            ending = Ending("aborted", "interrupted twice")
        except Refusal as refusal:
            ending = Ending("limit", str(refusal))
            p.say(str(refusal))
        except (RigError, SessionError) as error:
            ending = Ending("fault" if isinstance(error, RigError) else "failed", str(error))
        except StoreError as error:
            ending = Ending("failed", str(error))
            raise
        finally:
            self._end(ending)
        return ending

    # episodes

    def _until_over(self) -> Ending:
        while True:
            try:
                lease = self._leased()
                if isinstance(lease, Ending):
                    return lease
                self._episode(lease)
            except _Over as over:
                return over.ending
            except LeaseLost as lost:
                self._p.log.event("lease_lost", text=str(lost))
                self._p.say(str(lost))
            if self._p.section.subject.policy == "naive" and self._p.observer is None:
                return Ending("episode", "every candidate gets a naive subject")

    def _leased(self) -> Lease | Ending:
        """Return the next slot; holds while there is none, as far as that makes sense."""
        p, since_ns, told = self._p, self._p.clock.passed_ns(), False
        fresh = p.section.subject.policy == "naive" and p.observer is None
        while True:
            self._between()
            p.planning.nudge()
            if p.queue.read(STATE) == FINISHED:
                return Ending("finished", "the experiment is over")
            try:
                lease = p.queue.lease(p.subject, p.name, p.section.lease_hours, fresh=fresh)
            except NothingToDo as nothing:
                waited_s = (p.clock.passed_ns() - since_ns) / 1e9
                patience_s = p.patience_s if nothing.waits_for_planner else OTHERS_S
                if not p.waits or waited_s > patience_s:
                    return Ending("no_slot", str(nothing))
                if not told and waited_s > min(TELL_S, patience_s / 2):
                    told = True
                    p.log.event("waiting_for_planner", text=str(nothing))
                    p.say(f"waiting: {nothing}")
                self._runner.perform(Wait(LOOK_S))
                self._runner.forget_time()
            else:
                return lease

    def _episode(self, lease: Lease) -> None:
        p, assignment = self._p, lease.assignment
        earlier = _trials_of(p.sessions, lease)
        observer = p.observer
        if observer is not None:
            self._runner.excuse(lambda: observer.episode(assignment, list(earlier.values())))
        begun = "episode_resumed" if earlier else "episode_started"
        p.log.event(begun, value=assignment.slot, with_next=True)
        self._warm_up(assignment)

        def run(asked: TrialRequest) -> Response:
            done = earlier.get(asked.index)
            return self._trial(assignment, asked) if done is None else _response(done)

        answered = self._learner.evaluate(assignment, run)
        self.episodes += 1
        if answered.void is None:
            result = Result(answered.answers, answered.presentations, assignment.attempt + 1)
            p.queue.finish(lease, result)
            p.log.event("episode_done", value=assignment.slot, with_next=True)
            self._tell_progress(assignment)
            return
        p.log.event("episode_void", value=assignment.slot, text=answered.void)
        p.say(f"{assignment.name} is void: {answered.void}; it will be run again")
        voids = p.queue.void(lease, answered.void)
        if voids >= p.section.quality.max_voids:
            why = f"{assignment.name} was void {voids} times, the last time because {answered.void}"
            p.alerts.send("fault", why)
            raise _Over(Ending("failed", f"{why}; look at the animal and the rig"))

    def _tell_progress(self, assignment: Assignment) -> None:
        """Say how far it is, to somebody who watches in real time."""
        p = self._p
        if p.waits:
            minutes = (p.clock.passed_ns() - self._begin_ns) / 60e9
            p.say(
                f"{assignment.name} done: {self.trials} trials, {p.rewards.given.water_ul:.0f} µl "
                f"today, {minutes:.0f} min"
            )

    def _warm_up(self, assignment: Assignment) -> None:
        if self._warmed_up:
            return
        self._warmed_up = True
        planned = self._schedule.warm_ups(len(assignment.train_x), assignment.seed)
        for number, one in enumerate(planned):
            self._trial(assignment, request(assignment, number - len(planned), one))

    # trials

    def _trial(self, assignment: Assignment, asked: TrialRequest) -> Response:
        """Run one trial; it is durable when this returns, and the pause after it is over."""
        self._between()
        p = self._p
        shown = self._shown(assignment, asked.stimulus)
        observer = p.observer
        if observer is not None:
            self._runner.excuse(lambda: observer.shown(shown, asked.stimulus))
        response = self._runner.run(self._plan.trial(shown, self._reward(asked)))
        events, overhead_us = self._runner.take()
        p.log.trial(assignment, asked, response, events, overhead_us)
        self.trials += 1
        self._suspenders.see_response(asked.planned.phase, response)
        self._runner.perform(Wait(max(self._plan.interval_s, _lasts_s(shown))))
        return response

    def _reward(self, asked: TrialRequest) -> Reward:
        """Return what a response brings: nothing, unless feedback follows a label."""
        label, chance = asked.label, asked.planned.chance
        if label is None:
            return no_reward

        def reward(value: float) -> Pulse | None:
            return self._feedback.outcome(value * label, chance)

        return reward

    def _shown(self, assignment: Assignment, stimulus: np.ndarray | None) -> Shown:
        p = self._p
        if p.mapping is None:
            raise Refusal("the rig's document has no [mapping]: it doesn't say how stimuli look")
        if stimulus is None:
            return p.mapping.nothing(p.photodiode)
        shown = p.mapping.shown(stimulus, p.photodiode)
        if p.section.subject.policy == "context" and shown.scene is not None:
            # one colour for each candidate: no two generations have the same
            number = assignment.generation * p.slots + assignment.slot
            return Shown((*shown.scene, cue(number)), shown.go)
        return shown

    # between trials

    def _between(self) -> None:
        """Look at everything that may keep the next trial from beginning.

        Raises:
            _Over: the session is over.
            Stopped: at once.
        """
        self._hear()
        if self._stop is not None:
            raise _Over(self._stop)
        p = self._p
        self._look_at_the_time()
        if self.trials >= p.section.trials:
            raise _Over(Ending("trials", f"{self.trials} trials are done"))
        step_ns = self._steps.step_ns()
        if step_ns:
            p.log.event("clock_stepped", value=step_ns / 1e9)
            p.say(f"the computer's clock was set by {step_ns / 1e9:+.0f} s; trials go on")
        self._hold()

    def _look_at_the_time(self) -> None:
        """End a session that has lasted long enough, also one that is held.

        Raises:
            _Over: the session is over.
        """
        p = self._p
        minutes = (p.clock.passed_ns() - self._begin_ns) / 60e9
        longest = min(p.section.minutes, p.limits.minutes_max)
        if minutes >= longest:
            raise _Over(Ending("time", f"{longest:g} minutes are over"))

    def _hear(self) -> None:
        """Do what was asked for.

        Raises:
            Stopped: at once.
        """
        p = self._p
        p.controls.watch()
        for wish, words in p.controls.wishes():
            match wish:
                case Wish.STOP:
                    p.log.event("stop_asked", text=words)
                    self._stop = self._stop or Ending("stopped", words)
                case Wish.PAUSE:
                    self._paused = True
                case Wish.GO_ON:
                    self._paused = False
                    self._suspenders.forgive()
                case Wish.FREE_REWARD:
                    self._free_reward()
                case Wish.NOTE:
                    p.log.event("note", text=words)
                    p.say("noted")
                case Wish.ABORT | Wish.EMERGENCY:  # it came after the look above
                    raise Stopped(wish.name.lower())
                case _:
                    pass

    def _hold(self) -> None:
        """While something holds the session, keep everything off and look again and again."""
        p, reason = self._p, self._reason()
        if reason is None:
            return
        began_ns = p.clock.passed_ns()
        p.rig.make_safe()
        self._held = True
        p.log.event("paused" if self._paused else "held", text=reason)
        p.say(f"held: {reason}; r goes on, s stops")
        if not self._paused:
            p.alerts.send("fault", f"{p.subject}: {reason}")
        while self._stop is None and (reason := self._reason()) is not None:
            if not p.waits:
                raise _Over(Ending("held", reason))
            self._runner.perform(Wait(LOOK_S))
            self._hear()
            self._look_at_the_time()
        seconds = (p.clock.passed_ns() - began_ns) / 1e9
        p.log.event("resumed", value=seconds)
        self._runner.forget_time()
        if self._stop is not None:
            raise _Over(self._stop)
        p.rig.arm()
        self._held = False

    def _reason(self) -> str | None:
        if self._paused:
            return "paused"
        return self._suspenders.reason(self._p.clock.passed_ns())

    def _free_reward(self) -> None:
        """Give the largest reward of the protocol once, if the day's limit allows it."""
        p, pulse = self._p, self._dose()
        if pulse is None:
            p.say("this protocol has no valve to give a free reward by")
            return
        if self._held and not self._paused:
            p.say("no free reward while something holds the session")
            return
        if self._held:  # everything is off in a pause, but for this moment
            p.rig.arm()
        try:
            event = self._runner.perform(Deliver(pulse))
        except (Refusal, Refused) as refusal:
            p.log.event("refused", text=str(refusal))
            p.say(str(refusal))
            return
        finally:
            if self._held:
                p.rig.make_safe()
        self._runner.apart(event)
        p.log.event("free_reward", value=pulse.volume_ul or math.nan, pulsed=event.pulsed)

    def _dose(self) -> Pulse | None:
        pulses = [one for one in self._feedback.largest() if one.volume_ul is not None]
        return max(pulses, key=lambda one: one.volume_ul or 0.0, default=None)

    # the end

    @property
    def _missing_ul(self) -> float:
        return self._p.limits.water_min_ul - self._p.rewards.given.water_ul

    def _top_up(self) -> None:
        """Give by the valve what is missing to the day's least water, where that is wanted."""
        p, dose = self._p, self._dose()
        held = self._suspenders.reason(p.clock.passed_ns())
        wanted = p.limits.top_up == "valve" and self._missing_ul > 0
        if not wanted or dose is None or held is not None:
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

    def _tell_missing(self) -> None:
        """Say how much water somebody has to give, however the session ended."""
        p, dose = self._p, self._dose()
        by_valve = p.limits.top_up == "valve" and dose is not None
        rounding_ul = (dose.volume_ul or 0.0) / 2 if by_valve and dose is not None else 0.0
        missing_ul = self._missing_ul
        if missing_ul <= 0 or missing_ul < rounding_ul:
            return
        p.log.event("top_up", value=missing_ul, text="by hand")
        p.say(f"give {p.subject} {missing_ul:.0f} µl of water by hand")
        p.alerts.send("limit", f"{p.subject} needs {missing_ul:.0f} µl by hand")

    def _end(self, ending: Ending) -> None:
        """Make the rig safe, read back that it is, and write down how it ended."""
        p = self._p
        p.queue.while_waiting(lambda: None)
        safe = p.rig.make_safe()
        left, _ = self._runner.take()
        with suppress(RigError):  # pulses that can't be kept: the device has counted them as well
            left.append(p.rig.rest())
        pulsed = [one for event in left for one in event.pulsed]
        with suppress(StoreError):
            self._tell_missing()
            self._log_ending(ending, safe, pulsed)
        if not safe.verified or safe.outputs_on:
            on = ", ".join(safe.outputs_on) or "the device doesn't answer"
            p.say(f"NOT SAFE: {on}. Cut the valves' power and look at the rig")
            p.alerts.send("fault", f"{p.subject}: outputs couldn't be shown to be off: {on}")
        kind = "fault" if ending.status in {"fault", "failed", "emergency"} else "end"
        p.alerts.send(kind, f"{p.subject}: {ending.status}: {ending.reason}", trials=self.trials)
        p.alerts.flush()

    def _log_ending(self, ending: Ending, safe: SafeState, pulsed: list) -> None:
        kinds = {
            "fault": "fault",
            "failed": "fault",
            "aborted": "aborted",
            "emergency": "emergency_stop",
            "limit": "limit_reached",
        }
        if ending.status in kinds:
            self._p.log.event(kinds[ending.status], text=ending.reason)
        off = safe.verified and not safe.outputs_on and not safe.armed
        self._p.log.event("made_safe", value=float(off))
        words = f"{ending.status}: {ending.reason}"
        self._p.log.event("session_ended", value=self.trials, text=words, pulsed=pulsed)


def _lasts_s(shown: Shown) -> float:
    """Return how long the line that is the stimulus is on: a trial may be over before."""
    width_us = shown.go.width_us if isinstance(shown.go, Pulse) else None
    return (width_us or 0) / 1e6


def _trials_of(sessions: Path, lease: Lease) -> dict[int, TrialFrame]:
    """Return what earlier sessions have stored of an episode, by its place in the episode."""
    one, found = lease.assignment, {}
    for name in lease.earlier:
        folder = sessions / name
        if not folder.is_dir():
            continue
        with History(folder) as history:
            for _, frame in history.frames():
                key = (one.stage, one.generation, one.slot, one.attempt)
                if isinstance(frame, TrialFrame) and frame.index >= 0:
                    place = (frame.stage, frame.generation, frame.slot, frame.attempt)
                    if place == key:
                        found[frame.index] = frame
    return found


def _response(frame: TrialFrame) -> Response:
    """Return what a stored trial's subject did."""
    return Response(
        answer=None if math.isnan(frame.answer) else frame.answer,
        outcome=Outcome(frame.outcome),
        latency_us=None if math.isnan(frame.latency_us) else round(frame.latency_us),
        licks=frame.licks,
        flaw="as stored" if math.isnan(frame.answer) else None,
    )
