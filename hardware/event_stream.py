"""Notices to events: numbers and times that don't wrap, gaps counted, repetitions dropped."""

from collections.abc import Mapping, Sequence

from hardware.clock import Unwrapper
from hardware.interface import Edge, LineInfo, Pulsed, TrialReport
from hardware.messages import NO_LINE, Notice, Outcome
from hardware.wire import Notification

HALF = 1 << 15  # of the event numbers' range: more than that ahead is behind
GRACE_NS = 200_000_000  # how long an event may be on its way
KEPT = 1024  # missing numbers that may still come


class EventStream:
    """What one device says unasked, in the order in which it came."""

    def __init__(self, lines: Sequence[LineInfo], unwrap: Unwrapper, next_event: int) -> None:
        """`next_event` is the number that the device gives next; what is older is dropped."""
        self._names: Mapping[int, str] = {line.index: line.name for line in lines}
        self._unwrap = unwrap
        self._next = next_event
        self._promised: tuple[int, int] | None = None
        self._skipped: dict[int, None] = {}
        self._missing = 0

    @property
    def missing(self) -> int:
        """Events that never came, since the stream began."""
        return self._missing

    def take(
        self, notification: Notification, t_host_ns: int
    ) -> Edge | Pulsed | Notification | None:
        """Return an edge or a pulse's end, the notice itself for others; None if it came before."""
        number = self._counted(notification.number)
        if number is None:
            return None
        fields: Mapping = notification.fields
        t_us = self._unwrap(notification.t_us, t_host_ns)
        if notification.notice == Notice.EDGE:
            return Edge(self.name(fields["line"]), bool(fields["level"]), t_us, number)
        if notification.notice == Notice.PULSED:
            line, width_us, cut = self.name(fields["line"]), fields["width_us"], fields["cut"]
            return Pulsed(line, fields["id"], t_us, width_us, bool(cut))
        return notification

    def report(self, fields: Mapping, t_host_ns: int) -> TrialReport:
        """Return a trial's report, as far as its own message says: `pulsed` stays None."""

        def unwrapped(name: str) -> int | None:
            return self._unwrap(fields[name], t_host_ns) if fields[name] else None

        return TrialReport(
            id=fields["id"],
            outcome=Outcome(fields["outcome"]),
            line=None if fields["line"] == NO_LINE else self.name(fields["line"]),
            go_us=unwrapped("go_us"),
            open_us=unwrapped("open_us"),
            response_us=unwrapped("response_us"),
        )

    def name(self, index: int) -> str:
        """Return a line's name; its number for one that isn't in the table."""
        return self._names.get(index, f"line {index}")

    def check(self, next_event: int, now_ns: int) -> None:
        """Compare with the device's own count, so that a lost last event is missed too."""
        if self._promised is not None:
            number, since_ns = self._promised
            if self._next < number and now_ns - since_ns < GRACE_NS:
                return
            self._skip_to(number)
            self._promised = None
        ahead = (next_event - self._next) % (2 * HALF)
        if 0 < ahead < HALF:
            self._promised = self._next + ahead, now_ns

    def _counted(self, number: int) -> int | None:
        """Return the unwrapped number of an event that is new."""
        ahead = (number - self._next + HALF) % (2 * HALF) - HALF
        unwrapped = self._next + ahead
        if ahead >= 0:
            self._skip_to(unwrapped)
            self._next += 1
            return unwrapped
        if unwrapped in self._skipped:  # overtaken by a later one
            del self._skipped[unwrapped]
            self._missing -= 1
            return unwrapped
        return None

    def _skip_to(self, number: int) -> None:
        if number > self._next:
            self._missing += number - self._next
            self._skipped.update(dict.fromkeys(range(max(self._next, number - KEPT), number)))
            while len(self._skipped) > KEPT:
                del self._skipped[next(iter(self._skipped))]
            self._next = number
