"""What all runs of a sweep came to: one table, for programs and for people."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from controller.analysis.terminal import UNKNOWN
from controller.analysis.verdict import Verdict
from controller.analysis.whole_file import whole_file
from controller.analysis.wording import finds, ratio
from sims.sweep.plan import Run
from sims.sweep.row import Row

FIRST_DEGREE = "1"
COLUMNS = (
    *("run", "protocol", "learner", "variant", "seed", "overrides", "status", "reason", "stage"),
    *("first_degree_share", "control_first_degree_share", "g_over_var", "control_g_over_var"),
    *("verdict", "trials", "seconds"),
)
"""Of the CSV; a line for each stage of each run. Seconds are the whole run's."""

Pair = tuple[Run, Row]


def lines(pairs: Sequence[Pair]) -> Iterator[dict[str, Any]]:
    """Yield the table's lines; a run that says nothing yet has one, without numbers."""
    for run, row in pairs:
        about = {
            "run": run.name,
            "protocol": run.protocol,
            "learner": run.learner,
            "variant": run.variant,
            "seed": run.seed,
            "overrides": " ".join(run.overrides),
            "status": row.state,
            "reason": row.reason,
            "seconds": row.seconds,
        }
        for stage in row.summary.get("stages") or [{}]:
            yield {**about, **_measured(stage)}


def _measured(stage: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "stage": stage.get("stage"),
        "first_degree_share": (stage.get("share") or {}).get(FIRST_DEGREE),
        "control_first_degree_share": (stage.get("control_share") or {}).get(FIRST_DEGREE),
        "g_over_var": stage.get("g_over_var"),
        "control_g_over_var": stage.get("control_g_over_var"),
        "verdict": stage.get("verdict"),
        "trials": stage.get("trials"),
    }


def write(folder: Path, pairs: Sequence[Pair]) -> tuple[Path, Path]:
    """Write `sweep.csv` and `sweep.json`, each whole; return both."""

    def fill(path: Path) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(lines(pairs))

    return (
        whole_file(folder / "sweep.csv", fill),
        whole_file(
            folder / "sweep.json", lambda path: path.write_text(_json(pairs), encoding="utf-8")
        ),
    )


def _json(pairs: Sequence[Pair]) -> str:
    """Write every run with its whole summary, and the table."""
    runs = []
    for run, row in pairs:
        about = asdict(run)
        del about["document"]  # it is in the store
        runs.append({**about, **asdict(row)})
    content = {"table": list(lines(pairs)), "runs": runs}
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def shown(name: str, pairs: Sequence[Pair]) -> Table:
    """Return the table for a terminal: what was found, and how it compares with the control."""
    table = Table(
        title=f"sweep {name}",
        title_justify="left",
        caption="g/Var: held-out error over label variance on fresh learners; 1: guessing",
        caption_justify="left",
        caption_style="dim",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for header in ("run", "stage", "finds", "g/Var", "control", "verdict", "s"):
        right = header in {"stage", "g/Var", "control", "s"}
        table.add_column(header, justify="right" if right else "left", no_wrap=header == "run")
    for run, row in pairs:
        for cells in _cells(run, row):
            table.add_row(*cells)
    return table


def _cells(run: Run, row: Row) -> Iterator[tuple[str | Text, ...]]:
    stages = row.summary.get("stages") or []
    if not stages:
        why = row.reason or "not begun"
        style = "yellow" if row.state == "unfinished" else "bold red"
        said = Text(f"{row.state}: {why}" if row.state == "failed" else why, style)
        yield run.name, "", UNKNOWN, UNKNOWN, UNKNOWN, said, _seconds(row)
    word = row.summary.get("degree_is", "degree")
    for place, stage in enumerate(stages):
        yield (
            "" if place else run.name,
            str(stage["stage"]),
            finds(stage["share"], word),
            ratio(stage["g_over_var"]),
            ratio(stage["control_g_over_var"]),
            Text(_VERDICTS[Verdict(stage["verdict"])]),
            "" if place else _seconds(row),
        )


_VERDICTS = {
    Verdict.NOTHING_FOUND: "nothing found",
    Verdict.NOT_LEARNED: "not learned",
    Verdict.REPEATS: "repeats a stage",
    Verdict.NO_CONTROL: "no control",
    Verdict.CONTROL_NOT_ASKED: "control not asked",
    Verdict.CONTROL_SAME: "control the same",
    Verdict.NOT_EASIER: "not clearly easier",
    Verdict.LEARNER_DRIVEN: "learner-driven",
}
"""Short forms of `Verdict.words`."""


def _seconds(row: Row) -> str:
    return f"{row.seconds:.0f}" if row.seconds else ""
