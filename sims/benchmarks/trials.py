"""What a function costs in trials: from the first trial to a recommendation that is 95 % right.

Trials are counted as an animal would do them, training and test presentations together. The learner
is kernel ridge on a sphere of stimuli (100 random features); right is a first-order function, for
the decoys the one that they prefer. Seeds are 10-19; settings were chosen on 20-31.
"""

import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from controller import jax_cache
from controller.analysis.measures import function_values, shares
from controller.analysis.summary import columns
from controller.document import load_experiment
from controller.runs import begin
from controller.store import read
from protocols.library import ready

ENOUGH = 0.95
WIDE = ("episode.common_stimuli=false", "stages.count=1", "episode.train=6", "episode.test=18")
ITERATED = (*WIDE, 'strategy={kind="iterated"}', "stages.generations=60")


@dataclass(frozen=True, slots=True)
class Case:
    """One row."""

    name: str
    protocol: str
    overrides: tuple[str, ...]
    degree: int = 1
    """Of the function that is looked for."""


CASES = (
    Case("iterated", "default", ITERATED),
    Case("iterated, 10 % lapses", "default", (*ITERATED, "habits.lapses=0.1")),
    Case(
        "iterated, 10 % lapses, 70 % carry-over",
        "default",
        (*ITERATED, "habits.lapses=0.1", "habits.carry_over=0.7", "stages.generations=120"),
    ),
    Case(
        "iterated, 10 % lapses, binary answers (8 episodes, memory .9)",
        "default",
        (
            *(*WIDE, 'strategy={kind="iterated", population=8, memory=0.9}'),
            *("stages.generations=60", "habits.lapses=0.1", "habits.binary=true"),
        ),
    ),
    Case(
        "iterated, decoy that prefers second order",
        "decoy_second_order",
        (*ITERATED, "stages.generations=120"),
        degree=2,
    ),
    Case(
        "SNES, 15 coefficients",
        "default",
        ("stages.count=1", "stages.generations=100"),
    ),
    Case(
        "SNES, 15 coefficients, 10 % lapses",
        "default",
        ("stages.count=1", "stages.generations=100", "habits.lapses=0.1"),
    ),
)


@dataclass(frozen=True, slots=True)
class Cost:
    """One seed of one row."""

    trials: int | None
    """Until the recommendation was right enough; None where it never was."""
    run: int
    """Trials of the whole run."""
    last: float
    """Share in the end."""


def compute(case: Case, seed: int) -> Cost:
    """Run one seed, and look when its recommendation was right enough."""
    folder = Path(tempfile.mkdtemp(prefix="biasloop-trials-"))
    try:
        document = load_experiment(
            ready()[case.protocol], (*case.overrides, f"seed={seed}", 'log.theta="recommended"')
        )
        begin(document, folder / "run", control=False)
        design = document.value.design()
        table = columns(read(folder / "run"), "generations")
        basis = design.space.graded_basis()
        found = [
            shares(basis, function_values(design.space, design.labeller, theta, basis.points))
            for theta in table["recommended"]
        ]
        share = np.array([one[case.degree] for one in found])
        spent = np.cumsum(table["trials"])
        right = np.flatnonzero(share >= ENOUGH)
        reached = int(spent[right[0]]) if len(right) else None
        return Cost(reached, int(spent[-1]), float(share[-1]))
    finally:
        shutil.rmtree(folder)


def main() -> None:
    """Measure and print; `--seeds N` runs the first N only."""
    count = int(sys.argv[sys.argv.index("--seeds") + 1]) if "--seeds" in sys.argv else 10
    jax_cache.enable()
    base: float | None = None
    for case in CASES:
        costs = [compute(case, seed) for seed in range(10, 10 + count)]
        # what never was right cost more than its run
        spent = [cost.run + 1 if cost.trials is None else cost.trials for cost in costs]
        median = float(np.median(spent))
        base = base or median
        never = sum(cost.trials is None for cost in costs)
        last = np.median([cost.last for cost in costs])
        print(
            f"{case.name}: median {median:,.0f} trials ({min(spent):,}-{max(spent):,}, n = "
            f"{count}, {never} never), {median / base:.2f} x the first row; share in the end "
            f"{last:.3f} (median, after {costs[0].run:,})",
            flush=True,
        )


if __name__ == "__main__":
    main()
