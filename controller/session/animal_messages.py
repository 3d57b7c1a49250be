"""What a session and a simulated animal's process say to each other."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from controller.store import TrialFrame
from hardware.rig_settings import RigSettings
from protocols.assignment import Assignment
from protocols.trials import Shown


@dataclass(frozen=True, slots=True)
class AnimalSpec:
    """What the animal is made of."""

    document_text: str
    """The protocol: its learner, plan and feedback."""
    document_name: str
    settings: RigSettings
    eeprom: Path
    """Keeps the board's count of starts."""
    screen: Path | None
    """File that a virtual screen draws into; None where stimuli are lines of the device."""
    behaviour: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ready:
    """The board is on."""

    port: str


@dataclass(frozen=True, slots=True)
class Episode:
    """A candidate begins, or goes on."""

    assignment: Assignment
    earlier: list[TrialFrame]


@dataclass(frozen=True, slots=True)
class Seen:
    """What is about to be presented, and what it stands for."""

    shown: Shown
    stimulus: np.ndarray | None


@dataclass(frozen=True, slots=True)
class Goodbye:
    """End."""
