"""What the pulses of one session gave: water, air puffs, and by line what it did.

A volume is what the valve's calibration says of a pulse that the device confirmed. What a device
had delivered before a session and nobody had written down, as after a kill, stands first.
"""

import tomllib
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64

from controller.analysis.sections import events
from controller.analysis.source import SessionSource
from controller.session.day import PUFF
from controller.store import SESSION_EVENTS

VALVE = "valve"
NEAR = 0.05
"""Part by which a pulse's volume may differ from the dose that it was to give."""


def line_kinds(session: SessionSource) -> dict[str, str]:
    """Return what hangs on each output of a session's rig; nothing without the rig's document."""
    try:
        outputs = tomllib.loads(str(session.header.get("rig_document") or ""))["outputs"]
        return {name: str(output["kind"]) for name, output in outputs.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def given(session: SessionSource) -> dict[str, Any]:
    """Return water and puffs of one session, and by line what it did."""
    pulses, kinds = session.tables["pulses"], line_kinds(session)
    volume = pulses["volume_ul"].astype(np.float64)
    outside, water = pulses["trial"] < 0, np.nan_to_num(volume)
    before, puff = _before(session, pulses.rows), _on_kind(session, kinds, PUFF)
    by_valve, by_hand_ul = _top_ups(session, volume[outside], pulses["cut"][outside] > 0)
    return {
        "water_ul": float(water.sum()),
        "trials_ul": float(water[~outside].sum()),
        "outside_ul": float(water[outside].sum()),
        "before_ul": float(water[before].sum()),
        "found_later_ul": 0.0,
        "unknown_volumes": int(np.sum(_on_kind(session, kinds, VALVE) & np.isnan(volume))),
        "puffs": int(puff.sum()) if kinds or not pulses.rows else None,
        "before_puffs": int((puff & before).sum()),
        "top_ups": by_valve,
        "by_hand_ul": by_hand_ul,
        "lines": _lines(session, kinds),
    }


def _name(session: SessionSource, code: int) -> str:
    """Return a line's name, also of one that the header doesn't know."""
    return session.lines[code] if 0 <= code < len(session.lines) else f"line {code}"


def _on_kind(
    session: SessionSource, kinds: Mapping[str, str], kind: str
) -> Bool[np.ndarray, " pulse"]:
    """Return which pulses were on a line of one kind."""
    line = session.tables["pulses"]["line"]
    codes = [one for one in np.unique(line).tolist() if kinds.get(_name(session, one)) == kind]
    return np.isin(line, codes)


def _lines(session: SessionSource, kinds: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return what each line that was ever on did."""
    pulses, lines = session.tables["pulses"], {}
    for code in np.unique(pulses["line"]).tolist():
        here, name = pulses["line"] == code, _name(session, code)
        volume = pulses["volume_ul"][here].astype(np.float64)
        lines[name] = {
            "kind": kinds.get(name),
            "pulses": int(here.sum()),
            "cut": int(pulses["cut"][here].sum()),
            "on_ms": float(pulses["width_us"][here].sum()) / 1e3,
            "volume_ul": float(np.nansum(volume)) if np.isfinite(volume).any() else None,
        }
    return lines


def _before(session: SessionSource, rows: int) -> Bool[np.ndarray, " pulse"]:
    """Return which pulses are of before the session: those reconciled ahead of its start."""
    table = session.tables["events"]
    started = [*events.of_kind(session, "session_started").tolist(), table.rows][0]
    ahead = table["kind"][:started] == SESSION_EVENTS.index("reconciled")
    count = int(np.nansum(table["value"][:started][ahead]))
    return np.arange(rows) < count


def _top_ups(
    session: SessionSource,
    volume_ul: Float64[np.ndarray, " pulse"],
    cut: Bool[np.ndarray, " pulse"],
) -> tuple[int, float]:
    """Return how many doses the valve gave at the end, and how much was asked of somebody's hand.

    Either is an event with a volume. A dose has a pulse of that volume as well; what is asked of a
    hand has none, and comes last.

    Args:
        session: which.
        volume_ul: of the pulses outside of trials.
        cut: whether they ended early, and so with any volume.
    """
    table = session.tables["events"]
    value, tops = table["value"], events.of_kind(session, "top_up")
    if not len(tops):
        return 0, 0.0
    last = float(value[tops[-1]])
    doses = np.concatenate([value[tops], value[events.of_kind(session, "free_reward")]])
    pulses = int(np.sum(cut | np.isclose(volume_ul, last, rtol=NEAR)))
    by_limits = (session.header.get("limits") or {}).get("top_up") != "valve"
    by_hand = by_limits or pulses < int(np.isclose(doses, last, rtol=NEAR).sum())
    return len(tops) - by_hand, last if by_hand else 0.0
