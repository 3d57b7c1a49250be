"""The mapping document: which column of a table is what, and how its values are coded; TOML."""

from typing import Annotated, Literal, Self

from annotated_types import MinLen
from pydantic import Field, model_validator

from protocols.documents import Section

Name = Annotated[str, MinLen(1)]
Answer = Annotated[float, Field(ge=-1, le=1)]
EXAMPLE = """\
name = "my-experiment"
feedback = true                  # were these trials rewarded? columns.feedback for each trial's own

[columns]
stimulus = [{stimulus}]          # one number each
answer = {answer}
side = "correct_side"            # which answer was right; or label = …, or right = … (1, 0)
# session, subject, time, latency, reward, feedback: where there are such columns

[answers]                        # without this table answers are numbers from -1 to 1
left = -1.0
right = 1.0

# [units]
# time = "s"                     # ns, us, ms, s, min, h, or iso (date and time)
# latency = "ms"
# reward = "ul"
"""


class ColumnsSection(Section):
    """Names of a table's columns."""

    stimulus: Annotated[tuple[Name, ...], MinLen(1)]
    """One for each feature; numbers."""
    answer: Name
    """What the subject did."""
    label: Name | None = None
    """The stimulus' valence; a number."""
    side: Name | None = None
    """Which answer was right; coded as answers are."""
    right: Name | None = None
    """Whether the answer was right; 1 or 0."""
    session: Name | None = None
    """Anything that tells a subject's sessions apart; otherwise the day does, if it is known."""
    subject: Name | None = None
    time: Name | None = None
    latency: Name | None = None
    """From the go to the response."""
    reward: Name | None = None
    """Water in the trial."""
    feedback: Name | None = None
    """Whether feedback followed; 1 or 0."""

    @model_validator(mode="after")
    def _one_label(self) -> Self:
        given = [name for name in ("label", "side", "right") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"expected one of label, side and right, got {' and '.join(given)}")
        return self


class UnitsSection(Section):
    """Units of the columns that have one."""

    time: Literal["ns", "us", "ms", "s", "min", "h", "iso"] | None = None
    """iso: date and time as ISO 8601 writes them, UTC where no zone is given."""
    latency: Literal["ns", "us", "ms", "s"] | None = None
    reward: Literal["ul", "ml"] | None = None


class MappingDocument(Section):
    """What a table of trials says."""

    name: Name
    """The experiment's name."""
    columns: ColumnsSection
    answers: dict[str, Answer] = Field(default_factory=dict)
    """Text of an answer to its value in [-1, 1]; without it answers are such numbers."""
    missing: tuple[str, ...] = ("", "NA", "NaN", "nan", "None")
    """Text of an answer, a latency, a label or a reward that isn't there."""
    feedback: bool = True
    """Whether feedback followed the trials: training, else test."""
    subject: Name = "unknown"
    """Whose trials they are, where no column says it."""
    units: UnitsSection = UnitsSection()
    time_since: Literal["session", "1970"] = "session"
    """What time is counted from."""
    separator: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    """Between cells; by default a tab in .tsv files, else a comma."""

    @model_validator(mode="after")
    def _units_given(self) -> Self:
        for name in ("time", "latency", "reward"):
            if getattr(self.columns, name) is not None and getattr(self.units, name) is None:
                raise ValueError(
                    f"units.{name} is missing: the column {getattr(self.columns, name)!r} is "
                    f"columns.{name}, and nobody knows its unit"
                )
        return self
