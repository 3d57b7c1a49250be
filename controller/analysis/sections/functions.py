"""What was found: one function for each stage, beside what the control found, with a verdict."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import xarray as xr

from controller.analysis.sections.base import Numbers, NumberTable, Section
from controller.analysis.source import Source
from controller.analysis.verdict import verdict
from controller.analysis.wording import finds, ratio

if TYPE_CHECKING:
    from controller.analysis.summary import Analysis

CAPTION = (
    "g/Var: held-out error over label variance, 1 is guessing the mean; its median over learners "
    "(quartiles). |cos|: largest overlap with an earlier stage's function."
)


def analysed(source: Source) -> "Analysis | None":
    """Return the functions themselves; None where no generation is complete yet."""
    return source.once(_analysed)


def _analysed(source: Source) -> "Analysis | None":
    if not source.tables or not source.tables["generations"].rows or not source.document:
        return None
    from controller.analysis.summary import AnalysisError, analyse_tables

    for name in ("generations", "stages"):  # what is damaged is found, and named, here
        for column in source.tables[name]:
            _ = source.tables[name][column]
    tables = xr.DataTree.from_dict({name: one.dataset for name, one in source.tables.items()})
    try:
        return analyse_tables(source.folder, tables, source.exit_status, source.origin)
    except AnalysisError:
        return None


def compute(source: Source) -> Numbers | None:
    """Return the summary of what was found; None where no generation is complete yet."""
    if (analysis := analysed(source)) is None:
        return None
    from controller.analysis.summary import summary

    return summary(analysis)


def tables(numbers: Numbers) -> Iterable[NumberTable]:
    """Show each stage's function, and below it the control's."""
    rows: list[list[Any]] = []
    for stage in numbers["stages"]:
        number = f"{stage['stage']}{'' if stage['finished'] else ' (not finished)'}"
        spent = [stage["trials"], stage["episodes"]]
        rows.append([number, "learner", *_found(stage, numbers), *spent, verdict(stage).words])
        if stage["control"] is not None:
            rows.append(["", "control", *_found(stage["control"], numbers), None, None, ""])
    headings = ("stage", "search", "finds", "g/Var (quartiles)", "|cos|", "trials", "episodes")
    yield NumberTable("functions", (*headings, "verdict"), rows, CAPTION)


def _found(function: Numbers, numbers: Numbers) -> list[Any]:
    low, high = function["g_over_var_quartiles"]
    cosine = function["max_cosine"]
    return [
        finds(function["share"], numbers["degree_is"]),
        f"{ratio(function['g_over_var'])} ({ratio(low)}–{ratio(high)})",
        None if cosine is None else f"{cosine:.2f}",
    ]


FUNCTIONS = Section("functions", "What was found", compute, tables, live=False)
