"""What a section of an analysis is: numbers, the tables that show them, and pictures of them.

A section computes its numbers once, from a source. Terminal, report, live page and JSON show these
numbers and compute nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from controller.analysis.source import Source

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Numbers = Mapping[str, Any]
"""What JSON can hold: finite numbers or None, text, lists, mappings with text as keys."""
Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class NumberTable:
    """Numbers in rows, for people."""

    title: str
    columns: Sequence[str]
    """Headings, with units: "latency (ms)"."""
    rows: Sequence[Sequence[Cell]]
    """None is what nobody knows."""
    note: str = ""
    """What a reader must know to read it, n above all."""


def no_tables(numbers: Numbers) -> Iterable[NumberTable]:
    """Show no table."""
    del numbers
    return ()


def one_panel(numbers: Numbers) -> Sequence[Any]:
    """Draw all numbers on one pair of axes."""
    return [numbers]


@dataclass(frozen=True, slots=True)
class Picture:
    """One figure of a section."""

    name: str
    """Of its file."""
    title: str
    """What it shows: a sentence below it."""
    plot: str
    """`module:function`; the function takes axes and what a panel shows, draws, returns the axes.
    Named and not given, so that nobody loads matplotlib who draws nothing."""
    panels: Callable[[Numbers], Sequence[Any]] = one_panel
    """What each pair of axes shows; nothing where there is nothing to draw."""
    across: int = 3
    """Most axes in a row."""
    size_in: tuple[float, float] = (3.4, 2.6)
    """Width and height of one pair of axes."""

    def draw(self, axes: "Axes", panel: Any) -> "Axes":
        """Draw one panel."""
        module, _, function = self.plot.partition(":")
        return getattr(import_module(module), function)(axes, panel)


@dataclass(frozen=True, slots=True)
class Section:
    """One question that a store answers."""

    name: str
    """Its key in the numbers."""
    title: str
    compute: Callable[[Source], Numbers | None]
    """None where a source says nothing about it."""
    tables: Callable[[Numbers], Iterable[NumberTable]] = no_tables
    pictures: tuple[Picture, ...] = ()
    live: bool = True
    """Whether it is quick enough for the live page of a store of any size, and needs no JAX."""
