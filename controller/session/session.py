"""One session: a subject on a rig, from arming it to showing that everything is off again.

    between trials: wishes → limits → suspenders
    a trial:        plan → gate → rig → event → plan …; durable before the next one begins

One odd trial is an outcome and never the end. What ends a session is an `Ending`; whatever it is,
the rig is made safe first, and that it is so is read back and stored.
"""

from contextlib import suppress

import numpy as np

from controller.session.clock import StepWatch
from controller.session.controls import Wish
from controller.session.errors import LeaseLost, NothingToDo, Refusal, SessionError, Stopped
from controller.session.extra_water import ExtraWater
from controller.session.parts import Ending, Parts
from controller.session.planning import FINISHED, STATE
from controller.session.queue import Lease, Result
from controller.session.resuming import response_of, trials_of
from controller.session.suspenders import Suspenders
from controller.session.trial_runner import TrialRunner
from controller.store import StoreError
from hardware.interface import Pulse, RigError, SafeState, Wait
from learners.animal import AnimalLearner, Quality, TrialRequest, request
from protocols.assignment import Assignment
from protocols.context import cue
from protocols.plans.base import Reward, no_reward
from protocols.trials import Response, Shown

LOOK_S = 0.2  # between two looks while a session is held
OTHERS_S = 30.0  # how long somebody else's slots are waited for
TELL_S = 2.0  # a planner takes a moment after every generation


class _Over(Exception):  # noqa: N818  no error
    """The session ends after the trial that is done."""

    def __init__(self, ending: Ending) -> None:
        self.ending = ending
        super().__init__(ending.status)


class Session:
    """Runs one session to its end."""

    def __init__(self, parts: Parts) -> None:
        self._p = parts
        section = parts.section
        self._plan, self._feedback = section.plan.build(), section.feedback.build()
        self._suspenders = Suspenders(section.suspenders, parts.responses)
        self._runner = TrialRunner(parts.rig, parts.gate, self._suspenders.see)
        self._water = ExtraWater(parts, self._runner)
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
            if self._suspenders.reason(p.clock.passed_ns()) is None:
                self._water.top_up()
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
        earlier = trials_of(p.sessions, lease)
        observer = p.observer
        if observer is not None:
            self._runner.excuse(lambda: observer.episode(assignment, list(earlier.values())))
        begun = "episode_resumed" if earlier else "episode_started"
        p.log.event(begun, value=assignment.slot, with_next=True)
        self._warm_up(assignment)

        def run(asked: TrialRequest) -> Response:
            done = earlier.get(asked.index)
            return self._trial(assignment, asked) if done is None else response_of(done)

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
        if self._held and not self._paused:
            self._p.say("no free reward while something holds the session")
        else:
            self._water.free(paused=self._held)

    # the end

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
            self._water.tell_missing()
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
