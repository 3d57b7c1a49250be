"""Sessions on an emulated board to which something happens: judged by the board's own pins.

One board stays powered over all cases, as at a rig, and so does the reward ledger of its lab. A
case is one session; what its device delivered has to be in the ledger once the next one has begun.
"""

import random
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from controller.session.queue import Queue
from hardware.simulated_board import CYCLES_PER_US, SimulatedBoard
from sims.hardening.noisy_line import NoisyLine
from sims.hardening.part import Try
from sims.hardening.promises import BrokenPromiseError, require
from sims.hardening.session_case import BOARD_LEASE_MS, ODOUR_MS, Case
from sims.hardening.session_torture import (
    Judge,
    Notes,
    Process,
    Running,
    is_over,
    pulses_of,
    server,
)
from sims.hardening.session_world import VOLUME_UL, Told, assignments

SLOTS = 6
FAULTS = ("kill", "kill", "stop", "stop and go on", "unplug", "reset", "interrupt", "full disk")
ASKED_US = {
    "valve_left": VOLUME_UL * 10_000,
    "odour_1": ODOUR_MS * 1000,
    "odour_2": ODOUR_MS * 1000,
}
TOLERANCE_US = 100
SLACK_US = 5000
_LAPSE_US = BOARD_LEASE_MS * 1000 + 30_000
Pins = dict[str, tuple[int, float]]
"""Line to its pulses and the µs that it was on."""


@dataclass
class BoardJudge(Judge):
    """What has to be true of an experiment's stores; rewards belong to the board."""

    lab: Path = Path()

    def check_pulses(self, stored: Told) -> None:
        """Every stored pulse is in the ledger, once and as it was."""
        kept = pulses_of(self.lab, stored.boot_id)
        numbers = [number for number, _ in stored.pulses]
        require(len(set(numbers)) == len(numbers), "a pulse is stored twice")
        for number, width in stored.pulses:
            require(kept.get(number) == width, f"pulse {number}: {width}, not {kept.get(number)}")


@dataclass
class Bench:
    """A board that stays on, its cable, its lab's ledger, and what it did."""

    process: Process
    board: SimulatedBoard
    line: NoisyLine
    lab: Path
    of_boot: int = 0
    """Pulses on the pins before the board's last start."""
    unknown: int = 0
    """Pulses that nobody can know of any more: of the trial in which the board was reset."""

    def pins(self) -> Pins:
        """Return what was on since the board's last start."""
        found: Pins = {}
        for one in self.board.on()[self.of_boot :]:
            count, on_us = found.get(one.line, (0, 0.0))
            found[one.line] = (count + 1, on_us + one.width_us)
        return found

    def run(self, running: Running, fault: str, chance: random.Random) -> int:
        """Let something happen to a session; returns its wait status.

        Raises:
            BrokenPromiseError.
        """
        pins, before = self.pins(), len(self.board.on())
        self.board.train("lick_left", chance.randrange(20), period_us=50_000, high_us=5000)
        fault_cycle = self._happen(running, fault, chance)
        if fault in {"stop", "stop and go on"}:
            self.board.wait_us(_LAPSE_US)
            self._off_in_time(before, fault_cycle)
            running.send(signal.SIGKILL if fault == "stop" else signal.SIGCONT)
            if fault == "stop and go on":
                fault_cycle = None  # one that wasn't armed yet has lost nothing, and goes on
        code = running.result()
        self.board.wait_us(_LAPSE_US)
        self._off_in_time(before, fault_cycle)
        self._reconciled(running.notes(), pins)
        if fault == "reset":
            self._forgotten(running.notes())
        return code

    def _happen(self, running: Running, fault: str, chance: random.Random) -> int | None:
        """Let it happen at a random moment; returns the board's cycle right after it."""
        running.wait_for("trial" if chance.random() < 0.8 else "kept")
        time.sleep(chance.uniform(0, 0.3))
        match fault:
            case "kill":
                running.send(signal.SIGKILL)
            case "stop" | "stop and go on":
                running.send(signal.SIGSTOP)
            case "unplug":
                self.line.unplug()
            case "reset":
                self.board.reset()
            case "interrupt":
                running.send(signal.SIGINT)
                return None
            case _:
                return None
        return self.board.cycle()

    def _off_in_time(self, before: int, fault_cycle: int | None) -> None:
        """Everything is off by the lease, nothing comes on after it, nothing is too long."""
        for one in self.board.on()[before:]:
            require(one.end_cycle is not None, f"{one.line} is still on")
            require(one.line in ASKED_US, f"nobody asked for {one.line}")
            require(one.width_us < ASKED_US[one.line] + TOLERANCE_US, f"{one} is too long")
            if fault_cycle is not None and one.end_cycle is not None:
                late_us = (one.end_cycle - fault_cycle) / CYCLES_PER_US
                in_time = late_us < BOARD_LEASE_MS * 1000 + SLACK_US
                require(in_time, f"{one} ended {late_us:.0f} µs after the fault")

    def _reconciled(self, notes: Notes, pins: Pins) -> None:
        """What the ledger held when this session began is what was on the pins before."""
        kept = next((one["kept"] for one in notes if "kept" in one), None)
        if kept is None:
            return
        counts = {line: total["pulses"] for line, total in kept.items()}
        real = {line: count for line, (count, _) in pins.items()}
        require(counts == real, f"the ledger has {counts}, on the pins were {real}")
        for line, (count, on_us) in pins.items():
            apart_us = abs(kept[line]["on_us"] - on_us)
            require(apart_us < TOLERANCE_US * count, f"{line}: {apart_us:.0f} µs apart")

    def _forgotten(self, notes: Notes) -> None:
        """A board that restarts has counted nothing: only what was confirmed before is kept."""
        boot_id = next(one["boot"] for one in notes if "boot" in one)
        real = self.board.on()[self.of_boot :]
        unknown = len(real) - len(pulses_of(self.lab, boot_id))
        # of one trial: its odour and its reward
        require(0 <= unknown <= 2, f"{unknown} pulses of {len(real)} are in no ledger")
        self.unknown += unknown
        self.of_boot = len(self.board.on())


def torture(folder: Path, chance: random.Random, cases: int) -> Iterator[Try]:
    """Run so many cases on one board, in as many experiments as it takes."""
    done = experiments = 0
    with server() as process, SimulatedBoard(eeprom=folder / "eeprom") as board:
        with closing(NoisyLine(board.port, folder / "tty", seed=0, rate=0.0)) as line:
            bench = Bench(process, board, line, folder / "lab")
            while done < cases:
                for one in _experiment(bench, folder / f"e{experiments}", chance, cases - done):
                    done += 1
                    yield one
                experiments += 1
        if len(board.on()) <= cases:
            yield Try("failed", f"only {len(board.on())} pulses: nothing was tried")


def _experiment(bench: Bench, folder: Path, chance: random.Random, cases: int) -> Iterator[Try]:
    """Run cases of one experiment until it is over, enough, or has broken a promise."""
    folder.mkdir()
    judge = BoardJudge(folder, lab=bench.lab)
    with Queue(folder) as queue:
        queue.propose(assignments(SLOTS, lines=2))
        for number in range(cases):
            if is_over(queue):
                return
            one = _case(bench, judge, number, chance)
            yield one
            if one.failure:
                return


def _case(bench: Bench, judge: BoardJudge, number: int, chance: random.Random) -> Try:
    fault = chance.choice(FAULTS)
    case = Case(
        str(judge.folder),
        number,
        f"{judge.folder}.{number}.notes",
        limit=chance.randrange(100_000, 400_000) if fault == "full disk" else 0,
        port=bench.line.port,
        lab=str(bench.lab),
    )
    running = Running(bench.process, case)
    code: int | None = None
    try:
        code = bench.run(running, fault, chance)
        return Try(judge.judge(case, fault, code))
    except BrokenPromiseError as error:
        if code is None:
            running.kill()
        return Try("failed", f"{fault}: {error}")
