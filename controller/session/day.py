"""What an animal got today, from the ledgers alone: for whoever stands before the cage."""

from contextlib import closing
from pathlib import Path

from controller.session.clock import day_began_ns
from controller.session.rewards import Given
from hardware.reward_ledger import RewardLedger


def given_today(lab: Path, subject: str, utc_ns: int) -> Given:
    """Return water and air puffs of this calendar day, over all devices."""
    given = Given()
    for path in sorted((lab / "rewards").glob("*.sqlite")):
        with closing(RewardLedger(path)) as ledger:
            totals = ledger.totals(day_began_ns(utc_ns), subject)
        given.water_ul += sum(total.volume_ul for total in totals.values())
        given.puffs += sum(total.pulses for line, total in totals.items() if "puff" in line)
    return given
