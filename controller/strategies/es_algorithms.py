"""The algorithms of evosax (Lange 2022) as `es` uses them: by name, made once, ties averaged."""

import functools
import inspect
from typing import Any

import jax
import jax.numpy as jnp
import optax
from evosax.algorithms import distribution_based_algorithms
from evosax.core.fitness_shaping import weights_fitness_shaping_fn
from jaxtyping import Array, Float

ALIASES = {"DiscoveredES": "DES", "OpenES": "Open_ES", "LearnedES": "LES", "CMAES": "CMA_ES"}
KNOWN = tuple(sorted({*distribution_based_algorithms, *ALIASES}))
NEED_EVEN = frozenset(
    [
        "ARS",
        "ASEBO",
        "CR_FM_NES",
        "ESMC",
        "GuidedES",
        "NoiseReuseES",
        "Open_ES",
        "PersistentES",
        "PGPE",
        "SV_Open_ES",
    ]
)
"""Those that draw mirrored pairs by themselves."""
MIRRORABLE = frozenset(["CMA_ES", "DES", "LES", "Rm_ES", "SNES", "Sep_CMA_ES", "SimpleES"])
"""Those that draw symmetrically around their mean, and remember nothing of what they drew."""


def proper_name(algorithm: str) -> str:
    """Return the name that evosax has for an algorithm; an unknown one is left as it is."""
    return ALIASES.get(algorithm, algorithm)


@functools.lru_cache(maxsize=16)
def make(
    algorithm: str, population: int, size: int, std: float, learning_rate: float | None
) -> tuple[Any, Any]:
    """Make an algorithm and its parameters once; every instance would be traced anew.

    Only the last ones are kept: a covariance of many parameters takes hundreds of megabytes.
    """
    algorithm_class = distribution_based_algorithms[proper_name(algorithm)]
    accepted = inspect.signature(algorithm_class).parameters
    options: dict[str, Any] = {}
    if accepted["fitness_shaping_fn"].default is weights_fitness_shaping_fn:
        options["fitness_shaping_fn"] = tie_averaged_weights
    if learning_rate is not None and "optimizer" in accepted:
        options["optimizer"] = optax.sgd(learning_rate)
    if "std_schedule" in accepted:
        options["std_schedule"] = optax.constant_schedule(std)
    with jax.ensure_compile_time_eval():
        made = algorithm_class(population, jnp.zeros(size), **options)
        params = made.default_params
        if hasattr(params, "std_init"):
            params = params.replace(std_init=jnp.asarray(std, jnp.float32))
    return made, params


def tie_averaged_weights(
    population: Array,
    fitness: Float[Array, " slot"],
    state: Any,
    params: Any,
) -> Float[Array, " slot"]:
    """Give candidates of equal fitness the mean of the weights that their ranks share.

    evosax looks weights up by the average rank, cut to an integer: two ties for first place would
    both be given the weight of the first (0.5 → 0), so that the weights no longer sum to one.
    """
    del population, state
    # Nobody is compared with himself: the compiler may compute the two sides of a comparison
    # separately, and results that differ in the last bit are neither equal nor in order.
    others = ~jnp.eye(fitness.shape[0], dtype=bool)
    below = jnp.sum((fitness[None, :] < fitness[:, None]) & others, axis=1)
    alike = 1 + jnp.sum((fitness[None, :] == fitness[:, None]) & others, axis=1)
    cumulative = jnp.concatenate([jnp.zeros(1), jnp.cumsum(params.weights)])
    return (cumulative[below + alike] - cumulative[below]) / alike
