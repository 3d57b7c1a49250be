"""A budget for a terminal of 80 columns, the most important line first."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from controller.analysis.wording import percent
from sims.budget.reliability import ENOUGH

MANY = 10_000
Record = Mapping[str, Any]


def shown(record: Record) -> Group:
    """Return a budget's record, or its JSON read back, for a console."""
    return Group(_headline(record), _learners(record), *_notes(record))


def _headline(record: Record) -> Text:
    first = record["learners"][0]
    trials, stages = first["trials"], record["stages"]
    functions = "one function" if stages == 1 else f"{stages} functions"
    if trials["median"] is None:
        text = (
            f"{functions} to {percent(record['precision'])}: not within the document's "
            f"{record['as_written']['trials']:,} trials in {trials['never']} of {trials['n']} runs"
        )
        return Text(text, "bold red")
    days, animals = first["days"], first["animals"]
    prices = (
        f"about {number(trials['median'])} trials {span(trials)}",
        f"{count(days['median'], 'day')} {span(days)}",
        f"{count(animals['median'], 'animal')} {span(animals)}",
    )
    return Text.assemble(
        (", ".join(prices), "bold"),
        f"\n{functions} to {percent(record['precision'])} with {record['strategy']!r}, "
        f"learner {first['words']}; 80 % of runs in brackets (n = {trials['n']});\n"
        f"{record['trials_a_day']} trials a day, {record['days_per_animal']} days an animal",
    )


def _learners(record: Record) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for header in ("learner", "relia-\nbility", "trials, all\nfunctions (80 %)", "beats\ncontrol"):
        name = header == "learner"
        table.add_column(header, justify="left" if name else "right", no_wrap=not name)
    for row in record["strategies"]:
        table.add_column(f"first:\n{row['kind']}", justify="right", no_wrap=True)
    for one in record["learners"]:
        power, trials = one["power"], one["trials"]
        table.add_row(
            one["words"],
            _reliable(one["reliability"]["decides"]),
            f"{number(trials['median'])} {span(trials)}",
            f"{power['successes']}/{power['n']}",
            *(_tried(row["first_function"].get(one["name"])) for row in record["strategies"]),
        )
    return table


def _notes(record: Record) -> Iterator[Table | Text]:
    power = record["learners"][0]["power"]
    told = (
        f"{power['successes']} of {power['n']} runs are told from their control "
        f"({percent(power['low'])} to {percent(power['high'])})"
    )
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_row(Text("cheapest", "bold"), _cheapest(record))
    grid.add_row(Text("power", "bold"), told)
    for place, line in enumerate(record["waste"]):
        grid.add_row(Text("" if place else "saves", "bold"), line)
    yield grid
    written = record["as_written"]
    yield Text(
        f"As written: {written['trials']:,} trials, {count(written['days'], 'day')}, "
        f"{count(written['animals'], 'animal')}. –: half of the runs never got there; empty: not "
        "tried. Precision: share in the learner's own easiest functions, measured on it. "
        "Reliability: of one candidate's fitness, or of a generation's answers where the strategy "
        "uses those. carry-over: 70 %, with 10 % lapses; 2nd order: a kernel that prefers it.",
        "dim",
    )


def _tried(found: Mapping[str, Any] | None) -> str:
    return "" if found is None else number(found["median"])


def _cheapest(record: Record) -> str:
    best, name = record["cheapest"], record["learners"][0]["name"]
    if best is None:
        return "no strategy gets there"
    found = {row["kind"]: row["first_function"][name] for row in record["strategies"]}
    others = [f"{kind} {number(one['median'])}" for kind, one in found.items() if kind != best]
    own = found[best]
    return f"{best}: {number(own['median'])} trials for the first function {span(own)}" + (
        f"; {', '.join(others)}" if others else ""
    )


def _reliable(value: float) -> Text:
    return Text(f"{value:.2f}", "" if value >= ENOUGH else "bold yellow")


def span(interval: Mapping[str, float | None]) -> str:
    """Write the ends of an interval."""
    low, high = interval["low"], interval["high"]
    if low is None:
        return ""
    return f"({number(low)}+)" if high is None else f"({number(low)}–{number(high)})"


def number(value: float | None) -> str:
    """Write trials, days or animals; large ones to three digits."""
    if value is None:
        return "–"
    digits = max(0, len(str(int(value))) - 3)
    return f"{round(value, -digits):,.0f}"


def count(value: float | None, what: str) -> str:
    """Write a number of things."""
    return f"{number(value)} {what}{'' if value == 1 else 's'}"
