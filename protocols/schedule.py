"""The order of an episode's trials: blocks of training and test, and what stands among them.

Everything follows from a seed, so that an interrupted episode goes on in the same order.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge

from protocols.trials import Phase

NO_STIMULUS = -1


@dataclass(frozen=True, slots=True)
class Planned:
    """One trial of an episode."""

    phase: Phase
    stimulus: int
    """Row among the training stimuli (also of anchors and wash-out), or among the test stimuli;
    -1: none."""
    chance: float
    """From [0, 1): what feedback by probability draws on."""
    valence: float | None = None
    """Of wash-out trials: feedback that follows no function. None: the label decides."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How often everything is presented, and in which order."""

    training_blocks: Annotated[int, Ge(1)] = 1
    """How often each training stimulus is shown, in blocks that have each an order of their own."""
    repeats: Annotated[int, Ge(1)] = 1
    """How often each test stimulus is shown; its answers are averaged."""
    order: Literal["training first", "alternating"] = "training first"
    """All training trials first, or spread evenly before the test trials, the first before all."""
    warm_up: Annotated[int, Ge(0)] = 0
    """Trials at a session's beginning that count for nothing."""
    catch: Annotated[int, Ge(0)] = 0
    """Trials without a stimulus among the test trials."""
    anchors: Annotated[int, Ge(0)] = 0
    """Training stimuli among the test trials, without feedback."""

    def presentations(self, n_train: int, n_test: int) -> int:
        """Return the trials of one episode, without warm-up and wash-out."""
        return n_train * self.training_blocks + n_test * self.repeats + self.catch + self.anchors

    def trials(
        self, n_train: int, n_test: int, seed: int, *, wash_out: int = 0
    ) -> tuple[Planned, ...]:
        """Return an episode's trials in their order.

        Args:
            n_train: training stimuli.
            n_test: test stimuli.
            seed: decides the order and the chances.
            wash_out: trials before it whose feedback follows no function.
        """
        random = np.random.default_rng(seed)
        before = _wash_out(random, n_train, wash_out)
        training = _blocks(random, Phase.TRAINING, n_train, self.training_blocks)
        test = _blocks(random, Phase.TEST, n_test, self.repeats)
        extra = [Planned(Phase.CATCH, NO_STIMULUS, random.random()) for _ in range(self.catch)]
        anchors = random.permutation(n_train).tolist() * (1 + self.anchors // n_train)
        extra += [Planned(Phase.ANCHOR, row, random.random()) for row in anchors[: self.anchors]]
        for one in extra:
            test.insert(int(random.integers(len(test) + 1)), one)
        if self.order == "alternating":
            return (*before, *_alternating(training, test))
        return (*before, *training, *test)

    def warm_ups(self, n_train: int, seed: int) -> tuple[Planned, ...]:
        """Return the trials of a session's beginning."""
        random = np.random.default_rng([seed, 1])
        rows = random.integers(n_train, size=self.warm_up).tolist()
        return tuple(Planned(Phase.WARM_UP, row, random.random()) for row in rows)


def _blocks(random: np.random.Generator, phase: Phase, stimuli: int, blocks: int) -> list[Planned]:
    rows = [row for _ in range(blocks) for row in random.permutation(stimuli).tolist()]
    return [Planned(phase, row, random.random()) for row in rows]


def _wash_out(random: np.random.Generator, n_train: int, count: int) -> list[Planned]:
    rows = random.integers(n_train, size=count).tolist()
    return [
        Planned(Phase.WASH_OUT, row, random.random(), float(random.choice((-1.0, 1.0))))
        for row in rows
    ]


def _alternating(training: list[Planned], test: list[Planned]) -> list[Planned]:
    """Before each trial of the test, run the training that is due by then, rounded up."""
    merged: list[Planned] = []
    begun = 0
    for number, one in enumerate(test, start=1):
        due = -(-number * len(training) // len(test))
        merged += [*training[begun:due], one]
        begun = due
    return merged
