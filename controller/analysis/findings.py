"""What a reader must know before any number: what was not learner-driven, and what went wrong.

Findings are made from a record alone, so every report, page and terminal says the same. A section
that a record doesn't have is silent here, too.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from controller.analysis import findings_at_rig, findings_of_answers
from controller.analysis.finding import Finding, numbers_of
from controller.analysis.record import Record
from controller.analysis.verdict import Verdict

NO_ANIMAL = {
    "simulated": "a simulated learner answered: nothing here is about an animal",
    "emulated": "a simulated animal on an EMULATED rig answered: no animal was there",
    "simavr": "a simulated animal on an EMULATED board answered: no animal was there",
    "imported": "somebody else's trials, imported: this program neither chose nor timed them",
}
ENDED = {
    "running": "it is still running: everything here is of one moment",
    "killed": "its process was killed: what was stored is here, the rest never happened",
    "interrupted": "it was interrupted: `biasloop resume` goes on",
    "failed": "it failed: what was stored before is here",
    "created": "it never began",
}


def findings(record: Record) -> tuple[Finding, ...]:
    """Return what isn't as one would wish, the gravest first."""
    found = [finding for rule in _RULES for finding in rule(record)]
    return tuple(sorted(found, key=lambda finding: not finding.grave))


def headline(record: Record) -> str:
    """Say in one sentence how many stages are evidence about the learner."""
    stages = numbers_of(record, "functions").get("stages", [])
    if not stages:
        return _without_stages(numbers_of(record, "origin"))
    driven = sum(stage.get("verdict") == Verdict.LEARNER_DRIVEN for stage in stages)
    return f"{driven} of {len(stages)} stage{'s' * (len(stages) > 1)} learner-driven."


def _without_stages(origin: Mapping[str, Any]) -> str:
    if origin.get("kind") == "session":
        return "A session alone: which functions were found, its experiment says."
    if origin.get("origin") == "imported":
        return "Imported trials: no function was searched for."
    return "No function was found yet: no generation is complete."


def spans(numbers: Iterable[int]) -> str:
    """Name stages: "stages 1 to 3, 5"."""
    ordered = sorted(set(numbers))
    runs = [
        [number for _, number in run]
        for _, run in groupby(enumerate(ordered), key=lambda pair: pair[1] - pair[0])
    ]
    named = [str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs]
    return f"stage{'s' * (len(ordered) > 1)} {', '.join(named)}"


def _verdicts(record: Record) -> Iterator[Finding]:
    stages: Sequence[Mapping[str, Any]] = numbers_of(record, "functions").get("stages", [])
    for kind in Verdict:
        numbers = [stage["stage"] for stage in stages if stage.get("verdict") == kind]
        if numbers and kind is not Verdict.LEARNER_DRIVEN:
            yield Finding(f"{spans(numbers)}: {kind.words}", "functions")


def _origin(record: Record) -> Iterator[Finding]:
    origin = numbers_of(record, "origin").get("origin")
    if origin in NO_ANIMAL:
        yield Finding(NO_ANIMAL[origin], "origin")


def _control(record: Record) -> Iterator[Finding]:
    """Say that there is no control where no verdict says it already."""
    stages = numbers_of(record, "functions").get("stages", [])
    said = any(stage.get("verdict") == Verdict.NO_CONTROL for stage in stages)
    if not said and numbers_of(record, "origin").get("control") is False:
        yield Finding("no control was run", "origin")


def _unfinished(record: Record) -> Iterator[Finding]:
    stages = numbers_of(record, "functions").get("stages", [])
    if numbers := [stage["stage"] for stage in stages if not stage.get("finished", True)]:
        yield Finding(f"{spans(numbers)} not finished: shown is the best so far", "functions")


def _ended(record: Record) -> Iterator[Finding]:
    origin = numbers_of(record, "origin")
    if origin.get("kind") != "session" and origin.get("exit_status") in ENDED:
        yield Finding(ENDED[origin["exit_status"]], "origin")


def _problems(record: Record) -> Iterator[Finding]:
    for problem in numbers_of(record, "origin").get("problems", []):
        yield Finding(f"not all could be read: {problem}", "origin")


_RULES: tuple[Callable[[Record], Iterable[Finding]], ...] = (
    _verdicts,
    _control,
    _origin,
    _ended,
    _unfinished,
    _problems,
    *findings_at_rig.RULES,
    *findings_of_answers.RULES,
)
