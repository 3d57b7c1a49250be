"""What an animal got today, from pulses that devices confirmed, over restarts and rigs.

A session belongs to the day on which it began: what it gives after midnight counts to its own
limits and to those of the sessions of the next day.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from controller.session.clock import day_began_ns
from controller.session.day import PUFF, given_since
from hardware.interface import CalibrationError, Identity, Ledger, Pulsed
from hardware.reward_ledger import Entry, RewardLedger, Served, Total
from hardware.rig_settings import RigSettings

NOTHING = Total(0, 0, 0.0)


class Rewards:
    """The ledger of one device during one session, and the animal's day over all devices."""

    def __init__(
        self,
        lab: Path,
        settings: RigSettings,
        subject: str,
        utc_ns: Callable[[], int],
        *,
        durable: bool = True,
    ) -> None:
        """Count what the animal got today; nothing is written before `attach`.

        Raises:
            NotReady: a ledger has entries of later than now: the clock was set back.
            LedgerError: a ledger can't be read.
        """
        self._folder, self._settings, self._subject = lab / "rewards", settings, subject
        self._utc_ns, self._durable = utc_ns, durable
        self._ledger: RewardLedger | None = None
        self._identity: Identity | None = None
        self._before: Served | None = None
        self._serves = False
        self._since_ns = day_began_ns(utc_ns())
        self.given = given_since(self._folder, subject, self._since_ns, utc_ns(), durable=durable)

    def attach(self, identity: Identity) -> None:
        """Open the ledger of the device that answered; `reconcile` comes next.

        Raises:
            LedgerError: when it can't be opened.
        """
        self.close()
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{identity.device_id}.sqlite"
        self._ledger, self._identity = RewardLedger(path, durable=self._durable), identity
        self._before = self._ledger.served(identity.device_id, identity.boot_id)
        self._serves = False

    def keep(self, pulsed: Pulsed) -> None:
        """Make a confirmed pulse durable, and count it.

        Raises:
            LedgerError: when it can't be kept.
        """
        ledger, device = self._attached()
        self._serve()
        entry = self._entry(pulsed, self._subject, self._utc_ns())
        if ledger.record(*device, entry):
            self._count(entry)

    def volume_ul(self, pulsed: Pulsed) -> float | None:
        """Return what a pulse delivered; None for what is no calibrated valve.

        Outside the weighed widths, where a pulse was cut short, in proportion to the nearest end.
        """
        calibration = self._settings.calibrations.get(pulsed.line)
        if calibration is None:
            return None
        try:
            return calibration.volume_ul(pulsed.width_us)
        except CalibrationError:
            shortest, longest = calibration.range_us
            end = shortest if pulsed.width_us < shortest else longest
            return calibration.volume_ul(end) * pulsed.width_us / end

    def reconcile(self, ledgers: Mapping[str, Ledger]) -> list[Pulsed]:
        """Take in what the device has delivered and nobody wrote down, as after a kill.

        It belongs to whom the device served last since its boot, at the last time that is known of
        it; without one (a check of the rig, a calibration) it is kept as nobody's. From here on the
        device serves this session's animal.

        Args:
            ledgers: the device's own, which count since its boot.

        Returns:
            What was added for this session's animal.

        Raises:
            LedgerError: when it can't be kept.
        """
        ledger, device = self._attached()
        kept, added = ledger.of_boot(*device), []
        for line, counted in ledgers.items():
            lowest = ledger.lowest_id(*device) - len(added)
            held = ledger.holds(*device, counted.last_id)
            added += _missing(line, counted, kept.get(line, NOTHING), lowest, held=held)
        before = self._before or Served("", self._utc_ns())
        entries = [self._entry(one, before.subject, before.t_utc_ns) for one in added]
        ledger.record_all(*device, entries)
        self._serve()
        self._before = Served(self._subject, self._utc_ns())
        if before.subject != self._subject:
            return []
        for entry in entries:
            if entry.t_utc_ns >= self._since_ns:
                self._count(entry)
        return added

    def release(self) -> None:
        """Write down that the device serves nobody any more: what it gives now is nobody's.

        Raises:
            LedgerError: when it can't be kept.
        """
        ledger, device = self._attached()
        ledger.serve(*device, "", self._utc_ns())
        self._serves = False

    def close(self) -> None:
        """Let go of the ledger."""
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None

    def _attached(self) -> tuple[RewardLedger, tuple[str, int]]:
        if self._ledger is None or self._identity is None:
            raise RuntimeError("attach() comes before the first pulse")
        return self._ledger, (self._identity.device_id, self._identity.boot_id)

    def _serve(self) -> None:
        """Write down that what the device delivers from now on is this animal's."""
        if not self._serves:
            ledger, device = self._attached()
            ledger.serve(*device, self._subject, self._utc_ns())
            self._serves = True

    def _entry(self, pulsed: Pulsed, subject: str, t_utc_ns: int) -> Entry:
        output = self._settings.outputs.get(pulsed.line)
        kind = "" if output is None else output.kind
        return Entry(pulsed, self.volume_ul(pulsed), t_utc_ns, subject, kind)

    def _count(self, entry: Entry) -> None:
        self.given.water_ul += entry.volume_ul or 0.0
        self.given.puffs += entry.kind == PUFF


def _missing(
    line: str, counted: Ledger, kept: Total, lowest_id: int, *, held: bool
) -> list[Pulsed]:
    """Return the pulses that a device counted and nobody kept.

    Args:
        line: on which.
        counted: by the device.
        kept: of them.
        lowest_id: of what is kept; those whose numbers nobody knows get lower ones.
        held: whether the last one is kept.
    """
    missing = counted.pulses - kept.pulses
    if missing <= 0:
        return []
    on_us, found = max(0, counted.on_us - kept.on_us), []
    if not held:
        on_us, missing = max(0, on_us - counted.last_width_us), missing - 1
        width_us = counted.last_width_us
        found = [Pulsed(line, counted.last_id, counted.last_start_us, width_us, cut=False)]
    # of those before the last one the device knows only how long they were on in all
    whole_us, rest_us = divmod(on_us, max(1, missing))
    lost = [
        Pulsed(
            line, lowest_id - 1 - at, counted.last_start_us, whole_us + (at < rest_us), cut=False
        )
        for at in range(missing)
    ]
    return lost + found
