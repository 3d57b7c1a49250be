"""Which function a twin finds easiest: the optimum of its own generalisation error."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from learners.twins.base import AbstractTwin, History, Params, with_constant, with_one

LESSONS = 64
FAR = 1e3  # error of what is taken already: more than any other


def error_matrix(
    twin: AbstractTwin,
    params: Params,
    train: Float[Array, "lesson train function"],
    degrees: Int[Array, " function"],
) -> Float[Array, "function function"]:
    """Return M, with θᵀMθ / θᵀθ the twin's expected error over label power on f_θ.

    The functions are orthonormal under p(x), so that the mean over test stimuli is exact: it is
    the squared distance of the weights. Over lessons it is a mean over those given.
    """

    def one(functions: Array) -> Array:
        phi = with_one(functions)
        weights = twin.taught(params, with_constant(degrees), phi, functions)
        wrong = weights.at[1:].add(-jnp.eye(functions.shape[1]))
        return wrong.T @ wrong

    return jnp.mean(jax.vmap(one)(train), axis=0)


def lessons(history: History, *, key: PRNGKeyArray) -> Float[Array, "lesson train function"]:
    """Draw training stimuli for `error_matrix` from all that were shown."""
    shown = jnp.concatenate([history.train, history.test], axis=1)
    trials = shown.shape[1]
    rows = shown.reshape(-1, shown.shape[-1])
    happened = jnp.repeat(history.happened, trials).astype(jnp.float32)
    count = (LESSONS, history.train.shape[1])
    chosen = jax.random.choice(key, rows.shape[0], count, p=happened / jnp.sum(happened))
    return rows[chosen]


def easiest(
    error: Float[Array, "function function"], taken: Float[Array, "function function"]
) -> Float[Array, " function"]:
    """Return the unit θ of the smallest error, orthogonal to what is taken.

    Args:
        error: of `error_matrix`.
        taken: the projector on functions that were found before.
    """
    free = jnp.eye(error.shape[0]) - taken
    _, vectors = jnp.linalg.eigh(free @ error @ free + FAR * taken)
    return vectors[:, 0]
