"""What every figure shares: the style sheet, two colours, and names."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import matplotlib.style

STYLE_SHEET = Path(__file__).parents[1] / "biasloop.mplstyle"
PAGE_WIDTH_IN = 7.0


@dataclass(frozen=True, slots=True)
class ArmStyle:
    """How one arm looks in every figure; colours are Okabe and Ito's."""

    label: str
    colour: str
    line: str
    marker: str


LEARNER = ArmStyle("learner", "#0072B2", "-", "o")
CONTROL = ArmStyle("control (no learner)", "#D55E00", "--", "s")


@contextmanager
def style() -> Iterator[None]:
    """Use the project's style sheet for figures that are made, and saved, inside."""
    with matplotlib.style.context(["default", STYLE_SHEET]):
        yield


def stage_title(number: int, *, finished: bool) -> str:
    """Name a stage, with a mark where it isn't finished."""
    return f"stage {number}" if finished else f"stage {number} (not finished)"
