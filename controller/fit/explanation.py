"""Fitting every model to a store's answers, and naming the one that explains them best."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from controller.fit.answers import Answers, FitError
from controller.fit.comparison import Comparison, compare
from controller.fit.easy import EasyFunction, easy
from controller.fit.held_out import FOLDS, Prediction, predict
from controller.fit.models import BASELINE
from controller.fit.parameters import Parameter, parameters
from controller.fit.residuals import Residuals, residuals
from learners.twins.base import AbstractModel
from learners.twins.circuit import Circuit

EPISODES_A_FOLD = 2
"""Fewest; with fewer there is no standard error worth the name."""


@dataclass(frozen=True, slots=True)
class ModelFit:
    """One model, fitted."""

    model: AbstractModel
    """As it was asked for."""
    fitted: AbstractModel
    """What was fitted in its place: a circuit's table."""
    prediction: Prediction
    seconds: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """What the models make of a store's answers; everything by the models' names."""

    answers: Answers
    folds: int
    fits: dict[str, ModelFit]
    comparison: Comparison
    parameters: dict[str, tuple[Parameter, ...]]
    easy: dict[str, tuple[EasyFunction, ...]]
    """Of the named model and of all twins."""
    residuals: Residuals
    """Of the named model."""


def fit_models(
    answers: Answers,
    models: Mapping[str, AbstractModel],
    *,
    folds: int = FOLDS,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, ModelFit]:
    """Fit the models, each with and without every block of episodes.

    Raises:
        FitError: there are too few episodes.
    """
    fewest = EPISODES_A_FOLD * folds
    if answers.episodes < fewest:
        raise FitError(
            f"expected at least {fewest} answered episodes, {EPISODES_A_FOLD} for each of {folds} "
            f"blocks, got {answers.episodes}; go on with the experiment"
        )
    fits = {}
    for name, model in models.items():
        say(name)
        began_s = time.monotonic()
        fitted = model.tabled(answers.history) if isinstance(model, Circuit) else model
        prediction = predict(fitted, answers.history, folds=folds)
        fits[name] = ModelFit(model, fitted, prediction, time.monotonic() - began_s)
    return fits


def named(fits: Mapping[str, ModelFit]) -> Comparison:
    """Compare fitted models."""
    return compare(
        {name: one.prediction.log_likelihood for name, one in fits.items()},
        {name: one.prediction.parameters for name, one in fits.items()},
    )


def explain(
    answers: Answers,
    models: Mapping[str, AbstractModel],
    *,
    folds: int = FOLDS,
    say: Callable[[str], None] = lambda _: None,
) -> Explanation:
    """Fit the models, compare them, and look at what the named one implies and leaves over.

    Args:
        answers: of one learner.
        models: by name, the baseline among them.
        folds: blocks of episodes that are held out in turn.
        say: told what is done next.

    Raises:
        FitError: there are too few episodes.
    """
    fits = fit_models(answers, models, folds=folds, say=say)
    comparison = named(fits)
    best = fits[comparison.named]
    say("errors of parameters")
    found = {
        name: parameters(
            one.fitted,
            one.prediction.fitted,
            answers.history,
            one.model.circuit if isinstance(one.model, Circuit) else None,
        )
        for name, one in fits.items()
    }
    say("easy functions")
    functions = {
        name: easy(answers, one.model, one.prediction)
        for name, one in fits.items()
        if name == comparison.named or not isinstance(one.model, Circuit)
    }
    say("residuals")
    return Explanation(
        answers=answers,
        folds=folds,
        fits=fits,
        comparison=comparison,
        parameters=found,
        easy={name: listed for name, listed in functions.items() if listed},
        residuals=residuals(best.fitted, best.prediction, answers.history),
    )


def is_baseline(name: str) -> bool:
    """Whether a model is the one that knows nothing of learning."""
    return name == BASELINE.kind
