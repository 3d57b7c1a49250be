"""Which pulses were asked for, and which of them did happen.

The host asks one thing at a time, so when a connection is lost at most the last request is in
doubt. A pulse whose acknowledgement was lost is looked up in the device's ledger, which counts
since its boot; it is never asked for again.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from hardware.interface import Limits, Pulsed, TrialReport
from hardware.messages import NO_LINE, Go


class Fate(StrEnum):
    """What became of something that was asked for."""

    HAPPENED = "happened"
    NEVER = "never"
    UNKNOWN = "unknown"
    """The device has restarted since, and its ledger is gone."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """What a device has counted of one output since its boot."""

    pulses: int
    on_us: int
    last_id: int
    last_start_us: int
    """Device time, unwrapped."""
    last_width_us: int
    limits: Limits


@dataclass(frozen=True, slots=True)
class Asked:
    """A pulse that was asked for."""

    id: int
    line: str
    width_us: int


@dataclass(frozen=True, slots=True)
class AskedTrial:
    """A trial that was asked for: its go pulse has its id, its outcome the next one."""

    id: int
    program: Mapping[str, int]
    """The fields of its request."""
    acknowledged: bool = False


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

    def accept(self, asked: Asked) -> None:
        """Note that the device has begun a pulse."""
        self.in_doubt = None
        self.running[asked.id] = asked
        self._known[asked.line] += 1

    def refuse(self) -> None:
        """Note that the device has refused the pulse."""
        self.in_doubt = None

    def ask_trial(self, program: Mapping[str, int]) -> AskedTrial:
        """Note a trial that is about to be asked for, with two ids that were never used."""
        self.trial = AskedTrial(self._next_id, {**program, "id": self._next_id})
        self._next_id += 2
        return self.trial

    def accept_trial(self, asked: AskedTrial) -> None:
        """Note that the device runs a trial."""
        self.trial = AskedTrial(asked.id, asked.program, acknowledged=True)

    def refuse_trial(self) -> None:
        """Note that the device has refused the trial."""
        self.trial = None

    def end(self, pulsed: Pulsed) -> None:
        """Note that a pulse is over."""
        self.running.pop(pulsed.id, None)

    def end_trial(self, report: Mapping[str, int], names: Mapping[int, str]) -> bool:
        """Note a trial's last report, as its message's fields; whether it is news."""
        asked = self.trial
        if asked is None or asked.id != report["id"]:
            return False
        if asked.program["go"] == Go.PULSE and report["go_us"]:
            self._known[names[asked.program["go_line"]]] += 1
        if report["outcome_line"] != NO_LINE and report["outcome_start_us"]:
            self._known[names[report["outcome_line"]]] += 1
        self.trial = None
        return True

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
        self.accept(asked)
        return asked, Fate.HAPPENED

    def unaccounted(self, ledgers: Mapping[str, Ledger]) -> Mapping[str, int]:
        """Return the outputs whose ledger differs from what is known, and by how many pulses."""
        excess = {
            line: ledger.pulses - self._before[line] - self._known[line]
            for line, ledger in ledgers.items()
        }
        return {line: count for line, count in excess.items() if count}
