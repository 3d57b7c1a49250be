"""An explanation as a record: what `fit.json` holds, and what the table is made of."""

import math
from typing import Any

from controller.fit.comparison import APART, Mean
from controller.fit.easy import EasyFunction
from controller.fit.explanation import Explanation, is_baseline
from controller.fit.parameters import Parameter
from learners.twins.circuit import Circuit

RULE = (
    "held-out log likelihood of an answer in nats, in contiguous blocks of episodes whose answers "
    "were not fitted; named is the model with the fewest parameters among those less than one "
    "standard error (of the paired difference over episodes) below the best"
)


def record(explanation: Explanation) -> dict[str, Any]:
    """Return it; every number is finite or null."""
    answers, comparison = explanation.answers, explanation.comparison
    order = sorted(explanation.fits, key=lambda name: comparison.held_out[name].value, reverse=True)
    return {
        "store": answers.folder.name,
        "experiment": answers.experiment.name,
        "origin": answers.origin,
        "episodes": answers.episodes,
        "trials": answers.trials,
        "episodes_left_out": answers.left_out,
        "episodes_unanswered": answers.unanswered,
        "blocks": explanation.folds,
        "rule": RULE,
        "named": comparison.named,
        "best": comparison.best,
        "not_told_apart": list(comparison.not_apart),
        "verdict": verdict(explanation),
        "models": [_model(explanation, name) for name in order],
        "residuals_of": comparison.named,
        "residuals": [
            {
                "check": check.name,
                "value": _number(check.value),
                "error": _number(check.error),
                "means": check.word,
            }
            for check in explanation.residuals.checks
        ],
    }


def verdict(explanation: Explanation) -> str:
    """Say in a sentence or two what the comparison shows."""
    comparison = explanation.comparison
    name = comparison.named
    if is_baseline(name):
        return (
            "no model predicts these answers better than the baseline (the right answers times a "
            "gain, and fixed beliefs): they say nothing of which functions this learner finds easy"
        )
    said = f"{name} explains these answers best"
    if name != comparison.best:
        gap = comparison.below_best[name]
        said = (
            f"{name} is named: it predicts as well as {comparison.best} within a standard error "
            f"({_with_error(gap)}) and has fewer parameters"
        )
    others = comparison.not_apart
    if others:
        listed = ", ".join(others)
        said += f"; it can't be told apart from {listed} (difference under {APART:g} errors)"
    return said


def _model(explanation: Explanation, name: str) -> dict[str, Any]:
    one, comparison = explanation.fits[name], explanation.comparison
    return {
        "name": name,
        "is": _kind(explanation, name),
        "parameters_fitted": one.prediction.parameters,
        "held_out": _mean(comparison.held_out[name]),
        "below_best": _mean(comparison.below_best[name]),
        "seconds": round(one.seconds, 1),
        "parameters": [_parameter(value) for value in explanation.parameters[name]],
        "easy_functions": [_function(found) for found in explanation.easy.get(name, ())],
    }


def _kind(explanation: Explanation, name: str) -> str:
    if is_baseline(name):
        return "baseline"
    return "circuit" if isinstance(explanation.fits[name].model, Circuit) else "twin"


def _mean(mean: Mean) -> dict[str, float | None]:
    return {"nats": _number(mean.value), "error": _number(mean.error)}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "value": _number(parameter.value),
        "low": _number(parameter.low),
        "high": _number(parameter.high),
    }


def _function(found: EasyFunction) -> dict[str, Any]:
    return {
        "share": {str(degree): _number(share) for degree, share in found.share.items()},
        "g_over_var": _number(found.g_over_var),
        "low": _number(found.low),
        "high": _number(found.high),
    }


def _number(value: float | None) -> float | None:
    """Round to six significant digits; what isn't finite is null."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.6g}")


def _with_error(mean: Mean) -> str:
    return f"{mean.value:+.4f} ± {mean.error:.4f} nats an answer"
