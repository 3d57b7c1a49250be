"""Whether a found function says something about the learner, decided from numbers.

A search can find a smooth function because the learner prefers it, or because the labeller, the
distribution term or the start of the search does. The control is the same search without a
learner, so what it finds too is no evidence about the learner. Neither is a function that fresh
learners generalise no better than the control's.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from controller.analysis.wording import ranked

SAME_SHARE = 0.05
"""Two functions are alike when the dominant degree's shares differ by no more than this …"""
SAME_ERROR_FACTOR = 2.0
"""… and their held-out errors g/Var differ by no more than this factor."""
GUESSING = 1.0
"""g/Var of a learner that always answers the mean label: from here on nothing was learnt."""
SAME_FUNCTION_COSINE = 0.5
"""From this overlap on, a stage repeats an earlier function: the angle is 60° or less."""

Record = Mapping[str, Any]
"""One stage of `summary()`."""


class Verdict(StrEnum):
    """What a stage's function is evidence of; the value is what JSON holds."""

    NOTHING_FOUND = "nothing_found"
    NOT_LEARNED = "not_learned"
    REPEATS = "repeats"
    NO_CONTROL = "no_control"
    CONTROL_NOT_ASKED = "control_not_asked"
    CONTROL_SAME = "control_same"
    NOT_EASIER = "not_easier"
    LEARNER_DRIVEN = "learner_driven"

    @property
    def words(self) -> str:
        """The verdict for people."""
        return _WORDS[self]


_WORDS = {
    Verdict.NOTHING_FOUND: "the function is constant: nothing was found",
    Verdict.NOT_LEARNED: "the learner does no better than the mean label: it did not learn this",
    Verdict.REPEATS: "overlaps an earlier stage's function: not a new one",
    Verdict.NO_CONTROL: "no control was run: can't be told from the search's own preference",
    Verdict.CONTROL_NOT_ASKED: "not the control's function, which no animal was asked about",
    Verdict.CONTROL_SAME: "the control shows the same: not evidence about the learner",
    Verdict.NOT_EASIER: "not clearly easier than the control's function: weak evidence",
    Verdict.LEARNER_DRIVEN: "learner-driven",
}


def verdict(stage: Record) -> Verdict:
    """Judge one stage of a summary: the first rule that holds, else `LEARNER_DRIVEN`."""
    holds = (found for found, rule in _RULES if rule(stage))
    return next(holds, Verdict.LEARNER_DRIVEN)


def _is_constant(stage: Record) -> bool:
    return stage["g_over_var"] is None or not ranked(stage["share"])


def _is_not_learned(stage: Record) -> bool:
    return stage["g_over_var"] >= GUESSING


def _repeats(stage: Record) -> bool:
    return stage["max_cosine"] is not None and stage["max_cosine"] >= SAME_FUNCTION_COSINE


def _has_no_control(stage: Record) -> bool:
    return stage["control"] is None


def _control_was_not_asked(stage: Record) -> bool:
    return not stage["control"].get("fresh_learners", 1)


def _is_same_in_control(stage: Record) -> bool:
    theirs = ranked(stage["control"]["share"])
    if not theirs:
        return False
    (degree, share), (their_degree, their_share) = ranked(stage["share"])[0], theirs[0]
    alike = degree == their_degree and abs(share - their_share) <= SAME_SHARE
    if stage["control"]["g_over_var"] is None:  # nobody was asked, or it is constant
        return alike and _control_was_not_asked(stage)
    low, high = sorted((stage["g_over_var"], stage["control"]["g_over_var"]))
    return alike and high <= SAME_ERROR_FACTOR * low


def _is_not_easier(stage: Record) -> bool:
    """Say whether a quarter of the control's learners, or more, do as well as our median one."""
    lower = stage["control"]["g_over_var_quartiles"][0]
    return lower is not None and stage["g_over_var"] >= lower


_RULES: tuple[tuple[Verdict, Callable[[Record], bool]], ...] = (
    (Verdict.NOTHING_FOUND, _is_constant),
    (Verdict.NOT_LEARNED, _is_not_learned),
    (Verdict.REPEATS, _repeats),
    (Verdict.NO_CONTROL, _has_no_control),
    (Verdict.CONTROL_SAME, _is_same_in_control),
    (Verdict.CONTROL_NOT_ASKED, _control_was_not_asked),
    (Verdict.NOT_EASIER, _is_not_easier),
)
"""Each rule may count on those before it not holding."""
