"""What has happened on a device: edges, ends of pulses and trials, what never came looked up.

Every pulse that was begun is told once, with its width. Its own notice may be lost: then the
device's ledger is asked, which holds the last pulse of each line. So it is asked before a line is
used again, after every loss that shows, and when everything has been switched off.
"""

import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from hardware.connection import Connection
from hardware.interface import Edge, Pulsed, Refused, TrialReport
from hardware.messages import NO_LINE, Notice, Outcome, Request
from hardware.pulse_book import Asked, AskedTrial, PulseBook
from hardware.readings import read_output

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
        self._over: list[tuple[AskedTrial, Mapping]] = []
        self._ended: dict[int, Pulsed] = {}
        self._looked_up = self._told = 0

    def take(self) -> Happened:
        """Return what has happened since the last call.

        Raises:
            Disconnected: when a trial's outcome has to be asked for, and can't be; then nothing
                is lost, and the next call returns it all.
        """
        self._sort()
        self._complete()
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
        if missing > self._looked_up:
            self.settle()
            self._looked_up = missing

    def settle(self, lines: Collection[str] | None = None) -> None:
        """Ask for the ends that haven't come of what was begun; what goes on is left.

        Args:
            lines: only of pulses on these; None for all.

        Raises:
            Disconnected: when no answer comes.
        """
        self._sort()
        if self._book.trial is not None:
            with suppress(Refused):  # the device has never run one
                self._end_trial(self._connection.ask(Request.REPORT).fields)
        self._complete()
        for asked in list(self._book.running.values()):
            if lines is None or asked.line in lines:
                self._look_up_end(asked)

    def settle_doubt(self) -> None:
        """Tell of the pulse whose request had no answer, if it happened; everything is off.

        Raises:
            Disconnected: when no answer comes.
        """
        asked = self._book.in_doubt
        if asked is not None:
            self._look_up_end(asked)

    def forget(self) -> tuple[Asked, ...]:
        """Begin anew after a restart of the device; return the pulses whose ends nobody knows."""
        self._sort()
        unknown = list(self._book.running.values())
        for trial, fields in self._over:
            outcome = self._outcome(trial, fields)
            ended = None if outcome is None else self._ended.get(outcome.id)
            if outcome is not None and ended is None:
                unknown.append(outcome)
            self._reports.append(replace(self._report(fields), pulsed=ended))
        self._over.clear()
        self._ended.clear()  # numbers begin anew as well
        self._looked_up = self._told = 0
        return tuple(unknown)

    def report(self) -> TrialReport:
        """Ask how the last trial went, or goes.

        Raises:
            Refused: when there was none.
            Disconnected: when no answer comes.
        """
        self._sort()
        trial = self._book.trial
        fields: Mapping = self._connection.ask(Request.REPORT).fields
        self._end_trial(fields)
        if trial is None or trial.id != fields["id"]:
            return replace(self._report(fields), pulsed=self._ended.get(fields["id"] + 1))
        return self._completed(trial, fields)

    def _sort(self) -> None:
        for said in self._connection.take():
            if isinstance(said, Edge):
                self._edges.append(said)
            elif isinstance(said, Pulsed):
                self._end_pulse(said)
            elif said.notice == Notice.TRIAL_DONE:
                self._end_trial(said.fields)

    def _end_pulse(self, pulsed: Pulsed) -> None:
        self._book.end(pulsed)
        if pulsed.id in self._ended:
            return  # it was looked up before its own notice came
        self._ended[pulsed.id] = pulsed
        while len(self._ended) > KEPT:
            del self._ended[next(iter(self._ended))]
        self._pulsed.append(pulsed)

    def _end_trial(self, fields: Mapping) -> None:
        if fields["outcome"] == Outcome.RUNNING:
            return
        go_us = self._connection.device_us(fields["go_us"])
        trial = self._book.end_trial(fields, self._connection.stream.name, go_us)
        if trial is not None:
            self._over.append((trial, fields))

    def _complete(self) -> None:
        while self._over:
            self._reports.append(self._completed(*self._over[0]))
            del self._over[0]

    def _completed(self, trial: AskedTrial, fields: Mapping) -> TrialReport:
        """Return a report with the outcome that was delivered, looked up if its end never came."""
        outcome = self._outcome(trial, fields)
        if outcome is None or fields["outcome"] == Outcome.RUNNING:
            return self._report(fields)
        if outcome.id not in self._ended:
            self._look_up_end(outcome)
        return replace(self._report(fields), pulsed=self._ended.get(outcome.id))

    def _report(self, fields: Mapping) -> TrialReport:
        return self._connection.stream.report(fields, time.monotonic_ns())

    def _outcome(self, trial: AskedTrial, fields: Mapping) -> Asked | None:
        """Return the outcome that was begun; None where there was none."""
        if fields["outcome_line"] == NO_LINE:
            return None
        line = self._connection.stream.name(fields["outcome_line"])
        start_us = self._connection.device_us(fields["outcome_start_us"])
        return Asked(trial.id + 1, line, trial.outcome_us(fields["line"]), start_us)

    def _look_up_end(self, asked: Asked) -> None:
        """Tell of a pulse as the device has counted it, unless it is still on."""
        ledger, on = read_output(self._connection, asked.line)
        if ledger.last_id == asked.id and not on:
            cut = ledger.last_width_us < asked.width_us - CUT_US
            start_us, width_us = ledger.last_start_us, ledger.last_width_us
            self._end_pulse(Pulsed(asked.line, asked.id, start_us, width_us, cut))
        elif ledger.last_id > asked.id:
            # only an outcome comes on a line whose last pulse wasn't settled; what cuts a pulse
            # ends the trial as well, so this one had its time
            self._end_pulse(Pulsed(asked.line, asked.id, asked.start_us, asked.width_us, cut=False))
