"""What a store says: one record for each stage, for people and for programs.

Everything here is computed from the store's tables and its frozen document; nothing is taken from
the memory of the run.
"""

import dataclasses
import math
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float, Float64

from controller.analysis.measures import (
    HeldOut,
    affine_fit,
    cosine,
    function_values,
    held_out,
    shares,
    variance,
)
from controller.analysis.verdict import verdict
from controller.arms import CONTROL_ARM, LEARNER_ARM
from controller.design import Design
from controller.document import Experiment, root_key
from controller.panel import Panel
from controller.runs import frozen_document
from controller.store import read, status
from learners.base import AbstractLearner
from protocols.keys import Purpose, derive
from protocols.spaces.base import GradedBasis

ANIMAL = "animal"


class AnalysisError(Exception):
    """A store that can be read, but has nothing to say yet."""


@dataclasses.dataclass(frozen=True, slots=True)
class FoundFunction:
    """The function that one stage of one arm recommends."""

    theta: Float[np.ndarray, " theta"]
    values: Float64[np.ndarray, " point"]
    """The function at the nodes of the basis."""
    share: dict[int, float]
    """Part of its squared norm in each degree."""
    power: float
    """Its variance."""
    affine_r2: float
    """R² of its best affine approximation."""
    held_out: HeldOut
    """Generalisation error over label power on fresh learners."""
    others: tuple[HeldOut, ...]
    """The same for further learners of the experiment, in the order of its panel."""
    max_cosine: float
    """Largest absolute cosine to functions of earlier stages; 0 in the first stage."""


@dataclasses.dataclass(frozen=True, slots=True)
class Stage:
    """One stage: what was found, what its control found, what it cost."""

    number: int
    """Counted from 1."""
    finished: bool
    generations: int
    episodes: int
    trials: int
    found: FoundFunction
    control: FoundFunction | None
    """The same search without a learner; None where it wasn't run."""


@dataclasses.dataclass(frozen=True, slots=True)
class Analysis:
    """A store, read."""

    folder: Path
    experiment: Experiment
    design: Design
    basis: GradedBasis
    tables: xr.DataTree
    stages: tuple[Stage, ...]
    trials_total: int
    control_trials: int
    exit_status: str
    origin: str
    """Where the answers come from, as the store is stamped."""


def analyse(folder: Path) -> Analysis:
    """Read a store and compute what it says.

    Raises:
        controller.store.StoreError: it can't be read.
        AnalysisError: no generation is finished yet.
    """
    state = status(folder)
    return analyse_tables(folder, read(folder), state["exit_status"], state["origin"])


def analyse_tables(folder: Path, tables: xr.DataTree, exit_status: str, origin: str) -> Analysis:
    """Compute what the tables of a store say.

    Args:
        folder: with the frozen document.
        tables: of the store.
        exit_status: how it ended.
        origin: where its answers come from.

    Raises:
        AnalysisError: no generation is finished yet.
        protocols.documents.DocumentError: its document is one of another version.
    """
    experiment = frozen_document((folder / "experiment.toml").read_text("utf-8"), folder).value
    design = experiment.design()
    basis = design.space.graded_basis()
    by_animal = origin == ANIMAL
    found = {
        arm: _functions(experiment, design, basis, tables, arm, by_animal=by_animal)
        for arm in (LEARNER_ARM, CONTROL_ARM)
    }
    if not found[LEARNER_ARM]:
        raise AnalysisError(
            f"{folder} has no finished generation yet (exit status: {exit_status}); go on "
            f"with `biasloop resume {folder}`"
        )
    trials = _trials_by_arm(tables)
    return Analysis(
        folder=folder,
        experiment=experiment,
        design=design,
        basis=basis,
        tables=tables,
        stages=_stages(experiment, tables, found),
        trials_total=trials[LEARNER_ARM],
        control_trials=trials[CONTROL_ARM],
        exit_status=exit_status,
        origin=origin,
    )


def summary(analysis: Analysis) -> dict[str, Any]:
    """Return what `summary.json` holds; every number is finite or null."""
    experiment = analysis.experiment
    return {
        "name": experiment.name,
        "seed": experiment.seed,
        "space": experiment.space.kind,
        "labeller": experiment.labeller.kind,
        "learner": experiment.learner.kind,
        "others": [
            {"learner": learner.kind, "role": role}
            for learner, role in _others(analysis.design.panel)
        ],
        "strategy": experiment.strategy.kind,
        "n_train": experiment.episode.train,
        "n_test": experiment.episode.test,
        "degree_is": analysis.basis.word,
        "exact_quadrature": analysis.basis.exact,
        "exit_status": analysis.exit_status,
        "origin": analysis.origin,
        "trials_total": analysis.trials_total,
        "control_trials": analysis.control_trials,
        "stages": [_stage_record(stage) for stage in analysis.stages],
    }


def _stage_record(stage: Stage) -> dict[str, Any]:
    found, control = stage.found, stage.control
    record = {
        "stage": stage.number,
        "finished": stage.finished,
        "generations": stage.generations,
        "episodes": stage.episodes,
        "trials": stage.trials,
        **_function_record(found),
        "control": None if control is None else _function_record(control),
        "control_share": None if control is None else _share_record(control),
        "control_g_over_var": None if control is None else _number(control.held_out.median),
    }
    return {**record, "verdict": verdict(record)}


def _function_record(found: FoundFunction) -> dict[str, Any]:
    return {
        "share": _share_record(found),
        "g_over_var": _number(found.held_out.median),
        "g_over_var_quartiles": [_number(found.held_out.lower), _number(found.held_out.upper)],
        "fresh_learners": found.held_out.learners,
        "others_g_over_var": [_number(other.median) for other in found.others],
        "max_cosine": _number(found.max_cosine),
        "label_power": _number(found.power),
        "affine_r2": _number(found.affine_r2),
        "theta": [_number(float(value)) for value in found.theta],
    }


def _others(panel: Panel) -> Iterator[tuple[AbstractLearner, str]]:
    """Yield the further learners of an experiment, and what each is there for."""
    return islice(zip(panel.learners, panel.roles, strict=True), 1, None)


def _share_record(found: FoundFunction) -> dict[str, float | None]:
    return {str(degree): _number(share) for degree, share in found.share.items()}


def _number(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None


def _stages(
    experiment: Experiment, tables: xr.DataTree, found: dict[int, list[FoundFunction]]
) -> tuple[Stage, ...]:
    generations = columns(tables, "generations")
    slots = experiment.strategy.population
    own = generations["arm"] == LEARNER_ARM
    finished = int(np.sum(columns(tables, "stages")["arm"] == LEARNER_ARM))
    records = []
    for index, function in enumerate(found[LEARNER_ARM]):
        here = own & (generations["stage"] == index)
        control = found[CONTROL_ARM]
        records.append(
            Stage(
                number=index + 1,
                finished=index < finished,
                generations=int(here.sum()),
                episodes=int(here.sum()) * slots,
                trials=int(generations["trials"][here].sum()),
                found=function,
                control=control[index] if index < len(control) else None,
            )
        )
    return tuple(records)


def _functions(
    experiment: Experiment,
    design: Design,
    basis: GradedBasis,
    tables: xr.DataTree,
    arm: int,
    *,
    by_animal: bool,
) -> list[FoundFunction]:
    found: list[FoundFunction] = []
    learners = design.panel.learners
    for stage, theta in enumerate(_recommended(tables, arm)):
        values = function_values(design.space, design.labeller, theta, basis.points)
        power = variance(basis, values)
        key = derive(root_key(experiment), stage, Purpose.HELD_OUT)
        cosines = [abs(cosine(basis, values, other.values)) for other in found]
        if by_animal:  # circuits of the document say nothing about an animal
            own, others = _answered(experiment, tables, arm, stage), []
        else:
            own, *others = (
                held_out(
                    design.space,
                    design.labeller,
                    learner,
                    theta,
                    n_train=design.n_train,
                    power=power,
                    key=key,
                )
                for learner in learners
            )
        found.append(
            FoundFunction(
                theta=theta,
                values=values,
                share=shares(basis, values),
                power=power,
                affine_r2=affine_fit(basis, values),
                held_out=own,
                others=tuple(others),
                max_cosine=max(cosines, default=0.0),
            )
        )
    return found


def _answered(experiment: Experiment, tables: xr.DataTree, arm: int, stage: int) -> HeldOut:
    """Return the animals' error over label power in the last generation of a stage.

    Its candidates lie around the function that is recommended, and their test stimuli were held out
    of training. The control was never asked of an animal: it has none.
    """
    nothing = HeldOut(median=np.nan, lower=np.nan, upper=np.nan, learners=0)
    if arm != LEARNER_ARM:
        return nothing
    candidates = columns(tables, "candidates")
    here = (candidates["arm"] == arm) & (candidates["stage"] == stage)
    if not here.any():
        return nothing
    here &= candidates["generation"] == candidates["generation"][here].max()
    errors = candidates["error"][here].astype(np.float64)
    if experiment.objective.error == "mse":
        errors = errors / candidates["label_power"][here]
    lower, median, upper = (float(q) for q in np.quantile(errors, [0.25, 0.5, 0.75]))
    return HeldOut(median=median, lower=lower, upper=upper, learners=int(here.sum()))


def _recommended(tables: xr.DataTree, arm: int) -> list[Float[np.ndarray, " theta"]]:
    """Return θ of each finished stage, and of a stage under way where generations keep it."""
    stages, generations = columns(tables, "stages"), columns(tables, "generations")
    thetas = list(stages["recommended"][stages["arm"] == arm])
    under_way = (generations["arm"] == arm) & (generations["stage"] == len(thetas))
    if under_way.any() and "recommended" in generations:
        thetas.append(generations["recommended"][np.flatnonzero(under_way)[-1]])
    return thetas


def columns(tables: xr.DataTree, name: str) -> dict[str, np.ndarray]:
    """Return the columns of a (small) table, loaded."""
    variables = tables.children[name].to_dataset().variables
    return {str(column): np.asarray(variable.values) for column, variable in variables.items()}


def _trials_by_arm(tables: xr.DataTree) -> tuple[int, int]:
    generations = columns(tables, "generations")
    arm, trials = generations["arm"], generations["trials"]
    return int(trials[arm == LEARNER_ARM].sum()), int(trials[arm == CONTROL_ARM].sum())
