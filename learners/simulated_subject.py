"""A simulated animal made of any learner: it sees, licks, is rewarded and learns trial by trial.

Between the learner and the rig stands behaviour: reaction times, lapses, a bias, satiety, and
memory of the candidates before. What it learns from is what the rig delivered, as it was felt;
nobody tells it a label.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated

import jax
import numpy as np
from annotated_types import Ge, Gt, Le

from hardware.interface import Ask, Present, Pulsed, TrialReport
from hardware.subject import Touch
from learners.base import AbstractLearner
from protocols.assignment import Assignment
from protocols.feedbacks.base import AbstractFeedback
from protocols.plans.base import AbstractPlan
from protocols.trials import Shown

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
    """Weight of what it learned from the candidate before."""


class _Memory:
    """Stimuli and what they were worth; arrays that JAX takes as they are."""

    __slots__ = ("x", "z")

    def __init__(self) -> None:
        self.x: np.ndarray | None = None
        self.z = np.empty(0, np.float32)

    def add(self, x: np.ndarray, z: float) -> None:
        row = np.asarray(x, np.float32)[None]
        self.x = row if self.x is None else np.concatenate([self.x, row])
        self.z = np.append(self.z, np.float32(z))


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
        self._answers: dict[tuple[int, bytes], float] = {}
        self._now, self._before = _Memory(), _Memory()
        self._looking_at: np.ndarray | None = None
        self._key = jax.random.key(0)
        self._random = np.random.default_rng(0)
        self._water_ul = 0.0

    def begin_session(self) -> None:
        """Be thirsty again, on another day."""
        self._water_ul = 0.0

    # the observer's part: what it sees

    def episode(self, assignment: Assignment, earlier: list) -> None:
        """Begin a candidate, or go on with one of which trials were run in another session."""
        self._before, self._now = self._now, _Memory()
        self._key = jax.random.key(assignment.seed)
        self._stimuli = np.concatenate([assignment.train_x, assignment.test_x])
        self._answers.clear()
        # by the trial that comes next, so that an episode that is taken up again goes on alike
        self._random = np.random.default_rng([assignment.seed, assignment.attempt])
        self._seen.clear()
        for frame in earlier:
            self._draw()
            if not np.isnan(frame.label) and frame.volume_ul:
                line = self._feedback.largest()[-1].line
                self._learn(frame.x, self._feedback.perceived(line, frame.volume_ul))

    def shown(self, shown: Shown, stimulus: np.ndarray | None) -> None:
        """Remember what a scene stands for, as an animal's eyes would see it."""
        self._seen[shown] = stimulus

    # the rig's part: what it does and feels

    def touches(self, present: Present) -> Iterable[Touch]:
        """Answer to what is shown."""
        self._looking_at = self._seen.get(Shown(present.scene, present.trial.go))
        chance, anything, reaction_us = self._draw()
        if self._water_ul >= self._behaviour.sated_ul:
            return ()
        if chance < self._behaviour.lapses:
            return self._plan.act(anything, reaction_us)
        if self._looking_at is None:
            return ()
        return self._plan.act(self.answer(self._looking_at), reaction_us)

    def feel(self, report: TrialReport) -> None:
        """Learn from what was delivered; a trial in which nothing comes teaches nothing."""
        if report.pulsed is None:
            return
        volume_ul = self._volume_ul(report.pulsed)
        self._water_ul += volume_ul or 0.0
        if self._looking_at is not None:
            self._learn(self._looking_at, self._feedback.perceived(report.pulsed.line, volume_ul))

    def say(self, ask: Ask) -> str | None:
        """Type the answer to what was shown last."""
        del ask
        words = getattr(self._plan, "words", None)
        if words is None or self._looking_at is None:
            return None
        return words(self.answer(self._looking_at))

    def answer(self, x: np.ndarray) -> float:
        """Return what it believes of a stimulus, from the trials so far."""
        believed = self._believed(self._now, x)
        share = self._behaviour.carry_over
        if share:
            believed = (1 - share) * believed + share * self._believed(self._before, x)
        return believed + self._behaviour.bias

    def _believed(self, memory: _Memory, x: np.ndarray) -> float:
        """Return the learner's answer; those to all of the episode's stimuli are found at once."""
        if memory.x is None:
            return 0.0
        key = (id(memory), np.asarray(x, np.float32).tobytes())
        if key not in self._answers:
            answers = self._predict(memory.x, memory.z, self._stimuli, self._key)
            for stimulus, answer in zip(self._stimuli, np.asarray(answers).tolist(), strict=True):
                self._answers[id(memory), stimulus.tobytes()] = answer
        return self._answers[key]

    def _learn(self, x: np.ndarray, z: float) -> None:
        self._now.add(x, z)
        self._answers.clear()

    def _draw(self) -> tuple[float, float, int]:
        """Return a trial's random numbers, always as many."""
        chance, anything = self._random.random(2)
        logarithm = self._behaviour.reaction_spread * self._random.standard_normal()
        return (
            chance,
            2 * anything - 1,
            round(self._behaviour.reaction_ms * 1e3 * np.exp(logarithm)),
        )
