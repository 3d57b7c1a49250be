"""How quick and how exact the board is: the flashed program in an emulator, through pyserial.

Round trips and the clock are seen from this computer; widths, leases and latencies are counted by
the emulated processor, so that other programs can't change them.
"""

import time
from statistics import median

from hardware.device import NativeDevice
from hardware.interface import Limits
from hardware.messages import NO_LINE, REQUESTS, Go, Request
from hardware.simulated_board import CYCLES_PER_US, SimulatedBoard

PINGS, PULSES, LICKS, SKEWS, CLOCK_S = 1000, 60, 100, (-2000, 0, 2000), 30.0


def _settled(board: SimulatedBoard, device: NativeDevice, duration_us: float) -> None:
    until = board.cycle() + duration_us * CYCLES_PER_US
    while board.cycle() < until:
        device.heartbeat()
        time.sleep(0.005)


def _opened(board: SimulatedBoard) -> NativeDevice:
    device = NativeDevice(board.port)
    device.open()
    for line in ("valve_left", "led"):
        ceiling = next(one.ceiling for one in device.identity.lines if one.name == line)
        device.set_limits(line, Limits(ceiling.max_us, ceiling.gap_us, ceiling.budget_us))
    return device


def round_trips(device: NativeDevice) -> None:
    """Print the round trip of a ping."""
    times = sorted(device.ping() / 1e6 for _ in range(PINGS))
    print(f"ping: median {median(times):.2f} ms, p99 {times[int(0.99 * PINGS)]:.2f} ms (aim 1)")


def widths(board: SimulatedBoard, device: NativeDevice) -> None:
    """Print the largest error of a pulse's width."""
    before, asked = len(board.on("valve_left")), [500 + 997 * n for n in range(PULSES)]
    for width_us in asked:
        device.pulse("valve_left", width_us)
        _settled(board, device, width_us + 25_000)
    real = [on.width_us for on in board.on("valve_left")[before:]]
    errors = [abs(is_ - was) for is_, was in zip(real, asked, strict=True)]
    print(f"pulse width: largest error {max(errors):.0f} µs of {len(errors)} (aim 100)")


def licks(board: SimulatedBoard, device: NativeDevice) -> None:
    """Print how long it takes from a lick to its valve."""
    program = {
        name: NO_LINE if "line" in name else 0 for name in REQUESTS[Request.TRIAL]
    } | {
        "go": Go.NOW,
        "window_us": 200_000,
        "line_0": device.index("lick_left"),
        "outcome_line_0": device.index("valve_left"),
        "outcome_us_0": 1000,
        "outcome_delay_us_0": 0,
    }  # fmt: skip
    before, touched = len(board.on("valve_left")), []
    for number in range(LICKS):
        device.run_trial(program)
        touched.append(board.cycle() + 16_000 * 20 + 41 * number)
        board.touch("lick_left", at_cycle=touched[-1], width_us=1000)
        _settled(board, device, 60_000)
    opened = [on.start_cycle for on in board.on("valve_left")[before:]]
    late_us = sorted((on - lick) / CYCLES_PER_US for on, lick in zip(opened, touched, strict=True))
    p99 = late_us[int(0.99 * LICKS)]
    print(f"lick to valve: median {median(late_us):.0f} µs, p99 {p99:.0f} µs (aim 1000)")


def lease(board: SimulatedBoard, device: NativeDevice) -> None:
    """Print when a pulse ends after the last heartbeat, against the lease."""
    errors = []
    for lease_ms in (50, 100, 200, 400):
        before = len(board.on("led"))
        device.arm(lease_ms)
        device.pulse("led", 2_000_000)
        board.wait_us(lease_ms * 1000 + 100_000)
        errors.append(board.on("led")[before].width_us - lease_ms * 1000)
        device.clear()
    # the pulse began a request after the lease, so that this is that request's time too late
    print(f"lease: off {min(errors) / 1000:.1f} to {max(errors) / 1000:.1f} ms from it (aim ± 5)")


def clock() -> None:
    """Print what the host finds of a clock that is wrong by a known rate."""
    for skew_ppm in SKEWS:
        with SimulatedBoard(skew_ppm=skew_ppm) as board, NativeDevice(board.port) as device:
            until_s = time.monotonic() + CLOCK_S
            while time.monotonic() < until_s:
                device.ping()
                time.sleep(0.02)
            fit = device.clock.fit
        print(
            f"clock {skew_ppm:+5d} ppm: slope wrong by {fit.drift_ppm - skew_ppm:+.1f} ppm (aim 5),"
            f" residual p95 {fit.residual_us:.0f} µs (aim 200), {fit.span_s:.0f} s"
        )


def main() -> None:
    """Print one line a promise."""
    with SimulatedBoard() as board:
        device = _opened(board)
        round_trips(device)
        device.arm(1000)
        widths(board, device)
        licks(board, device)
        lease(board, device)
        device.make_safe()
        device.close()
    clock()


if __name__ == "__main__":
    main()
