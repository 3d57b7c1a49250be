"""Device time on this computer's clock: pure lines with known skew, and the emulated board."""

import time

import numpy as np
import pytest

from hardware.clock import WRAP_US, ClockError, DeviceClock, Sample, Unwrapper, fit
from hardware.device import NativeDevice
from hardware.simulated_board import SimulatedBoard


def samples(skew_ppm, seconds, *, seed=0, per_s=20, delay_us=300.0):
    """Requests to a clock that is too fast by so much; delays only ever add, now and then a lot."""
    random = np.random.default_rng(seed)
    count = int(seconds * per_s)
    host_ns = np.sort(random.uniform(0, seconds * 1e9, count))
    delay = (
        random.exponential(delay_us * 1000, count) + 20_000 * (random.random(count) < 0.05) * 1e3
    )
    share = random.uniform(0.3, 0.7, count)  # of the delay that lies before the stamp
    return tuple(
        Sample(
            t_us=round((1 + skew_ppm * 1e-6) * host / 1000),
            t_host_ns=round(host + (part - 0.5) * late),
            delay_ns=round(late),
        )
        for host, late, part in zip(host_ns, delay, share, strict=True)
    )


@pytest.mark.parametrize("skew_ppm", [-2000, -37, 0, 500, 2000])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_slope_is_right_within_5_ppm_after_30_s(skew_ppm, seed):
    found = fit(samples(skew_ppm, 30, seed=seed))
    assert found.drift_ppm == pytest.approx(skew_ppm, abs=5)
    assert found.residual_us < 200


def test_times_go_there_and_back():
    found = fit(samples(300, 30))
    for t_us in (0, 10_000_000, 40_000_000):
        assert abs(found.device_us(found.host_ns(t_us)) - t_us) <= 1


def test_device_times_are_unwrapped_even_after_a_long_pause():
    unwrap = Unwrapper()
    for true_us in (WRAP_US - 5, WRAP_US + 5, 3 * WRAP_US + 77, 3 * WRAP_US + 50):
        assert unwrap(true_us % WRAP_US, true_us * 1000) == true_us


def test_a_clock_that_was_never_measured_says_so():
    clock = DeviceClock()
    assert clock.is_stale(0)
    with pytest.raises(ClockError, match="never measured"):
        clock.host_ns(5)


@pytest.mark.needs("avr-gcc", "avr-g++", "gcc", "make", "simavr")
@pytest.mark.parametrize("skew_ppm", [-2000, 2000])
def test_an_emulated_boards_skew_is_found(skew_ppm):
    # a busy computer delays whole seconds of it, so the bound is wide; the benchmark states figures
    with SimulatedBoard(skew_ppm=skew_ppm) as board, NativeDevice(board.port) as device:
        until = time.monotonic() + 4
        while time.monotonic() < until:
            device.ping()
            time.sleep(0.02)
        assert device.clock.fit.drift_ppm == pytest.approx(skew_ppm, abs=400)
