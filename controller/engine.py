"""The compiled part of a dry-run: many generations in one call.

One compiled function serves everything: the search and its no-learner control, every stage, a
run that goes on after a crash, and a replay from recorded answers. What differs between them is
only passed in as numbers, so that the same machine code runs and the results agree bit for bit.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from controller.design import Design, Record, Situation
from controller.generation import (
    Proposal,
    RunState,
    generation,
    initial_state,
    next_state,
    propose,
)
from controller.statuses import Status


class Engine:
    """Holds the compiled function of one design."""

    def __init__(self, design: Design, *, block: int):
        """Prepare to run up to `block` generations in one call.

        Args:
            design: what the run is made of.
            block: size of the buffers in which a call returns its records.
        """
        self.design = design
        self.block = block
        self.start = jax.jit(lambda root, stage: initial_state(design, root, stage))
        self.next_stage = jax.jit(
            lambda root, stage, ended, found: next_state(design, root, stage, ended, found)
        )
        self.settled = jax.jit(lambda state: design.strategy.settled(state.strategy))
        self._run = jax.jit(self._many)
        self._propose = jax.jit(
            lambda situation, state, index: propose(design, situation, state, index)
        )

    def run(
        self,
        situation: Situation,
        state: RunState,
        first: int,
        count: int,
        recorded: Float[Array, "generation slot learner test"] | None = None,
    ) -> tuple[RunState, Record, Int[Array, ""]]:
        """Run `count` generations from number `first`.

        Returns:
            The state after them, their records stacked along a new first axis of length `block`
            (rows from the number done on are unused), and how many are done: fewer than `count`
            when the strategy has settled (`settled` says so), or when a slot failed for good, whose
            generation is then the row after the last one done.
        """
        if recorded is None:
            recorded = self._no_answers()
        return self._run(situation, state, jnp.int32(first), jnp.int32(count), recorded)

    def propose(self, situation: Situation, state: RunState, index: int) -> Proposal:
        """Return what generation number `index` asks, for learners that answer elsewhere."""
        return self._propose(situation, state, jnp.int32(index))

    def _no_answers(self) -> Float[Array, "generation slot learner test"]:
        design = self.design
        shape = (design.strategy.population, len(design.panel.learners), design.n_test)
        return jnp.zeros((self.block, *shape), jnp.float32)

    def _many(
        self, situation: Situation, state: RunState, first: Array, count: Array, recorded: Array
    ) -> tuple[RunState, Record, Array]:
        def one(state: RunState, index: Array, answers: Array) -> tuple[RunState, Record]:
            return generation(self.design, situation, state, index, answers)

        shapes = jax.eval_shape(one, state, first, recorded[0])[1]
        buffers = jax.tree.map(lambda a: jnp.zeros((self.block, *a.shape), a.dtype), shapes)

        # A while loop with a bound that is passed in: the same machine code runs one generation
        # or a full block, which a scan of another length would not promise.
        def going(carry: tuple[Any, ...]) -> Array:
            state, _, done, failed = carry
            return (done < count) & ~failed & ~self.design.strategy.settled(state.strategy)

        def body(carry: tuple[Any, ...]) -> tuple[Any, ...]:
            state, buffers, done, _ = carry
            state, record = one(state, first + done, recorded[done])
            buffers = jax.tree.map(lambda b, r: b.at[done].set(r), buffers, record)
            failed = jnp.any(record.status != Status.DONE)
            return state, buffers, jnp.where(failed, done, done + 1), failed

        start = (state, buffers, jnp.int32(0), jnp.zeros((), bool))
        state, buffers, done, _ = jax.lax.while_loop(going, body, start)
        return state, buffers, done
