"""Random keys, derived from what they are for, so that any episode can be made again alone."""

from enum import IntEnum

import jax
from jaxtyping import Array, PRNGKeyArray


class Purpose(IntEnum):
    """What a key is used for; the numbers are part of the stored format and never change."""

    STIMULI = 1
    LEARNER = 2
    STRATEGY = 3
    ASK = 4
    TELL = 5
    INITIAL_MEAN = 6
    HELD_OUT = 7
    SCHEDULE = 8
    DRIFT = 9


def derive(root: PRNGKeyArray, *path: int | Array) -> PRNGKeyArray:
    """Fold each part of `path` (for instance stage, generation, slot, purpose) into `root`."""
    for part in path:
        root = jax.random.fold_in(root, part)
    return root
