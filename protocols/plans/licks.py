"""Counting licks on one line in a trial's window."""

from collections.abc import Sequence

from hardware.interface import Event, TrialReport
from hardware.messages import Outcome
from hardware.subject import Touch
from protocols.trials import Response

MISSING = "events of the device were lost, so that licks can't be counted"
NO_GO = "the go edge didn't come: look at the photodiode"


def flaw(event: Event) -> str | None:
    """Return why a trial tells nothing; None for one that does."""
    if event.trial is None or event.trial.outcome in {Outcome.CANCELLED, Outcome.FAULTED}:
        return "the device didn't finish it"
    if event.trial.outcome == Outcome.NO_GO:
        return NO_GO
    return None


def unanswered(event: Event, why: str) -> Response:
    """Return the response of a trial that tells nothing."""
    outcome = Outcome.FAULTED if event.trial is None else event.trial.outcome
    return Response(None, outcome, flaw=why)


def times_us(event: Event, line: str, window_us: int) -> list[int]:
    """Return when a line was licked within the window, device time."""
    report: TrialReport | None = event.trial
    if report is None or report.open_us is None:
        return []
    until_us = report.open_us + window_us
    return [
        edge.t_us
        for edge in event.edges
        if edge.line == line and edge.level and report.open_us <= edge.t_us < until_us
    ]


def counted(event: Event, line: str, window_us: int, full: int) -> Response:
    """Return the response whose answer is the number of licks: -1 for none, 1 for `full` or more.

    Args:
        event: of the trial.
        line: that is licked.
        window_us: in which licks count, from its opening.
        full: licks that stand for 1.
    """
    why = flaw(event) or (MISSING if event.missing_events else None)
    if why is not None:
        return unanswered(event, why)
    report, licks = event.trial, times_us(event, line, window_us)
    if report is None or report.go_us is None:
        return unanswered(event, NO_GO)
    return Response(
        answer=2 * min(len(licks), full) / full - 1,
        outcome=Outcome.RESPONDED if licks else Outcome.NO_RESPONSE,
        line=line if licks else None,
        latency_us=licks[0] - report.go_us if licks else None,
        licks=len(licks),
    )


def train(line: str, answer: float, full: int, first_us: int, until_us: int) -> Sequence[Touch]:
    """Return the licks that stand for an answer, evenly over the time that is left.

    Args:
        line: that is licked.
        answer: in [-1, 1].
        full: licks that stand for 1.
        first_us: the first of them, from the go.
        until_us: end of the window, from the go.
    """
    count = round((1 + min(1.0, max(-1.0, answer))) / 2 * full)
    step_us = (until_us - first_us) // max(count, 1)
    return [Touch(line, first_us + number * step_us) for number in range(count)]
