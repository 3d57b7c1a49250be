"""Sessions on an emulated board to which something happens."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, final

from sims.hardening.part import AbstractPart, Conditions, Try


@final
@dataclass(frozen=True)
class Board(AbstractPart):
    """The program that is flashed, judged by its pins."""

    kind: ClassVar[str] = "board"
    a_try: ClassVar[str] = (
        "a session on the emulated board that is killed, stopped, unplugged, reset, interrupted or "
        "whose disk is full"
    )
    promise: ClassVar[str] = (
        "outputs go off within the lease, nothing is too long, no acknowledged trial is lost, and "
        "the ledger has every pulse that was on the pins (but up to 2 of a trial in a reset)"
    )
    tries: ClassVar[int] = 240
    short: ClassVar[int] = 10
    needs: ClassVar[tuple[str, ...]] = ("avr-gcc", "avr-g++", "gcc", "make", "simavr")

    def run(self, conditions: Conditions) -> Iterator[Try]:
        """Let things happen."""
        from sims.hardening.board_torture import torture

        yield from torture(conditions.folder, conditions.random("board"), conditions.tries)
