"""Sessions on an emulated rig to which something happens."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, final

from sims.hardening.part import AbstractPart, Conditions, Try
from sims.hardening.session_torture import torture


@final
@dataclass(frozen=True)
class Sessions(AbstractPart):
    """Whatever happens to a session, the next goes on where it stopped."""

    kind: ClassVar[str] = "sessions"
    a_try: ClassVar[str] = (
        "a session on an emulated rig that is killed, stopped for a moment, interrupted (twice) or "
        "whose disk is full"
    )
    promise: ClassVar[str] = (
        "every acknowledged trial is stored once and as it was, the rewards' ledger has every "
        "pulse, and the experiment ends with the answers that it would have had"
    )
    tries: ClassVar[int] = 2800
    short: ClassVar[int] = 40

    def run(self, conditions: Conditions) -> Iterator[Try]:
        """Let things happen."""
        yield from torture(conditions.folder, conditions.random("sessions"), conditions.tries)
