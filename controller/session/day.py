"""What an animal got in a day, over all devices, from their ledgers."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from controller.session.errors import NotReady
from hardware.reward_ledger import RewardLedger

PUFF = "puff"
FUTURE_NS = 120 * 10**9


@dataclass(slots=True)
class Given:
    """What one animal got on one calendar day."""

    water_ul: float = 0.0
    puffs: int = 0


def given_since(
    rewards: Path, subject: str, since_ns: int, now_ns: int, *, durable: bool = True
) -> Given:
    """Return what an animal got from a moment on.

    Args:
        rewards: folder of the devices' ledgers.
        subject: which animal.
        since_ns: the moment, ns since 1970.
        now_ns: the time of day.
        durable: False for ledgers of emulated devices.

    Raises:
        NotReady: a ledger has entries of later than now: the clock was set back.
        LedgerError: a ledger can't be read.
    """
    given = Given()
    for path in sorted(rewards.glob("*.sqlite")):
        with closing(RewardLedger(path, durable=durable)) as ledger:
            if ledger.totals(now_ns + FUTURE_NS):
                raise NotReady(
                    f"{path} has rewards of later than now: this computer's clock was set "
                    "back, and a day's water can't be counted; set the clock right"
                )
            totals = ledger.totals(since_ns, subject)
            given.puffs += ledger.pulses(PUFF, since_ns, subject)
        given.water_ul += sum(total.volume_ul for total in totals.values())
    return given
