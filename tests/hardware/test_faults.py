"""Whatever happens to the line or the host: no pulse unasked, none twice, none too long.

Judged by the emulator's record of the pins; `--slow` asks for ten times as much.
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
from hardware.interface import Disconnected, RigError
from hardware.messages import Go
from hardware.pulse_book import Fate
from hardware.simulated_board import CYCLES_PER_US, SimulatedBoard
from sims.hardening.line_torture import EMPTY, LEASE_MS, MAX_US, prepare, torture

pytestmark = pytest.mark.needs("avr-gcc", "avr-g++", "gcc", "make", "simavr")


@pytest.mark.parametrize(
    ("seed", "rate", "cases"),
    [
        (1, 0.005, 3000),
        pytest.param(2, 0.02, 2000, marks=pytest.mark.slow),
        (3, 0.1, 300),
        pytest.param(4, 0.005, 30_000, marks=pytest.mark.slow),
        pytest.param(5, 0.02, 20_000, marks=pytest.mark.slow),
        pytest.param(6, 0.1, 8000, marks=pytest.mark.slow),
    ],
)
def test_on_a_noisy_line_every_pulse_is_known_and_none_comes_twice(
    board, noisy_line, seed, rate, cases
):
    line = noisy_line(seed, 0.0)
    tries = list(torture(board, line, Random(seed), cases, rate))
    assert [one.failure for one in tries if one.failure] == []
    ended = Counter(one.ended for one in tries)
    print(f"{line.damaged} pieces damaged, {dict(ended)}")
    assert len(tries) == cases
    assert ended["connected anew"] > cases // 50


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
