"""The frames of a session's store: one for each trial, one for everything else that happens."""

from dataclasses import dataclass, fields
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
        """The codes and the arrays' lengths."""
        del rows
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
        trials = {
            field.name: np.array([getattr(self, field.name)], _DTYPES["trials"][field.name])
            for field in fields(self)
            if field.name not in self.ARRAYS
        }
        return {
            "trials": {**trials, "x": self.x.reshape(1, layout.stimulus_dim)},
            "edges": self._rows("edge", _EDGES, rows["trials"]),
            "pulses": self._rows("pulse", _PULSES, rows["trials"]),
        }

    def _rows(self, prefix: str, names: tuple[str, ...], trial: int) -> dict[str, np.ndarray]:
        table = {name: getattr(self, f"{prefix}_{name}") for name in names}
        return {**table, "trial": np.full(len(table["line"]), trial, np.int32)}


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
        """The codes and the arrays' lengths."""
        del layout, rows
        check_code("SessionEventFrame.kind", self.kind, SESSION_EVENTS)
        arrays = {name: getattr(self, name) for name in self.ARRAYS}
        sizes = {"letter": len(self.text), "pulse": len(self.pulse_line)}
        check_shapes("SessionEventFrame", self.ARRAYS, arrays, sizes)

    def count(self) -> dict[str, int]:
        """One event and its pulses."""
        return {"events": 1, "pulses": len(self.pulse_line)}

    def expand(self, layout: Layout, rows: Rows) -> Tables:
        """One row of events; its pulses belong to no trial."""
        del layout, rows
        names = ("kind", "t_ns", "trial", "value")
        event = {name: np.array([getattr(self, name)], _DTYPES["events"][name]) for name in names}
        pulses = {name: getattr(self, f"pulse_{name}") for name in _PULSES}
        outside = np.full(len(self.pulse_line), -1, np.int32)
        return {"events": event, "pulses": {**pulses, "trial": outside}}
