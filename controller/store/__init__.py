"""The store of an experiment: a journal that loses nothing, and the zarr tables folded from it.

    with Store.create(folder, document=text, header={"seed": 1}, layout=layout) as store:
        store.append([block], state={"learner": arrays})  # committed when it returns
        store.fold()                                      # published for readers
    tree = read(folder)                                   # xarray.DataTree

A folder holds `experiment.toml` (the document), `journal.sqlite` (the truth), `journal.last` (its
last frame's number), `experiment.zarr` (tables trials, events, candidates, generations, stages,
stimuli) and `lock`.
"""

from controller.store.blocks import GenerationBlock
from controller.store.errors import (
    DiskFull,
    NetworkFileSystem,
    NotAStore,
    StoreCorrupt,
    StoreError,
    StoreExists,
    StoreLocked,
    StoreTooNew,
    WriteFailed,
)
from controller.store.follow import Follower
from controller.store.frames import Frame
from controller.store.history import History
from controller.store.milestones import EventFrame, StageFrame
from controller.store.reading import read, status
from controller.store.repair import RepairReport, repair
from controller.store.schema import (
    ARMS,
    CANDIDATE_STATUS,
    EVENT_KINDS,
    OUTCOMES,
    PHASES,
    SCHEMA_VERSION,
    SESSION_EVENTS,
    SESSION_PHASES,
    Layout,
    Origin,
)
from controller.store.session_frames import SessionEventFrame, TrialFrame
from controller.store.writer import Store

__all__ = [
    "ARMS",
    "CANDIDATE_STATUS",
    "EVENT_KINDS",
    "OUTCOMES",
    "PHASES",
    "SCHEMA_VERSION",
    "SESSION_EVENTS",
    "SESSION_PHASES",
    "DiskFull",
    "EventFrame",
    "Follower",
    "Frame",
    "GenerationBlock",
    "History",
    "Layout",
    "NetworkFileSystem",
    "NotAStore",
    "Origin",
    "RepairReport",
    "SessionEventFrame",
    "StageFrame",
    "Store",
    "StoreCorrupt",
    "StoreError",
    "StoreExists",
    "StoreLocked",
    "StoreTooNew",
    "TrialFrame",
    "WriteFailed",
    "read",
    "repair",
    "status",
]
