"""The tables of one file: trials, events, and the rest as they are stored."""

# hdmf makes its classes at run time, where no type checker sees them
# pyright: reportInvalidTypeForm=false, reportCallIssue=false, reportAttributeAccessIssue=false

from collections.abc import Callable

import numpy as np
from hdmf.common import DynamicTable, VectorData
from pynwb.epoch import TimeIntervals
from pynwb.event import DurationVectorData, EventsTable, TimestampVectorData

from controller.export.content import ExportTable, Part
from controller.export.nwb.clock import DeviceClock
from controller.export.nwb.columns import Read, filled, packed, packed_array
from controller.export.words import words_of

ABOUT = {
    "candidates": "what was asked about: one function that stimuli were labelled by, and its error",
    "generations": "candidates that were asked about together",
    "stages": "the function that each stage of the search found",
    "stimuli": "stimuli; `stimulus` in the table of trials is a row of this one",
}
RESOLUTION_S = 1e-6
"""Of a device's clock."""


def session_trials(part: Part, clock: DeviceClock | None) -> TimeIntervals:
    """Return a session's trials, from the go to the moment at which each was stored."""
    table = part.tables["trials"]
    times = _known_times if clock is not None or _has_times(table) else _numbers
    start, stop, how = times(table, clock)
    return filled(
        TimeIntervals,
        table,
        (_seconds("start_time", start, how), _seconds("stop_time", stop, how)),
        name="trials",
        description=f"every trial of the session. {how}",
    )


def _has_times(table: ExportTable) -> bool:
    return bool((table.column("t_ns").read() >= 0).any())


def _known_times(
    table: ExportTable, clock: DeviceClock | None
) -> tuple[np.ndarray, np.ndarray, str]:
    stop = table.column("t_ns").read() / 1e9
    before = np.maximum(np.concatenate([[0.0], stop[:-1]]), 0.0)
    go = np.full(len(stop), np.nan)
    if clock is not None:
        go = clock.seconds(table.column("t_device_us").read())
    start = np.minimum(np.where(np.isnan(go), before, np.maximum(go, before)), stop)
    how = (
        "A trial starts at its go by the device's clock or, without one, where the trial before it "
        "ended; it ends when it was stored."
    )
    return start, stop, how


def _numbers(table: ExportTable, clock: DeviceClock | None) -> tuple[np.ndarray, np.ndarray, str]:
    del clock
    start = np.arange(table.rows, dtype=np.float64)
    return start, start + 1.0, "NOBODY WROTE DOWN TIMES: start_time is the trial's number."


def run_trials(part: Part) -> TimeIntervals:
    """Return the trials of complete generations, in the time in which those were stored."""
    table, generations = part.tables["trials"], part.tables["generations"]
    at = _run_times(generations, table.rows)
    how = (
        "This table knows no time of a trial (sessions, in files of their own, do): trials are "
        "spread evenly between the moments at which complete generations were stored, and only "
        "those moments were measured."
    )
    shape, dtype = (table.rows,), np.dtype(np.float64)
    return filled(
        TimeIntervals,
        table,
        (
            VectorData(name="start_time", description=how, data=packed(at(0), shape, dtype)),
            VectorData(name="stop_time", description=how, data=packed(at(1), shape, dtype)),
        ),
        name="trials",
        description=(
            f"every trial of complete generations. {how} `candidate` and `stimulus` are rows of "
            "the tables of these names."
        ),
    )


def _run_times(generations: ExportTable, trials: int) -> Callable[[int], Read]:
    """Return the time of the beginning of trial n + `ahead`, in seconds, as something to read."""
    stored = np.maximum.accumulate(generations.column("t_ns").read()) / 1e9
    done = np.cumsum(generations.column("trials").read().astype(np.float64))
    # generations that were computed together have one moment; a control's have no trials
    ends = np.flatnonzero((np.diff(stored, append=np.inf) > 0) & (np.diff(done, prepend=0) > 0))
    # a repeated training trial is counted as often as it was shown, and stored once
    rows = np.concatenate([[0.0], done[ends] * (trials / done[-1])])
    times = np.concatenate([[0.0], stored[ends]])

    def reading(ahead: int) -> Read:
        return lambda first, end: np.interp(np.arange(first, end) + ahead, rows, times)

    return reading


def _seconds(name: str, values: np.ndarray, how: str) -> VectorData:
    return VectorData(name=name, description=f"{how} Unit: s", data=packed_array(values))


def device_events(part: Part, name: str, clock: DeviceClock | None) -> DynamicTable:
    """Return what a session's device told: edges of inputs, pulses of outputs."""
    table = part.tables[name]
    lines = ", ".join(f"{code} {line}" for code, line in enumerate(part.header.get("lines", ())))
    what = {"edges": "changes of the device's inputs", "pulses": "pulses of the device's outputs"}
    description = f"{what[name]}; lines: {lines or 'unknown'}."
    if clock is None:
        return filled(DynamicTable, table, name=name, description=f"{description} {_NO_CLOCK}")
    at = table.column("t_device_us").read()
    before: list[VectorData] = [
        TimestampVectorData(
            name="timestamp",
            description=clock.words,
            data=packed_array(clock.seconds(at)),
            resolution=RESOLUTION_S,
        )
    ]
    if name == "pulses":
        before.append(
            DurationVectorData(
                name="duration",
                description="how long it was on, by the device; unit: s",
                data=packed_array(table.column("width_us").read() / 1e6),
                resolution=RESOLUTION_S,
            )
        )
    return filled(
        EventsTable,
        table,
        before,
        name=name,
        description=f"{description} {clock.words}",
        source_description="the device's own report",
    )


_NO_CLOCK = (
    "Times are the device's (µs since its boot): no trial tells how they relate to the session's."
)


def own_events(part: Part) -> EventsTable:
    """Return what happened in a session or a run, with the words that belong to it."""
    table = part.tables["events"]
    before: list[VectorData] = [
        TimestampVectorData(
            name="timestamp",
            description="time since the start of the session",
            data=packed_array(table.column("t_ns").read() / 1e9),
        )
    ]
    if part.kind == "session":
        before.append(
            VectorData(
                name="annotation", description="words that belong to it", data=words_of(part)
            )
        )
    return filled(
        EventsTable,
        table,
        before,
        name="session_events" if part.kind == "session" else "run_events",
        description="what happened, by the clock of this computer",
        source_description="biasloop",
    )


def plain_table(part: Part, name: str) -> DynamicTable:
    """Return a table as it is stored."""
    return filled(DynamicTable, part.tables[name], name=name, description=ABOUT[name])
