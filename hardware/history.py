"""What has happened on a device: edges, ends of pulses and trials, what never came looked up."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from hardware.connection import Connection
from hardware.interface import Edge, Pulsed, TrialReport
from hardware.messages import NO_LINE, Notice, Outcome, Request
from hardware.pulse_book import Asked, PulseBook
from hardware.readings import read_ledger, read_status

KEPT = 256  # ends of pulses, to know a notice that comes after they were looked up
CUT_US = 100  # a pulse that is shorter by this than it was asked for was ended early


@dataclass(frozen=True, slots=True)
class Happened:
    """What came of the device since it was asked the last time."""

    edges: tuple[Edge, ...]
    pulsed: tuple[Pulsed, ...]
    reports: tuple[TrialReport, ...]
    """Of trials that ended."""
    missing: int
    """Events whose numbers never came. The end of a pulse or a trial among them was looked up."""


class History:
    """Sorts what the device says by what was asked of it."""

    def __init__(self, connection: Connection, book: PulseBook) -> None:
        self._connection, self._book = connection, book
        self._edges: list[Edge] = []
        self._pulsed: list[Pulsed] = []
        self._reports: list[TrialReport] = []
        self._over: list[Mapping] = []
        self._ended: dict[int, Pulsed] = {}
        self._looked_up = self._told = 0

    def take(self) -> Happened:
        """Return what has happened since the last call.

        Raises:
            Disconnected: when a trial's outcome has to be asked for, and can't be; then nothing
                is lost, and the next call returns it all.
        """
        self._sort()
        while self._over:
            self._reports.append(self._completed(self._over[0]))
            del self._over[0]
        told, self._told = self._told, self._connection.missing
        happened = Happened(
            tuple(self._edges), tuple(self._pulsed), tuple(self._reports), self._told - told
        )
        self._edges, self._pulsed, self._reports = [], [], []
        return happened

    def look_up(self) -> None:
        """Where events are missing, ask for the ends of what is under way.

        Raises:
            Disconnected: when no answer comes.
        """
        self._sort()
        missing = self._connection.missing
        if missing <= self._looked_up:
            return
        trial = self._book.trial
        if trial is not None and trial.acknowledged:
            self._end_trial(self._connection.ask(Request.REPORT).fields)
        if self._book.running:
            on = read_status(self._connection).outputs_on
            for asked in list(self._book.running.values()):
                if asked.line not in on and (pulsed := self._from_ledger(asked)) is not None:
                    self._end_pulse(pulsed)
        self._looked_up = missing

    def report(self) -> TrialReport:
        """Ask how the last trial went, or goes.

        Raises:
            Refused: when there was none.
            Disconnected: when no answer comes.
        """
        self._sort()
        fields: Mapping = self._connection.ask(Request.REPORT).fields
        self._end_trial(fields)
        return self._completed(fields)

    def _sort(self) -> None:
        for said in self._connection.take():
            if isinstance(said, Edge):
                self._edges.append(said)
            elif isinstance(said, Pulsed):
                self._end_pulse(said)
            elif said.notice == Notice.TRIAL_DONE:
                self._end_trial(said.fields)

    def _end_pulse(self, pulsed: Pulsed) -> None:
        if pulsed.id in self._ended:
            return  # it was looked up before its own notice came
        self._ended[pulsed.id] = pulsed
        while len(self._ended) > KEPT:
            del self._ended[next(iter(self._ended))]
        self._book.end(pulsed)
        self._pulsed.append(pulsed)

    def _end_trial(self, fields: Mapping) -> None:
        names = {line.index: name for name, line in self._connection.lines.items()}
        if fields["outcome"] != Outcome.RUNNING and self._book.end_trial(fields, names):
            self._over.append(fields)

    def _completed(self, fields: Mapping) -> TrialReport:
        """Return a report with the outcome that was delivered, looked up if its end never came."""
        report = self._connection.stream.report(fields, time.monotonic_ns())
        if fields["outcome_line"] == NO_LINE or fields["outcome"] == Outcome.RUNNING:
            return report
        pulsed = self._ended.get(report.id + 1)
        if pulsed is None:
            line = self._connection.stream.name(fields["outcome_line"])
            pulsed = self._from_ledger(Asked(report.id + 1, line, 0))
            if pulsed is not None:
                self._end_pulse(pulsed)
        return replace(report, pulsed=pulsed)

    def _from_ledger(self, asked: Asked) -> Pulsed | None:
        """Return a pulse that is over as the device has counted it; None if another came since."""
        ledger = read_ledger(self._connection, asked.line)
        if ledger.last_id != asked.id:
            return None
        cut = ledger.last_width_us < asked.width_us - CUT_US
        return Pulsed(asked.line, asked.id, ledger.last_start_us, ledger.last_width_us, cut)
