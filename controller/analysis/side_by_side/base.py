"""What stores are compared by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from controller.analysis.sections.base import Cell, Numbers


@dataclass(frozen=True, slots=True)
class Quantity:
    """One quantity that many stores have."""

    name: str
    """Its key in the numbers."""
    title: str
    """What it is, with its unit."""
    section: str
    """Name of the section whose numbers hold it."""
    cells: Callable[[Numbers], Mapping[str, Cell]]
    """Heading to value, from the numbers of that section; nothing where they don't say."""
    note: str = ""
    """What a reader must know to compare it."""
