"""The self-test's part before the screen: flips that the board sees, frames that are missed."""

from collections.abc import Iterator

from hardware.display import Display
from hardware.findings import Finding, Level
from hardware.interface import Wait
from hardware.photodiode import match
from hardware.rig import NativeRig

FLIPS, FLIP_S, FRAMES_S = 40, 0.1, 10.0
FLIP_FROM_MS, FLIP_UNTIL_MS = -90.0, 100.0
"""Flips are 2 FLIP_S apart, so that an edge belongs to one of them, however late it is seen."""


def photodiode(rig: NativeRig) -> Iterator[Finding]:
    """Show scenes, and see whether the board sees each."""
    if rig.display is None or rig.settings.photodiode is None:
        return
    if rig.display.screen.patch is None:
        yield Finding(
            "photodiode",
            Level.WARN,
            f"{rig.settings.photodiode} has nothing to see",
            "add [screen.patch] to the rig's document, or give the input another role",
        )
        return
    flips_ns, edges_us = _flips(rig, rig.display)
    clock = rig.device.clock.host_ns
    found = match(flips_ns, edges_us, clock, from_ms=FLIP_FROM_MS, until_ms=FLIP_UNTIL_MS)
    lag = "" if found.lag_ms is None else f", lag {found.lag_ms:.1f} ms"
    jitter = "" if found.jitter_ms is None else f", jitter {found.jitter_ms:.1f} ms"
    more = f", {len(found.spurious)} edges without a flip" if found.spurious else ""
    level, remedy = Level.PASS, ""
    if found.spurious:
        level = Level.WARN
        remedy = "shield the photodiode; raise the screen's brightness, dimmed ones flicker"
    if found.matched < len(flips_ns):
        level = Level.FAIL
        remedy = "look where the patch is, whether the photodiode covers it, and at its cable"
    measured = f"{found.matched} of {len(flips_ns)} flips seen{lag}{jitter}{more}"
    yield Finding("photodiode", level, measured, remedy)


def _flips(rig: NativeRig, display: Display) -> tuple[list[int], list[int]]:
    """Return when scenes were shown, host ns, and when light was seen, device µs."""
    flips_ns: list[int] = []
    edges_us: list[int] = []
    _lit(rig, FLIP_S)  # what was before isn't this check's
    for _ in range(FLIPS):
        display.prepare(())
        flips_ns.append(display.present().t_host_ns)
        edges_us += _lit(rig, FLIP_S)
        display.clear()
        edges_us += _lit(rig, FLIP_S)
    return flips_ns, sorted(edges_us)


def frames(rig: NativeRig) -> Iterator[Finding]:
    """Show the same for long, and count the frames that were missed."""
    display = rig.display
    if display is None:
        return
    shown = display.measure_frames(round(FRAMES_S / display.frames.period_s))
    yield Finding(
        "frames",
        Level.PASS if not shown.dropped else Level.WARN,
        f"{shown.dropped} of {shown.frames} dropped, worst {shown.worst_s * 1000:.1f} ms",
        "" if not shown.dropped else "close other programs; switch desktop effects off",
    )


def _lit(rig: NativeRig, duration_s: float) -> list[int]:
    """Return when the photodiode saw light, device µs."""
    event = rig.perform(Wait(duration_s))
    diode = rig.settings.photodiode
    return [edge.t_us for edge in event.edges if edge.line == diode and edge.level]
