"""The summary as a table for a terminal of 80 columns."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from controller.analysis.verdict import Verdict, verdict
from controller.analysis.wording import finds, ratio

STYLES = {Verdict.LEARNER_DRIVEN: "green", Verdict.CONTROL_SAME: "bold yellow"}
HEADERS = ("stage", "search", "finds", "g/Var (quartiles)", "trials", "episodes", "|cos|")
NEGLECTED = "neglected "
NUMBERS = frozenset({"trials", "episodes", "|cos|"})


def table(summary: Mapping[str, Any]) -> Table:
    """Return a short table of what was found, with a verdict for every stage below it.

    Args:
        summary: what `controller.analysis.summary.summary` returns, or its JSON read back.
    """
    shown = Table(
        title=_title(summary),
        caption=_caption(summary),
        caption_justify="left",
        caption_style="",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for header in HEADERS:
        shown.add_column(header, justify="right" if header in NUMBERS else "left")
    for stage in summary["stages"]:
        for row in _rows(stage, summary):
            shown.add_row(*row)
    return shown


def _title(summary: Mapping[str, Any]) -> str:
    """Say what was asked; what isn't a plain dry-run says so, that nobody takes it for another."""
    origin = summary["origin"]
    who = "an animal" if origin == "animal" else summary["learner"]
    where = {"emulated": " on an EMULATED rig", "simavr": " on an EMULATED board"}.get(origin, "")
    return f"{summary['name']} · {who}{where} · {summary['space']}"


def _rows(stage: Mapping[str, Any], summary: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    word, others = summary["degree_is"], summary["others"]
    number = f"{stage['stage']}{'' if stage['finished'] else '*'}"
    spent = (f"{stage['trials']:,}", f"{stage['episodes']:,}")
    yield number, "learner", _finds(stage, word), _error(stage, others), *spent, _cosine(stage)
    control = stage["control"]
    if control is not None:
        shown = _error(control, others)
        yield "", "control", _finds(control, word), shown, "", "", _cosine(control)


def _finds(function: Mapping[str, Any], word: str) -> str:
    return finds(function["share"], word, separator="\n" + " " * (len(word) + 1))


def _error(function: Mapping[str, Any], others: Iterable[Mapping[str, Any]]) -> str:
    low, high = function["g_over_var_quartiles"]
    lines = [f"{ratio(function['g_over_var'])} ({ratio(low)}–{ratio(high)})"]
    lines += [
        f"{NEGLECTED if other['role'] == 'neglected' else ''}{other['learner']}: {ratio(value)}"
        for other, value in zip(others, function["others_g_over_var"], strict=True)
    ]
    return "\n".join(lines)


def _cosine(function: Mapping[str, Any]) -> str:
    value = function["max_cosine"]
    return ratio(None) if value is None else f"{value:.2f}"


def _caption(summary: Mapping[str, Any]) -> Text:
    stages = summary["stages"]
    caption = Text()
    for found, group in groupby(stages, key=verdict):
        numbers = [stage["stage"] for stage in group]
        caption.append(f"{_span(numbers)}: ").append(found.words, STYLES.get(found, "yellow"))
        caption.append("\n")
    unfinished = [stage for stage in stages if not stage["finished"]]
    if unfinished:
        caption.append("* not finished: this is the best so far\n")
    fresh = stages[0]["fresh_learners"]
    of = (
        f"the last generation's {fresh} episodes"
        if summary["origin"] == "animal"
        else (f"{fresh} fresh learners")
    )
    caption.append(
        f"g/Var: held-out error over label variance, median of {of}; "
        f"1 = guessing the mean.\n|cos|: largest overlap with an earlier stage. "
        f"{summary['trials_total']:,} trials in all; the control costs none.",
        "dim",
    )
    return caption


def _span(numbers: list[int]) -> str:
    first, last = numbers[0], numbers[-1]
    return f"stage {first}" if first == last else f"stages {first} to {last}"
