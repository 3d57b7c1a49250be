"""Counting licks on one line in a trial's window."""

from collections.abc import Sequence

from hardware.interface import Event, TrialReport
from hardware.messages import Outcome
from hardware.subject import Touch
from protocols.trials import Response

UNFINISHED = "the device didn't finish the trial"
MISSING = "events of the device were lost, so that licks can't be counted"
MOST_HZ = 50
NO_GO = "the go edge didn't come: look at the photodiode"


def check_rate(full: int, window_s: float) -> None:
    """Refuse more licks than can be told apart.

    Raises:
        ValueError: says how many fit.
    """
    most = round(window_s * MOST_HZ)
    if full > most:
        raise ValueError(
            f"full: expected at most {most} licks in window_s = {window_s:g} ({MOST_HZ} a second), "
            f"got {full}; lengthen the window (mice lick 6 to 10 times a second)"
        )


def told(event: Event) -> TrialReport | Response:
    """Return the report of a trial that tells something, else the response of one that doesn't."""
    report = event.trial
    if report is None or report.outcome in {Outcome.CANCELLED, Outcome.FAULTED}:
        return unanswered(event, UNFINISHED)
    if report.outcome == Outcome.NO_GO or report.go_us is None:
        return unanswered(event, NO_GO)
    return report


def unanswered(event: Event, why: str) -> Response:
    """Return the response of a trial that tells nothing."""
    outcome = Outcome.FAULTED if event.trial is None else event.trial.outcome
    return Response(None, outcome, flaw=why)


def first(report: TrialReport, answer: float) -> Response:
    """Return the response that a trial's first lick is, which the device itself judged."""
    return Response(answer, report.outcome, report.line, _since_go(report.response_us, report), 1)


def times_us(event: Event, line: str, window_us: int) -> list[int]:
    """Return when a line was licked within the window, device time.

    The device's own window is for its first response; licks are counted in the edges.
    """
    report = event.trial
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
    report = told(event)
    if isinstance(report, Response):
        return report
    if event.missing_events:
        return unanswered(event, MISSING)
    licks = times_us(event, line, window_us)
    if not licks:
        return Response(-1.0, Outcome.NO_RESPONSE)
    return Response(
        answer=2 * min(len(licks), full) / full - 1,
        outcome=Outcome.RESPONDED,
        line=line,
        latency_us=_since_go(licks[0], report),
        licks=len(licks),
    )


def number(answer: float, full: int) -> int:
    """Return how many licks come closest to an answer: none for -1, `full` for 1."""
    return round((1 + min(1.0, max(-1.0, answer))) / 2 * full)


def train(line: str, answer: float, full: int, first_us: int, until_us: int) -> Sequence[Touch]:
    """Return the licks that stand for an answer, evenly over the time that is left.

    Args:
        line: that is licked.
        answer: in [-1, 1].
        full: licks that stand for 1.
        first_us: the first of them, from the go.
        until_us: end of the window, from the go.
    """
    count = number(answer, full)
    step_us = (until_us - first_us) // max(count, 1)
    return [Touch(line, first_us + at * step_us) for at in range(count)]


def _since_go(t_us: int | None, report: TrialReport) -> int | None:
    return None if t_us is None or report.go_us is None else t_us - report.go_us
