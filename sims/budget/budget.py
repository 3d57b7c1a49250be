"""A budget, put together from its pieces: plain numbers, for people and for programs."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from controller.analysis.verdict import GUESSING
from controller.document import Experiment
from sims.budget import changes
from sims.budget.changes import Change
from sims.budget.crew import Crew
from sims.budget.errors import PlanError, UnreliableError
from sims.budget.interval import LEVEL, Interval, of_a_part, predictive
from sims.budget.plausible import BAD_DAY, Plausible, Source, possible
from sims.budget.price import Price, price
from sims.budget.reliability import ENOUGH, Reliability
from sims.budget.work import Done, Look, Task, look, perform

PRECISION_IS = (
    "share of a found function's variance that lies in the learner's own easiest functions: the "
    "span of the eigenvectors of its error matrix (fresh learners without habits, the document's "
    "training trials) whose g/Var is within a factor of 2 of the easiest one's, and so on for "
    "later stages; a stage is right enough from its first recommendation that has it"
)
RUNS = 29
FEWER_RUNS = 9
SAVES = 0.9
"""Part of the trials from which on a change is worth a line."""
FREE = 0.1
"""g/Var of functions that cost the learner next to nothing."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a budget is asked for."""

    source: Source
    learners: tuple[str, ...] = ()
    """Names; empty: all."""
    precision: float = 0.95
    trials_a_day: int | None = None
    days_per_animal: int = 20
    runs: int = RUNS
    """Of the first learner; others have 9, or fewer if it has."""
    anyway: bool = False
    """Whether an unreliable evaluation is no reason to stop."""
    changes: bool = True
    """Whether other strategies and episodes are tried."""
    thorough: bool = False
    """Whether other strategies are tried on every learner, not only on the first and a bad day."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What was simulated."""

    record: dict[str, Any]
    """Every number, finite or null; the same for the same wish."""
    done: tuple[Done, ...]
    """The runs behind them."""


def budget(wish: Wish, crew: Crew, say: Callable[[str, int], None] = lambda *_: None) -> Budget:
    """Simulate a document on plausible learners.

    Args:
        wish: what is asked.
        crew: who does it.
        say: told what was just finished, and how many pieces there are.

    Raises:
        protocols.documents.DocumentError: the document is wrong.
        PlanError: no animal can run it, or no such learner fits it.
        UnreliableError: one evaluation says too little.
        SimulationError: a learner gives no answers.
    """
    document = wish.source.load()
    experiment = document.value
    _check(experiment)
    cost = price(experiment, wish.trials_a_day, wish.days_per_animal)
    learners = list(possible(wish.source, wish.learners))
    if not learners:
        raise PlanError(
            f"none of the learners {', '.join(wish.learners)} fits this document's stimuli; leave "
            "--learners out"
        )
    looks = _looks(wish.source, learners, experiment.seed, crew, say)
    first = looks[learners[0].name]
    if not (first.reliability.is_enough or wish.anyway):
        tried = [
            Plausible(one.name, one.words, (*learners[0].overrides, *one.overrides))
            for one in (_might_help(wish.source, experiment) if wish.changes else ())
        ]
        helped = _looks(wish.source, tried, experiment.seed, crew, say)
        raise UnreliableError(_refusal(learners[0], first, helped))
    others, unable = changes.strategies(wish.source, experiment) if wish.changes else ([], {})
    tasks = list(_tasks(wish, experiment, learners, looks, others))
    done = {}
    for count, one in enumerate(crew.do((perform, (task,)) for task in tasks), 1):
        done[one.learner, one.change] = one
        say(f"{one.learner} {one.change}".strip(), len(tasks) - count)
    record = {
        "name": experiment.name,
        "document_sha256": document.sha256,
        "seed": experiment.seed,
        "strategy": experiment.strategy.kind,
        "stages": experiment.stages.count,
        "generations": experiment.stages.generations,
        "precision": wish.precision,
        "precision_is": PRECISION_IS,
        "interval": LEVEL,
        "trials_a_day": cost.trials_a_day,
        "days_per_animal": cost.days_per_animal,
        "presentations_per_episode": cost.per_episode,
        "as_written": _as_written(experiment, done[learners[0].name, ""], cost),
        "learners": [_learner(one, looks[one.name], done[one.name, ""], cost) for one in learners],
        **_strategies(experiment, learners, done, others, unable),
        **_waste(experiment, learners[0], first, done),
    }
    return Budget(record, tuple(done[key] for key in sorted(done)))


def _check(experiment: Experiment) -> None:
    if experiment.strategy.build().needs_gradient:
        raise PlanError(
            f"strategy {experiment.strategy.kind!r} needs the derivative of the learner's error, "
            "which no animal gives; plan another one, such as --set "
            "'strategy={kind=\"es\",population=32,std=0.6}'"
        )
    if experiment.together or experiment.neglected is not None:
        raise PlanError(
            "an animal is one learner, this document has several; leave out `together` and "
            "`neglected`"
        )


def _looks(
    source: Source,
    learners: Iterable[Plausible],
    seed: int,
    crew: Crew,
    say: Callable[[str, int], None],
) -> dict[str, Look]:
    work = [(look, (one.name, source.changed(one.overrides), seed)) for one in learners]
    looks = {}
    for one in crew.do(work):
        looks[one.learner] = one
        say(f"reliability {one.learner}", len(work) - len(looks))
    return looks


def _might_help(source: Source, experiment: Experiment) -> Iterable[Change]:
    """Yield changes by which an evaluation may say more."""
    others, _ = changes.strategies(source, experiment)
    yield from changes.episodes(source, experiment)
    yield from (Change(f"strategy {one.name}", one.words, one.overrides) for one in others)


def _refusal(learner: Plausible, found: Look, looks: Mapping[str, Look]) -> str:
    """Say why a plan is refused, and what would help, as it was tried."""
    now = found.reliability.decides
    better = sorted(((one.reliability.decides, name) for name, one in looks.items()), reverse=True)
    helps = [f"{name}: {value:.2f}" for value, name in better if value > max(1.1 * now, 0.05)]
    return (
        f"the reliability of one evaluation is {now:.2f} ({learner.words}), below {ENOUGH}: "
        f"{100 * (1 - max(now, 0)):.0f} % of what a search would go by is noise. "
        + (f"What would help, simulated: {'; '.join(helps)}. " if helps else "")
        + "More test trials, or more episodes about one function, make it larger; --anyway plans "
        "it as it is"
    )


def _tasks(
    wish: Wish,
    experiment: Experiment,
    learners: Sequence[Plausible],
    looks: Mapping[str, Look],
    others: Sequence[Change],
) -> Iterable[Task]:
    """Yield the searches, the longest ones first."""
    fewer = min(wish.runs, FEWER_RUNS)
    shorter = min(wish.runs, 2 * FEWER_RUNS + 1)

    def task(learner: Plausible, change: Change | None, runs: int) -> Task:
        source = wish.source.changed(learner.overrides)
        return Task(
            learner=learner.name,
            change="" if change is None else change.name,
            source=source if change is None else source.changed(change.overrides),
            runs=runs,
            enough=wish.precision,
            ease=looks[learner.name].ease,
            seed=experiment.seed,
        )

    for learner in reversed(learners):
        yield task(learner, None, wish.runs if learner is learners[0] else fewer)
    for learner in learners:
        if wish.thorough or learner is learners[0] or learner.name == BAD_DAY:
            for change in reversed(others):
                yield task(learner, change, shorter if learner is learners[0] else fewer)
    if wish.changes:
        for change in changes.episodes(wish.source, experiment):
            yield task(learners[0], change, shorter)


def _as_written(experiment: Experiment, done: Done, cost: Price) -> dict[str, Any]:
    stages = experiment.stages
    trials = done.trials_per_generation * stages.generations * stages.count
    return {"trials": trials, "days": cost.days(trials), "animals": cost.animals(trials)}


def _learner(learner: Plausible, found: Look, done: Done, cost: Price) -> dict[str, Any]:
    each, runs = done.trials_per_generation, done.runs
    trials = predictive([each * run.generations() for run in runs])
    successes = sum(run.beats_control for run in runs)
    low, high = of_a_part(successes, len(runs))
    return {
        "name": learner.name,
        "words": learner.words,
        "overrides": list(learner.overrides),
        "easiest": [
            {"functions": count, "g_over_var": _number(value)}
            for count, value in found.ease.groups()
        ],
        "reliability": _reliability(found.reliability),
        "trials": _interval(trials),
        "days": _priced(trials, cost.days),
        "animals": _priced(trials, cost.animals),
        "first_function": _interval(predictive([each * run.first() for run in runs])),
        "precision_in_the_end": [
            _number(float(np.median(stage)))
            for stage in zip(*(run.final for run in runs), strict=True)
        ],
        "power": {"successes": successes, "n": len(runs), "low": low, "high": high},
        "runs": [_number(each * run.generations()) for run in runs],
    }


def _strategies(
    experiment: Experiment,
    learners: Sequence[Plausible],
    done: dict[tuple[str, str], Done],
    others: Sequence[Change],
    unable: dict[str, str],
) -> dict[str, Any]:
    own = experiment.strategy.kind
    rows = [{"kind": own, "overrides": []}] + [
        {"kind": one.name, "overrides": list(one.overrides)} for one in others
    ]
    for row in rows:
        change = "" if row["kind"] == own else row["kind"]
        row["first_function"] = {
            one.name: _interval(_first(done[one.name, change]))
            for one in learners
            if (one.name, change) in done
        }
    first = learners[0].name
    medians = {row["kind"]: row["first_function"][first]["median"] for row in rows}
    reached = {kind: value for kind, value in medians.items() if value is not None}
    return {
        "strategies": rows,
        "cannot_run": unable,
        "cheapest": min(reached, key=lambda kind: reached[kind]) if reached else None,
    }


def _waste(
    experiment: Experiment, learner: Plausible, found: Look, done: dict[tuple[str, str], Done]
) -> dict[str, Any]:
    own = done[learner.name, ""]
    kinds = {"", *(kind for kind in changes.STRATEGIES)}
    base = _first(own).median
    rows = []
    for (name, change), one in sorted(done.items()):
        if name != learner.name or change in kinds:
            continue
        trials = _first(one)
        ratio = trials.median / base if math.isfinite(base) else math.nan
        rows.append(
            {"change": change, "first_function": _interval(trials), "ratio": _number(ratio)}
        )
    lines = [*_unused(experiment, own), *_too_easy(experiment, found)]
    saving = sorted((row["ratio"], row) for row in rows if row["ratio"] and row["ratio"] <= SAVES)
    lines += [
        f"{row['change']}: {ratio:.2f} x the trials of the first function "
        f"({row['first_function']['median']:,.0f}, n = {row['first_function']['n']})"
        for ratio, row in sorted(saving, key=lambda pair: pair[0])
    ]
    if rows and not saving:
        lines.append(
            "episodes: none of "
            + "; ".join(f"{row['change']} ({_times(row['ratio'])})" for row in rows)
            + " saves a tenth"
        )
    return {"changes": rows, "waste": lines}


def _unused(experiment: Experiment, own: Done) -> Iterable[str]:
    """Say how many generations come after the precision was reached, or that they are too few."""
    asked = experiment.stages.generations
    slowest = [math.inf if None in r.reached else max(filter(None, r.reached)) for r in own.runs]
    needed = predictive([float(one) for one in slowest])
    if not math.isfinite(needed.high):
        yield (f"generations: {asked} a stage are too few in {needed.never} of {needed.n} runs")
    elif needed.high < SAVES * asked:
        yield (
            f"generations: 9 of 10 runs need at most {needed.high:.0f} of {asked} in their slowest "
            f"stage; {100 * (1 - needed.high / asked):.0f} % of the trials come after that"
        )


def _too_easy(experiment: Experiment, found: Look) -> Iterable[str]:
    """Say where training trials make everything easy, or stages look for what isn't learnt."""
    groups = found.ease.groups()
    if len(groups) > 1 and groups[1][1] < FREE:
        yield (
            f"training: with {experiment.episode.train} trials the {groups[1][0]} next functions "
            f"are nearly free as well (g/Var {groups[1][1]:.2g} after {groups[0][1]:.2g})"
        )
    learnt = int(np.sum(found.ease.g_over_var < GUESSING))
    if experiment.stages.count > learnt:
        yield (
            f"stages: with {experiment.episode.train} training trials this learner does better "
            f"than guessing on {learnt} functions only; {experiment.stages.count} are looked for"
        )


def _first(done: Done) -> Interval:
    return predictive([done.trials_per_generation * run.first() for run in done.runs])


def _reliability(found: Reliability) -> dict[str, Any]:
    return {
        "fitness": _number(found.fitness),
        "answers": None if found.answers is None else _number(found.answers),
        "decides": _number(found.decides),
        "starts": found.starts,
        "candidates": found.candidates,
        "repeats": found.repeats,
    }


def _interval(found: Interval) -> dict[str, Any]:
    return {
        "median": _number(found.median),
        "low": _number(found.low),
        "high": _number(found.high),
        "n": found.n,
        "never": found.never,
        "method": found.method,
    }


def _priced(trials: Interval, priced: Callable[[float], float]) -> dict[str, float | None]:
    ends = {"median": trials.median, "low": trials.low, "high": trials.high}
    return {name: _number(priced(value)) for name, value in ends.items()}


def _times(ratio: float | None) -> str:
    return "never" if ratio is None else f"{ratio:.2f} x"


def _number(value: float) -> float | None:
    """Return a number for JSON: null where it isn't finite, whole numbers as such."""
    if not math.isfinite(value):
        return None
    return int(value) if float(value).is_integer() else round(float(value), 4)
