"""Evolution strategies by evosax (Lange 2022): any distribution-based one, by its name."""

import functools
import inspect
from typing import Annotated, Any, ClassVar

import jax
import jax.numpy as jnp
import optax
from annotated_types import Ge, Gt
from evosax.algorithms import distribution_based_algorithms
from evosax.core.fitness_shaping import weights_fitness_shaping_fn
from jaxtyping import Array, Float, PRNGKeyArray

from controller.strategies.base import AbstractStrategy, Evaluations, State, StrategyError
from protocols.keys import Purpose, derive

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
ALIASES = {"DiscoveredES": "DES", "OpenES": "Open_ES", "LearnedES": "LES", "CMAES": "CMA_ES"}


class ES(AbstractStrategy):
    """An evosax algorithm behind init, ask and tell, with ties ranked by their average."""

    kind: ClassVar[str] = "es"
    algorithm: str = "SNES"
    """DiscoveredES, CMA_ES, SNES, OpenES or any other distribution-based algorithm of evosax."""
    population: Annotated[int, Ge(1)] = 16
    """Candidates in a generation, λ."""
    std: Annotated[float, Gt(0)] = 0.3
    """Standard deviation of the first generation around the start."""
    learning_rate: Annotated[float, Gt(0)] | None = None
    """Step of the algorithms that use an optimiser; left out: the algorithm's own."""

    def check(self, size: int) -> None:
        """Raise StrategyError for unknown algorithms and populations that they can't use."""
        name = ALIASES.get(self.algorithm, self.algorithm)
        if name not in distribution_based_algorithms:
            known = sorted({*distribution_based_algorithms, *ALIASES})
            raise StrategyError(
                f"algorithm: expected one of {', '.join(known)}, got {self.algorithm!r}"
            )
        if self.population < 2:
            raise StrategyError(
                f"population: expected at least 2 for {self.algorithm}, got {self.population}; one "
                "candidate has nothing to be ranked against"
            )
        if name in NEED_EVEN and self.population % 2:
            raise StrategyError(
                f"population: {self.algorithm} draws mirrored pairs and needs an even number, got "
                f"{self.population}; use {self.population + 1}"
            )
        try:
            jax.eval_shape(
                lambda m: self.ask(self.init(m, key=jax.random.key(0), trials=(1, 1))),
                jnp.zeros(size),
            )
        except Exception as error:
            raise StrategyError(
                f"algorithm {self.algorithm} can't be set up for {size} parameters and a "
                f"population of {self.population}: {error}; choose another algorithm or population"
            ) from error

    def init(
        self, mean: Float[Array, " theta"], *, key: PRNGKeyArray, trials: tuple[int, int]
    ) -> State:
        """Return the first state, centred on `mean`."""
        del trials
        algorithm, params = self._algorithm(mean.shape[0])
        inner = algorithm.init(derive(key, Purpose.STRATEGY), mean, params)
        # weak types would make the compiled loop's state change its type after one turn
        inner = jax.tree.map(lambda a: jax.lax.convert_element_type(a, jnp.asarray(a).dtype), inner)
        return {"key": key, "generation": jnp.zeros((), jnp.int32), "inner": inner}

    def ask(self, state: State) -> tuple[Float[Array, "slot theta"], State]:
        """Draw a population."""
        algorithm, params = self._algorithm(state["inner"].mean.shape[0])
        key = derive(state["key"], state["generation"], Purpose.ASK)
        population, inner = algorithm.ask(key, state["inner"], params)
        return population, {**state, "inner": inner}

    def tell(self, state: State, evaluations: Evaluations) -> State:
        """Update the search distribution from the ranks."""
        algorithm, params = self._algorithm(evaluations.theta.shape[1])
        key = derive(state["key"], state["generation"], Purpose.TELL)
        inner, _ = algorithm.tell(
            key, evaluations.theta, evaluations.fitness, state["inner"], params
        )
        return {**state, "generation": state["generation"] + 1, "inner": inner}

    def recommended(self, state: State) -> Float[Array, " theta"]:
        """Return the mean of the search distribution."""
        return state["inner"].mean

    def _algorithm(self, size: int) -> tuple[Any, Any]:
        return _make(self.algorithm, self.population, size, self.std, self.learning_rate)


@functools.cache
def _make(
    name: str, population: int, size: int, std: float, learning_rate: float | None
) -> tuple[Any, Any]:
    """Make an algorithm and its parameters once; every instance would be traced anew."""
    algorithm_class = distribution_based_algorithms[ALIASES.get(name, name)]
    accepted = inspect.signature(algorithm_class).parameters
    options: dict[str, Any] = {}
    if accepted["fitness_shaping_fn"].default is weights_fitness_shaping_fn:
        options["fitness_shaping_fn"] = tie_averaged_weights
    if learning_rate is not None and "optimizer" in accepted:
        options["optimizer"] = optax.sgd(learning_rate)
    if "std_schedule" in accepted:
        options["std_schedule"] = optax.constant_schedule(std)
    with jax.ensure_compile_time_eval():
        algorithm = algorithm_class(population, jnp.zeros(size), **options)
        params = algorithm.default_params
        if hasattr(params, "std_init"):
            params = params.replace(std_init=jnp.asarray(std, jnp.float32))
    return algorithm, params


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
