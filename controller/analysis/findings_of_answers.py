"""Findings of how answers were given: what in them may not be about the function at all."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from controller.analysis.finding import Finding, numbers_of
from controller.analysis.record import Record
from controller.analysis.wording import percent

CHANCE = 0.5
"""Part of anchors that is right by guessing the side."""
MISSED = 0.2
"""From this part of trials without an answer on, that is said."""
UNRELIABLE = 0.5
"""Below this reliability an evaluation says more about chance than about its candidate."""
CARRIED = 0.1
"""Weight of the trial before, beyond what chance gives it, that is worth a word."""


def _anchors(record: Record) -> Iterator[Finding]:
    """Say whose answers to what it was trained on can't be told from guessing."""
    for one in numbers_of(record, "anchors").get("subjects", []):
        if one.get("right") is not None and one["low"] is not None and one["low"] <= CHANCE:
            words = (
                f"{percent(one['right'])} of the anchors right (n = {one['n']}), maybe by guessing"
            )
            yield Finding(f"{one['subject']}: {words}", "anchors")


def _missed(record: Record) -> Iterator[Finding]:
    for one in numbers_of(record, "habits").get("subjects", []):
        missed: Mapping[str, Any] = one.get("missed") or {}
        if (missed.get("part") or 0) >= MISSED:
            words = f"no answer in {percent(missed['part'])} of {missed['n']:,} trials"
            yield Finding(f"{one['subject']}: {words}", "habits", grave=False)


def _carried_over(record: Record) -> Iterator[Finding]:
    """Name what the trial before adds: something, and not what any other of its episode does."""
    for row in numbers_of(record, "carry_over").get("rows", []):
        for key, words in (("previous_label", "label"), ("previous_answer", "answer")):
            found: Mapping[str, Any] = row.get(key) or {}
            chance = found.get("shuffled")
            if row["after"] != "any" or chance is None or found.get("low") is None:
                continue
            apart = all(not found["low"] <= other <= found["high"] for other in (0.0, chance))
            if apart and abs(found["weight"] - chance) >= CARRIED:
                yield Finding(
                    f"{row['subject']}: the {words} of the trial before has a weight of "
                    f"{found['weight']:.2g} in the answer ({chance:.2g} by chance)",
                    "carry_over",
                    grave=False,
                )


def _unreliable(record: Record) -> Iterator[Finding]:
    for one in numbers_of(record, "reliability").get("stages", []):
        if one.get("reliability") is not None and one["reliability"] < UNRELIABLE:
            yield Finding(
                f"stage {one['stage']}: the reliability of one evaluation is "
                f"{one['reliability']:.2f}: more chance than candidate",
                "reliability",
                grave=False,
            )


RULES: tuple[Callable[[Record], Iterable[Finding]], ...] = (
    _anchors,
    _missed,
    _carried_over,
    _unreliable,
)
