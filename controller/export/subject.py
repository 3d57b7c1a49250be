"""What a store doesn't know of a subject and NWB asks for: species, sex, age."""

import re
from dataclasses import dataclass

from controller.export.errors import ExportError

SEXES = ("M", "F", "O", "U")
UNKNOWN_AGE = "P0D/"
"""At least no days: all that is known."""
_DURATION = re.compile(r"P(?=.)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+S)?)?")
_BINOMIAL = re.compile(r"[A-Z][a-z]* [a-z]+")


@dataclass(frozen=True, slots=True)
class SubjectFacts:
    """Checked when it is made.

    Raises:
        ExportError: says what was expected.
    """

    species: str | None = None
    """Latin binomial; None: unknown."""
    sex: str = "U"
    age: str | None = None
    """ISO 8601 duration, or two of them with a stroke between; None: unknown."""

    def __post_init__(self) -> None:
        if self.species is not None and not _BINOMIAL.fullmatch(self.species):
            raise ExportError(
                f"--species: expected a Latin name such as 'Mus musculus', got {self.species!r}"
            )
        if self.sex not in SEXES:
            raise ExportError(f"--sex: expected M, F, O (other) or U (unknown), got {self.sex!r}")
        low, _, high = (self.age or UNKNOWN_AGE).partition("/")
        if not _DURATION.fullmatch(low) or (high and not _DURATION.fullmatch(high)):
            raise ExportError(
                f"--age: expected a duration such as P90D (90 days), or a range P8W/P10W, got "
                f"{self.age!r}"
            )
