"""Iterated learning: the answers, smoothed on the labeller's functions, are the next labels.

Griffiths & Kalish 2007 (Cogn. Sci. 31:441); Kalish, Griffiths & Lewandowsky 2007 (Psychon. Bull.
Rev. 14:288). Of what a learner is taught, what it finds easy comes back most whole, and what it is
taught next is what came back. For a learner that is linear in its labels (ridge and kernel
regression) this is power iteration on the learner itself, whose eigenfunctions with the largest
gain survive: the same that the smallest error over label power selects.

Every answer is used, and nothing is ranked: with noise and lapses that costs some ten times fewer
trials than an evolution strategy. What it can't do: it hears only what the labeller can say
(answers outside its functions are lost), two functions of nearly the same gain take as long to part
as their ratio is near 1, and a learner whose answers don't grow with its labels leads it nowhere.
"""

from typing import Annotated, ClassVar

import jax.numpy as jnp
from annotated_types import Ge, Gt, Lt
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from controller.strategies.base import AbstractStrategy, Evaluations, State

SMALL = 1e-12


class Iterated(AbstractStrategy):
    """One function at a time, asked in every slot of a generation, each with its own stimuli."""

    kind: ClassVar[str] = "iterated"
    needs_shown: ClassVar[bool] = True
    population: Annotated[int, Ge(1)] = 2
    """Episodes about one function before it is changed."""
    memory: Annotated[float, Ge(0), Lt(1)] = 0.8
    """Weight that answers keep from one generation to the next; more is slower and less noisy."""
    ridge: Annotated[float, Gt(0)] = 5.0
    """Pull of the smoothed function to zero, in answers."""
    average: Annotated[float, Ge(0), Lt(1)] = 0.9
    """The same as `memory`, for the function that is recommended."""

    settle: Annotated[float, Ge(0), Lt(1)] = 0.0
    """A stage ends when the recommended function has moved by less than this part of its squared
    norm in `patience` generations; 0: only after its last generation."""
    patience: Annotated[int, Ge(1)] = 10
    """Generations between two looks at how far it has moved."""

    def check(self, size: int) -> None:
        """Every number of coefficients will do."""

    def init(
        self, mean: Float[Array, " theta"], *, key: PRNGKeyArray, trials: tuple[int, int]
    ) -> State:
        """Return the first state; nothing is random but where it starts."""
        del key, trials
        size = mean.shape[0]
        theta = _unit(mean)
        return {
            "theta": theta,
            "gram": jnp.zeros((size + 1, size + 1)),
            "moment": jnp.zeros(size + 1),
            "mean": jnp.zeros(size),
            "told": jnp.zeros((), jnp.int32),
            "mark": theta,
            "still": jnp.zeros((), bool),
        }

    def ask(self, state: State) -> tuple[Float[Array, "slot theta"], State]:
        """Propose the same function in every slot."""
        theta = state["theta"]
        return jnp.broadcast_to(theta, (self.population, theta.shape[0])), state

    def tell(self, state: State, evaluations: Evaluations) -> State:
        """Smooth the answers: what they are in the labeller's functions is asked next.

        Least squares of the answers on the functions and a constant (which takes a response bias),
        over all generations, the older ones with less weight:

            θ' ∝ (Σ w BᵀB + ridge)⁻¹ Σ w Bᵀ answers
        """
        if evaluations.shown is None:
            raise ValueError("the loop gives this strategy the labeller's functions")
        shown = evaluations.shown.test
        basis = shown.reshape(-1, shown.shape[-1])
        rows = jnp.concatenate([jnp.ones((basis.shape[0], 1)), basis], axis=1)
        gram = self.memory * state["gram"] + rows.T @ rows
        moment = self.memory * state["moment"] + rows.T @ evaluations.answers.reshape(-1)
        smoothed = jnp.linalg.solve(gram + self.ridge * jnp.eye(gram.shape[0]), moment)
        # where nobody answers (the control), nothing comes back and nothing changes
        silent = jnp.linalg.norm(smoothed[1:]) < SMALL
        theta = jnp.where(silent, state["theta"], _unit(smoothed[1:]))
        mean = self.average * state["mean"] + (1 - self.average) * theta
        told = state["told"] + 1
        look = told % self.patience == 0
        moved = 1 - (_unit(mean) @ state["mark"]) ** 2
        return {
            "theta": theta,
            "gram": gram,
            "moment": moment,
            "mean": mean,
            "told": told,
            "mark": jnp.where(look, _unit(mean), state["mark"]),
            "still": look & (moved < self.settle) & ~silent,
        }

    def settled(self, state: State) -> Bool[Array, ""]:
        """Whether the recommended function no longer moves."""
        return state["still"]

    def recommended(self, state: State) -> Float[Array, " theta"]:
        """Return the mean of what was asked, the latest with the most weight."""
        return jnp.where(state["told"] > 0, _unit(state["mean"]), state["theta"])


def _unit(theta: Float[Array, " theta"]) -> Float[Array, " theta"]:
    return theta / (jnp.linalg.norm(theta) + SMALL)
