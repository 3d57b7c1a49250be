"""The one place where a store becomes numbers."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from controller.analysis.sections import SECTIONS
from controller.analysis.sections.base import Section
from controller.analysis.sections.origin import ORIGIN
from controller.analysis.source import Source
from protocols.documents import DocumentError

Record = Mapping[str, Any]
"""Section to its numbers, in the order of the sections; those with nothing to say are left out."""


def describe(source: Source, sections: Iterable[Section] = SECTIONS) -> dict[str, Any]:
    """Return every number that terminal, report, page and JSON show.

    Args:
        source: the store, read.
        sections: which; all by default.

    Returns:
        What JSON can hold: a number that is infinite or missing is None.
    """
    found: dict[str, Any] = {}
    problems = list(source.problems)
    for section in sections:
        try:
            numbers = section.compute(source)
        except DocumentError as error:
            problems.append(f"what was found can't be said: {error}")
            continue
        if numbers is not None:
            found[section.name] = plain(numbers)
    if ORIGIN.name in found:
        found[ORIGIN.name]["problems"] = list(dict.fromkeys(problems))
    return found


def plain(value: Any) -> Any:
    """Return what JSON can hold: arrays as lists, numbers that aren't finite as None."""
    match value:
        case Mapping():
            return {str(key): plain(one) for key, one in value.items()}
        case np.ndarray():
            return plain(value.tolist())
        case list() | tuple():
            return [plain(one) for one in value]
        case np.generic():
            return plain(value.item())
        case float():
            return value if math.isfinite(value) else None
        case _:
            return value
