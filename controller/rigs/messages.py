"""What an experimenter's computer and a rig's say to each other."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from controller.session.lending import Lent, Standing
from controller.session.planning import Plan
from controller.store import Origin
from hardware.reward_ledger import Entry

RUNNING, OVER, UNKNOWN = "running", "over", "unknown"
REFUSED, KILLED = "refused", "killed"
"""Endings beside those of a session: it couldn't begin; its process is gone."""


@dataclass(frozen=True, slots=True)
class Received:
    """A pulse that an animal got, with the device that gave it."""

    device_id: str
    boot_id: int
    entry: Entry


@dataclass(frozen=True, slots=True)
class Facts:
    """What a rig is."""

    name: str
    origin: Origin
    software: Mapping[str, str]
    busy: str | None
    """The session that runs."""


@dataclass(frozen=True, slots=True)
class Order:
    """A session that a rig is to run."""

    session: str
    """Its name, which nothing else has."""
    rig: str
    """The only one that may run it."""
    subject: str
    plan: Plan
    limits: Mapping[str, Any]
    """Of the animal."""
    weight_g: float | None
    check: bool
    """Whether the rig's self-test comes first."""
    ordered_ns: int
    """Time of day, ns since 1970."""
    software: Mapping[str, str]
    lent: tuple[Lent, ...]
    earlier: Mapping[str, bytes] = field(default_factory=dict)
    """Packed stores of sessions in which some of these episodes were begun."""
    received: tuple[Received, ...] = ()
    """What the animal got lately, on all rigs that the experimenter knows of."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What an experimenter wants of a session that runs."""

    lent: tuple[Lent, ...] = ()
    """More episodes."""
    finished: bool = False
    """The experiment is over."""
    stop: bool = False
    """End it after this trial."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A session's store, packed."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Report:
    """How a session stands on its rig."""

    state: str
    """RUNNING, OVER, or UNKNOWN where it was never begun."""
    standings: tuple[Standing, ...] = ()
    stored: int = 0
    """Trials and events that are durable."""
    status: str = ""
    """How it ended."""
    reason: str = ""
    parcel: Parcel | None = None
    """None where it ended before there was a store."""
    received: tuple[Received, ...] = ()
    """What the animal got since a day before the order, when it is over."""
