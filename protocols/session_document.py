"""The part of a protocol document that says how an animal is asked; nothing here imports JAX."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

import protocols.feedbacks
import protocols.plans
from hardware.interface import Pulse
from protocols.documents import Section
from protocols.feedbacks.base import AbstractFeedback
from protocols.plans.base import AbstractPlan
from protocols.registry import discover, one_of
from protocols.schedule import Schedule

PLANS = discover(protocols.plans, AbstractPlan, "biasloop.plans")
FEEDBACKS = discover(protocols.feedbacks, AbstractFeedback, "biasloop.feedbacks")


class ScheduleSection(Section):
    """How often everything is presented, and in which order."""

    training_blocks: Annotated[int, Field(ge=1)] = 1
    """How often each training stimulus is shown in an episode."""
    repeats: Annotated[int, Field(ge=1)] = 1
    """How often each test stimulus is shown; its answers are averaged."""
    order: Literal["training first", "alternating"] = "training first"
    """All training trials first, or spread evenly before the test trials."""
    warm_up: Annotated[int, Field(ge=0)] = 0
    """Trials at a session's beginning that count for nothing."""
    catch: Annotated[int, Field(ge=0)] = 0
    """Trials without a stimulus among the test trials."""
    anchors: Annotated[int, Field(ge=0)] = 0
    """Training stimuli among the test trials, without feedback."""

    def build(self) -> Schedule:
        """Return it as sessions take it."""
        return Schedule(**self.model_dump())


class SubjectSection(Section):
    """Who runs the episodes."""

    policy: Literal["naive", "wash_out", "context", "carry_over"] = "carry_over"
    """`naive`: another subject for each candidate; `wash_out`: trials without a function before
    each; `context`: a cue that says which candidate it is; `carry_over`: accepted and recorded."""
    wash_out_trials: Annotated[int, Field(ge=0)] = 0
    """Before each episode, with policy `wash_out`."""

    @model_validator(mode="after")
    def _only_wash_out_washes_out(self) -> Self:
        if (self.policy == "wash_out") != (self.wash_out_trials > 0):
            raise ValueError(
                f"wash_out_trials: expected more than 0 with policy 'wash_out' and 0 with every "
                f"other, got {self.wash_out_trials} with {self.policy!r}"
            )
        return self


class QualitySection(Section):
    """When an episode counts."""

    max_flawed: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Largest part of the test presentations that may tell nothing, and of the training trials that
    may not have been shown; above it: void."""
    min_anchors_right: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Smallest part of the anchors whose answer must have the label's sign."""
    max_voids: Annotated[int, Field(ge=1)] = 5
    """Void episodes of one candidate after which the session stops for somebody to look."""


class SuspendersSection(Section):
    """What holds a session until it is over; each is looked at before every trial."""

    no_response_trials: Annotated[int, Field(ge=0)] = 0
    """Trials in a row without a response; 0: never."""
    stuck_s: Annotated[float, Field(ge=0)] = 0.0
    """How long a response line may be on; 0: as long as it likes."""
    door: str | None = None
    """Input that is high while the box is open."""
    flips_unseen: Annotated[int, Field(ge=0)] = 0
    """Flips in a row that the photodiode didn't see; 0: never."""
    command: tuple[str, ...] = ()
    """A program that is run before a trial, at most once in `command_s`; anything but 0 holds."""
    command_s: Annotated[float, Field(gt=0)] = 60.0


class SessionSection(Section):
    """How an animal is asked."""

    plan: one_of(PLANS)  # type: ignore[valid-type]
    """What one trial is."""
    feedback: one_of(FEEDBACKS)  # type: ignore[valid-type]
    """How labels are told."""
    schedule: ScheduleSection = ScheduleSection()
    """The order of trials."""
    subject: SubjectSection = SubjectSection()
    """Who runs the episodes."""
    quality: QualitySection = QualitySection()
    """When an episode counts."""
    suspenders: SuspendersSection = SuspendersSection()
    """What holds a session."""
    minutes: Annotated[float, Field(gt=0)] = 90.0
    """Longest session."""
    trials: Annotated[int, Field(ge=1)] = 1000
    """Most trials in a session."""
    lease_hours: Annotated[float, Field(gt=0)] = 20.0
    """For so long an episode that was begun belongs to its subject."""

    @model_validator(mode="after")
    def _parts_fit_each_other(self) -> Self:
        with _about("plan"):
            self.plan.build()
        with _about("feedback"):
            self.feedback.build()
        if self.quality.min_anchors_right and not self.schedule.anchors:
            raise ValueError(
                "quality.min_anchors_right: there are no anchors to be right about; set "
                "schedule.anchors"
            )
        return self

    def pulses(self) -> Iterator[Pulse]:
        """Yield the largest pulse of everything that a trial may switch on."""
        yield from self.plan.build().outputs(self.feedback.build().largest())


@contextmanager
def _about(where: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{where}.{error}") from error
