"""The frames of one row: a finished stage, an event."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from controller.store.arrays import Spec, check_shapes
from controller.store.codec import Number
from controller.store.frames import Tables, coerce, register
from controller.store.schema import ARMS, EVENT_KINDS, Layout, Rows, check_code


def _one_row(columns: dict[str, tuple[Number, str]]) -> dict[str, np.ndarray]:
    return {name: np.array([value], dtype) for name, (value, dtype) in columns.items()}


@register("stage")
@dataclass(frozen=True, slots=True, eq=False)
class StageFrame:
    """A finished stage."""

    arm: int
    """0 learner, 1 control."""
    stage: int
    """Index of the stage."""
    generations: int
    """Generations that it took."""
    recommended: np.ndarray
    """f4[theta_dim]: θ of the function that was found."""
    t_ns: int
    """ns since the session's start."""
    trials: int
    """Trials that it took."""
    episodes: int
    """Episodes that it took."""

    ARRAYS: ClassVar[Spec] = {"recommended": ("f4", ("theta",))}

    def __post_init__(self) -> None:
        coerce(self)

    def check(self, layout: Layout, rows: Rows) -> None:
        """The shape of θ and the arm's code."""
        del rows
        arrays = {"recommended": self.recommended}
        check_shapes("StageFrame", self.ARRAYS, arrays, {"theta": layout.theta_dim})
        check_code("StageFrame.arm", self.arm, ARMS)

    def count(self) -> dict[str, int]:
        """One row."""
        return {"stages": 1}

    def expand(self, layout: Layout, rows: Rows) -> Tables:
        """One row of stages."""
        del rows
        table = _one_row(
            {
                "arm": (self.arm, "u1"),
                "stage": (self.stage, "i2"),
                "generations": (self.generations, "i4"),
                "trials": (self.trials, "i8"),
                "episodes": (self.episodes, "i8"),
                "t_ns": (self.t_ns, "i8"),
            }
        )
        return {"stages": {**table, "recommended": self.recommended.reshape(1, layout.theta_dim)}}


@register("event")
@dataclass(frozen=True, slots=True, eq=False)
class EventFrame:
    """Something that happened to the run."""

    kind: int
    """Code of `EVENT_KINDS`."""
    t_ns: int
    """ns since the session's start."""
    arm: int = -1
    """0 learner, 1 control, -1 none."""
    stage: int = -1
    """-1: none."""
    generation: int = -1
    """-1: none."""
    slot: int = -1
    """-1: none."""
    value: float = float("nan")
    """A number that belongs to it; NaN: none."""

    ARRAYS: ClassVar[Spec] = {}

    def check(self, layout: Layout, rows: Rows) -> None:
        """The codes."""
        del layout, rows
        check_code("EventFrame.kind", self.kind, EVENT_KINDS)
        if self.arm != -1:
            check_code("EventFrame.arm", self.arm, ARMS)

    def count(self) -> dict[str, int]:
        """One row."""
        return {"events": 1}

    def expand(self, layout: Layout, rows: Rows) -> Tables:
        """One row of events."""
        del layout, rows
        dtypes = {
            "kind": "u1",
            "t_ns": "i8",
            "arm": "i1",
            "stage": "i2",
            "generation": "i4",
            "slot": "i4",
            "value": "f8",
        }
        return {"events": _one_row({k: (getattr(self, k), v) for k, v in dtypes.items()})}
