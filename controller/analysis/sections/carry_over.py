"""Carry-over from trial to trial: what the trial before adds, once the present label is known.

    answer_t = session + a · label_t + b · label_(t-1) + c · answer_(t-1)

Everything is taken from its session's mean. Labels are only felt where feedback follows them, so
trials after one with feedback, and after one without, are also looked at apart.

A belief that is wrong throughout an episode makes its answers err together, which gives the trial
before a weight although nothing is carried over. Any other trial of the same episode and kind has
that weight as well; the mean over random ones in its place is what to compare with.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Integer

from controller.analysis.presented import Presented, by_subject
from controller.analysis.sections.base import Numbers, NumberTable, Picture, Section
from controller.analysis.source import PHASE, Source
from controller.analysis.statistics.regression import LEVEL, Regression, regress
from controller.analysis.written import plus_minus

FED_BACK = [PHASE[name] for name in ("training", "warm_up", "wash_out")]
WEIGHTS = ("label", "previous_label", "previous_answer")
SHUFFLES = 20
NOT_TOLD = (
    "Beliefs that are wrong throughout an episode give the trial before a weight as well; shuffled "
    "is that weight, with another trial of the same episode and kind in its place, and only what "
    "differs from it comes from the order of trials. It can't tell carry-over between episodes, "
    "which needs a model of the learner: `biasloop fit`."
)


def compute(source: Source) -> Numbers | None:
    """Return the weights of each subject; None without sessions or labels."""
    if not source.sessions:
        return None
    rows = [row for name, trials in by_subject(source).items() for row in _rows(name, trials)]
    return {"level": LEVEL, "rows": rows, "cannot_tell": NOT_TOLD} if rows else None


def _rows(name: str, trials: Presented) -> Iterator[dict[str, Any]]:
    present = np.flatnonzero(_usable(trials))
    before = present - 1
    felt = np.isin(trials.phase[before], FED_BACK)
    chosen = {"any": np.ones(len(felt), bool)}
    if len(np.unique(felt)) > 1:
        chosen |= {"feedback": felt, "no feedback": ~felt}
    for after, own in chosen.items():
        if own.any():
            yield {"subject": name, "after": after, **_weights(trials, present[own])}


def _usable(trials: Presented) -> Bool[np.ndarray, " trial"]:
    """Say which trials have a label, an answer, and before them one of their session that has."""
    known = ~np.isnan(trials.label) & ~np.isnan(trials.answer)
    usable = known & (trials.phase != PHASE["wash_out"])  # its label is no stimulus'
    usable[:1] = False
    usable[1:] &= known[:-1] & (np.diff(trials.session) == 0)
    return usable


def _weights(trials: Presented, present: Integer[np.ndarray, " row"]) -> dict[str, Any]:
    session = np.unique(trials.session[present], return_inverse=True)[1]
    found = _regressed(trials, present, present - 1, session)
    sessions = int(session.max()) + 1
    numbers: dict[str, Any] = {"n": len(present), "sessions": sessions}
    if found is None:
        return {**numbers, **dict.fromkeys(WEIGHTS), "why": "trials are too few or too alike"}
    shuffled = [None, *_shuffled(trials, present, session)]
    for place, name in enumerate(WEIGHTS):
        low, high = found.interval(place)
        one = {"weight": found.weight[place], "se": found.error[place], "low": low, "high": high}
        numbers[name] = {**one, "shuffled": shuffled[place]}
    return {**numbers, "why": "one session: no interval" if sessions < 2 else None}


def _regressed(
    trials: Presented,
    present: Integer[np.ndarray, " row"],
    before: Integer[np.ndarray, " row"],
    session: Integer[np.ndarray, " row"],
) -> Regression | None:
    columns = (trials.label[present], trials.label[before], trials.answer[before])
    within = [_within(column, session) for column in columns]
    return regress(within, _within(trials.answer[present], session), session)


def _shuffled(
    trials: Presented, present: Integer[np.ndarray, " row"], session: Integer[np.ndarray, " row"]
) -> list[float | None]:
    """Return the weights of the trial before, were it any of the same episode and kind."""
    others = _others(trials, present)
    drawn = (_regressed(trials, present, next(others), session) for _ in range(SHUFFLES))
    weights = [one.weight[1:] for one in drawn if one is not None]
    return np.mean(weights, axis=0).tolist() if weights else [None, None]


def _others(
    trials: Presented, present: Integer[np.ndarray, " row"]
) -> Iterator[Integer[np.ndarray, " row"]]:
    """Yield random trials of the episode, session and kind of each trial before; never itself."""
    random = np.random.default_rng(0)
    known = np.flatnonzero(~np.isnan(trials.label) & ~np.isnan(trials.answer))
    group = _groups(trials)
    known = known[np.argsort(group[known], kind="stable")]
    first = np.searchsorted(group[known], group[present - 1])
    size = np.searchsorted(group[known], group[present - 1], side="right") - first
    while True:
        drawn = random.integers(0, size)
        same = known[first + drawn] == present
        yield known[first + np.where(same, (drawn + 1) % size, drawn)]


def _groups(trials: Presented) -> Integer[np.ndarray, " trial"]:
    """Return a number for each session, episode and kind."""
    episodes = int(trials.episode.max()) + 1
    place = trials.session * episodes + trials.episode
    return 2 * place + np.isin(trials.phase, FED_BACK)


def _within(
    values: Float[np.ndarray, " row"], session: Integer[np.ndarray, " row"]
) -> Float[np.ndarray, " row"]:
    """Take values from their session's mean."""
    return values - (np.bincount(session, values) / np.bincount(session))[session]


def tables(numbers: Numbers) -> Iterable[NumberTable]:
    """Show every weight."""
    rows = numbers["rows"]
    shown = [
        [
            *(row[key] for key in ("subject", "after", "n", "sessions")),
            _written(row["label"]),
            *(cell for name in WEIGHTS[1:] for cell in _with_shuffled(row[name])),
            *([row["why"]] if any(one["why"] for one in rows) else []),
        ]
        for row in rows
    ]
    yield NumberTable(
        "weights in the answer",
        (
            *("subject", "after", "trials", "sessions", "label"),
            *("previous label", "shuffled", "previous answer", "shuffled"),
            *([""] if any(one["why"] for one in rows) else []),
        ),
        shown,
        "linear regression within sessions; after: what the trial before had. ± standard error, "
        f"clustered by session. {numbers['cannot_tell']}",
    )


def _with_shuffled(one: Numbers | None) -> list[Any]:
    return [_written(one), None if one is None else one["shuffled"]]


def _written(one: Numbers | None) -> str | None:
    return None if one is None else plus_minus(one["weight"], one["se"])


def panels(numbers: Numbers) -> list[dict[str, Any]]:
    """Draw both weights of the trial before, each for all subjects."""
    rows = [row for row in numbers["rows"] if row["label"] is not None]
    if not rows:
        return []
    return [
        {"weight": name, "level": numbers["level"], "rows": rows}
        for name in ("previous_label", "previous_answer")
    ]


CARRY_OVER = Section(
    "carry_over",
    "Carry-over from trial to trial",
    compute,
    tables,
    (
        Picture(
            "weights",
            "What the trial before adds to an answer, once the present label is known, with 95 % "
            "intervals over sessions; upright: any other trial of the same episode in its place.",
            "controller.analysis.plots.carry_over:weights",
            panels,
            across=2,
        ),
    ),
)
