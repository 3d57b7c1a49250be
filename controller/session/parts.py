"""What a session is made of, who looks on, and how it can end."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from controller.session.alerts import Alerts
from controller.session.clock import Clock
from controller.session.controls import Controls
from controller.session.gate import SafetyGate
from controller.session.log import SessionLog
from controller.session.planning import Planning
from controller.session.queue import Queue
from controller.session.rewards import Rewards
from controller.session.subjects import SubjectDocument
from controller.store import TrialFrame
from hardware.interface import Rig
from protocols.assignment import Assignment
from protocols.mappings.base import AbstractMapping
from protocols.session_document import SessionSection
from protocols.trials import Shown

PLANNER_S = 900.0


@dataclass(frozen=True, slots=True)
class Ending:
    """How a session ended."""

    status: str
    """finished, stopped, time, trials, limit, episode, no_slot, held, aborted, emergency, fault,
    failed."""
    reason: str = ""


class Observer(Protocol):
    """Who looks on: the eyes of a simulated subject."""

    def episode(self, assignment: Assignment, earlier: list[TrialFrame]) -> None:
        """An episode begins, or goes on after trials that another session ran."""
        ...

    def shown(self, shown: Shown, stimulus: np.ndarray | None) -> None:
        """A stimulus is about to be presented."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What a session is made of."""

    name: str
    subject: str
    section: SessionSection
    mapping: AbstractMapping | None
    limits: SubjectDocument
    rig: Rig
    queue: Queue
    planning: Planning
    log: SessionLog
    rewards: Rewards
    gate: SafetyGate
    controls: Controls
    alerts: Alerts
    clock: Clock
    photodiode: str | None
    responses: tuple[str, ...]
    slots: int
    """Of a generation."""
    sessions: Path
    """Folder of all sessions of the experiment."""
    say: Callable[[str], None]
    observer: Observer | None = None
    waits: bool = True
    """Whether slots and conditions are waited for; a run on a virtual clock ends instead."""
    patience_s: float = PLANNER_S
    """How long a planner that is late is waited for."""
