"""Where a run is: all that it needs to go on after a kill, as named arrays."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from controller.arms import LEARNER_ARM
from controller.arrays import from_arrays, to_arrays
from controller.design import Situation
from controller.engine import Engine

_PREFIX = "strategy"


@dataclass(frozen=True, slots=True)
class Position:
    """A place between two generations."""

    arm: int
    """0: the search on the learner; 1: its control; the number of arms: all is done."""
    stage: int
    generation: int
    """Generations done in this stage."""
    earlier: jax.Array
    """Recommended θ of the stages before; zeros for those to come."""
    state: Any
    """The strategy's state before its next ask."""


def first_position(engine: Engine, root: jax.Array, stages: int) -> Position:
    """Return the place before anything is run."""
    earlier = jnp.zeros((stages, engine.design.theta_size), jnp.float32)
    return Position(LEARNER_ARM, 0, 0, earlier, engine.start(root, jnp.int32(0)))


def after_stage(position: Position, engine: Engine, root: jax.Array, theta: jax.Array) -> Position:
    """Return the place before the next stage, or before the next arm after the last stage."""
    earlier = position.earlier.at[position.stage].set(theta)
    arm, stage = position.arm, position.stage + 1
    if stage == earlier.shape[0]:
        start = engine.start(root, jnp.int32(0))
        return Position(arm + 1, 0, 0, jnp.zeros_like(earlier), start)
    start = engine.next_stage(root, jnp.int32(stage), position.state, jnp.asarray(theta))
    return Position(arm, stage, 0, earlier, start)


def situation(position: Position, root: jax.Array, *, ask_learner: bool = True) -> Situation:
    """Return what the engine must know of a place."""
    real = position.arm == LEARNER_ARM
    return Situation(
        root=root,
        stage=jnp.int32(position.stage),
        earlier=position.earlier,
        learner_weight=jnp.float32(1.0 if real else 0.0),
        use_learner=jnp.array(real and ask_learner),
    )


def position_arrays(position: Position) -> dict[str, np.ndarray]:
    """Return a place as named arrays."""
    place = np.array([position.arm, position.stage, position.generation], np.int64)
    inner = {f"{_PREFIX}{name}": array for name, array in to_arrays(position.state).items()}
    return {"place": place, "earlier": np.asarray(position.earlier), **inner}


def position_from(
    arrays: Mapping[str, np.ndarray], engine: Engine, root: jax.Array, stages: int
) -> Position:
    """Turn named arrays into a place again.

    Raises:
        ValueError: they are of another experiment or strategy.
    """
    arm, stage, generation = (int(number) for number in arrays["place"])
    template = engine.start(root, jnp.int32(stage))
    inner = {k.removeprefix(_PREFIX): v for k, v in arrays.items() if k.startswith(_PREFIX)}
    earlier = from_arrays(
        jnp.zeros((stages, engine.design.theta_size), jnp.float32), {"": arrays["earlier"]}
    )
    return Position(arm, stage, generation, earlier, from_arrays(template, inner))
