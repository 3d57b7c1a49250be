"""A simulated animal made of any learner: it sees, licks, is rewarded and learns trial by trial.

Between the learner and the rig stands behaviour: reaction times, lapses, a bias, satiety, and
memory of the candidates before. What it learns from is what the rig delivered, as it was felt;
nobody tells it a label. It knows training stimuli from test stimuli, as an animal knows the blocks
of a session: where nothing comes it learns from that in training, and nothing at all in the test.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol

import jax
import numpy as np
from annotated_types import Ge, Gt, Le

from hardware.interface import Ask, Present, Pulse, Pulsed, TrialReport
from hardware.messages import Outcome
from hardware.subject import Touch
from learners.base import AbstractLearner
from protocols.assignment import Assignment
from protocols.feedbacks.base import AbstractFeedback
from protocols.plans.base import AbstractPlan
from protocols.trials import Shown

LAST_CHANCE = math.nextafter(1.0, 0.0)
TOLERANCE_US = 1000  # of a stored pulse's width
Part = Annotated[float, Ge(0), Le(1)]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How an animal differs from the circuit in it. The defaults: not at all."""

    reaction_ms: Annotated[float, Gt(0)] = 300.0
    """Median of its reaction times, which are log-normal."""
    reaction_spread: Annotated[float, Ge(0)] = 0.2
    """Standard deviation of their logarithm."""
    lapses: Part = 0.0
    """Part of the trials in which it answers at random."""
    bias: Annotated[float, Ge(-2), Le(2)] = 0.0
    """Added to every answer."""
    sated_ul: Annotated[float, Gt(0)] = float("inf")
    """Water after which it doesn't respond any more, in one session."""
    carry_over: Part = 0.0
    """Weight of what it learned from the candidate before, once there is one."""


class Stored(Protocol):
    """A trial of another session, as its store has it."""

    @property
    def label(self) -> float:
        """What feedback followed; NaN: none."""
        ...

    @property
    def answer(self) -> float:
        """NaN: none."""
        ...

    @property
    def outcome(self) -> int:
        """How the device saw it end."""
        ...

    @property
    def volume_ul(self) -> float:
        """Water in all."""
        ...

    @property
    def x(self) -> np.ndarray:
        """The stimulus, f4[feature]."""
        ...

    @property
    def pulse_width_us(self) -> np.ndarray:
        """Of every pulse."""
        ...


class _Memory:
    """Stimuli and what they were worth, as arrays that JAX takes; and the answers that follow."""

    __slots__ = ("answers", "x", "z")

    def __init__(self) -> None:
        self.x: np.ndarray | None = None
        self.z = np.empty(0, np.float32)
        self.answers: dict[bytes, float] = {}

    def add(self, x: np.ndarray, z: float) -> None:
        row = np.asarray(x, np.float32)[None]
        self.x = row if self.x is None else np.concatenate([self.x, row])
        self.z = np.append(self.z, np.float32(z))
        self.answers.clear()


class SimulatedSubject:
    """One simulated animal on an emulated rig."""

    def __init__(
        self,
        learner: AbstractLearner,
        plan: AbstractPlan,
        feedback: AbstractFeedback,
        volume_ul: Callable[[Pulsed], float | None],
        behaviour: Behaviour | None = None,
    ) -> None:
        """`volume_ul` is how much water a pulse of a valve gives."""
        self._plan, self._feedback, self._volume_ul = plan, feedback, volume_ul
        self._behaviour = behaviour or Behaviour()
        self._predict = jax.jit(lambda x, z, at, key: learner.fit_predict(x, z, at, key=key))
        self._seen: dict[object, np.ndarray | None] = {}
        self._stimuli = np.empty((0, 0), np.float32)
        self._trained: frozenset[bytes] = frozenset()
        self._now, self._before = _Memory(), _Memory()
        self._candidate: tuple[int, ...] = ()
        self._key = jax.random.key(0)
        self._random = np.random.default_rng(0)
        self._drawn = (0.0, 0.0, 0)
        self._meant: float | None = None
        self._awaiting: tuple[np.ndarray, float] | None = None
        self._water_ul = 0.0

    def begin_session(self) -> None:
        """Be thirsty again, on another day."""
        self._water_ul = 0.0

    # the observer's part: what it sees

    def episode(self, assignment: Assignment, earlier: Sequence[Stored]) -> None:
        """Begin a candidate, or go on with one of which trials were run in another session."""
        one = assignment
        candidate = (one.stage, one.generation, one.slot, one.attempt)
        if candidate != self._candidate:
            self._nothing_came()
            self._before, self._candidate = self._now, candidate
        # an outcome that wasn't stored with its trial didn't happen
        self._now, self._awaiting, self._meant = _Memory(), None, None
        self._before.answers.clear()
        self._key = jax.random.key(one.seed)
        self._stimuli = np.concatenate([one.train_x, one.test_x]).astype(np.float32)
        self._trained = frozenset(x.tobytes() for x in self._stimuli[: len(one.train_x)])
        self._random = np.random.default_rng([one.seed, one.attempt])
        self._seen.clear()
        for trial in earlier:
            self._draw()
            self._recall(trial)

    def shown(self, shown: Shown, stimulus: np.ndarray | None) -> None:
        """Remember what a scene stands for, as an animal's eyes would see it; a trial begins."""
        self._nothing_came()
        self._seen[shown] = stimulus
        self._drawn = self._draw()

    # the rig's part: what it does and feels

    def touches(self, present: Present) -> Iterable[Touch]:
        """Answer to what is shown."""
        looking_at = self._seen.get(Shown(present.scene, present.trial.go))
        chance, anything, reaction_us = self._drawn
        self._meant = None
        if self._water_ul < self._behaviour.sated_ul:
            if chance < self._behaviour.lapses:
                self._meant = anything
            elif looking_at is not None:
                self._meant = self.answer(looking_at)
        self._await(looking_at)
        return () if self._meant is None else self._plan.act(self._meant, reaction_us)

    def feel(self, report: TrialReport) -> None:
        """Drink, and learn from the first thing that comes in a trial with feedback."""
        if report.pulsed is None:
            return
        volume_ul = self._volume_ul(report.pulsed)
        self._water_ul += volume_ul or 0.0
        self._learn(self._feedback.perceived(report.pulsed.line, volume_ul))

    def say(self, ask: Ask) -> str | None:
        """Type the answer to what was shown last."""
        del ask
        return None if self._meant is None else self._plan.words(self._meant)

    def answer(self, x: np.ndarray) -> float:
        """Return what it believes of a stimulus, from the trials so far."""
        believed = self._believed(self._now, x)
        share = self._behaviour.carry_over
        if share and self._before.x is not None:
            believed = (1 - share) * believed + share * self._believed(self._before, x)
        return believed + self._behaviour.bias

    def _believed(self, memory: _Memory, x: np.ndarray) -> float:
        """Return the learner's answer; those to all of the episode's stimuli are found at once."""
        if memory.x is None:
            return 0.0
        if not memory.answers:
            answers = self._predict(memory.x, memory.z, self._stimuli, self._key)
            for stimulus, answer in zip(self._stimuli, np.asarray(answers).tolist(), strict=True):
                memory.answers[stimulus.tobytes()] = answer
        return memory.answers[_bytes(x)]

    # learning

    def _await(self, x: np.ndarray | None) -> None:
        """Expect something of what it does, where feedback may follow that."""
        self._awaiting = None
        worth = self._plan.worth(self._meant)
        if x is not None and worth is not None and _bytes(x) in self._trained:
            self._awaiting = (x, worth)

    def _nothing_came(self) -> None:
        """Learn from that, at the latest when the next trial begins."""
        self._learn(self._feedback.perceived(None, None))

    def _learn(self, value: float | None) -> None:
        """Learn the value of what was done, once a trial."""
        awaiting, self._awaiting = self._awaiting, None
        if awaiting is not None and value is not None:
            x, worth = awaiting
            self._now.add(x, worth * value)

    def _recall(self, trial: Stored) -> None:
        """Learn again what a stored trial taught."""
        if math.isnan(trial.label) or trial.outcome == Outcome.NO_GO:
            return
        worth = self._plan.worth(None if math.isnan(trial.answer) else trial.answer)
        if worth is None:
            return
        self._awaiting = (trial.x, worth)
        for chance in (0.0, LAST_CHANCE):  # what may have come
            pulse = self._feedback.outcome(worth * trial.label, chance)
            if pulse is not None and _came(pulse, trial):
                self._learn(self._feedback.perceived(pulse.line, trial.volume_ul))
        self._nothing_came()

    def _draw(self) -> tuple[float, float, int]:
        """Return a trial's random numbers, always as many: an episode that goes on is as it was."""
        chance, anything = self._random.random(2)
        logarithm = self._behaviour.reaction_spread * self._random.standard_normal()
        return (
            chance,
            2 * anything - 1,
            round(self._behaviour.reaction_ms * 1e3 * np.exp(logarithm)),
        )


def _bytes(x: np.ndarray) -> bytes:
    return np.asarray(x, np.float32).tobytes()


def _came(pulse: Pulse, trial: Stored) -> bool:
    """Whether a stored trial has a pulse like this."""
    if pulse.volume_ul is not None:
        return trial.volume_ul > 0
    widths = np.abs(trial.pulse_width_us - (pulse.width_us or 0))
    return bool((widths < TOLERANCE_US).any())
