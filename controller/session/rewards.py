"""What an animal got today, from pulses that devices confirmed, over restarts and rigs."""

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from controller.session.clock import day_began_ns
from controller.session.errors import NotReady
from hardware.interface import CalibrationError, Identity, Ledger, Pulsed
from hardware.reward_ledger import RewardLedger
from hardware.rig_settings import RigSettings

FUTURE_NS = 120 * 10**9


@dataclass(slots=True)
class Given:
    """What one animal got on one calendar day."""

    water_ul: float = 0.0
    puffs: int = 0


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
        """
        self._folder, self._settings, self._subject = lab / "rewards", settings, subject
        self._utc_ns, self._durable = utc_ns, durable
        self._ledger: RewardLedger | None = None
        self._identity: Identity | None = None
        self.given = self._today()

    def attach(self, identity: Identity) -> None:
        """Open the ledger of the device that answered."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{identity.device_id}.sqlite"
        self._ledger = RewardLedger(path, durable=self._durable)
        self._identity = identity

    def keep(self, pulsed: Pulsed) -> None:
        """Make a confirmed pulse durable, and count it."""
        if self._ledger is None or self._identity is None:
            raise RuntimeError("attach() comes before the first pulse")
        volume = self.volume_ul(pulsed)
        new = self._ledger.record(
            self._identity.device_id,
            self._identity.boot_id,
            pulsed,
            volume,
            self._utc_ns(),
            self._subject,
        )
        if new:
            self._count(pulsed.line, volume)

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

        The device counts since its boot, so what is missing here was delivered after the last
        pulse that was kept. The last one it still knows; those before it become one entry.

        Args:
            ledgers: the device's own.

        Returns:
            What was added, counted as this animal's.
        """
        if self._ledger is None or self._identity is None:
            raise RuntimeError("attach() comes first")
        kept = self._ledger.of_boot(self._identity.device_id, self._identity.boot_id)
        added = []
        for line, counted in ledgers.items():
            known = kept.get(line)
            pulses = counted.pulses - (known.pulses if known else 0)
            on_us = counted.on_us - (known.on_us if known else 0)
            if pulses <= 0:
                continue
            last = Pulsed(
                line, counted.last_id, counted.last_start_us, counted.last_width_us, cut=False
            )
            rest_us = on_us - last.width_us
            if pulses > 1 and rest_us > 0:
                # an id that no pulse has: they are numbered from 1
                added.append(Pulsed(line, -counted.last_id, last.start_us, rest_us, cut=True))
            added.append(last)
        for pulsed in added:
            self.keep(pulsed)
        return added

    def close(self) -> None:
        """Let go of the ledger."""
        if self._ledger is not None:
            self._ledger.close()

    def _count(self, line: str, volume_ul: float | None) -> None:
        self.given.water_ul += volume_ul or 0.0
        output = self._settings.outputs.get(line)
        if output is not None and output.kind == "puff":
            self.given.puffs += 1

    def _today(self) -> Given:
        given, now_ns = Given(), self._utc_ns()
        puffs = {name for name, one in self._settings.outputs.items() if one.kind == "puff"}
        for path in sorted(self._folder.glob("*.sqlite")):
            with closing(RewardLedger(path, durable=self._durable)) as ledger:
                if ledger.totals(now_ns + FUTURE_NS):
                    raise NotReady(
                        f"{path} has rewards of later than now: this computer's clock was set "
                        "back, and a day's water can't be counted; set the clock right"
                    )
                totals = ledger.totals(day_began_ns(now_ns), self._subject)
            given.water_ul += sum(total.volume_ul for total in totals.values())
            given.puffs += sum(
                total.pulses
                for line, total in totals.items()
                if line in puffs or line.startswith("puff")
            )
        return given
