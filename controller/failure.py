"""Why a learner gave no answer: what to tell whoever has to mend it."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from controller.design import Design, Record
from controller.panel import learner_key
from learners.base import AbstractLearner
from learners.descent import AbstractTrained


def explain(design: Design, record: Record, slot: int, key: PRNGKeyArray) -> str:
    """Say which learner failed in a slot, and at which training step it diverged.

    Args:
        design: what the run is made of.
        record: the failed generation.
        slot: a slot that has no finite answers.
        key: of its episode.
    """
    finite = np.isfinite(np.asarray(record.answers[slot])).all(axis=1)
    if finite.all():
        return (
            "The answers are finite, but their gradient in the labels is not: a gradient strategy "
            "can't go on."
        )
    index = int(np.argmin(finite))
    learner = design.panel.learners[index]
    said = f"Learner {learner.kind!r} gave answers that are not finite"
    stimuli = record.stimuli[min(slot, record.stimuli.shape[0] - 1)]
    step = _diverged_at(
        learner,
        jnp.asarray(stimuli[: design.n_train]),
        jnp.asarray(record.labels[slot, : design.n_train]),
        learner_key(key, index),
    )
    if step is None:
        return f"{said}."
    return f"{said}: its training diverged at step {step + 1}; lower its learning_rate."


def _diverged_at(learner: AbstractLearner, x: Array, z: Array, key: PRNGKeyArray) -> int | None:
    """Return the first training step with a loss that is not finite, from 0."""
    if not isinstance(learner, AbstractTrained):
        return None
    _, losses = jax.jit(lambda x, z: learner.train(x, z, key=key))(x, z)
    diverged = ~np.isfinite(np.asarray(losses))
    return int(np.argmax(diverged)) if diverged.any() else None
