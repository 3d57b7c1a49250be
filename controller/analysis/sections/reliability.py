"""How repeatable an evaluation is: do candidates' errors differ by more than their own error?

Within a generation, V is the variance between the errors of different functions and N the mean of
their squared standard errors. The reliability of one evaluation is 1 - N / V, an intraclass
correlation; with k times the trials it is k r / (1 + (k - 1) r) (Spearman 1910, Brown 1910, Br. J.
Psychol. 3: 271 and 296).
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from jaxtyping import Float, Integer

from controller.analysis.known_labels import own
from controller.analysis.presented import DONE
from controller.analysis.sections.base import Numbers, NumberTable, Picture, Section
from controller.analysis.source import Columns, Source
from controller.analysis.statistics.bootstrap import FEWEST_UNITS, LEVEL, resampled
from controller.analysis.statistics.units import units
from controller.analysis.written import between

WANTED = 0.8
SUMS = ("unlike", "unlike_pairs", "alike", "alike_pairs", "noise", "candidates")
SAME = (
    "all slots of a generation ask about one function: there are no candidates to tell apart. "
    "Spread over slots against standard error says whether the latter is believable (1: it is)"
)
FUNCTION = ("label_power", "distribution", "orthogonality")
"""What slots with the same function have in common."""


def compute(source: Source) -> Numbers | None:
    """Return each stage's reliability; None where no generation has two evaluations."""
    if not source.tables:
        return None
    candidates = source.tables["candidates"]
    rows = np.flatnonzero(
        own(candidates)
        & (candidates["status"] == DONE)
        & np.isfinite(candidates["error"])
        & np.isfinite(candidates["error_se"])
    )
    stage = candidates["stage"][rows]
    test = source.document.get("episode", {}).get("test")
    found = [_stage(candidates, rows[stage == one], test) for one in np.unique(stage)]
    known = [one for one in found if one is not None]
    return {"wanted": WANTED, "level": LEVEL, "stages": known} if known else None


def _stage(
    candidates: Columns, rows: Integer[np.ndarray, " row"], test: int | None
) -> dict[str, Any] | None:
    sums = _sums(candidates, rows)
    total = dict(zip(SUMS, sums.sum(axis=0).tolist(), strict=True))
    if not total["unlike_pairs"] + total["alike_pairs"]:
        return None
    noise = total["noise"] / total["candidates"]
    between = total["unlike"] / total["unlike_pairs"] if total["unlike_pairs"] else None
    within = total["alike"] / total["alike_pairs"] if total["alike_pairs"] else None
    reliability = 1 - noise / between if between else None
    low, high = _interval(sums) if reliability is not None else (None, None)
    more = _longer(reliability)
    return {
        "stage": int(candidates["stage"][rows[0]]) + 1,
        "evaluations": len(rows),
        "generations": int(np.sum(sums[:, SUMS.index("candidates")] > 0)),
        "variance_between": between,
        "error_variance": noise,
        "reliability": reliability,
        "low": low,
        "high": high,
        "test_trials": test,
        "test_trials_wanted": None if test is None or more is None else int(np.ceil(more * test)),
        "same_function_variance": within,
        "spread_over_se": float(np.sqrt(within / noise)) if within is not None and noise else None,
        "why": None if between else SAME if between is None else "all errors are the same",
    }


def _sums(
    candidates: Columns, rows: Integer[np.ndarray, " row"]
) -> Float[np.ndarray, "generation sum"]:
    """Return what is added up in each generation: squared halves of differences, pairs, noise."""
    generation = np.unique(candidates["generation"][rows], return_inverse=True)[1]
    error = candidates["error"][rows].astype(np.float64)
    every, pairs = _pairs(generation, error)
    function = _functions(candidates, rows, generation)
    of_function, pairs_of_function = _pairs(function, error)
    first = np.zeros(len(of_function), np.int64)
    first[function] = generation
    alike = np.bincount(first, of_function, minlength=len(every))
    alike_pairs = np.bincount(first, pairs_of_function, minlength=len(every))
    noise = np.bincount(generation, candidates["error_se"][rows].astype(np.float64) ** 2)
    columns = (every - alike, pairs - alike_pairs, alike, alike_pairs, noise)
    return np.stack([*columns, np.bincount(generation)], axis=1)


def _pairs(
    group: Integer[np.ndarray, " row"], error: Float[np.ndarray, " row"]
) -> tuple[Float[np.ndarray, " group"], Float[np.ndarray, " group"]]:
    """Return Σ (e_i - e_j)² / 2 over the pairs of each group, and their number."""
    n = np.bincount(group).astype(np.float64)
    rest = error - (np.bincount(group, error) / n)[group]
    return n * np.bincount(group, rest**2) / 2, n * (n - 1) / 2


def _functions(
    candidates: Columns,
    rows: Integer[np.ndarray, " row"],
    generation: Integer[np.ndarray, " row"],
) -> Integer[np.ndarray, " row"]:
    """Return a number for each function of each generation."""
    number = generation
    for name in FUNCTION:
        code = np.unique(np.nan_to_num(candidates[name][rows]), return_inverse=True)[1]
        number = np.unique(number * (int(code.max()) + 1) + code, return_inverse=True)[1]
    return number


def _interval(sums: Float[np.ndarray, "generation sum"]) -> tuple[float | None, float | None]:
    """Return the bootstrap interval of the reliability over generations."""
    used = sums[sums[:, SUMS.index("unlike_pairs")] > 0]
    if len(used) < FEWEST_UNITS:
        return None, None
    unit = units(np.arange(len(used)))
    each = np.stack([np.bincount(unit, column) for column in used.T], axis=1)
    drawn = resampled(each)
    unlike, pairs, noise, count = (
        drawn[:, SUMS.index(name)] for name in ("unlike", "unlike_pairs", "noise", "candidates")
    )
    tail = (1 - LEVEL) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        found = 1 - (noise / count) / (unlike / pairs)
    low, high = np.quantile(found, (tail, 1 - tail)).tolist()
    return low, high


def _longer(reliability: float | None) -> float | None:
    """Return how many times the trials make an evaluation as reliable as is wanted."""
    if reliability is None or reliability <= 0:
        return None
    return WANTED * (1 - reliability) / (reliability * (1 - WANTED))


def tables(numbers: Numbers) -> Iterable[NumberTable]:
    """Show each stage; columns that nobody knows anything for are left out."""
    stages = numbers["stages"]
    whys = sorted({one["why"] for one in stages} - {None})
    columns = {name: [cell(one) for one in stages] for name, cell in _COLUMNS.items()}
    shown = {name: cells for name, cells in columns.items() if any(c is not None for c in cells)}
    yield NumberTable(
        "reliability of one evaluation",
        tuple(shown),
        list(zip(*shown.values(), strict=True)),
        "1 - se²/variance: squared standard errors against the variance of errors between "
        "candidates of one generation (95 % bootstrap interval over generations); below 0: they "
        f"differ less than by chance. for {WANTED:g}: test trials that an evaluation would need. "
        "The standard error doesn't know what the choice of training stimuli adds"
        + "".join(f". {why}" for why in whys),
    )


_COLUMNS: dict[str, Callable[[Numbers], Any]] = {
    "stage": lambda one: one["stage"],
    "evaluations": lambda one: one["evaluations"],
    "reliability": lambda one: between(one["reliability"], one["low"], one["high"]),
    "test trials": lambda one: one["test_trials"],
    f"for {WANTED:g}": lambda one: one["test_trials_wanted"],
    "spread/se, same function": lambda one: one["spread_over_se"],
    "variance": lambda one: one["variance_between"],
    "se²": lambda one: one["error_variance"],
    "generations": lambda one: one["generations"],
}


def panels(numbers: Numbers) -> list[Numbers]:
    """Draw stages whose candidates can be told apart."""
    stages = [one for one in numbers["stages"] if one["reliability"] is not None]
    return [{**numbers, "stages": stages}] if stages else []


RELIABILITY = Section(
    "reliability",
    "How repeatable an evaluation is",
    compute,
    tables,
    (
        Picture(
            "stages",
            "Reliability of one evaluation in each stage, with 95 % bootstrap intervals over "
            "generations; dashed: what is wanted.",
            "controller.analysis.plots.reliability:stages",
            panels,
        ),
    ),
)
