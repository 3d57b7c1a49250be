"""One HDF5 file for each session, one for the experiment's own tables."""

# hdmf makes its classes at run time, where no type checker sees them
# pyright: reportInvalidTypeForm=false, reportCallIssue=false, reportAttributeAccessIssue=false

from collections.abc import Sequence
from pathlib import Path

from pynwb import NWBHDF5IO
from pynwb.file import NWBFile

from controller.export.content import Part
from controller.export.nwb.about import empty_file
from controller.export.nwb.clock import device_clock
from controller.export.nwb.tables import (
    device_events,
    own_events,
    plain_table,
    run_trials,
    session_trials,
)
from controller.export.subject import SubjectFacts

PLAIN = ("candidates", "generations", "stages", "stimuli")


def write_here(parts: Sequence[Part], folder: Path, facts: SubjectFacts) -> None:
    """Write each part into a file of its name."""
    for part in parts:
        file = empty_file(part, facts)
        fill = _fill_session if part.kind == "session" else _fill_experiment
        fill(file, part)
        with NWBHDF5IO(folder / f"{part.name.replace('/', '-')}.nwb", "w") as io:
            io.write(file)


def _fill_session(file: NWBFile, part: Part) -> None:
    """Add a session's tables; NWB has no word for one without rows."""
    clock = device_clock(part)
    if part.tables["trials"].rows:
        file.trials = session_trials(part, clock)
    if part.tables["events"].rows:
        file.add_events_table(own_events(part))
    for name in ("edges", "pulses"):
        if part.tables[name].rows:
            table = device_events(part, name, clock)
            (file.add_acquisition if clock is None else file.add_events_table)(table)


def _fill_experiment(file: NWBFile, part: Part) -> None:
    if part.tables["trials"].rows:
        file.trials = run_trials(part)
    if part.tables["events"].rows:
        file.add_events_table(own_events(part))
    for name in PLAIN:
        if part.tables[name].rows:
            file.add_scratch(plain_table(part, name))
