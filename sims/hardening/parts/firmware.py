"""Noise and crooked requests to the firmware's core, under sanitizers."""

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, final

from hardware.firmware.build import fuzzer
from sims.hardening.part import AbstractPart, Conditions, Try

_BYTES = 1_000_000


@final
@dataclass(frozen=True)
class Firmware(AbstractPart):
    """The program of the board, built for this computer."""

    kind: ClassVar[str] = "firmware"
    a_try: ClassVar[str] = "a million bytes to the firmware's core: noise, and requests gone wrong"
    promise: ClassVar[str] = (
        "no output is on unasked, too long, too soon, over its budget or after its lease, and no "
        "sanitizer (addresses, undefined behaviour) complains"
    )
    tries: ClassVar[int] = 500
    short: ClassVar[int] = 2
    needs: ClassVar[tuple[str, ...]] = ("gcc", "make", "avr-gcc", "avr-g++")
    build: Callable[[], Path] = fuzzer
    """Makes the program under attack, which takes a seed and a number of bytes."""

    def run(self, conditions: Conditions) -> Iterator[Try]:
        """Run the program with one seed after the other."""
        program = str(self.build())
        for number in conditions.numbers():
            seed = conditions.random("firmware", number).randrange(2**31)
            command = [program, str(seed), str(_BYTES)]
            run = subprocess.run(command, capture_output=True, text=True, check=False)
            if run.returncode == 0:
                yield Try("kept its promises", number=number)
                continue
            what = f"`{' '.join(command)}` ended with {run.returncode}:\n{run.stderr[-3000:]}"
            yield Try("failed", what, number)
