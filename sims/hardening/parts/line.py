"""The line to the emulated board, damaged."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, final

from sims.hardening.part import AbstractPart, Conditions, Try

RATES = (0.005, 0.02, 0.1)


@final
@dataclass(frozen=True)
class Line(AbstractPart):
    """Bits are flipped, bytes dropped and doubled, pieces late or cut, the cable unplugged."""

    kind: ClassVar[str] = "line"
    a_try: ClassVar[str] = (
        "a pulse or a trial asked of the emulated board while 0.5, 2 or 10 % of the pieces on the "
        "line are damaged, and the cable is unplugged now and then"
    )
    promise: ClassVar[str] = (
        "on the pins there is no pulse unasked, none twice, none too long, and none that the host "
        "doesn't know of in the end, with its width"
    )
    tries: ClassVar[int] = 30_000
    short: ClassVar[int] = 120
    needs: ClassVar[tuple[str, ...]] = ("avr-gcc", "avr-g++", "gcc", "make", "simavr")

    def run(self, conditions: Conditions) -> Iterator[Try]:
        """Ask."""
        from sims.hardening.line_torture import on_new_board

        for rate in RATES:
            chance = conditions.random("line", rate)
            share = -(-conditions.tries // len(RATES))
            yield from on_new_board(conditions.folder, chance, share, rate)
