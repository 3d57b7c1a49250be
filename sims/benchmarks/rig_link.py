"""How quick and how exact the board is: the flashed program in an emulator, through pyserial.

Round trips and the clock are seen from this computer; widths, leases, latencies and edges are
counted by the emulated processor, so that other programs can't change them.
"""

import time
from collections.abc import Sequence
from statistics import median

from hardware.device import NativeDevice
from hardware.interface import Limits
from hardware.messages import NO_LINE, REQUESTS, Go, Request
from hardware.simulated_board import CYCLES_PER_US, SimulatedBoard

PINGS, PULSES, LICKS, EDGES, CLOCK_S = 1000, 60, 300, 4000, 30.0
LEASES_MS, LEASE_REPEATS = (50, 100, 200, 400), 10
EDGES_PER_S = (2000, 8000)
SKEWS_PPM = (-2000, 0, 2000)


def _told(what: str, values: Sequence[float], unit: str, aim: str) -> None:
    """Print the middle and the end of what was measured."""
    ordered = sorted(values)
    p99 = ordered[min(int(0.99 * len(ordered)), len(ordered) - 1)]
    print(
        f"{what}, n = {len(ordered)}: median {median(ordered):.3g} {unit}, p99 {p99:.3g} {unit}, "
        f"largest {ordered[-1]:.3g} {unit} (aim: {aim})"
    )


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
    _told("ping", [device.ping() / 1e6 for _ in range(PINGS)], "ms", "median 1 ms")


def widths(board: SimulatedBoard, device: NativeDevice) -> None:
    """Print the errors of pulses' widths."""
    before, asked = len(board.on("valve_left")), [500 + 997 * n for n in range(PULSES)]
    for width_us in asked:
        device.pulse("valve_left", width_us)
        _settled(board, device, width_us + 25_000)
    real = [on.width_us for on in board.on("valve_left")[before:]]
    errors = [abs(is_ - was) for is_, was in zip(real, asked, strict=True)]
    _told("error of a pulse's width", errors, "µs", "100 µs")


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
    late = [(on - lick) / CYCLES_PER_US for on, lick in zip(opened, touched, strict=True)]
    _told("lick to valve", late, "µs", "p99 1000 µs")


def lease(board: SimulatedBoard, device: NativeDevice) -> None:
    """Print how far from its lease a pulse ends that no heartbeat keeps."""
    errors_ms = []
    for lease_ms in LEASES_MS * LEASE_REPEATS:
        armed_us = device.link.request(Request.ARM, lease_ms=lease_ms).reply.t_us
        device.pulse("led", 2_000_000)
        board.wait_us(lease_ms * 1000 + 50_000)
        device.make_safe()
        (pulsed,) = device.take_events().pulsed
        off_us = pulsed.start_us + pulsed.width_us - armed_us
        errors_ms.append(abs(off_us / 1000 - lease_ms))
        device.clear()
    _told("off after the lease", errors_ms, "ms", "5 ms")


def edges(board: SimulatedBoard, device: NativeDevice) -> None:
    """Print how many edges are lost, and whether their loss is counted."""
    for per_s in EDGES_PER_S:
        period_us = 2e6 / per_s
        lost = device.status().edges_lost
        device.take_events()
        board.train("lick_right", EDGES // 2, period_us=period_us, high_us=period_us / 2)
        until, came, missing = board.cycle() + (EDGES / per_s + 0.4) * 16e6, 0, 0
        while board.cycle() < until:
            device.status()
            happened = device.take_events()
            came, missing = came + len(happened.edges), missing + happened.missing
        told = device.status().edges_lost - lost
        print(
            f"{per_s} edges/s, n = {EDGES}: {came} came, {told} lost by the board's own count, "
            f"{missing} missing by their numbers (aim: none lost at 2000/s)"
        )


def clock() -> None:
    """Print what the host finds of a clock that is wrong by a known rate."""
    for skew_ppm in SKEWS_PPM:
        with SimulatedBoard(skew_ppm=skew_ppm) as board, NativeDevice(board.port) as device:
            until_s, pings = time.monotonic() + CLOCK_S, 0
            while time.monotonic() < until_s:
                device.ping()
                pings += 1
                time.sleep(0.02)
            fit = device.clock.fit
        print(
            f"clock {skew_ppm:+5d} ppm, n = {pings}: slope wrong by {fit.drift_ppm - skew_ppm:+.2f}"
            f" ppm (aim: 5), residual p95 {fit.residual_us:.0f} µs (aim: 200) after "
            f"{fit.span_s:.0f} s"
        )


def main() -> None:
    """Print one line a promise."""
    with SimulatedBoard() as board:
        device = _opened(board)
        round_trips(device)
        device.arm(1000)
        widths(board, device)
        licks(board, device)
        device.make_safe()
        device.take_events()
        lease(board, device)
        edges(board, device)
        device.make_safe()
        device.close()
    clock()


if __name__ == "__main__":
    main()
