"""One episode as it is given to a session: what is trained, what is asked. No test labels."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Assignment:
    """One candidate's episode. The labels of its test stimuli stay with the planner."""

    stage: int
    generation: int
    slot: int
    attempt: int
    """How often the slot was begun before."""
    train_x: np.ndarray
    """f4[train, feature]"""
    train_z: np.ndarray
    """f4[train]: labels in [-1, 1]."""
    test_x: np.ndarray
    """f4[test, feature]"""
    seed: int
    """Decides the order of the trials; the same for every attempt."""

    @property
    def name(self) -> str:
        """What it is called in messages; everything counted from 1."""
        return f"stage {self.stage + 1}, generation {self.generation + 1}, slot {self.slot + 1}"
