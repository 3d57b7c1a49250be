"""Running a figure: its library document over seeds, each with its control, into rows of evidence.

```
settings  -> compute(settings, seeds, out) -> Evidence -> picture, JSON, printed rows
```
"""

import dataclasses
import json
import statistics
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

from matplotlib.figure import Figure

from controller import jax_cache
from controller.analysis.plots.style import style
from controller.analysis.summary import Analysis, analyse, summary
from controller.document import load_experiment
from controller.runs import begin
from sims.figures.claims import Arm, Claim, Row, median, number, worst_error

REPORTED_SEEDS = (10, 11, 12, 13, 14)  # settings were chosen on seeds 0-4
QUICK_GENERATIONS = 4
LIBRARY = Path(str(files("protocols") / "library"))
DATA = Path(__file__).parent / "data"


@dataclasses.dataclass(frozen=True, slots=True)
class Variant:
    """One experiment of a figure."""

    name: str
    document: str
    """Name of the library document."""
    overrides: tuple[str, ...] = ()
    """What differs from it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """A figure: what is run, and what is claimed of it."""

    name: str
    variants: tuple[Variant, ...]
    claims: tuple[Claim, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """One seed of one variant."""

    variant: str
    seed: int
    minutes: float
    analysis: Analysis

    def arms(self) -> tuple[Arm, Arm]:
        """Return what was found with the learner, and without."""
        found = tuple(stage.found for stage in self.analysis.stages)
        control = tuple(s.control for s in self.analysis.stages if s.control is not None)
        basis = self.analysis.basis
        return Arm(found, control, basis), Arm(control, found, basis)


@dataclasses.dataclass(frozen=True, slots=True)
class Evidence:
    """What the runs of a figure show."""

    figure: str
    runs: tuple[Run, ...]
    rows: tuple[Row, ...]
    data: Any = None
    """What a figure that isn't made of runs draws."""

    def run(self, variant: str) -> Run:
        """Return the first seed's run of a variant, the one that is drawn."""
        return next(run for run in self.runs if run.variant == variant)


class Compute(Protocol):
    """How the evidence of a figure comes about."""

    def __call__(self, seeds: tuple[int, ...], out: Path, *, quick: bool) -> Evidence:
        """Run with every seed; stores go below `out`; `quick` proves nothing but that it runs."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class Reproduction:
    """A figure that can be made anew: modules offer theirs as `REPRODUCTION`."""

    name: str
    compute: Compute
    plot: Callable[[Evidence], Figure]
    seeds: tuple[int, ...] = REPORTED_SEEDS
    """Seeds with which it is reported."""


def reproduction(
    settings: Settings,
    plot: Callable[[Evidence], Figure],
    seeds: tuple[int, ...] = REPORTED_SEEDS,
) -> Reproduction:
    """Return the reproduction of a figure that consists of documents' runs."""

    def run(seeds: tuple[int, ...], out: Path, *, quick: bool) -> Evidence:
        return compute(settings, seeds, out, quick=quick)

    return Reproduction(settings.name, run, plot, seeds)


def compute(
    settings: Settings, seeds: tuple[int, ...], out: Path, *, quick: bool = False
) -> Evidence:
    """Run every variant with every seed, each into its own store below `out`."""
    jax_cache.enable()
    runs = tuple(_run(variant, seed, out, quick) for variant in settings.variants for seed in seeds)
    rows = tuple(_row(settings.name, claim, runs, quick) for claim in settings.claims)
    return Evidence(settings.name, runs, rows)


def record(evidence: Evidence, *, runs: bool) -> dict[str, Any]:
    """Return what is written as JSON; `runs` adds every seed's summary, θ included."""
    rows = [{**dataclasses.asdict(row), "verdict": row.verdict} for row in evidence.rows]
    text: dict[str, Any] = {"figure": evidence.figure, "rows": rows}
    if runs:
        text["runs"] = [
            {"variant": run.variant, "minutes": number(run.minutes), **summary(run.analysis)}
            for run in evidence.runs
        ]
    return text


def make(
    figure: Reproduction, seeds: tuple[int, ...], out: Path, *, quick: bool, keep: bool
) -> Evidence:
    """Compute a figure; write its numbers and its picture to `out`.

    Args:
        figure: which one.
        seeds: each is a run of its own.
        out: a folder that holds no stores yet.
        quick: one seed and a few generations: shows that it runs, and nothing else.
        keep: whether its rows are recorded for RESULTS.md.

    Raises:
        FileExistsError: `out` holds stores already.
    """
    if (out / "stores").exists():
        raise FileExistsError(f"{out} already holds stores; name another folder with --out")
    evidence = figure.compute(seeds, out, quick=quick)
    _write_json(out / f"{figure.name}.json", record(evidence, runs=True))
    if keep:
        _write_json(DATA / f"{figure.name}.json", record(evidence, runs=False))
    save(figure.plot, evidence, out)
    return evidence


def save(plot: Callable[[Evidence], Figure], evidence: Evidence, out: Path) -> None:
    """Draw, and write the picture as PNG and SVG."""
    with style():
        figure = plot(evidence)
        for suffix in ("png", "svg"):
            figure.savefig(out / f"{evidence.figure}.{suffix}")


def _run(variant: Variant, seed: int, out: Path, quick: bool) -> Run:
    cut = (f"stages.generations={QUICK_GENERATIONS}",) if quick else ()
    overrides = (*variant.overrides, *cut, f"seed={seed}")
    document = load_experiment(LIBRARY / f"{variant.document}.toml", overrides)
    folder = out / "stores" / f"{variant.name.replace(',', '').replace(' ', '-')}-seed{seed}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    begin(document, folder, control=True)
    analysis = analyse(folder)
    return Run(variant.name, seed, (time.monotonic() - started) / 60, analysis)


def _row(figure: str, claim: Claim, runs: tuple[Run, ...], quick: bool) -> Row:
    own = [run for run in runs if run.variant == claim.variant]
    arms = [run.arms() for run in own]
    control = None if claim.compares_arms else [number(claim.measure(c)) for _, c in arms]
    return Row(
        figure=figure,
        variant=claim.variant,
        result=claim.result,
        at_least=claim.at_least,
        at_most=claim.at_most,
        every_seed=claim.every_seed,
        ours=[number(claim.measure(ours)) for ours, _ in arms],
        control=control,
        g_over_var=[number(worst_error(ours.found, claim.stages)) for ours, _ in arms],
        control_g_over_var=[number(worst_error(c.found, claim.stages)) for _, c in arms],
        seeds=[run.seed for run in own],
        steps=own[0].analysis.experiment.stages.generations,
        trials=own[0].analysis.trials_total,
        minutes=round(statistics.median(run.minutes for run in own), 2),
        reason=claim.reason,
        generations_cut=quick,
    )


def shown(row: Row) -> str:
    """Write a row as one line for a terminal."""
    control = "—" if row.control is None else median(row.control)
    return (
        f"{row.figure} · {row.result}: {median(row.ours)} (n = {len(row.seeds)}), "
        f"target {row.target}, control {control}, "
        f"g/Var {median(row.g_over_var)} against {median(row.control_g_over_var)}, "
        f"{row.trials} trials, {row.minutes} min: {row.verdict}"
    )


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
