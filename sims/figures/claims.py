"""What a figure claims: a number of each seed's run, the target for its median, and the row."""

import dataclasses
import math
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np

from controller.analysis.summary import FoundFunction
from protocols.spaces.base import GradedBasis


@dataclasses.dataclass(frozen=True, slots=True)
class Arm:
    """What one arm of a run found: the search with the learner, or its control."""

    found: tuple[FoundFunction, ...]
    """One function a stage."""
    other: tuple[FoundFunction, ...]
    """The other arm's."""
    basis: GradedBasis


Measure = Callable[[Arm], float]


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """One row of a figure's results."""

    result: str
    """What is measured, for a reader."""
    variant: str
    """The run of the figure on which it is measured."""
    measure: Measure
    stages: tuple[int, ...] = (1,)
    """Stages that it is about; their worst held-out error is quoted."""
    at_least: float | None = None
    """Target for the median over seeds; with neither target, a number for comparison."""
    at_most: float | None = None
    """The same, where less is better."""
    every_seed: bool = False
    """Whether each seed has to meet the target, and not only the median."""
    compares_arms: bool = False
    """Whether the measure sets one arm against the other, so that the control has none."""
    reason: str = ""
    """Why it isn't reached, printed only when it isn't."""


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """A claim, measured; every list has one number a seed."""

    figure: str
    variant: str
    result: str
    at_least: float | None
    at_most: float | None
    every_seed: bool
    ours: list[float | None]
    control: list[float | None] | None
    g_over_var: list[float | None]
    control_g_over_var: list[float | None]
    seeds: list[int]
    steps: int
    """Generations in a stage."""
    trials: int
    """Trials of one seed's run, all stages, as its store counts them."""
    minutes: float
    """Median wall time of a seed's run with its control and analysis."""
    reason: str
    generations_cut: bool
    """Whether this is a short trial run that proves nothing."""

    @property
    def target(self) -> str:
        """What is asked, in signs."""
        bounds = (("≥", self.at_least), ("≤", self.at_most))
        text = " and ".join(f"{sign} {bound:g}" for sign, bound in bounds if bound is not None)
        return f"{text}, every seed" if self.every_seed else text or "—"

    @property
    def reached(self) -> bool:
        """Whether our median meets the target, or every seed where that is asked."""
        return self._reached(self.ours)

    @property
    def seeds_reached(self) -> int:
        """Number of seeds that meet the target, which a median doesn't tell."""
        return sum(self._meets(value) for value in self.ours)

    @property
    def control_shows_the_same(self) -> bool:
        """Whether the control meets the target too."""
        return self.control is not None and self._reached(self.control)

    @property
    def verdict(self) -> str:
        """Say in words how the row ended."""
        if self.generations_cut:
            return "short trial run, proves nothing"
        if self.at_least is None and self.at_most is None:
            return "for comparison"
        text = "reached" if self.reached else f"NOT reached: {self.reason or 'cause not known'}"
        text += f"; {self.seeds_reached} of {len(self.seeds)} seeds"
        return text + ("; the control shows the same" if self.control_shows_the_same else "")

    def _reached(self, values: list[float | None]) -> bool:
        if self.every_seed:
            return all(self._meets(value) for value in values)
        return self._meets(median(values))

    def _meets(self, value: float | None) -> bool:
        if value is None:
            return False
        enough = self.at_least is None or value >= self.at_least
        return enough and (self.at_most is None or value <= self.at_most)


def row_from(record: dict[str, Any]) -> Row:
    """Read a row back from JSON."""
    return Row(**{field.name: record[field.name] for field in dataclasses.fields(Row)})


def median(values: list[float | None]) -> float | None:
    """Return the median; a seed without a number makes it None, so that none is left out."""
    numbers = [value for value in values if value is not None]
    return statistics.median(numbers) if numbers and len(numbers) == len(values) else None


def number(value: float) -> float | None:
    """Return what JSON can hold: five significant digits, or null."""
    return float(f"{value:.5g}") if math.isfinite(value) else None


def degree_share(degree: int, *stages: int) -> Measure:
    """Share of the total squared norm in one degree; the least of several stages."""
    return lambda arm: min(arm.found[stage - 1].share[degree] for stage in stages)


def affine_fit(stage: int) -> Measure:
    """R² of the best affine function."""
    return lambda arm: arm.found[stage - 1].affine_r2


def error_ratio(stage: int, to: int) -> Measure:
    """Held-out error of one stage over that of another."""
    return lambda arm: _divide(_error(arm.found, stage), _error(arm.found, to))


def below_other_arm(stage: int) -> Measure:
    """How many times the held-out error is below the other arm's."""
    return lambda arm: _divide(_error(arm.other, stage), _error(arm.found, stage))


def neglected_over_chosen(stage: int = 1) -> Measure:
    """Held-out error of the neglected learner over that of the chosen one."""
    return lambda arm: _divide(
        arm.found[stage - 1].others[-1].median, arm.found[stage - 1].held_out.median
    )


def mean_degree_share(degree: int, *stages: int) -> Measure:
    """Share of the total squared norm in one degree; the mean of several stages."""
    return lambda arm: statistics.fmean(arm.found[stage - 1].share[degree] for stage in stages)


def largest_cosine(*stages: int) -> Measure:
    """Largest overlap of these stages' functions with those of stages before them."""
    return lambda arm: max(arm.found[stage - 1].max_cosine for stage in stages)


def axis_share(axis: int, stage: int = 1) -> Measure:
    """Share of the total squared norm along the co-ordinate function of one feature."""

    def measure(arm: Arm) -> float:
        values, weights = arm.found[stage - 1].values, arm.basis.weights
        along = arm.basis.points[:, axis]
        along = along / np.sqrt(weights @ along**2)
        return float((weights @ (values * along)) ** 2 / (weights @ values**2))

    return measure


def worst_error(found: tuple[FoundFunction, ...], stages: tuple[int, ...]) -> float:
    """Return the largest held-out error over label power of some stages."""
    return max(_error(found, stage) for stage in stages)


def _error(found: tuple[FoundFunction, ...], stage: int) -> float:
    return found[stage - 1].held_out.median


def _divide(a: float, b: float) -> float:
    return a / b if b > 0 else math.inf
