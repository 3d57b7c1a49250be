"""An animal as a learner: an episode in, answers out, trial by trial.

It is asked for the same as every circuit, but answers with a spread, misses trials, and has days on
which nothing can be concluded from it. Nothing here imports JAX or touches a rig: whoever drives
the rig hands in a function that runs one trial.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np

from hardware.messages import Outcome
from protocols.assignment import Assignment
from protocols.schedule import NO_STIMULUS, Planned, Schedule
from protocols.trials import Phase, Response

AGAIN = 3  # rounds in which test stimuli without an answer are shown again
UNSEEN = frozenset([Outcome.NO_GO, Outcome.CANCELLED, Outcome.FAULTED])
FED_BACK = frozenset([Phase.TRAINING, Phase.WARM_UP])


@dataclass(frozen=True, slots=True, eq=False)
class TrialRequest:
    """One trial of an episode, as whoever runs it needs to know it."""

    index: int
    """Place in the episode."""
    planned: Planned
    stimulus: np.ndarray | None
    """None in a catch trial."""
    label: float | None
    """What feedback follows; None where there is none, as in every test trial."""


RunTrial = Callable[[TrialRequest], Response]


@dataclass(frozen=True, slots=True)
class Quality:
    """When an episode counts."""

    max_flawed: float = 0.2
    """Largest part of the test presentations that may tell nothing, and of the training trials that
    may not have been shown."""
    min_anchors_right: float = 0.0
    """Smallest part of the anchors whose answer must have the label's sign."""


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """What came of an episode."""

    answers: np.ndarray
    """f4[test]: mean over the presentations, in [-1, 1]; NaN without one."""
    standard_error: np.ndarray
    """f4[test]: of the mean; NaN below two presentations."""
    presentations: int
    """Trials that were run, of every phase."""
    flawed: float
    """Part of the test presentations that told nothing."""
    anchors_right: float
    """Part of the anchors whose answer had the label's sign, of 0 half; NaN without anchors."""
    lapse_rate: float
    """Part of the trials in which it seems to have guessed: twice the anchors that were wrong, as a
    guess is right half the time. NaN without anchors."""
    catch_answer: float
    """Mean answer when nothing was shown; NaN without catch trials."""
    void: str | None
    """Why it can't be used; None for an episode that counts."""


@final
class AnimalLearner:
    """Runs episodes by a schedule, and judges whether they count."""

    def __init__(self, schedule: Schedule, quality: Quality, *, wash_out: int = 0) -> None:
        """`wash_out` trials without a function come before every episode."""
        self._schedule, self._quality, self._wash_out = schedule, quality, wash_out

    def evaluate(self, assignment: Assignment, run: RunTrial) -> Answered:
        """Run one episode; `run` raises what ends a session."""
        n_train, n_test = len(assignment.train_x), len(assignment.test_x)
        planned = self._schedule.trials(n_train, n_test, assignment.seed, wash_out=self._wash_out)
        done = [(one, run(request(assignment, at, one))) for at, one in enumerate(planned)]
        for _ in range(AGAIN):
            missing = np.flatnonzero(np.isnan(_means(done, n_test)[0]))
            for row in missing.tolist():
                one = Planned(Phase.TEST, row, 0.0)
                done.append((one, run(request(assignment, len(done), one))))
        return self._judged(assignment, done)

    def _judged(self, assignment: Assignment, done: list[tuple[Planned, Response]]) -> Answered:
        answers, errors = _means(done, len(assignment.test_x))
        test = [response for one, response in done if one.phase == Phase.TEST]
        flawed = float(np.mean([response.answer is None for response in test]))
        right = [
            (1 + np.sign(response.answer) * np.sign(assignment.train_z[one.stimulus])) / 2
            for one, response in done
            if one.phase == Phase.ANCHOR
            and response.answer is not None
            and assignment.train_z[one.stimulus] != 0
        ]
        caught = [
            response.answer
            for one, response in done
            if one.phase == Phase.CATCH and response.answer is not None
        ]
        anchors_right = float(np.mean(right)) if right else float("nan")
        return Answered(
            answers=answers,
            standard_error=errors,
            presentations=len(done),
            flawed=flawed,
            anchors_right=anchors_right,
            lapse_rate=min(1.0, 2 * (1 - anchors_right)) if right else float("nan"),
            catch_answer=float(np.mean(caught)) if caught else float("nan"),
            void=self._untaught(done) or self._void(answers, flawed, anchors_right),
        )

    def _untaught(self, done: list[tuple[Planned, Response]]) -> str | None:
        """Return why an episode taught too little: trials in which nothing was shown."""
        outcomes = [response.outcome for one, response in done if one.phase == Phase.TRAINING]
        part = float(np.mean([outcome in UNSEEN for outcome in outcomes]))
        if part <= self._quality.max_flawed:
            return None
        return (
            f"{part:.0%} of the training trials weren't shown, more than the "
            f"{self._quality.max_flawed:.0%} that are allowed"
        )

    def _void(self, answers: np.ndarray, flawed: float, anchors_right: float) -> str | None:
        missing = int(np.isnan(answers).sum())
        if missing:
            return f"{missing} of {len(answers)} test stimuli have no answer"
        if flawed > self._quality.max_flawed:
            return (
                f"{flawed:.0%} of the test trials told nothing, more than the "
                f"{self._quality.max_flawed:.0%} that are allowed"
            )
        if self._quality.min_anchors_right and np.isnan(anchors_right):
            return "none of the anchors can be judged: they told nothing, or have the label 0"
        if anchors_right < self._quality.min_anchors_right:
            return (
                f"{anchors_right:.0%} of the anchors were right, less than the "
                f"{self._quality.min_anchors_right:.0%} that are needed"
            )
        return None


def request(assignment: Assignment, index: int, planned: Planned) -> TrialRequest:
    """Return one trial of an episode with its stimulus, and its label where feedback follows it."""
    row, stimulus, label = planned.stimulus, None, None
    if row != NO_STIMULUS:
        table = assignment.test_x if planned.phase == Phase.TEST else assignment.train_x
        stimulus = table[row]
    if planned.phase in FED_BACK:
        label = float(assignment.train_z[row])
    elif planned.phase == Phase.WASH_OUT:
        label = planned.valence
    return TrialRequest(index, planned, stimulus, label)


def _means(done: list[tuple[Planned, Response]], n_test: int) -> tuple[np.ndarray, np.ndarray]:
    """Return each test stimulus' mean answer and its standard error, f4[test] each."""
    given: list[list[float]] = [[] for _ in range(n_test)]
    for one, response in done:
        if one.phase == Phase.TEST and response.answer is not None:
            given[one.stimulus].append(response.answer)
    means = [float(np.mean(each)) if each else float("nan") for each in given]
    errors = [
        float(np.std(each, ddof=1) / np.sqrt(len(each))) if len(each) > 1 else float("nan")
        for each in given
    ]
    return np.array(means, np.float32), np.array(errors, np.float32)
