"""Sessions on an emulated board to which something happens: judged by the board's own pins.

One board stays powered over all cases, as at a rig, and so does the reward ledger of its lab. A
case is one session; what its device delivered has to be in the ledger once the next one has begun.
"""

import importlib.util
import random
import signal
import sqlite3
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from session_torture import BOARD_LEASE_MS, ODOUR_MS, Case
from session_world import VOLUME_UL, assignments
from test_session_torture import Judge, Running, server

from controller.session.queue import Queue
from controller.statuses import Status
from hardware.simulated_board import CYCLES_PER_US, SimulatedBoard

pytestmark = pytest.mark.needs("avr-gcc", "avr-g++", "gcc", "make", "simavr")
SLOTS = 6
FAULTS = ("kill", "kill", "stop", "stop and go on", "unplug", "reset", "interrupt", "full disk")
ASKED_US = {
    "valve_left": VOLUME_UL * 10_000,
    "odour_1": ODOUR_MS * 1000,
    "odour_2": ODOUR_MS * 1000,
}
TOLERANCE_US = 100
SLACK_US = 5000


def cable(port, link):
    """Return a line that can be unplugged; it is the one of the hardware's tests."""
    path = Path(__file__).parents[2] / "hardware" / "conftest.py"
    spec = importlib.util.spec_from_file_location("hardware_conftest", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.NoisyLine(port, link, seed=0, rate=0.0)


@dataclass
class BoardJudge(Judge):
    """What has to be true of an experiment's stores; rewards belong to the board."""

    lab: Path = Path()

    def _pulses(self, stored):
        """Every stored pulse is in the ledger, once and as it was."""
        kept = ledger(self.lab, stored.boot_id)
        numbers = [number for number, _ in stored.pulses]
        assert len(set(numbers)) == len(numbers)
        assert all(kept[number] == width for number, width in stored.pulses)


def ledger(lab, boot_id):
    """Return the number and width of every pulse that is kept of a boot."""
    (path,) = lab.glob("rewards/*.sqlite")
    with closing(sqlite3.connect(path)) as opened:
        query = "SELECT id, width_us FROM pulses WHERE boot_id = ?"
        return dict(opened.execute(query, (boot_id,)).fetchall())


@dataclass
class Bench:
    """A board that stays on, its cable, its lab's ledger, and what it did."""

    process: object
    board: SimulatedBoard
    line: object
    lab: Path
    of_boot: int = 0
    """Pulses on the pins before the board's last start."""
    pulses: int = 0
    unknown: int = 0
    """Pulses that nobody can know of any more: of the trial in which the board was reset."""

    def pins(self):
        """Return what was on since the board's last start: pulses and µs of each line."""
        found = {}
        for one in self.board.on()[self.of_boot :]:
            count, on_us = found.get(one.line, (0, 0.0))
            found[one.line] = (count + 1, on_us + one.width_us)
        return found

    def run(self, case, fault, rng):
        """Run one case; returns its wait status."""
        pins, before = self.pins(), len(self.board.on())
        self.board.train("lick_left", rng.randrange(20), period_us=50_000, high_us=5000)
        running = Running(self.process, case)
        fault_cycle = self._happen(running, fault, rng)
        if fault in {"stop", "stop and go on"}:
            self.board.wait_us(BOARD_LEASE_MS * 1000 + 30_000)
            self._off_in_time(before, fault_cycle)
            running.send(signal.SIGKILL if fault == "stop" else signal.SIGCONT)
            if fault == "stop and go on":
                fault_cycle = None  # one that wasn't armed yet has lost nothing, and goes on
        code = running.result()
        self.board.wait_us(BOARD_LEASE_MS * 1000 + 30_000)
        self._off_in_time(before, fault_cycle)
        self._reconciled(running.notes(), pins)
        self.pulses += len(self.board.on()) - before
        if fault == "reset":
            self._forgotten(running.notes())
        return code

    def _happen(self, running, fault, rng):
        """Let it happen at a random moment; returns the board's cycle right after it."""
        running.wait_for("trial" if rng.random() < 0.8 else "kept")
        time.sleep(rng.uniform(0, 0.3))
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

    def _off_in_time(self, before, fault_cycle):
        """Everything is off by the lease, nothing comes on after it, nothing is too long."""
        for one in self.board.on()[before:]:
            assert one.end_cycle is not None, f"{one.line} is still on"
            assert one.line in ASKED_US, "nobody asked for that"
            assert one.width_us < ASKED_US[one.line] + TOLERANCE_US
            if fault_cycle is not None:
                late_us = (one.end_cycle - fault_cycle) / CYCLES_PER_US
                assert late_us < BOARD_LEASE_MS * 1000 + SLACK_US, (one, fault_cycle)

    def _reconciled(self, notes, pins):
        """What the ledger held when this session began is what was on the pins before."""
        kept = next((one["kept"] for one in notes if "kept" in one), None)
        if kept is None:
            return
        counts = {line: total["pulses"] for line, total in kept.items()}
        assert counts == {line: count for line, (count, _) in pins.items()}
        for line, (count, on_us) in pins.items():
            assert abs(kept[line]["on_us"] - on_us) < TOLERANCE_US * count

    def _forgotten(self, notes):
        """A board that restarts has counted nothing: only what was confirmed before is kept."""
        boot_id = next(one["boot"] for one in notes if "boot" in one)
        real = self.board.on()[self.of_boot :]
        unknown = len(real) - len(ledger(self.lab, boot_id))
        assert 0 <= unknown <= 2  # of one trial: its odour and its reward
        self.unknown += unknown
        self.of_boot = len(self.board.on())


def experiment(bench, folder, rng, cases):
    """Run cases of one experiment until it is over or enough; how many, and what came of them."""
    folder.mkdir()
    judge, number = BoardJudge(folder, lab=bench.lab), 0
    with Queue(folder) as queue:
        queue.propose(assignments(SLOTS, lines=2))
        while number < cases and {one.status for one in queue.slots()} != {Status.DONE}:
            fault = rng.choice(FAULTS)
            case = Case(
                str(folder),
                number,
                f"{folder}.{number}.notes",
                limit=rng.randrange(100_000, 400_000) if fault == "full disk" else 0,
                port=bench.line.port,
                lab=str(bench.lab),
            )
            code = bench.run(case, fault, rng)
            judge.judge(case, fault, code)
            number += 1
    return number, judge.faults


def torture(tmp_path, seed, cases):
    rng, done, faults, experiments = random.Random(seed), 0, Counter(), 0
    print(f"seed {seed}")
    with server() as process, SimulatedBoard(eeprom=tmp_path / "eeprom") as board:
        line = cable(board.port, tmp_path / "tty")
        bench = Bench(process, board, line, tmp_path / "lab")
        try:
            while done < cases:
                folder = tmp_path / f"e{experiments}"
                number, found = experiment(bench, folder, rng, cases - done)
                done, experiments, faults = done + number, experiments + 1, faults + found
        finally:
            line.close()
    print(f"{done} cases, {bench.pulses} pulses, {bench.unknown} unknown: {dict(faults)}")
    assert bench.pulses > 2 * cases


@pytest.mark.parametrize(("seed", "cases"), [(1, 50), pytest.param(2, 240, marks=pytest.mark.slow)])
def test_whatever_happens_on_a_board_its_outputs_go_off_and_every_drop_is_counted(
    tmp_path, seed, cases
):
    torture(tmp_path, seed, cases)
