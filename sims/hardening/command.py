"""The command: which parts, with which seed, and where the report goes."""

import argparse
import secrets
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sims.hardening.parts
from controller.analysis.whole_file import whole_file
from protocols.registry import discover
from sims.hardening.part import AbstractPart
from sims.hardening.report import keep, report
from sims.hardening.running import Outcome, Wanted, run

FAILED, INTERRUPTED = 1, 130
PARTS = discover(sims.hardening.parts, AbstractPart, "biasloop.hardening")


def main(words: Sequence[str]) -> int:
    """Run what is asked for; returns the exit code."""
    given = _parser().parse_args(words)
    seed = secrets.randbelow(10**6) if given.seed is None else given.seed
    wanted = Wanted(
        seed, given.short, only=given.case, hours=given.hours, **_number_or_share(given.tries)
    )
    outcomes: list[Outcome] = []
    # a shell lets what it starts in the background ignore Ctrl-C
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    for name in given.only or [name for name in PARTS if PARTS[name].by_itself]:
        _say(f"{name}: seed {seed}")
        tell = _Telling()
        outcomes.append(run(PARTS[name](), wanted, tell))
        tell(outcomes[-1])
        if outcomes[-1].interrupted:
            break
    text = report(outcomes, wanted)
    if given.out is not None:
        whole_file(given.out, lambda path: path.write_text(text, encoding="utf-8"))
    sys.stdout.write(text)
    keep(outcomes, given.failures)
    if any(outcome.failures for outcome in outcomes):
        return FAILED
    return INTERRUPTED if any(outcome.interrupted for outcome in outcomes) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sims.hardening",
        description="Attack everything that must not fail, and report how often it did.",
        epilog=f"Parts: {', '.join(PARTS)}.",
    )
    add = parser.add_argument
    add("--seed", type=int, help="everything random but timing follows from it; drawn by default")
    add("--only", nargs="+", choices=PARTS, metavar="NAME", help="these parts, in this order")
    add("--short", action="store_true", help="a little of each part")
    add("--hours", type=_hours, default=2.0, help="for how long `soak` runs (default 2)")
    add("--out", type=Path, metavar="FILE.md", help="also write the report there")
    add("--tries", type=_tries, metavar="N", help="instead of each part's own number; 20%%: of it")
    add("--case", type=int, metavar="N", help="only the try of this number")
    add(
        "--failures",
        type=Path,
        default=Path("hardening-failures"),
        metavar="DIR",
        help="where the files that show failures go (default %(default)s; made if there are any)",
    )
    return parser


def _tries(text: str) -> int | float:
    """Return a number, or a share of each part's own."""
    number = float(text[:-1]) / 100 if text.endswith("%") else int(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"expected at least 1, or a part in percent, got {text}")
    return number


def _number_or_share(tries: float | None) -> dict[str, Any]:
    if tries is None:
        return {}
    return {"tries": tries} if isinstance(tries, int) else {"share": tries}


def _hours(text: str) -> float:
    if not (hours := float(text)) > 0:
        raise argparse.ArgumentTypeError(f"expected more than 0, got {text}")
    return hours


class _Telling:
    """Tells how a part stands, and each failure once."""

    def __init__(self) -> None:
        self._told = 0

    def __call__(self, outcome: Outcome) -> None:
        for one in outcome.kept[self._told :]:
            _say(f"{outcome.part.kind}: {one.failure}")
        self._told = len(outcome.kept)
        state = outcome.left_out or f"{outcome.failures:,} failures of {outcome.n:,}"
        _say(f"{outcome.part.kind}: {state}, {outcome.seconds:.0f} s")


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
