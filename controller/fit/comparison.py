"""Which model is named: by held-out prediction, in paired differences over episodes.

The one-standard-error rule (Breiman et al. 1984): of all models whose held-out log likelihood is
less than one standard error below the best one's, the one with the fewest parameters is named; of
several with as few, the one that predicts best. The standard error is that of the difference to the
best, paired over episodes: all models predict the same answers.

A model isn't told apart from the named one when the two differ by less than two such errors. The
errors take episodes for independent. They say how sure the comparison is on these data, not whether
a model that isn't in it would do better.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

APART = 2.0


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over answers, in nats, and its standard error over episodes."""

    value: float
    error: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the models compare; everything by their names."""

    held_out: dict[str, Mean]
    """Log likelihood of an answer."""
    below_best: dict[str, Mean]
    """That of a model less that of the best; 0 for the best."""
    best: str
    named: str
    """By the one-standard-error rule."""
    not_apart: tuple[str, ...]
    """Others that can't be told apart from the named one."""


def compare(
    scores: Mapping[str, Float64[np.ndarray, "episode test"]], sizes: Mapping[str, int]
) -> Comparison:
    """Name a model.

    Args:
        scores: held-out log likelihood of every answer, by model.
        sizes: numbers of parameters.
    """
    by_episode = {name: score.mean(axis=1) for name, score in scores.items()}
    held_out = {name: mean(values) for name, values in by_episode.items()}
    best = max(held_out, key=lambda name: held_out[name].value)
    below = {name: mean(values - by_episode[best]) for name, values in by_episode.items()}
    within = [name for name, gap in below.items() if gap.value + gap.error >= 0]
    named = min(within, key=lambda name: (sizes[name], -held_out[name].value))
    gaps = {name: mean(values - by_episode[named]) for name, values in by_episode.items()}
    return Comparison(
        held_out=held_out,
        below_best=below,
        best=best,
        named=named,
        not_apart=tuple(
            name
            for name, gap in gaps.items()
            if name != named and abs(gap.value) <= APART * gap.error
        ),
    )


def mean(values: Float64[np.ndarray, " episode"]) -> Mean:
    """Return the mean over episodes, and its standard error."""
    return Mean(float(values.mean()), float(values.std(ddof=1) / len(values) ** 0.5))
