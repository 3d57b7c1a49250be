"""Whatever happens to the line or the host: no pulse unasked, none twice, none too long.

Judged by the emulator's record of the pins. A case is a pulse or a trial of two outputs that was
asked for while pieces of what passes the line were being damaged; `--slow` damages ten times as
many.
"""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from random import Random

import pytest

from hardware.device import NativeDevice
from hardware.interface import DeviceFault, Disconnected, Limits, Refused, RigError
from hardware.messages import NO_LINE, REQUESTS, Go, Request
from hardware.pulse_book import Fate
from hardware.simulated_board import CYCLES_PER_US, SimulatedBoard

pytestmark = pytest.mark.needs("avr-gcc", "avr-g++", "gcc", "make", "simavr")
LINES = ("valve_left", "valve_right", "led", "odour_1", "odour_2", "sync")
LEASE_MS = 1000
MAX_US = 4000
EMPTY = dict.fromkeys(REQUESTS[Request.TRIAL], 0) | {
    name: NO_LINE
    for name in REQUESTS[Request.TRIAL]
    if name.endswith("line") or name.startswith(("line_", "outcome_line_"))
}


FREE = ("led", "odour_1", "odour_2", "sync")  # without a gap between two pulses


class Book:
    """What was asked for, and what is known to have happened."""

    def __init__(self):
        self.asked = Counter()
        self.happened = Counter()
        """Pulses that were acknowledged, or found to have begun."""
        self.pulsed = []
        self.trials = set()
        self.cases = self.reconnections = 0

    def take(self, device):
        happened = device.take_events()
        self.pulsed += happened.pulsed
        return {report.id for report in happened.reports}


def prepare(device):
    for line in LINES:
        gap_us = {one.name: one for one in device.identity.lines}[line].ceiling.gap_us
        device.set_limits(line, Limits(MAX_US, gap_us, 600_000_000))


def reconnect(device, book):
    """Try until it is known what happened."""
    for _ in range(60):
        try:
            known = device.reconnect()
            if known.pulse is not None:
                asked, fate = known.pulse
                assert fate != Fate.UNKNOWN
                book.happened[asked.line] += fate == Fate.HAPPENED
            if known.trial is not None:
                book.trials.add(known.trial[0].id)
            assert dict(known.unaccounted) == {}
            assert known.unfinished == ()
            device.clear()
            prepare(device)
            device.arm(LEASE_MS)
        except RigError:
            continue
        book.reconnections += 1
        return
    raise AssertionError("the device never came back")


def one_pulse(device, book, random):
    line = random.choice(FREE if random.random() < 0.95 else LINES)
    book.asked[line] += 1
    device.pulse(line, random.randrange(500, MAX_US))
    book.happened[line] += 1


def one_trial(device, book, random):
    go, other = random.sample(FREE, 2)
    book.asked.update((go, other))
    number = device.run_trial(
        EMPTY
        | {
            "go": Go.PULSE,
            "go_line": device.index(go),
            "go_width_us": random.randrange(500, MAX_US),
            "window_us": 1000,
            "line_0": device.index("lick_left"),
            "else_line": device.index(other),
            "else_us": random.randrange(500, MAX_US),
        }
    )
    book.trials.add(number)
    while number not in book.take(device):
        device.wait(0.002)
        device.heartbeat()


def one_case(device, book, random):
    book.cases += 1
    try:
        device.heartbeat()
        (one_pulse if random.random() < 0.8 else one_trial)(device, book, random)
        book.take(device)
    except Refused as refused:
        # the line was on already, or a moment ago
        if refused.status.name not in {"TOO_SOON", "BUSY"}:
            raise
        reconnect(device, book)
    except (Disconnected, DeviceFault):
        reconnect(device, book)


def judge(board, before, book):
    """Compare with the pins: nothing unasked, nothing twice, nothing too long, nothing unknown."""
    board.wait_us(50_000)
    real = board.on()[before:]
    assert all(one.end_cycle is not None for one in real)
    widths_us = sorted(one.width_us for one in real)
    assert widths_us[-1] < MAX_US + 100, widths_us[-9:]
    lines = Counter(one.line for one in real)
    assert all(lines[line] <= book.asked[line] for line in LINES)
    of_trials = Counter(one.line for one in book.pulsed if {one.id, one.id - 1} & book.trials)
    assert lines == +(book.happened + of_trials)
    assert len({one.id for one in book.pulsed}) == len(book.pulsed)
    for line in LINES:
        told = sorted((one for one in book.pulsed if one.line == line), key=lambda one: one.id)
        was = [one.width_us for one in real if one.line == line]
        assert len(told) == len(was)
        assert max((abs(a.width_us - b) for a, b in zip(told, was, strict=True)), default=0) < 100


@pytest.mark.parametrize(
    ("seed", "rate", "faults"),
    [
        (1, 0.005, 200),
        (2, 0.02, 400),
        (3, 0.1, 500),
        pytest.param(4, 0.005, 2000, marks=pytest.mark.slow),
        pytest.param(5, 0.02, 4000, marks=pytest.mark.slow),
        pytest.param(6, 0.1, 5000, marks=pytest.mark.slow),
    ],
)
def test_on_a_noisy_line_every_pulse_is_known_and_none_comes_twice(
    board, noisy_line, seed, rate, faults
):
    line, random, book = noisy_line(seed, 0.0), Random(seed), Book()
    board.wait_us(50_000)
    before = len(board.on())
    device = NativeDevice(line.port, timeout_s=0.01, tries=40)
    device.open()
    device.clear()
    prepare(device)
    device.arm(LEASE_MS)
    line.rate = rate
    while line.damaged < faults:
        one_case(device, book, random)
        if book.cases % 50 == 0:
            line.unplug()
    line.rate = 0.0
    reconnect(device, book)
    assert device.make_safe().verified
    book.take(device)
    device.close()
    print(f"{line.damaged} pieces damaged, {book.cases} cases, {book.reconnections} reconnections")
    judge(board, before, book)
    assert book.reconnections > book.cases // 50


CHILD = """
import sys, time
from hardware.device import NativeDevice
from hardware.interface import Limits
with NativeDevice(sys.argv[1]) as device:
    device.clear()
    device.set_limits("valve_left", Limits(1_000_000, 20_000, 600_000_000))
    device.arm(150)
    device.pulse("valve_left", 1_000_000)
    print("open", flush=True)
    while True:
        device.heartbeat()
        time.sleep(0.02)
"""


@pytest.mark.parametrize("how", [signal.SIGSTOP, signal.SIGKILL])
@pytest.mark.parametrize("wait_s", [0.0, 0.07, 0.2])
def test_when_the_host_stops_or_dies_the_valve_closes_within_the_lease(board, how, wait_s):
    before = len(board.on("valve_left"))
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, board.port], stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout.readline() == "open\n"
        time.sleep(wait_s)
        os.kill(child.pid, how)
        killed = board.cycle()
        board.wait_us(300_000)
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
    (real,) = board.on("valve_left")[before:]
    assert real.end_cycle is not None
    assert (real.end_cycle - killed) / CYCLES_PER_US < 155_000


@pytest.mark.parametrize("seed", range(10))
def test_a_reset_in_a_trial_switches_everything_off_and_nothing_on_again(board, seed):
    random = Random(seed)
    with NativeDevice(board.port) as device:
        device.clear()
        prepare(device)
        device.arm(LEASE_MS)
        before, resets = len(board.on()), len(board.resets())
        device.run_trial(
            EMPTY
            | {
                "go": Go.PULSE,
                "go_line": device.index("odour_1"),
                "go_width_us": MAX_US,
                "window_us": 20_000,
                "line_0": device.index("lick_left"),
                "outcome_line_0": device.index("valve_left"),
                "outcome_us_0": MAX_US,
            }
        )
        board.touch("lick_left", at_cycle=board.cycle() + random.randrange(100, 100_000))
        board.wait_us(random.randrange(0, 12_000))
        board.reset()
        board.wait_us(60_000)
        (reset,) = board.resets()[resets:]
        for real in board.on()[before:]:
            assert real.start_cycle < reset
            assert real.end_cycle <= reset
            assert real.width_us < MAX_US + 100
        with pytest.raises(RigError):
            device.pulse("valve_left", 1000)
        known = device.reconnect()
        assert known.restarted
        assert known.trial is None or known.trial[1] == Fate.UNKNOWN


def test_a_board_that_is_switched_off_is_one_error(tmp_path):
    with SimulatedBoard() as board, NativeDevice(board.port) as device:
        board.close()
        with pytest.raises(Disconnected):
            device.ping()
        assert not device.make_safe().verified
        with pytest.raises(RigError):
            device.reconnect()
