"""One thing that a reader must know before any number."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from controller.analysis.record import Record


@dataclass(frozen=True, slots=True)
class Finding:
    """What isn't as one would wish."""

    words: str
    section: str
    """Name of the section whose numbers say so."""
    grave: bool = True
    """Whether it decides what the numbers are evidence of, or an animal may have suffered; else
    it is good to know."""


def numbers_of(record: Record, section: str) -> Mapping[str, Any]:
    """Return a section's numbers; nothing where the record has none."""
    found = record.get(section)
    return found if isinstance(found, Mapping) else {}
