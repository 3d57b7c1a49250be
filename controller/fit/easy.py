"""Which functions a fitted model finds easy, by its own generalisation error.

A twin is linear in its labels, so that its error on f_θ over the label power is θᵀMθ / θᵀθ: the
easiest functions are M's first eigenvectors (`learners.twins.easiest`). A circuit is probed: it is
taught each function of the space's basis, and M is the matrix of its errors. If it is linear in its
labels that is all; if not, each eigenvector is only the beginning of a descent on the error through
the circuit's whole training, beside the functions that were found before. What is reported of a
circuit is the error on further lessons.

Carry-over is left out, and so is how answers are spoken: errors are those of beliefs.
"""

from collections.abc import Callable
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Float64, Int

from controller.fit.answers import Answers
from controller.fit.held_out import Prediction
from learners.base import AbstractLearner
from learners.twins.base import AbstractModel, AbstractTwin
from learners.twins.circuit import Circuit
from learners.twins.easiest import error_matrix, lessons

FIRST = 4
"""Functions that are reported."""
LESSONS, POINTS = 16, 100
STEPS, RATE = 25, 0.08
USUAL_DEGREE = 3
MOST_FUNCTIONS = 24
LINEAR = 1e-3


@dataclass(frozen=True, slots=True)
class EasyFunction:
    """One function, the easiest beside those before it."""

    share: dict[int, float]
    """Part of its squared norm in each degree."""
    g_over_var: float
    """Error over label power."""
    low: float | None
    """Smallest by a fit without one of the blocks; None where that wasn't computed."""
    high: float | None


@dataclass(frozen=True, slots=True)
class _Probe:
    """Lessons of a circuit, and the basis there."""

    x: Float[Array, "lesson train feature"]
    basis: Float[Array, "lesson train function"]
    test_x: Float[Array, "lesson test feature"]
    test_basis: Float[Array, "lesson test function"]


def easy(
    answers: Answers, model: AbstractModel, prediction: Prediction
) -> tuple[EasyFunction, ...]:
    """Return the first easy functions of a fitted twin or circuit; none of anything else."""
    if isinstance(model, AbstractTwin):
        return _of_twin(answers, model, prediction)
    if isinstance(model, Circuit):
        return _of_circuit(answers, model.set_to(prediction.fitted.model))
    return ()


def _of_twin(
    answers: Answers, twin: AbstractTwin, prediction: Prediction
) -> tuple[EasyFunction, ...]:
    history = answers.history
    taught = lessons(history, key=jax.random.key(0))
    found = np.asarray(_matrix(twin, prediction.fitted.model, taught, history.degrees), np.float64)
    without = np.asarray(
        jax.lax.map(
            lambda params: _matrix(twin, params, taught, history.degrees), prediction.folds.model
        ),
        np.float64,
    )
    values, vectors = np.linalg.eigh(found)
    spread = np.linalg.eigvalsh(without)
    degrees = np.asarray(history.degrees)
    return tuple(
        EasyFunction(
            _shares(vectors[:, k], degrees),
            float(values[k]),
            float(spread[:, k].min()),
            float(spread[:, k].max()),
        )
        for k in range(min(FIRST, len(values)))
    )


@eqx.filter_jit
def _matrix(twin: AbstractTwin, params, taught: Array, degrees: Array) -> Array:
    return error_matrix(twin, params, taught, degrees)


def _of_circuit(answers: Answers, circuit: AbstractLearner) -> tuple[EasyFunction, ...]:
    probes, degrees = _probes(answers, seed=0)
    further, _ = _probes(answers, seed=1)
    size = float(jnp.sqrt(jnp.mean(answers.history.labels**2))) or 1.0
    matrix = _probed(circuit, probes, size)
    _, vectors = np.linalg.eigh(np.asarray(matrix, np.float64))
    error = _error(circuit, probes, size)
    linear = _linear(circuit, probes, size)
    fresh = jax.jit(_error(circuit, further, size))
    descend = _descent(error)
    found: list[Array] = []
    for k in range(min(FIRST, len(degrees))):
        theta = jnp.asarray(vectors[:, k], jnp.float32)
        if not linear:
            taken = jnp.stack(found) if found else jnp.zeros((1, len(degrees)))
            theta = descend(theta, taken)
        found.append(theta)
    by_error = sorted(((float(fresh(theta)), theta) for theta in found), key=lambda one: one[0])
    return tuple(
        EasyFunction(_shares(np.asarray(theta), degrees), error, None, None)
        for error, theta in by_error
    )


def _probes(answers: Answers, *, seed: int) -> tuple[_Probe, Int[np.ndarray, " function"]]:
    """Draw lessons from the nodes of the space's quadrature, where its basis is known."""
    basis = answers.experiment.space.build().graded_basis()
    known = np.asarray(answers.history.degrees)
    top = int(known.max()) if known.size else USUAL_DEGREE
    while np.sum(basis.degrees <= top) - 1 > MOST_FUNCTIONS and top > 1:
        top -= 1
    used = (basis.degrees >= 1) & (basis.degrees <= top)
    weights = np.clip(basis.weights, 0, None)
    trials = answers.history.labels.shape[1]
    rng = np.random.default_rng(seed)
    drawn = rng.choice(len(basis.points), (LESSONS, trials + POINTS), p=weights / weights.sum())
    x = jnp.asarray(basis.points[drawn], jnp.float32)
    values = jnp.asarray(basis.values[:, used][drawn], jnp.float32)
    probe = _Probe(x[:, :trials], values[:, :trials], x[:, trials:], values[:, trials:])
    return probe, basis.degrees[used]


def _wrong(
    circuit: AbstractLearner, probes: _Probe, size: float, theta: Float[Array, " function"]
) -> Float[Array, "lesson test"]:
    """Return by how much it is wrong about f_θ at the size of the labels it was taught by."""

    def one(x: Array, basis: Array, test_x: Array, test_basis: Array, key: Array) -> Array:
        said = circuit.fit_predict(x, size * basis @ theta, test_x, key=key)
        return said / size - test_basis @ theta

    keys = jax.random.split(jax.random.key(2), LESSONS)
    return jax.vmap(one)(probes.x, probes.basis, probes.test_x, probes.test_basis, keys)


def _error(
    circuit: AbstractLearner, probes: _Probe, size: float
) -> Callable[[Float[Array, " function"]], Float[Array, ""]]:
    return lambda theta: jnp.mean(_wrong(circuit, probes, size, theta) ** 2) / jnp.sum(theta**2)


def _probed(
    circuit: AbstractLearner, probes: _Probe, size: float
) -> Float[Array, "function function"]:
    """Return the mean product of the errors on each two functions of the basis."""
    one = jax.jit(lambda theta: _wrong(circuit, probes, size, theta))
    wrong = jnp.stack([one(theta) for theta in jnp.eye(probes.basis.shape[-1])])
    wrong = jnp.clip(jnp.nan_to_num(wrong), -1e3, 1e3)
    return jnp.mean(wrong[:, None] * wrong[None], axis=(2, 3))


def _linear(circuit: AbstractLearner, probes: _Probe, size: float) -> bool:
    """Whether what it makes of a sum of labels is the sum of what it makes of each."""
    first, second = jnp.eye(probes.basis.shape[-1])[:2]
    one, other, both = (
        _wrong(circuit, probes, size, theta) for theta in (first, second, first + second)
    )
    return bool(jnp.max(jnp.abs(one + other - both)) < LINEAR)


def _descent(
    error: Callable[[Array], Array],
) -> Callable[[Array, Float[Array, "earlier function"]], Array]:
    """Return what improves a function by descent, kept orthogonal to earlier ones."""
    optimiser = optax.chain(optax.zero_nans(), optax.adam(RATE))

    def free(theta: Array, taken: Array) -> Array:
        theta = theta - taken.T @ (taken @ theta)
        return theta / (jnp.linalg.norm(theta) + 1e-12)

    @jax.jit
    def descend(theta: Array, taken: Array) -> Array:
        def step(carry: tuple, _: None) -> tuple[tuple, None]:
            theta, state, best, least = carry
            now, slope = jax.value_and_grad(lambda t: error(free(t, taken)))(theta)
            better = now < least
            best = jnp.where(better, free(theta, taken), best)
            updates, state = optimiser.update(slope, state, theta)
            theta = free(theta + updates, taken)
            return (theta, state, best, jnp.where(better, now, least)), None

        begun = free(theta, taken)
        start = (begun, optimiser.init(begun), begun, jnp.array(jnp.inf))
        (_, _, best, _), _ = jax.lax.scan(step, start, None, length=STEPS)
        return best

    return descend


def _shares(
    theta: Float64[np.ndarray, " function"] | Float[np.ndarray, " function"],
    degrees: Int[np.ndarray, " function"],
) -> dict[int, float]:
    power = np.asarray(theta, np.float64) ** 2
    return {int(d): float(power[degrees == d].sum() / power.sum()) for d in np.unique(degrees)}
