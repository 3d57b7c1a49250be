"""Does a budget hold? What was predicted for a document, against fresh runs of it.

The prediction is that of `biasloop plan`'s headline: trials to a precision of .95 for all of the
document's functions, from as many simulated experiments, with an interval in which 80 % of runs
should end. The fresh runs are those of `biasloop dryrun` with other seeds (the same keys through
the same engine; one of each document is made with its store, which must say the same). What they
found is judged by theory and not by what was measured for the budget: first-order share.

Of 20 runs 16 should fall inside; 14 to 18 do in 84 of 100 such counts, if the interval is right.
A little more than 80 % do: trials come in whole generations, and a run that ends where the
interval does is inside.

`--record` writes `data/budget.json` and `data/budget.md`.
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import jax
import numpy as np

from controller import jax_cache
from controller.analysis.measures import function_values, shares
from controller.analysis.summary import columns
from controller.document import Experiment, load_experiment, root_key
from controller.labellers.base import AbstractLinearLabeller
from controller.runs import begin
from controller.store import read
from protocols.documents import Document
from protocols.library import ready
from sims.budget.budget import RUNS
from sims.budget.ease import Ease, terms
from sims.budget.interval import NEVER, predictive
from sims.budget.search import Searches, first_at_least
from sims.budget.work import easiest, roots

ENOUGH = 0.95
FRESH = 20
PLANS = ((10, 110), (11, 130), (12, 150), (13, 170), (14, 190))
"""Seed of each prediction, and the first seed of the runs that it is held against."""
DATA = Path(__file__).parent / "data"
ITERATED = ('strategy={kind="iterated"}', "episode.common_stimuli=false")


@dataclass(frozen=True, slots=True)
class Case:
    """A document."""

    name: str
    protocol: str
    overrides: tuple[str, ...]

    def load(self, seed: int) -> Document[Experiment]:
        """Read it, with a seed."""
        return load_experiment(ready()[self.protocol], (*self.overrides, f"seed={seed}"))


CASES = (
    Case("es, one function", "default", ("stages.count=1",)),
    Case(
        "iterated, one function",
        "default",
        (*ITERATED, "stages.count=1", "stages.generations=60"),
    ),
    Case("iterated, three functions", "animal", ("stages.generations=60",)),
)


@dataclass(frozen=True, slots=True)
class Held:
    """A prediction and the runs that it was held against; null: a run that never got there."""

    case: str
    plan_seed: int
    simulated: int
    median: float
    low: float
    high: float | None
    fresh_seeds: tuple[int, ...]
    trials: tuple[int | None, ...]
    inside: int


def hold(case: Case) -> Iterator[Held]:
    """Predict a document's trials, then run it, several times over."""
    document = case.load(0)
    design = document.value.design()
    basis, labeller = terms(design), design.labeller
    if not isinstance(labeller, AbstractLinearLabeller):
        raise TypeError("theory is about the labeller's harmonics")
    degrees = np.array(labeller.degrees(design.space))
    by_theory = Ease(10.0**degrees, np.eye(len(degrees)))  # first order is easiest
    searches = Searches(document.value, basis, by_theory, ENOUGH)
    each = design.trials_per_generation

    def needed(root: jax.Array, ease: Ease) -> float:
        found = enumerate(searches.arm(root))
        precisions = [basis.precision(design, ease, stage, thetas) for stage, thetas in found]
        return each * sum(first_at_least(one, ENOUGH) or NEVER for one in precisions)

    first = needed(root_key(case.load(PLANS[0][1]).value), by_theory)
    if first != stored(case.load(PLANS[0][1])):
        raise RuntimeError(f"{case.name}: a dry-run needs other trials than its simulation")
    for plan_seed, first_seed in PLANS:
        measured = easiest(design, basis, plan_seed)
        expected = predictive([needed(root, measured) for root in roots(plan_seed, RUNS)])
        seeds = tuple(range(first_seed, first_seed + FRESH))
        trials = [needed(root_key(case.load(seed).value), by_theory) for seed in seeds]
        yield Held(
            case=case.name,
            plan_seed=plan_seed,
            simulated=expected.n,
            median=expected.median,
            low=expected.low,
            high=None if expected.high == NEVER else expected.high,
            fresh_seeds=seeds,
            trials=tuple(None if one == NEVER else int(one) for one in trials),
            inside=sum(expected.holds(one) for one in trials),
        )


def stored(document: Document[Experiment]) -> float:
    """Make a dry-run, and read from its store when its functions were right."""
    folder = Path(tempfile.mkdtemp(prefix="biasloop-budget-"))
    try:
        begin(document, folder / "run", control=False)
        design, table = document.value.design(), columns(read(folder / "run"), "generations")
    finally:
        shutil.rmtree(folder)
    basis = design.space.graded_basis()
    total = 0.0
    for stage in range(document.value.stages.count):
        here = table["stage"] == stage
        values = [
            function_values(design.space, design.labeller, theta, basis.points)
            for theta in table["recommended"][here]
        ]
        right = np.flatnonzero([shares(basis, one)[1] >= ENOUGH for one in values])
        total += float(np.cumsum(table["trials"][here])[right[0]]) if len(right) else NEVER
    return total


def text(held: list[Held]) -> str:
    """Return the table."""
    lines = [
        "| document | predicted: trials (80 %) | fresh runs: median (range) | inside, of 20 |",
        "|---|---|---|---|",
    ]
    for one in held:
        spent = sorted(NEVER if trials is None else trials for trials in one.trials)
        high = "∞" if one.high is None else f"{one.high:,.0f}"
        never = sum(trials is None for trials in one.trials)
        most = f"never in {never}" if never else f"{spent[-1]:,.0f}"
        lines.append(
            f"| {one.case} (seed {one.plan_seed}) | {one.median:,.0f} ({one.low:,.0f}–{high}) | "
            f"{np.median(spent):,.0f} ({spent[0]:,.0f}–{most}) | {one.inside} |"
        )
    counts = [one.inside for one in held]
    right = sum(14 <= count <= 18 for count in counts)
    runs = FRESH * len(counts)
    close = (
        f"{sum(counts)} of {runs} runs are inside ({sum(counts) / runs:.0%}; 80 % are wanted); 14 "
        f"to 18 of 20 in {right} of {len(counts)} predictions."
    )
    return "\n".join([*lines, "", close])


def main() -> None:
    """Predict, run and print."""
    jax_cache.enable()
    held = []
    for case in CASES:
        for one in hold(case):
            held.append(one)
            print(text([one]).splitlines()[2], flush=True)
    print(text(held))
    if "--record" in sys.argv:
        DATA.mkdir(exist_ok=True)
        record = json.dumps([asdict(one) for one in held], indent=1, allow_nan=False)
        (DATA / "budget.json").write_text(f"{record}\n", encoding="utf-8")
        (DATA / "budget.md").write_text(
            f"# Does a budget hold?\n\nGenerated by `python -m sims.benchmarks.budget --record`; "
            f"don't edit.\n\n{text(held)}\n",
            encoding="utf-8",
        )


if __name__ == "__main__":
    main()
