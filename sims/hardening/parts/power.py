"""Power cuts under a store's writer."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, final

from sims.hardening.part import AbstractPart, Conditions, LeftOutError, Try
from sims.hardening.power_cuts import cuts, record
from sims.hardening.store_writer import small_chunks
from sims.hardening.syscalls import possible

_STORES = [(kind, live) for live in (True, False) for kind in ("experiment", "session")]


@final
@dataclass(frozen=True)
class Power(AbstractPart):
    """A writer's system calls are recorded; a disk is left as a cut between any two may leave it.

    What was written and not synced is there, or not, sector by sector; what was done to names and
    not synced is there up to a random moment.
    """

    kind: ClassVar[str] = "power"
    a_try: ClassVar[str] = (
        "a power cut between two of the recorded system calls of a store's writer, with unsynced "
        "sectors and names lost by chance"
    )
    promise: ClassVar[str] = (
        "of a live store every acknowledged frame is there; of a dry-run's a beginning (its run "
        "derives the rest again); going on from there ends with the same tables"
    )
    tries: ClassVar[int] = 2000
    short: ClassVar[int] = 12

    def run(self, conditions: Conditions) -> Iterator[Try]:
        """Record once for each kind of store, then cut."""
        if reason := possible():
            raise LeftOutError(reason)
        share = -(-conditions.tries // len(_STORES))
        with small_chunks():
            for kind, live in _STORES:
                recording = record(conditions.folder, kind=kind, live=live)
                chance = conditions.random("power", kind, live)
                yield from cuts(recording, conditions.folder, chance, share)
