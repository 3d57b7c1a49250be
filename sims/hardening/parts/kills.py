"""Writers of stores that are killed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, final

from sims.hardening.part import AbstractPart, Conditions, Try
from sims.hardening.store_kills import torture
from sims.hardening.store_writer import small_chunks

_STORES = [(kind, live) for kind in ("experiment", "session") for live in (True, False)]


@final
@dataclass(frozen=True)
class Kills(AbstractPart):
    """Nothing that was acknowledged is lost when its writer is killed."""

    kind: ClassVar[str] = "kills"
    a_try: ClassVar[str] = (
        "a writer of a store (an experiment's, or a session's beside its follower) killed at a "
        "random moment while another process reads"
    )
    promise: ClassVar[str] = (
        "every acknowledged frame is there, at most one more; the reader never fails; in the end "
        "the tables, and their repair, are as if nothing had happened"
    )
    tries: ClassVar[int] = 1200
    short: ClassVar[int] = 16

    def run(self, conditions: Conditions) -> Iterator[Try]:
        """Kill as many writers of each kind of store."""
        share = -(-conditions.tries // len(_STORES))
        with small_chunks():
            for kind, live in _STORES:
                folder = conditions.folder / f"{kind}-{live}"
                chance = conditions.random("kills", kind, live)
                yield from torture(folder, share, chance, live=live, kind=kind)
