"""A learner of two-choice feedback, trial by trial, whose parameters are fitted to its choices.

What it believes about a stimulus is w · φ(x). The label of a trial, which a choice and its feedback
tell, changes the weights by the normalised delta rule (Widrow & Hoff 1960; Rescorla & Wagner 1972)
with a rate for each degree of functions; between trials and between sessions a part is forgotten:

    w ← kept · (w + Λ φ (z - φ · w) / (1 + φ · Λ φ))

What it does also depends on what no lesson changes: an innate tendency, the trial before, and the
habit of choosing what it chose in this session so far (h, an exponential mean of choices ±1):

    p(choose 1) = lapse / 2 + (1 - lapse) σ(innate · φ + gain · w · φ + history · terms + stay · h)

Choices enter through h and the terms only, both of which begin anew with each session. So what is
fitted to some sessions doesn't depend on the choices in others. Without learning it is a logistic
regression with a lapse: the control for whether learning explains anything.

It can be right only about learners that take all they know from single labels, linearly in the
given functions. The loss has local minima (slow learning, fast learning with forgetting); the fit
begins with both and keeps the better.
"""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float, Int
from scipy.optimize import minimize

SLOW_AND_FAST = (-7.0, -2.0)
"""Logarithms of the learning rate with which a fit begins."""
FIRST_STEPS, STEPS = 40, 150
"""Steps of a fit from each beginning, and from the best of them."""


class Trials(eqx.Module):
    """What a learner went through and did, in order."""

    functions: Float[Array, "trial function"]
    """φ at the stimuli, with a constant among them."""
    degrees: Int[Array, " function"]
    """Those of a degree are learnt equally fast."""
    label: Float[Array, " trial"]
    """1 or -1, known after the choice."""
    choice: Float[Array, " trial"]
    """1 or -1."""
    begins: Bool[Array, " trial"]
    """Whether a session begins."""
    terms: Float[Array, "trial term"]
    """Of the trial before."""


class Parameters(eqx.Module):
    """Unbounded; `TrialByTrial.start` is the mean of their normal prior, SPREADS its width."""

    innate: Float[Array, " function"]
    first: Float[Array, " function"]
    """Weights that it had learnt before the first trial."""
    log_rates: Float[Array, " degree"]
    kept: Float[Array, ""]
    """Logit of what is kept from trial to trial."""
    kept_overnight: Float[Array, ""]
    """Logit of what is kept from session to session."""
    log_gain: Float[Array, ""]
    lapse: Float[Array, ""]
    """Logit of the part of the trials in which it chooses at random."""
    history: Float[Array, " term"]
    stay: Float[Array, ""]
    stay_kept: Float[Array, ""]
    """Logit of how much of h is left after another choice."""


SPREADS = {
    "innate": 2.0,
    "first": 2.0,
    "log_rates": 3.0,
    "kept": 3.0,
    "kept_overnight": 2.0,
    "log_gain": 1.0,
    "lapse": 2.0,
    "history": 2.0,
    "stay": 2.0,
    "stay_kept": 2.0,
}
"""Standard deviations of the parameters' prior; wide, so that thousands of trials overrule it."""


class TrialByTrial(eqx.Module):
    """Which parts the learner has."""

    taught: int | None = None
    """Highest degree of the functions whose weights labels change; -1: none, None: all."""
    habits: bool = True
    """Whether the trial before and earlier choices change what it does."""

    def start(self, functions: int, degrees: int, terms: int) -> Parameters:
        """Return the parameters before any choice."""
        return Parameters(
            innate=jnp.zeros(functions),
            first=jnp.zeros(functions),
            log_rates=jnp.full(degrees, -5.0),
            kept=jnp.array(7.0),
            kept_overnight=jnp.array(3.0),
            log_gain=jnp.array(0.0),
            lapse=jnp.array(-3.0),
            history=jnp.zeros(terms),
            stay=jnp.array(0.0),
            stay_kept=jnp.array(3.0),
        )

    def probability(self, parameters: Parameters, trials: Trials) -> Float[Array, " trial"]:
        """Return the probability of choosing 1, each from what came before the choice."""
        drive = jnp.sum(self.weights(parameters, trials) * trials.functions, axis=1)
        if self.habits:
            drive = drive + trials.terms @ parameters.history
            drive = drive + parameters.stay * chosen_so_far(parameters.stay_kept, trials)
        lapse = jax.nn.sigmoid(parameters.lapse)
        return lapse / 2 + (1 - lapse) * jax.nn.sigmoid(drive)

    def weights(self, parameters: Parameters, trials: Trials) -> Float[Array, "trial function"]:
        """Return what the functions weigh in each choice: innate and learnt together."""
        if self.taught == -1:
            return jnp.broadcast_to(parameters.innate, trials.functions.shape)
        learnt = learnt_before(parameters, trials, self.taught)
        return parameters.innate + jnp.exp(parameters.log_gain) * learnt


def learnt_before(
    parameters: Parameters, trials: Trials, taught: int | None = None
) -> Float[Array, "trial function"]:
    """Return the weights of the delta rule before each trial's feedback; 0 above `taught`."""
    seen = 1.0 if taught is None else trials.degrees <= taught
    functions = seen * trials.functions
    rated = jnp.exp(parameters.log_rates)[trials.degrees] * functions
    # all that doesn't depend on the weights is outside of the loop, whose turns are the fit's time
    steps = rated / (1 + jnp.sum(functions * rated, axis=1, keepdims=True))
    kept = jax.nn.sigmoid(parameters.kept)
    nights = trials.begins.at[0].set(False)
    left = jnp.where(nights, jax.nn.sigmoid(parameters.kept_overnight), 1.0)

    def one(weights: Array, trial: tuple[Array, Array, Array, Array]) -> tuple[Array, Array]:
        phi, label, step, left = trial
        before = left * weights
        return kept * (before + step * (label - phi @ before)), before

    rows = (functions, trials.label, steps, left)
    return jax.lax.scan(one, seen * parameters.first, rows)[1]


def chosen_so_far(stay_kept: Float[Array, ""], trials: Trials) -> Float[Array, " trial"]:
    """Return the exponential mean of the session's earlier choices, 0 in its first trial."""
    kept = jax.nn.sigmoid(stay_kept)

    def one(mean: Array, trial: tuple[Array, Array]) -> tuple[Array, Array]:
        choice, begins = trial
        before = jnp.where(begins, 0.0, mean)
        return kept * before + (1 - kept) * choice, before

    rows = (trials.choice, trials.begins)
    return jax.lax.scan(one, jnp.array(0.0), rows)[1]


def log_likelihood(
    probability: Float[Array, " trial"], choice: Float[Array, " trial"]
) -> Float[Array, " trial"]:
    """Return the natural logarithm of each choice's probability."""
    return jnp.log(jnp.where(choice > 0, probability, 1 - probability))


def fit(model: TrialByTrial, trials: Trials, counted: Bool[Array, " trial"]) -> Parameters:
    """Return the parameters with the largest posterior density, given the choices counted.

    The trials that aren't counted still teach, by their labels.

    Raises:
        ValueError: no choice is counted.
    """
    if not bool(np.any(counted)):
        raise ValueError("fit of a learner: expected at least one choice that counts, got none")
    with jax.enable_x64(True):
        trials = jax.tree.map(_in_double, trials)
        sizes = (trials.functions.shape[1], int(trials.degrees.max()) + 1, trials.terms.shape[1])
        start = model.start(*sizes)
        flat, unravel = ravel_pytree(start)
        counted = jnp.asarray(counted, flat.dtype)

        def improved(beginning: np.ndarray, steps: int) -> Any:
            return minimize(
                lambda at: _loss_and_slope(model, start, jnp.asarray(at), trials, counted),
                beginning,
                jac=True,
                method="L-BFGS-B",
                options={"maxiter": steps},
            )

        speeds = SLOW_AND_FAST[:1] if model.taught == -1 else SLOW_AND_FAST
        tried = [improved(_beginning(start, speed), FIRST_STEPS) for speed in speeds]
        best = min(tried, key=lambda found: found.fun)
        found = unravel(jnp.asarray(improved(best.x, STEPS).x))
        return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), found)


def _beginning(start: Parameters, log_rate: float) -> np.ndarray:
    rates = jnp.full_like(start.log_rates, log_rate)
    return np.asarray(ravel_pytree(dataclasses.replace(start, log_rates=rates))[0])


def _loss_and_slope(*inputs: Any) -> tuple[float, np.ndarray]:
    value, slope = _compiled(*inputs)
    return float(value), np.asarray(slope)


@eqx.filter_jit
def _compiled(
    model: TrialByTrial, start: Parameters, flat: Array, trials: Trials, counted: Array
) -> tuple[Array, Array]:
    """Return the negative log posterior for each counted choice, and its gradient."""
    unravel = ravel_pytree(start)[1]

    def loss(flat: Array) -> Array:
        parameters = unravel(flat)
        likelihoods = log_likelihood(model.probability(parameters, trials), trials.choice)
        posterior = jnp.sum(counted * likelihoods) + log_prior(parameters, start)
        return -posterior / jnp.sum(counted)

    return jax.value_and_grad(loss)(flat)


def log_prior(parameters: Parameters, mean: Parameters) -> Float[Array, ""]:
    """Return the logarithm of the parameters' prior density, up to a constant."""
    return -0.5 * sum(
        (
            jnp.sum(((getattr(parameters, name) - getattr(mean, name)) / spread) ** 2)
            for name, spread in SPREADS.items()
        ),
        start=jnp.array(0.0),
    )


def _in_double(leaf: Array) -> Array:
    """Turn numbers into double precision, without which a line search ends early."""
    return jnp.asarray(leaf, jnp.float64) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf
