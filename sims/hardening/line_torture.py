"""Pulses and trials asked for over a line that damages what passes: judged by the board's pins.

Whatever happens to the line: no pulse unasked, none twice, none too long, and in the end none of
which the host doesn't know.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from hardware.device import NativeDevice
from hardware.interface import DeviceFault, Disconnected, Limits, Pulsed, Refused, RigError
from hardware.messages import NO_LINE, REQUESTS, Go, Request
from hardware.pulse_book import Fate
from hardware.simulated_board import SimulatedBoard
from sims.hardening.noisy_line import NoisyLine
from sims.hardening.part import Try
from sims.hardening.promises import BrokenPromiseError, require

LINES = ("valve_left", "valve_right", "led", "odour_1", "odour_2", "sync")
FREE = ("led", "odour_1", "odour_2", "sync")  # without a gap between two pulses
LEASE_MS = 1000
MAX_US = 4000
TOLERANCE_US = 100
EMPTY = dict.fromkeys(REQUESTS[Request.TRIAL], 0) | {
    name: NO_LINE
    for name in REQUESTS[Request.TRIAL]
    if name.endswith("line") or name.startswith(("line_", "outcome_line_"))
}
_UNPLUGGED_EVERY = 25


@dataclass
class Book:
    """What was asked for, and what is known to have happened."""

    asked: Counter[str] = field(default_factory=Counter)
    happened: Counter[str] = field(default_factory=Counter)
    """Pulses that were acknowledged, or found to have begun."""
    pulsed: list[Pulsed] = field(default_factory=list)
    trials: set[int] = field(default_factory=set)
    reconnections: int = 0

    def take(self, device: NativeDevice) -> set[int]:
        """Take in what the device has told; returns the trials that are over."""
        happened = device.take_events()
        self.pulsed += happened.pulsed
        return {report.id for report in happened.reports}


def torture(
    board: SimulatedBoard, line: NoisyLine, chance: Random, cases: int, rate: float
) -> Iterator[Try]:
    """Ask for so many pulses and trials while so many pieces are damaged, then judge by the pins.

    Args:
        board: at the line's other end.
        line: undamaged still.
        chance: decides.
        cases: how many.
        rate: part of the pieces that are damaged.
    """
    board.wait_us(50_000)
    book, before, damaged = Book(), len(board.on()), line.damaged
    try:
        with NativeDevice(line.port, timeout_s=0.01, tries=40) as device:
            device.clear()
            prepare(device)
            device.arm(LEASE_MS)
            line.rate = rate
            for number in range(1, cases + 1):
                yield Try(one_case(device, book, chance))
                if number % _UNPLUGGED_EVERY == 0:
                    line.unplug()
            line.rate = 0.0
            reconnect(device, book)
            require(device.make_safe().verified, "it could not be made safe")
            book.take(device)
        judge(board, before, book)
        require(line.damaged > damaged, "nothing was damaged")
    except BrokenPromiseError as error:
        yield Try("failed", f"with {rate:g} of the pieces damaged: {error}")
    finally:
        line.rate = 0.0


def on_new_board(folder: Path, chance: Random, cases: int, rate: float) -> Iterator[Try]:
    """Do that on a board of its own."""
    with SimulatedBoard() as board:
        line = NoisyLine(board.port, folder / "tty", seed=chance.randrange(2**31), rate=0.0)
        try:
            yield from torture(board, line, chance, cases, rate)
        finally:
            line.close()


def prepare(device: NativeDevice) -> None:
    """Allow what the cases ask for."""
    known = {one.name: one for one in device.identity.lines}
    for line in LINES:
        device.set_limits(line, Limits(MAX_US, known[line].ceiling.gap_us, 600_000_000))


def reconnect(device: NativeDevice, book: Book) -> None:
    """Try until it is known what happened."""
    for _ in range(60):
        try:
            known = device.reconnect()
            if known.pulse is not None:
                asked, fate = known.pulse
                require(fate != Fate.UNKNOWN, f"the fate of {asked} is unknown")
                book.happened[asked.line] += fate == Fate.HAPPENED
            if known.trial is not None:
                book.trials.add(known.trial[0].id)
            require(not known.unaccounted, f"nobody asked for {known.unaccounted}")
            require(not known.unfinished, f"{known.unfinished} have no end")
            device.clear()
            prepare(device)
            device.arm(LEASE_MS)
        except RigError:
            continue
        book.reconnections += 1
        return
    raise BrokenPromiseError("the device never came back")


def one_case(device: NativeDevice, book: Book, chance: Random) -> str:
    """Ask for a pulse or a trial; returns how that went."""
    try:
        device.heartbeat()
        (_pulse if chance.random() < 0.8 else _trial)(device, book, chance)
        book.take(device)
    except Refused as refused:
        # the line was on already, or a moment ago
        if refused.status.name not in {"TOO_SOON", "BUSY"}:
            raise
        reconnect(device, book)
        return "refused"
    except (Disconnected, DeviceFault):
        reconnect(device, book)
        return "connected anew"
    return "done"


def judge(board: SimulatedBoard, before: int, book: Book) -> None:
    """Compare with the pins: nothing unasked, nothing twice, nothing too long, nothing unknown.

    Raises:
        BrokenPromiseError.
    """
    board.wait_us(50_000)
    real = board.on()[before:]
    require(all(one.end_cycle is not None for one in real), "an output is still on")
    widths_us = sorted(one.width_us for one in real)
    require(widths_us and widths_us[-1] < MAX_US + TOLERANCE_US, f"too long: {widths_us[-9:]}")
    lines = Counter(one.line for one in real)
    require(all(lines[line] <= book.asked[line] for line in LINES), f"{lines} for {book.asked}")
    of_trials = Counter(one.line for one in book.pulsed if {one.id, one.id - 1} & book.trials)
    known = +(book.happened + of_trials)
    require(lines == known, f"on the pins were {lines}, known is {known}")
    require(len({one.id for one in book.pulsed}) == len(book.pulsed), "a pulse was told twice")
    for line in LINES:
        told = sorted((one for one in book.pulsed if one.line == line), key=lambda one: one.id)
        was_us = [one.width_us for one in real if one.line == line]
        require(len(told) == len(was_us), f"{line}: {len(told)} pulses told of {len(was_us)}")
        apart = [abs(a.width_us - b) for a, b in zip(told, was_us, strict=True)]
        require(max(apart, default=0) < TOLERANCE_US, f"{line}: other widths than told")


def _pulse(device: NativeDevice, book: Book, chance: Random) -> None:
    line = chance.choice(FREE if chance.random() < 0.95 else LINES)
    book.asked[line] += 1
    device.pulse(line, chance.randrange(500, MAX_US))
    book.happened[line] += 1


def _trial(device: NativeDevice, book: Book, chance: Random) -> None:
    go, other = chance.sample(FREE, 2)
    book.asked.update((go, other))
    number = device.run_trial(
        EMPTY
        | {
            "go": Go.PULSE,
            "go_line": device.index(go),
            "go_width_us": chance.randrange(500, MAX_US),
            "window_us": 1000,
            "line_0": device.index("lick_left"),
            "else_line": device.index(other),
            "else_us": chance.randrange(500, MAX_US),
        }
    )
    book.trials.add(number)
    while number not in book.take(device):
        device.wait(0.002)
        device.heartbeat()
