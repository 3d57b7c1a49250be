"""The flashed program on an emulated Arduino Uno: a port to talk to, pins to touch and to watch.

Every change of a pin is recorded with the processor's cycle, so that what happened can be judged
by the board's own time, however busy this computer is.
"""

import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from hardware.firmware.build import emulator, firmware
from hardware.interface import RigError

CYCLES_PER_US = 16
START_S = 30.0
PINS = {
    "lick_left": 2,
    "lick_right": 3,
    "photodiode": 4,
    "door": 5,
    "valve_left": 6,
    "valve_right": 7,
    "puff": 8,
    "led": 9,
    "tone": 11,
    "odour_1": 12,
    "odour_2": 14,
    "sync": 15,
}
"""Of the lines in `lines.h`."""


@dataclass(frozen=True, slots=True)
class Change:
    """A pin went high or low."""

    cycle: int
    line: str
    level: bool
    is_output: bool


@dataclass(frozen=True, slots=True)
class On:
    """A time for which an output was high."""

    line: str
    start_cycle: int
    end_cycle: int | None
    """None while it still is."""

    @property
    def width_us(self) -> float:
        """How long, by the board's clock; infinite while it still is."""
        if self.end_cycle is None:
            return float("inf")
        return (self.end_cycle - self.start_cycle) / CYCLES_PER_US


class SimulatedBoard:
    """A running emulator; a context manager. Lines are named as in `lines.h`."""

    def __init__(self, *, skew_ppm: float = 0.0, eeprom: Path | None = None) -> None:
        """`eeprom` keeps the device's id and its count of boots from one run to the next."""
        self._skew_ppm, self._eeprom = skew_ppm, eeprom
        self._folder: TemporaryDirectory[str] | None = None
        self._read = 0
        self._process: subprocess.Popen[str] | None = None
        self.port = ""
        """The pty that stands for the USB port."""

    @property
    def pid(self) -> int:
        """The emulator's process."""
        return self._running().pid

    def __enter__(self) -> Self:
        """Build what isn't built yet, and switch the board on.

        Raises:
            BuildError: says what is missing.
            RigError: the emulator doesn't start.
        """
        program, elf = emulator(), firmware("uno")
        self._folder = TemporaryDirectory(prefix="biasloop-board-")
        self._log = Path(self._folder.name) / "pins.log"
        command = [str(program), str(elf), str(self._log)]
        self._process = subprocess.Popen(
            command + ([str(self._eeprom)] if self._eeprom else []),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for the program that started it
        )
        try:
            self.port = self._answer("pty")
            if self._skew_ppm:
                self.skew(self._skew_ppm)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        """Switch the board off."""
        self.close()

    def close(self) -> None:
        """Switch the board off; may be called again."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(OSError):
                if process.stdin is not None:
                    process.stdin.close()
            try:
                process.wait(2.0)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def set(self, line: str, level: bool) -> None:
        """Drive an input now."""
        self._tell(f"set {PINS[line]} {int(level)}")

    def touch(self, line: str, *, at_cycle: int, width_us: float = 5000.0) -> None:
        """Make an input high for a while, beginning at a cycle that is still to come."""
        self._tell(f"at {at_cycle} {PINS[line]} 1")
        self._tell(f"at {at_cycle + round(width_us * CYCLES_PER_US)} {PINS[line]} 0")

    def train(self, line: str, count: int, *, period_us: float, high_us: float) -> None:
        """Make an input high many times, from now on."""
        self._tell(f"train {PINS[line]} {count} {period_us} {high_us}")

    def wire(self, output: str, to: str, *, delay_us: float = 0.0) -> None:
        """Let an input follow an output."""
        self._tell(f"wire {PINS[output]} {PINS[to]} {delay_us}")

    def skew(self, ppm: float) -> None:
        """Let the board's clock run faster than this computer's by so many parts per million."""
        self._tell(f"skew {ppm}")

    def reset(self) -> None:
        """Pull the reset line, as opening the port of a real Arduino does."""
        self._tell("reset")

    def hang(self, *, interrupts: bool) -> None:
        """Let the program stand still where it is, with or without its interrupts."""
        self._tell(f"hang {int(interrupts)}")

    def freeze(self) -> None:
        """Let the board and its clock stand still."""
        self._tell("freeze")

    def thaw(self) -> None:
        """Let it go on."""
        self._tell("thaw")

    def cycle(self) -> int:
        """Return the processor's cycle now; everything before it is recorded."""
        self._tell("cycle")
        return int(self._answer("cycle"))

    def wait_us(self, duration_us: float) -> int:
        """Let so much of the board's time pass; return the cycle then."""
        until = self.cycle() + round(duration_us * CYCLES_PER_US)
        while (now := self.cycle()) < until:
            time.sleep(min(0.05, (until - now) / CYCLES_PER_US / 1e6))
        return now

    def changes(self) -> list[Change]:
        """Return what all pins did so far."""
        self.cycle()
        return list(_changes(self._log.read_text("ascii")))

    def new_changes(self) -> list[Change]:
        """Return what the pins did since the last call."""
        self.cycle()
        with self._log.open("rb") as file:
            file.seek(self._read)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._read += len(whole)
        return list(_changes(whole.decode("ascii")))

    def resets(self) -> list[int]:
        """Return the cycles at which the program began anew."""
        self.cycle()
        rows = (text.split() for text in self._log.read_text("ascii").splitlines())
        return [int(row[1]) for row in rows if row[0] == "r"]

    def on(self, line: str | None = None) -> list[On]:
        """Return when outputs were on, in the order of their beginnings."""
        begun: dict[str, int] = {}
        found = []
        for change in self.changes():
            if not change.is_output or (line is not None and change.line != line):
                continue
            if change.level:
                begun[change.line] = change.cycle
            elif change.line in begun:
                found.append(On(change.line, begun.pop(change.line), change.cycle))
        found += [On(name, cycle, None) for name, cycle in begun.items()]
        return sorted(found, key=lambda on: on.start_cycle)

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise RigError("the emulated board isn't running; use it in a `with` statement")
        return self._process

    def _tell(self, command: str) -> None:
        process = self._running()
        try:
            if process.stdin is not None:
                process.stdin.write(command + "\n")
                process.stdin.flush()
        except OSError:
            raise self._ended(process) from None

    def _answer(self, word: str) -> str:
        """Return what follows a word that the emulator says."""
        process = self._running()
        for text in process.stdout or ():
            first, _, rest = text.strip().partition(" ")
            if first == word:
                return rest
        raise self._ended(process)

    def _ended(self, process: subprocess.Popen[str]) -> RigError:
        process.wait()
        said = process.stderr.read()[-500:] if process.stderr is not None else ""
        return RigError(f"the emulated board has ended ({process.returncode}): {said}")


def _changes(text: str) -> Iterator[Change]:
    """Yield the changes of pins in the emulator's record."""
    lines = {pin: line for line, pin in PINS.items()}
    for row in text.splitlines():
        kind, *numbers = row.split()
        if kind in "io":
            cycle, pin, level = map(int, numbers)
            if pin in lines:
                yield Change(cycle, lines[pin], bool(level), kind == "o")
