"""The frames of a session's store: one for each trial, one for everything else that happens.

Everything is checked before it is stored: a number that its column can't hold would be found by
whoever publishes the store, when it is too late.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import ClassVar

import numpy as np

from controller.store.arrays import Spec, check_shapes
from controller.store.frames import Tables, coerce, register
from controller.store.schema import (
    OUTCOMES,
    SESSION_EVENTS,
    SESSION_PHASES,
    SESSION_TABLES,
    Layout,
    Rows,
    check_code,
)

_TABLES = {table.name: table for table in SESSION_TABLES}
_DTYPES = {
    name: {column.name: column.dtype for column in table.columns} for name, table in _TABLES.items()
}
_EDGES, _PULSES = (
    ("line", "level", "t_device_us"),
    (*("line", "id", "t_device_us", "width_us", "cut", "volume_ul"),),
)
_BOUNDS = {
    dtype: (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))
    for dtype in ("u1", "i1", "i2", "i4", "i8")
}


def _check_numbers(owner: str, values: Mapping[str, object], dtypes: Mapping[str, str]) -> None:
    """Raise `ValueError` unless each value fits its column."""
    for name, value in values.items():
        bounds = _BOUNDS.get(dtypes[name])
        if bounds is None:
            if not isinstance(value, Real):
                raise ValueError(f"{owner}.{name}: expected a number, got {value!r}")
        elif not isinstance(value, Integral) or not bounds[0] <= int(value) <= bounds[1]:
            raise ValueError(
                f"{owner}.{name}: expected a whole number from {bounds[0]} to {bounds[1]}, got "
                f"{value!r}"
            )


@register("trial")
@dataclass(frozen=True, slots=True, eq=False)
class TrialFrame:
    """One trial, with every edge and pulse since the one before."""

    t_ns: int
    t_device_us: int
    stage: int
    generation: int
    slot: int
    attempt: int
    index: int
    phase: int
    stimulus: int
    label: float
    answer: float
    outcome: int
    line: int
    latency_us: float
    licks: int
    volume_ul: float
    missing_events: int
    flip_ns: int
    photodiode_us: int
    dropped_frames: int
    overhead_us: float
    x: np.ndarray
    """f4[feature]"""
    edge_line: np.ndarray
    edge_level: np.ndarray
    edge_t_device_us: np.ndarray
    pulse_line: np.ndarray
    pulse_id: np.ndarray
    pulse_t_device_us: np.ndarray
    pulse_width_us: np.ndarray
    pulse_cut: np.ndarray
    pulse_volume_ul: np.ndarray

    ARRAYS: ClassVar[Spec] = {
        "x": ("f4", ("feature",)),
        **{f"edge_{name}": (_DTYPES["edges"][name], ("edge",)) for name in _EDGES},
        **{f"pulse_{name}": (_DTYPES["pulses"][name], ("pulse",)) for name in _PULSES},
    }

    def __post_init__(self) -> None:
        coerce(self)

    def check(self, layout: Layout, rows: Rows) -> None:
        """The numbers, the codes and the arrays' lengths."""
        del rows
        _check_numbers("TrialFrame", self._numbers(), _DTYPES["trials"])
        check_code("TrialFrame.phase", self.phase, SESSION_PHASES)
        check_code("TrialFrame.outcome", self.outcome, OUTCOMES)
        sizes = {
            "feature": layout.stimulus_dim,
            "edge": len(self.edge_line),
            "pulse": len(self.pulse_line),
        }
        arrays = {name: getattr(self, name) for name in self.ARRAYS}
        check_shapes("TrialFrame", self.ARRAYS, arrays, sizes)

    def count(self) -> dict[str, int]:
        """One trial, its edges and pulses."""
        return {"trials": 1, "edges": len(self.edge_line), "pulses": len(self.pulse_line)}

    def expand(self, layout: Layout, rows: Rows) -> Tables:
        """One row of trials; edges and pulses refer to it."""
        dtypes = _DTYPES["trials"]
        trials = {n: np.array([value], dtypes[n]) for n, value in self._numbers().items()}
        return {
            "trials": {**trials, "x": self.x.reshape(1, layout.stimulus_dim)},
            "edges": self._rows("edge", _EDGES, rows["trials"]),
            "pulses": self._rows("pulse", _PULSES, rows["trials"]),
        }

    def _numbers(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in _TRIAL_NUMBERS}

    def _rows(self, prefix: str, names: tuple[str, ...], trial: int) -> dict[str, np.ndarray]:
        table = {name: getattr(self, f"{prefix}_{name}") for name in names}
        return {**table, "trial": np.full(len(table["line"]), trial, np.int32)}


_TRIAL_NUMBERS = tuple(
    field.name for field in fields(TrialFrame) if field.name not in TrialFrame.ARRAYS
)
_EVENT_NUMBERS = ("kind", "t_ns", "trial", "value")


@register("session_event")
@dataclass(frozen=True, slots=True, eq=False)
class SessionEventFrame:
    """Something that happened between trials, perhaps with pulses of its own."""

    kind: int
    """Code of `SESSION_EVENTS`."""
    t_ns: int
    """ns since the session's start."""
    trial: int
    """Trials that were done by then, less one; -1: before the first."""
    value: float
    """A number that belongs to it; NaN: none."""
    text: np.ndarray
    """u1[n]: words that belong to it, UTF-8; in the journal only."""
    pulse_line: np.ndarray
    pulse_id: np.ndarray
    pulse_t_device_us: np.ndarray
    pulse_width_us: np.ndarray
    pulse_cut: np.ndarray
    pulse_volume_ul: np.ndarray

    ARRAYS: ClassVar[Spec] = {
        "text": ("u1", ("letter",)),
        **{f"pulse_{name}": (_DTYPES["pulses"][name], ("pulse",)) for name in _PULSES},
    }

    def __post_init__(self) -> None:
        coerce(self)

    @property
    def words(self) -> str:
        """The text."""
        return bytes(self.text).decode("utf-8", errors="replace")

    def check(self, layout: Layout, rows: Rows) -> None:
        """The numbers, the codes, the trial and the arrays' lengths."""
        del layout
        numbers = {name: getattr(self, name) for name in _EVENT_NUMBERS}
        _check_numbers("SessionEventFrame", numbers, _DTYPES["events"])
        check_code("SessionEventFrame.kind", self.kind, SESSION_EVENTS)
        if not -1 <= self.trial < rows["trials"]:
            raise ValueError(
                f"SessionEventFrame.trial: expected -1 or one of the {rows['trials']} trials, got "
                f"{self.trial}"
            )
        arrays = {name: getattr(self, name) for name in self.ARRAYS}
        sizes = {"letter": len(self.text), "pulse": len(self.pulse_line)}
        check_shapes("SessionEventFrame", self.ARRAYS, arrays, sizes)

    def count(self) -> dict[str, int]:
        """One event and its pulses."""
        return {"events": 1, "pulses": len(self.pulse_line)}

    def expand(self, layout: Layout, rows: Rows) -> Tables:
        """One row of events; its pulses belong to no trial."""
        del layout, rows
        dtypes = _DTYPES["events"]
        event = {name: np.array([getattr(self, name)], dtypes[name]) for name in _EVENT_NUMBERS}
        pulses = {name: getattr(self, f"pulse_{name}") for name in _PULSES}
        outside = np.full(len(self.pulse_line), -1, np.int32)
        return {"events": event, "pulses": {**pulses, "trial": outside}}


SESSION_FRAMES = (TrialFrame, SessionEventFrame)
"""What a session's store takes, and an experiment's doesn't."""
