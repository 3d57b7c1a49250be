"""Which pulses were asked for, and which of them did happen.

The host asks one thing at a time, so when a connection is lost at most the last request is in
doubt. A pulse whose acknowledgement was lost is looked up in the device's ledger, which counts
since its boot; it is never asked for again.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from hardware.interface import Ledger, Pulsed, TrialReport
from hardware.messages import NO_LINE, RESPONSES, Go


class Fate(StrEnum):
    """What became of something that was asked for."""

    HAPPENED = "happened"
    NEVER = "never"
    UNKNOWN = "unknown"
    """The device has restarted since, and its ledger is gone."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A pulse that was asked for."""

    id: int
    line: str
    width_us: int
    start_us: int = 0
    """Device time at which it was accepted, unwrapped."""


@dataclass(frozen=True, slots=True)
class AskedTrial:
    """A trial that was asked for: its go pulse has its id, its outcome the next one."""

    id: int
    program: Mapping[str, int]
    """The fields of its request."""
    acknowledged: bool = False

    def go_pulse(self, name: Callable[[int], str], start_us: int) -> Asked | None:
        """Return the output that is its go, if it is one."""
        if self.program["go"] != Go.PULSE:
            return None
        width_us = self.program["go_width_us"]
        return Asked(self.id, name(self.program["go_line"]), width_us, start_us)

    def outcome_us(self, response: int) -> int:
        """Return the width of the outcome that a first response brings, `NO_LINE` for none."""
        for slot in range(RESPONSES):
            if response != NO_LINE and self.program[f"line_{slot}"] == response:
                return self.program[f"outcome_us_{slot}"]
        return self.program["else_us"]


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What is known after a reconnection about what was under way when the line was lost."""

    restarted: bool
    """Whether the device has booted since: its ledger, limits and budgets begin anew."""
    pulse: tuple[Asked, Fate] | None
    """The pulse whose request had no answer, if that was what was asked last."""
    trial: tuple[AskedTrial, Fate] | None
    """The trial that wasn't known to be over, and whether it began."""
    report: TrialReport | None
    """How that trial went, if it began and the device still knows."""
    unfinished: tuple[Asked, ...]
    """Pulses that a restart has ended nobody knows when, at their asked widths at the latest."""
    unaccounted: Mapping[str, int]
    """Outputs with the pulses that the device counted beyond those known to have happened since the
    last connection. Empty when all is well, and after a restart."""


class PulseBook:
    """What was asked of one device since the connection was made."""

    def __init__(self) -> None:
        self.in_doubt: Asked | None = None
        """The pulse that was asked for last, while it has no answer."""
        self.trial: AskedTrial | None = None
        """The trial that was asked for last, until it is known to be over or refused."""
        self.running: dict[int, Asked] = {}
        """Pulses that began and whose end wasn't reported."""
        self._next_id = 1
        self._before: Mapping[str, int] = {}
        self._known: Counter[str] = Counter()

    def begin(self, ledgers: Mapping[str, Ledger], last_id: int) -> None:
        """Begin anew from what the device has counted; ids go on above its last one."""
        self._before = {line: ledger.pulses for line, ledger in ledgers.items()}
        self._known.clear()
        self.running.clear()
        self.in_doubt = self.trial = None
        self._next_id = last_id + 1

    def ask(self, line: str, width_us: int) -> Asked:
        """Note a pulse that is about to be asked for, with an id that was never used."""
        self.in_doubt = Asked(self._next_id, line, width_us)
        self._next_id += 1
        return self.in_doubt

    def accept(self, asked: Asked, start_us: int) -> None:
        """Note that the device has begun a pulse."""
        self.in_doubt = None
        self.running[asked.id] = replace(asked, start_us=start_us)
        self._known[asked.line] += 1

    def refuse(self) -> None:
        """Note that the device has refused the pulse."""
        self.in_doubt = None

    def ask_trial(self, program: Mapping[str, int]) -> AskedTrial:
        """Note a trial that is about to be asked for, with two ids that were never used."""
        self.trial = AskedTrial(self._next_id, {**program, "id": self._next_id})
        self._next_id += 2
        return self.trial

    def accept_trial(self, asked: AskedTrial, name: Callable[[int], str], start_us: int) -> None:
        """Note that the device runs a trial, and is sending out its go if that is an output."""
        self.trial = replace(asked, acknowledged=True)
        go = asked.go_pulse(name, start_us)
        if go is not None:
            self.running[go.id] = go

    def refuse_trial(self) -> None:
        """Note that the device has refused the trial."""
        self.trial = None

    def end(self, pulsed: Pulsed) -> None:
        """Note that a pulse is over."""
        self.running.pop(pulsed.id, None)

    def end_trial(
        self, report: Mapping[str, int], name: Callable[[int], str], go_us: int
    ) -> AskedTrial | None:
        """Note a trial's last report, as its message's fields; return the trial if that is news."""
        asked = self.trial
        if asked is None or asked.id != report["id"]:
            return None
        go = asked.go_pulse(name, go_us)
        if go is not None and report["go_us"]:
            self._known[go.line] += 1
            if not asked.acknowledged:
                self.running[go.id] = go
        if report["outcome_line"] != NO_LINE and report["outcome_start_us"]:
            self._known[name(report["outcome_line"])] += 1
        self.trial = None
        return asked

    def fate(self, ledgers: Mapping[str, Ledger] | None) -> tuple[Asked, Fate] | None:
        """Return the pulse in doubt and what became of it; None without one.

        Args:
            ledgers: as read after the reconnection; None if the device has restarted.
        """
        asked = self.in_doubt
        if asked is None:
            return None
        if ledgers is None:
            return asked, Fate.UNKNOWN
        if ledgers[asked.line].last_id != asked.id:
            return asked, Fate.NEVER
        self.accept(asked, ledgers[asked.line].last_start_us)
        return asked, Fate.HAPPENED

    def unaccounted(self, ledgers: Mapping[str, Ledger]) -> Mapping[str, int]:
        """Return the outputs whose ledger differs from what is known, and by how many pulses."""
        excess = {
            line: ledger.pulses - self._before[line] - self._known[line]
            for line, ledger in ledgers.items()
        }
        return {line: count for line, count in excess.items() if count}
