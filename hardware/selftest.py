"""What an experimenter wants to see green before a session: each part tried, with its remedy.

The outputs are switched on for moments: no animal may be in the rig. Whatever happens, everything
is off in the end.
"""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date
from functools import partial
from statistics import median

from hardware.clock import WRAP_US
from hardware.display import Display
from hardware.findings import Finding, Level, report, worst
from hardware.firmware.build import source_hash
from hardware.interface import (
    CalibrationError,
    Deliver,
    DeviceFault,
    Pulse,
    Refused,
    RigError,
    Wait,
)
from hardware.messages import Fault, Request, State
from hardware.rig import NativeRig
from hardware.rig_settings import RigSettings
from hardware.screentest import frames, photodiode

WATCH_S = 2.0
"""How long the board is watched for restarts and its inputs for what they do by themselves."""
PINGS_PER_S = 100
SLOW_MS = 5.0
RESIDUAL_US = 500.0
WIDTH_US = 10_000
WIDTH_ERROR_US = 100
SOON_DAYS = 3
PROMPT_S = 10.0
LEFT_OUT = "left off as asked"
LATE_S = 0.005  # beyond the lease


Check = Callable[[NativeRig], Iterator[Finding]]
__all__ = ["Finding", "Level", "report", "run", "worst"]


def run(
    settings: RigSettings,
    port: str,
    *,
    display: Display | None = None,
    outputs: bool = True,
    prompt: Callable[[str], None] | None = None,
    today: date | None = None,
) -> list[Finding]:
    """Try everything, also after a failure; in the end everything is off.

    Args:
        settings: what the rig is said to be.
        port: where its board is.
        display: its screen, open.
        outputs: whether outputs may be switched on; without them nothing is, on no board.
        prompt: tells somebody at the rig what to do; None where nobody is.
        today: on which calibrations have to be valid; this day by default.

    Raises:
        KeyboardInterrupt: with a note on what is on.
    """
    findings = [*_calibrations(settings, today or date.today()), _time_is_kept()]  # noqa: DTZ011
    rig = NativeRig(settings, port, display=display, today=today)
    try:
        rig.__enter__()
    except RigError as error:
        failed = Finding("port and board", Level.FAIL, str(error), "see the message")
        without = ("restarts", "limits", "lease", "outputs")
        rest = [Finding(name, Level.NOT_RUN, "") for name in without]
        return [failed, *rest, *findings, *_attempt(frames, rig)]
    try:
        for check in _checks(prompt, outputs=outputs):
            findings += _attempt(check, rig)
        if not outputs:
            findings += [Finding(name, Level.NOT_RUN, LEFT_OUT) for name in ("limits", "outputs")]
        findings.append(_safe(rig))
    except KeyboardInterrupt as stopped:
        off = _safe(rig)
        stopped.add_note(f"outputs: {off.measured}{off.remedy and f'; {off.remedy}'}")
        raise
    finally:
        rig.__exit__()
    return findings


def _checks(prompt: Callable[[str], None] | None, *, outputs: bool) -> Iterator[Check]:
    """Return what is tried on an open rig, in this order."""
    yield from (_board, _watch)
    # whether a bound is kept shows by an attempt to break it, which switches on where it isn't
    yield from (_over_limit, _lease_with_output, _widths) if outputs else (_lease,)
    if prompt is not None:
        yield partial(_touched, prompt)
    yield from (photodiode, frames)


def _attempt(check: Check, rig: NativeRig) -> list[Finding]:
    """Run one check; what goes wrong is its finding, and the next one begins afresh."""
    found: list[Finding] = []
    try:
        found += check(rig)
    except RigError as error:
        function = check.func if isinstance(check, partial) else check
        name = function.__name__.strip("_").replace("_", " ")
        found.append(Finding(name, Level.FAIL, str(error), "see the message"))
    with suppress(RigError):
        rig.device.disarm()
        rig.device.clear()
    return found


def _board(rig: NativeRig) -> Iterator[Finding]:
    identity = rig.identity
    known = rig.settings.device_id is not None
    yield Finding(
        "board",
        Level.PASS if known else Level.WARN,
        f"device {identity.device_id}, {identity.origin}, {len(identity.lines)} lines",
        "" if known else f'any board is accepted: add device_id = "{identity.device_id}"',
    )
    same = identity.build == source_hash()
    yield Finding(
        "firmware",
        Level.PASS if same else Level.WARN,
        f"{identity.firmware}, build {identity.build}",
        "" if same else f"this program's sources are build {source_hash()}: flash them",
    )


def _watch(rig: NativeRig) -> Iterator[Finding]:
    """Leave the rig alone for a while."""
    rig.perform(Wait(0.0))
    round_trips_ms, edges, missing = [], 0, 0
    until_s = time.monotonic() + WATCH_S
    while time.monotonic() < until_s:
        round_trips_ms.append(rig.device.ping() / 1e6)
        event = rig.perform(Wait(1 / PINGS_PER_S))
        edges, missing = edges + len(event.edges), missing + event.missing_events
    yield Finding("restarts", Level.PASS, f"none in {WATCH_S:g} s")
    trip_ms = median(round_trips_ms)
    yield Finding(
        "round trip",
        Level.PASS if trip_ms < SLOW_MS else Level.WARN,
        f"median {trip_ms:.2f} ms, worst {max(round_trips_ms):.2f} ms",
        "" if trip_ms < SLOW_MS else "close other programs; use a port of the computer, not a hub",
    )
    fit = rig.device.clock.fit
    good = fit.residual_us < RESIDUAL_US
    yield Finding(
        "clock",
        Level.PASS if good else Level.WARN,
        f"residual {fit.residual_us:.0f} µs, drift {fit.drift_ppm:+.0f} ppm",
        "" if good else "the computer is busy: close other programs",
    )
    high = rig.device.status().inputs_high
    quiet = not edges and not high and not missing
    yield Finding(
        "inputs at rest",
        Level.PASS if quiet else Level.WARN,
        f"{edges} edges, {', '.join(high) or 'none'} high, {missing} events lost",
        "" if quiet else "nobody touched anything? look for a wet lick port or a loose cable",
    )


def _harmless(rig: NativeRig) -> str:
    """Return the output whose being on hurts least."""
    order = ("sync", "led", "tone", "odour", "valve", "puff")
    outputs = rig.settings.outputs
    if not outputs:
        raise RigError("the rig's document has no outputs; add one, such as a light")
    return min(outputs, key=lambda name: order.index(outputs[name].kind))


def _over_limit(rig: NativeRig) -> Iterator[Finding]:
    line = _harmless(rig)
    before = rig.device.ledger(line).pulses
    asked_us = rig.settings.outputs[line].limits.max_us + 1
    rig.arm()
    came = "it was switched on"
    try:
        rig.device.pulse(line, asked_us)
    except Refused as refused:
        came = refused.status.name
    status = rig.device.status()
    held = status.fault == Fault.OVER_MAX and rig.device.ledger(line).pulses == before
    yield Finding(
        "limits",
        Level.PASS if held and came == "OVER_MAX" else Level.FAIL,
        f"a pulse of {asked_us} µs on {line}: {came}, fault {status.fault.name}",
        "" if held else "the board doesn't keep its limits: don't use it, flash it again",
    )


def _lease_with_output(rig: NativeRig) -> Iterator[Finding]:
    line, lease_us = _harmless(rig), rig.settings.lease_ms * 1000
    rig.arm()
    rig.device.pulse(line, min(rig.settings.outputs[line].limits.max_us, 2 * lease_us))
    yield _withheld(rig)


def _lease(rig: NativeRig) -> Iterator[Finding]:
    rig.arm()
    yield _withheld(rig)


def _withheld(rig: NativeRig) -> Finding:
    """Send no heartbeat for longer than the lease, by the board's own clock, and look."""
    lease_s, since_us = rig.settings.lease_ms / 1e3, _device_us(rig)
    until_s = time.monotonic() + 10 * lease_s  # a clock that stands still doesn't hold this up
    left_s = lease_s + LATE_S
    while left_s > 0 and time.monotonic() < until_s:
        time.sleep(left_s)
        left_s = lease_s + LATE_S - (_device_us(rig) - since_us) % WRAP_US / 1e6
    status = rig.device.status()
    off = status.state == State.FAULT and status.fault == Fault.LEASE and not status.outputs_on
    return Finding(
        "lease",
        Level.PASS if off else Level.FAIL,
        f"without a heartbeat for {rig.settings.lease_ms} ms: {status.state.name}, "
        f"{', '.join(status.outputs_on) or 'nothing'} on",
        "" if off else "the board doesn't switch off by itself: don't use it, flash it again",
    )


def _device_us(rig: NativeRig) -> int:
    """Ask for the board's time, which renews no lease."""
    return rig.device.link.request(Request.PING, echo=0).reply.t_us


def _widths(rig: NativeRig) -> Iterator[Finding]:
    rig.arm()
    # what came of the checks before isn't this one's, and the line that they used needs its gap
    rig.perform(Wait(0.02 + rig.settings.outputs[_harmless(rig)].limits.gap_us / 1e6))
    for line, output in rig.settings.outputs.items():
        width_us = min(WIDTH_US, output.limits.max_us)
        try:
            event = rig.perform(Deliver(Pulse(line, width_us=width_us)))
        except (Refused, DeviceFault) as error:
            yield Finding(f"output {line}", Level.FAIL, str(error), "look at the line's limits")
            rig.device.clear()
            rig.arm()
            continue
        measured_us = next(one.width_us for one in event.pulsed if one.line == line)
        good = abs(measured_us - width_us) <= WIDTH_ERROR_US
        yield Finding(
            f"output {line}",
            Level.PASS if good else Level.FAIL,
            f"{measured_us / 1000:.2f} ms for {width_us / 1000:g} ms",
            "" if good else "the board's clock is wrong: use another board",
        )


def _touched(prompt: Callable[[str], None], rig: NativeRig) -> Iterator[Finding]:
    """Let somebody touch each input on which an animal responds."""
    for line in rig.settings.responses:
        rig.perform(Wait(0.0))
        prompt(f"touch {line} within {PROMPT_S:g} s")
        until_s, came = time.monotonic() + PROMPT_S, False
        while not came and time.monotonic() < until_s:
            came = any(edge.line == line for edge in rig.perform(Wait(0.05)).edges)
        yield Finding(
            f"input {line}",
            Level.PASS if came else Level.FAIL,
            "touch seen" if came else f"nothing in {PROMPT_S:g} s",
            "" if came else "look at its cable and its driver's power, then check again",
        )


def _calibrations(settings: RigSettings, today: date) -> Iterator[Finding]:
    for line in settings.valves:
        name = f"calibration of {line}"
        try:
            calibration = settings.calibration(line)
            calibration.check_date(today)
        except CalibrationError as error:
            yield Finding(name, Level.FAIL, str(error), "weigh the valve")
            continue
        left = (calibration.expires - today).days
        low, high = calibration.range_ul
        yield Finding(
            name,
            Level.PASS if left > SOON_DAYS else Level.WARN,
            f"{low:.3g} to {high:.3g} µl, R² {calibration.r2:.4f}, valid for {left} days",
            "" if left > SOON_DAYS else "weigh the valve soon",
        )


def _time_is_kept() -> Finding:
    """Ask the system whether its clock is set by a time server."""
    command = ["timedatectl", "show", "--property=NTPSynchronized", "--value"]
    answer = ""
    with suppress(OSError, subprocess.TimeoutExpired):
        answer = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=5
        ).stdout.strip()
    if answer == "yes":
        return Finding("time of day", Level.PASS, "set by a time server")
    said = "not set by a time server" if answer == "no" else "unknown whether it is set"
    return Finding("time of day", Level.WARN, said, "switch network time on in the settings")


def _safe(rig: NativeRig) -> Finding:
    state = rig.make_safe()
    good = state.verified and not state.outputs_on and not state.armed
    on = ", ".join(state.outputs_on) or "nothing"
    return Finding(
        "everything off",
        Level.PASS if good else Level.FAIL,
        f"{on} on" if state.verified else "the board doesn't answer",
        "" if good else "cut the valves' power",
    )
