"""What an animal got, copied from one laboratory's ledgers into another's.

A pulse is known by device, boot and number, so a copy of what is there changes nothing: whoever
runs the animal next counts its whole day, on whichever rigs it was.
"""

from contextlib import closing
from itertools import groupby
from pathlib import Path

from controller.rigs.messages import Received
from hardware.reward_ledger import RewardLedger


def received_since(lab: Path, subject: str, since_ns: int) -> tuple[Received, ...]:
    """Return what an animal got from a moment on, by all ledgers of a laboratory.

    Raises:
        LedgerError: a ledger can't be read.
    """
    found: list[Received] = []
    for path in sorted((lab / "rewards").glob("*.sqlite")):
        with closing(RewardLedger(path)) as ledger:
            found += [Received(*one) for one in ledger.entries(since_ns, subject)]
    return tuple(found)


def take_in(lab: Path, received: tuple[Received, ...]) -> int:
    """Keep what an animal got elsewhere; returns how many pulses were new.

    Raises:
        LedgerError: it can't be written, or contradicts what is there.
    """
    folder, new = lab / "rewards", 0
    if received:
        folder.mkdir(parents=True, exist_ok=True)
    ordered = sorted(received, key=lambda one: (one.device_id, one.boot_id))
    for (device, boot), group in groupby(ordered, key=lambda one: (one.device_id, one.boot_id)):
        with closing(RewardLedger(folder / f"{device}.sqlite")) as ledger:
            new += ledger.record_all(device, boot, [one.entry for one in group])
    return new
