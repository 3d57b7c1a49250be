"""What came of it, as Markdown: n stands beside every zero."""

import platform
import shlex
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from sims.hardening.part import Try
from sims.hardening.running import Outcome, Wanted

_HEAD = (
    "| part | a try is | failures of n | at most (95 %) | seconds | how they ended |",
    "|---|---|---|---|---|---|",
)


def report(outcomes: Sequence[Outcome], wanted: Wanted) -> str:
    """Return the whole report."""
    form = "short form" if wanted.short else "long form"
    if wanted.share != 1:
        form = f"{wanted.share:.0%} of the {form}"
    today = datetime.now(UTC).date().isoformat()
    lines = [
        "# Hardening",
        "",
        f"Seed {wanted.seed}, {form}, {today}, {_machine()}.",
        "",
        *_HEAD,
        *map(_row, outcomes),
        "",
        *(f"- {one.part.kind}: {one.part.promise}" for one in outcomes),
        "",
    ]
    for outcome in outcomes:
        lines += _failures(outcome, wanted)
    return "\n".join(lines)


def bound(failures: int, n: int) -> float:
    """Return the largest rate of failures that so many are still likely at (95 %, one-sided)."""
    from scipy.stats import beta

    return 1.0 if failures >= n else float(beta.ppf(0.95, failures + 1, n - failures))


def repeat(outcome: Outcome, one: Try, wanted: Wanted) -> str:
    """Return the command that does a failure again."""
    words = ["python", "-m", "sims.hardening", "--only", outcome.part.kind]
    words += ["--seed", str(wanted.seed)]
    if one.number is not None:
        words += ["--case", str(one.number)]
    if wanted.short:
        words += ["--short"]
    return shlex.join(words)


def keep(outcomes: Sequence[Outcome], folder: Path) -> None:
    """Write the files that show failures; nothing where there are none."""
    for outcome in outcomes:
        for index, one in enumerate(outcome.kept):
            for name, content in one.evidence.items():
                path = folder / outcome.part.kind / str(index) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)


def _machine() -> str:
    return f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"


def _row(outcome: Outcome) -> str:
    part = outcome.part
    if outcome.left_out:
        return f"| {part.kind} | {part.a_try} | not run: {outcome.left_out} | | | |"
    ended = ", ".join(f"{count:,} {how}" for how, count in outcome.ended.most_common() if count)
    stopped = " (stopped)" if outcome.interrupted else ""
    rate = f"{bound(outcome.failures, outcome.n):.2g}" if outcome.n else ""
    return (
        f"| {part.kind} | {part.a_try} | {outcome.failures:,} of {outcome.n:,}{stopped} | {rate} | "
        f"{outcome.seconds:.0f} | {ended} |"
    )


def _failures(outcome: Outcome, wanted: Wanted) -> Iterator[str]:
    if not outcome.kept:
        return
    yield f"## Failures of {outcome.part.kind}"
    yield ""
    for index, one in enumerate(outcome.kept):
        yield f"{index + 1}. again with `{repeat(outcome, one, wanted)}`"
        yield ""
        yield "   ```"
        yield from (f"   {line}" for line in one.failure.splitlines())
        yield "   ```"
        if one.evidence:
            names = ", ".join(one.evidence)
            yield f"   evidence: {outcome.part.kind}/{index}: {names}"
        yield ""
    if outcome.failures > len(outcome.kept):
        yield f"{outcome.failures - len(outcome.kept):,} more are not shown."
        yield ""
