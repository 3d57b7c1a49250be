"""What each stage found, to be compared between stores."""

from collections.abc import Mapping

from controller.analysis.sections.base import Cell, Numbers
from controller.analysis.side_by_side.base import Quantity
from controller.analysis.verdict import Verdict
from controller.analysis.wording import finds


def _found(numbers: Numbers) -> Mapping[str, Cell]:
    word = numbers["degree_is"]
    return {
        _stage(one): finds(one["share"], word).removeprefix(f"{word} ") for one in numbers["stages"]
    }


def _first_degree(numbers: Numbers) -> Mapping[str, Cell]:
    return {_stage(one): one["share"].get("1") for one in numbers["stages"]}


def _verdicts(numbers: Numbers) -> Mapping[str, Cell]:
    return {_stage(one): Verdict(one["verdict"]).value for one in numbers["stages"]}


def _error(numbers: Numbers) -> Mapping[str, Cell]:
    return {_stage(one): one["g_over_var"] for one in numbers["stages"]}


def _trials(numbers: Numbers) -> Mapping[str, Cell]:
    return {_stage(one): one["trials"] for one in numbers["stages"]} | {
        "all": numbers["trials_total"]
    }


def _stage(one: Numbers) -> str:
    return f"stage {one['stage']}"


FOUND = Quantity("found", "what was found: degrees and their shares", "functions", _found)
FIRST_DEGREE = Quantity(
    "first_degree",
    "share of degree 1",
    "functions",
    _first_degree,
    "Part of the function's squared norm; what a degree is depends on the space.",
)
VERDICT = Quantity("verdict", "verdict", "functions", _verdicts, "In words: each store's findings.")
ERROR = Quantity(
    "g_over_var",
    "g/Var",
    "functions",
    _error,
    "Held-out error over label variance; 1 is guessing the mean.",
)
TRIALS = Quantity("trials", "trials of the search", "functions", _trials)
