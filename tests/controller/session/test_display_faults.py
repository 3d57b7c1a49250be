"""A screen that dies or stands still in a trial: everything off, and the next session goes on."""

import os
import signal
from dataclasses import replace
from datetime import date

import pytest
from session_world import EPISODE, NoPlanning, World, section, settings, told

from controller.session.clock import ComputerClock
from controller.session.queue import Queue
from controller.session.start import run_session
from controller.store import status
from hardware.display import Display
from hardware.rig import NativeRig
from hardware.screen import Screen
from hardware.simulated_board import CYCLES_PER_US, SimulatedBoard
from hardware.virtual_screen import VirtualScreen
from protocols.mappings.colour import ColourMapping

pytestmark = pytest.mark.needs("avr-gcc", "avr-g++", "gcc", "make", "simavr", "Xvfb")
SCREEN = Screen(size_px=(400, 300), width_cm=40.0, distance_cm=30.0)
LEASE_MS = 500


class Fault:
    """A rig whose stimulus process is sent a signal in the middle of a trial."""

    def __init__(self, board, display):
        self.board, self.display = board, display
        self.signal, self.at, self.cycle, self.looks = None, 0, None, 0

    def watch(self):
        """Called at every heartbeat."""
        self.looks += 1
        if self.signal is not None and self.looks == self.at:
            os.kill(self.display.pid, self.signal)
            self.cycle = self.board.cycle()


def session(world, board, display, lab, what):
    """Run a session in which the screen is sent a signal; its ending and the fault's cycle."""
    fault = Fault(board, display)
    fault.signal, fault.at = what

    def make_rig(rewards):
        return NativeRig(
            world.settings, board.port, display=display, keep=rewards.keep, watch=fault.watch
        )

    start = world.start(
        make_rig=make_rig,
        mapping=ColourMapping(),
        clock=ComputerClock(),
        origin="simavr",
        planning=NoPlanning(),
        lab=lab,
        waits=False,
    )
    return run_session(start), fault.cycle


def test_a_screen_that_is_killed_or_stands_still_ends_the_session_safely(tmp_path, monkeypatch):
    plan = {"kind": "go_nogo", "delay_s": 0.0, "window_s": 0.1, "interval_s": 0.05}
    world = World(tmp_path / "e", document=section(plan=plan))
    world.queue.close()
    world.queue = Queue(world.folder)
    world.propose()
    today = date.today()  # noqa: DTZ011  the rig's own day
    plain = settings(today, LEASE_MS)
    world.settings = replace(plain, screen=SCREEN, inputs={**plain.inputs, "photodiode": "other"})
    with VirtualScreen(SCREEN) as screen, SimulatedBoard(eeprom=tmp_path / "eeprom") as board:
        monkeypatch.setenv("DISPLAY", screen.display)
        done = 0
        for number, at in ((signal.SIGKILL, 40), (signal.SIGSTOP, 55), (None, 0)):
            before = len(board.on())
            board.train("lick_left", 400, period_us=50_000, high_us=5000)
            with Display(SCREEN, timeout_s=1.5, start_timeout_s=120) as display:
                ending, cycle = session(world, board, display, tmp_path / "lab", (number, at))
            store = world.sessions()[-1]
            stored = told(store)
            assert stored.of("made_safe") == [(1.0, "")]
            assert status(store)["exit_status"] == ending.status
            assert all(one.end_cycle is not None for one in board.on())
            if number is None:
                assert ending.status == "no_slot"
                continue
            done += len(stored.trials)
            assert ending.status == "fault", ending
            assert stored.trials
            for one in board.on()[before:]:
                assert one.end_cycle - cycle < (LEASE_MS + 5) * 1000 * CYCLES_PER_US
        indices = [one.index for one in stored.trials]
        assert indices[0] == done % EPISODE
