"""The twin: models of the learner are fitted to all its answers, and asked for their optimum.

A generation has a slot for each of several fits of the best model, to episodes that are weighted at
random (Bayesian bootstrap, Rubin 1981): where the answers leave something open the fits differ, and
so do the functions that are asked, which will settle it; where they don't, all ask the same. The
first generations ask functions at random, so that there is something to be fitted to.

Every model predicts each new generation before it is fitted to it. The one that predicted best is
asked, as long as it predicts better than a baseline that knows nothing of how a learner learns: the
answers are the right ones times a gain, for every function alike, and a fixed belief beside them. A
model that doesn't beat that can't say which functions are easier, and then iterated learning goes
on in its place, for instance with an animal that answers what it is bent on, whatever it is taught.

What it can't do: it knows one distribution of stimuli, the document's; its family is linear in the
labels and hears only what the labeller can say (`learners.twins.base`). A learner far from that is
followed as well as the nearest linear one predicts it, or by iterated learning. Carry-over and
innate beliefs of several subjects are taken for one's.
"""

from typing import Annotated, ClassVar, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from annotated_types import Ge, Gt, MinLen
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from controller.strategies.base import (
    AbstractStrategy,
    Evaluations,
    Shown,
    State,
    StrategyError,
    strong,
)
from controller.strategies.iterated import Iterated
from learners.twins.base import AbstractTwin, History
from learners.twins.delta import Delta
from learners.twins.easiest import easiest, error_matrix, lessons
from learners.twins.fitting import Fitted, fit, log_likelihoods, unfitted
from learners.twins.low_rank import LowRank
from learners.twins.proportional import Proportional
from learners.twins.spectrum import Spectrum
from protocols.keys import Purpose, derive

Kind = Literal["spectrum", "low_rank", "delta"]
TWINS: dict[Kind, AbstractTwin] = {
    "spectrum": Spectrum(),
    "low_rank": LowRank(),
    "delta": Delta(),
}
BASELINE = Proportional()
FADING = 0.8
"""What a twin's predictions count a generation later, when it is chosen."""


class Knowledge(eqx.Module):
    """What was seen so far, and what follows from it; it goes on from stage to stage."""

    history: History
    shares: Float[Array, "slot episode"]
    """Weights of the episodes in each slot's fit."""
    fits: tuple[Fitted, ...]
    """To all answers, in the order of the strategy's twins."""
    baseline: Fitted
    score: Float[Array, " twin"]
    """Log likelihood of answers that weren't fitted yet, over the baseline's."""
    lately: Float[Array, " twin"]
    """The same, with less weight on what was long ago, when the fits knew less."""
    error: Float[Array, "fit function function"]
    """Error matrices: of the best twin's fit to all answers, then of each slot's."""


class TwinState(eqx.Module):
    """State of a search."""

    key: PRNGKeyArray
    generation: Int[Array, ""]
    """Told in this stage."""
    told: Int[Array, ""]
    """Told in all stages."""
    known: Knowledge
    taken: Float[Array, "theta theta"]
    """Projector on what earlier stages found."""
    proposals: Float[Array, "slot theta"]
    recommended: Float[Array, " theta"]
    fallback: State
    """Of iterated learning."""
    fell_back: Bool[Array, ""]
    """Whether the proposals are iterated learning's."""


class Twin(AbstractStrategy):
    """Asks what fitted models of the learner find easiest."""

    kind: ClassVar[str] = "twin"
    needs_shown: ClassVar[bool] = True
    population: Annotated[int, Ge(2)] = 4
    """Episodes in a generation, each about a function of its own."""
    explore: Annotated[int, Ge(1)] = 2
    """Generations that ask random functions, in the first stage."""
    twins: Annotated[tuple[Kind, ...], MinLen(1)] = ("spectrum", "low_rank", "delta")
    """Models that are fitted."""
    steps: Annotated[int, Ge(1)] = 40
    """Steps of each fit, which begins where the last one ended."""
    capacity: Annotated[int, Ge(4)] = 128
    """Episodes that are remembered, the latest."""
    margin: Annotated[float, Gt(0)] = 5.0
    """Log likelihood by which a twin must have predicted better than the baseline."""

    def check(self, size: int) -> None:
        """Raise StrategyError if a generation doesn't fit into what is remembered."""
        del size
        if self.capacity < self.population:
            raise StrategyError(
                f"capacity: expected at least the population, {self.population}, got "
                f"{self.capacity}; a generation's episodes are kept together"
            )

    def init(
        self, mean: Float[Array, " theta"], *, key: PRNGKeyArray, trials: tuple[int, int]
    ) -> State:
        """Return the first state, without any answer."""
        (n, m), size, kept = trials, mean.shape[0], self.capacity
        keys = jax.random.split(derive(key, Purpose.STRATEGY), len(self.twins) + 1)
        known = Knowledge(
            history=History(
                train=jnp.zeros((kept, n, size)),
                labels=jnp.zeros((kept, n)),
                test=jnp.zeros((kept, m, size)),
                test_labels=jnp.zeros((kept, m)),
                answers=jnp.zeros((kept, m)),
                happened=jnp.zeros(kept, bool),
                degrees=jnp.zeros(size, jnp.int32),
            ),
            shares=jnp.zeros((self.population, kept)),
            fits=tuple(
                unfitted(TWINS[kind], size, key=one)
                for kind, one in zip(self.twins, keys[1:], strict=True)
            ),
            baseline=unfitted(BASELINE, size, key=keys[0]),
            score=jnp.zeros(len(self.twins)),
            lately=jnp.zeros(len(self.twins)),
            error=jnp.zeros((self.population + 1, size, size)),
        )
        fallback = self._iterated.init(mean, key=key, trials=trials)
        state = TwinState(
            key=key,
            generation=jnp.zeros((), jnp.int32),
            told=jnp.zeros((), jnp.int32),
            known=known,
            taken=jnp.zeros((size, size)),
            proposals=self._anything(key, size),
            recommended=self._iterated.recommended(fallback),
            fallback=fallback,
            fell_back=jnp.zeros((), bool),
        )
        # weak types would make the compiled loop's state change its type after one turn
        return jax.tree.map(strong, state)

    def ask(self, state: State) -> tuple[Float[Array, "slot theta"], State]:
        """Return the functions that the last tell chose."""
        return state.proposals, state

    def tell(self, state: State, evaluations: Evaluations) -> State:
        """Score the predictions of the new answers, fit to all, and choose what to ask next."""
        if evaluations.shown is None:
            raise ValueError("the loop gives this strategy what was shown")
        key = derive(state.key, state.generation, Purpose.TELL)
        heard = self._iterated.tell(state.fallback, evaluations)
        fallback = jax.tree.map(
            lambda new, old: jnp.where(state.fell_back, new, old), heard, state.fallback
        )
        known = self._learnt(state.known, evaluations, evaluations.shown, key)
        state = TwinState(
            key=state.key,
            generation=state.generation + 1,
            told=state.told + 1,
            known=known,
            taken=_projector(evaluations.shown.earlier),
            proposals=state.proposals,
            recommended=state.recommended,
            fallback=fallback,
            fell_back=state.fell_back,
        )
        return self._decided(state)

    def carried(self, fresh: State, ended: State, found: Float[Array, " theta"]) -> State:
        """Keep answers and fits; ask for what is easiest beside what was found."""
        new = found - ended.taken @ found
        new = new / (jnp.linalg.norm(new) + 1e-12)
        state = eqx.tree_at(
            lambda s: (s.told, s.known, s.taken),
            fresh,
            (ended.told, ended.known, ended.taken + jnp.outer(new, new)),
        )
        return self._decided(state)

    def recommended(self, state: State) -> Float[Array, " theta"]:
        """Return the optimum of the best twin's fit to all answers, or the fallback's."""
        return state.recommended

    @property
    def _iterated(self) -> Iterated:
        return Iterated(population=self.population)

    def _learnt(
        self, known: Knowledge, evaluations: Evaluations, shown: Shown, key: PRNGKeyArray
    ) -> Knowledge:
        """Add a generation to what is known."""
        share_key, lesson_key = jax.random.split(key, 3)[1:]
        had_any = jnp.any(known.history.happened)
        history = _appended(known.history, evaluations, shown)
        drawn = jax.random.exponential(share_key, (self.population, self.population))
        shares = jnp.concatenate([known.shares[:, self.population :], drawn], axis=1)
        models = [TWINS[kind] for kind in self.twins]

        def predicted(model, fitted) -> Float[Array, ""]:
            return jnp.sum(log_likelihoods(model, fitted, history)[-self.population :])

        base = predicted(BASELINE, known.baseline)
        better = jnp.stack(
            [predicted(m, f) - base for m, f in zip(models, known.fits, strict=True)]
        )
        better = jnp.where(had_any, better, 0.0)
        lately = FADING * known.lately + better
        fits = tuple(
            fit(m, f, history, steps=self.steps) for m, f in zip(models, known.fits, strict=True)
        )
        taught = lessons(history, key=lesson_key)

        def errors(model: AbstractTwin, fitted: Fitted) -> Float[Array, "fit function function"]:
            several = jax.vmap(
                lambda weights: fit(model, fitted, history, weights, steps=self.steps)
            )(shares)
            every = jax.tree.map(lambda one, more: jnp.stack([one, *more]), fitted, several)
            return jax.vmap(lambda f: error_matrix(model, f.model, taught, shown.degrees))(every)

        branches = [lambda f, m=m, i=i: errors(m, f[i]) for i, m in enumerate(models)]
        return Knowledge(
            history=history,
            shares=shares,
            fits=fits,
            baseline=fit(BASELINE, known.baseline, history, steps=self.steps),
            score=known.score + better,
            lately=lately,
            error=jax.lax.switch(jnp.argmax(lately), branches, fits),
        )

    def _decided(self, state: TwinState) -> TwinState:
        """Choose what to ask, and what to recommend."""
        known, size = state.known, state.taken.shape[0]
        optima = jax.vmap(lambda error: easiest(error, state.taken))(known.error)
        answered = jnp.any(known.history.answers != 0)
        best = jnp.argmax(known.lately)
        predicts = (known.score[best] > self.margin) & (known.lately[best] > 0)
        trusted = predicts & answered
        exploring = (state.told < self.explore) | ~answered
        iterated, _ = self._iterated.ask(state.fallback)
        at_random = self._anything(derive(state.key, state.generation + 1), size)
        proposals = jnp.where(trusted, optima[1:], iterated)
        return eqx.tree_at(
            lambda s: (s.proposals, s.recommended, s.fell_back),
            state,
            (
                jnp.where(exploring, at_random, proposals),
                jnp.where(trusted, optima[0], self._iterated.recommended(state.fallback)),
                ~trusted & ~exploring,
            ),
        )

    def _anything(self, key: PRNGKeyArray, size: int) -> Float[Array, "slot theta"]:
        theta = jax.random.normal(derive(key, Purpose.ASK), (self.population, size))
        return theta / jnp.linalg.norm(theta, axis=1, keepdims=True)


def _appended(history: History, evaluations: Evaluations, shown: Shown) -> History:
    """Put the new episodes after the old ones, of which the oldest are forgotten."""

    def after(old: Array, new: Array) -> Array:
        return jnp.concatenate([old[len(new) :], new])

    slots = evaluations.answers.shape[0]
    return History(
        train=after(history.train, shown.train),
        labels=after(history.labels, shown.train_labels),
        test=after(history.test, shown.test),
        test_labels=after(history.test_labels, evaluations.labels),
        answers=after(history.answers, evaluations.answers),
        happened=after(history.happened, jnp.ones(slots, bool)),
        degrees=shown.degrees,
    )


def _projector(rows: Float[Array, "stage theta"]) -> Float[Array, "theta theta"]:
    """Return the projector on the span of rows, of which some are zero."""
    _, singular, directions = jnp.linalg.svd(rows, full_matrices=False)
    kept = jnp.where(singular[:, None] > 1e-5, directions, 0.0)
    return kept.T @ kept
