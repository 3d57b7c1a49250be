"""Beginning a session: everything is looked at before anything is armed, then it is run."""

import dataclasses
import importlib.metadata
import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from controller.session.alerts import Alerts
from controller.session.clock import Clock, day_of
from controller.session.controls import Controls
from controller.session.day import Given
from controller.session.errors import NotReady, Refusal
from controller.session.gate import SafetyGate
from controller.session.log import SessionLog
from controller.session.parts import PLANNER_S, Ending, Observer, Parts
from controller.session.planning import Plan, Planning
from controller.session.queue import Queue
from controller.session.rewards import Rewards
from controller.session.session import Session
from controller.session.subjects import SubjectDocument
from controller.store import Layout, Origin, Store
from hardware.interface import Identity, Pulse, Rig, RigError
from hardware.rig_settings import RigSettings
from protocols.mappings.base import AbstractMapping
from protocols.session_document import SessionSection

SESSIONS = "sessions"
PACKAGES = ("biasloop", "numpy", "zarr", "pyserial", "psychopy-lib")
ORIGINS: Mapping[str, Origin] = {"real": "animal", "simavr": "simavr", "emulated": "emulated"}


class RigMaker(Protocol):
    """Makes the rig of a session, which gives every confirmed pulse to `rewards`."""

    def __call__(self, rewards: Rewards) -> Rig:
        """Return it, not yet open."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class Start:
    """Everything that a session is begun with."""

    experiment: Path
    """Folder of the experiment."""
    plan: Plan
    settings: RigSettings
    mapping: AbstractMapping | None
    rig_document: str
    lab: Path
    limits: SubjectDocument
    make_rig: RigMaker
    planning: Planning
    queue: Queue
    controls: Controls
    alerts: Alerts
    clock: Clock
    origin: Origin
    say: Callable[[str], None]
    observer: Observer | None = None
    waits: bool = True
    patience_s: float = PLANNER_S
    weight_g: float | None = None
    selftest: Mapping[str, Any] | None = None
    name: str | None = None
    """Of the session; None: after time and animal."""
    on_store: Callable[[Path], None] = lambda _: None
    """Told where the session's store is as soon as it is there, and an empty path before it is
    closed: for whoever publishes it meanwhile."""


def check_fit(start: Start, section: SessionSection) -> None:
    """Refuse a protocol that can't run on a rig, with everything that is wrong at once.

    Raises:
        NotReady: one line for each problem.
    """
    settings = start.settings
    problems = [
        f"the protocol's plan needs the input {line!r} for responses, the rig {settings.name} has "
        f"{', '.join(settings.responses) or 'none'}"
        for line in section.plan.build().inputs
        if line not in settings.responses
    ]
    gate = SafetyGate(settings, start.limits, Given(), day_of(start.clock.utc_ns()))
    for pulse in section.pulses():
        try:
            gate.check_pulse(pulse)
        except Refusal as refusal:
            problems.append(str(refusal))
    problems += _stimuli_problems(start, section, gate)
    door = section.suspenders.door
    if door is not None and door not in settings.inputs:
        problems.append(f"suspenders.door: the rig {settings.name} has no input {door!r}")
    if problems:
        listed = "\n".join(f"  - {problem}" for problem in dict.fromkeys(problems))
        raise NotReady(f"this protocol can't run on the rig {settings.name}:\n{listed}")


def _stimuli_problems(start: Start, section: SessionSection, gate: SafetyGate) -> Iterator[str]:
    """Yield what keeps a rig from presenting the experiment's stimuli."""
    settings, mapping = start.settings, start.mapping
    if mapping is None:
        yield f"the rig {settings.name} has no [mapping]: its document doesn't say how stimuli look"
        return
    points = np.asarray(start.plan.reference, float)
    try:
        mapping.check(points)
    except ValueError as error:
        yield str(error)
        return
    goes = {mapping.shown(point, settings.photodiode).go for point in points}
    for go in goes:
        if isinstance(go, Pulse):
            try:
                gate.check_pulse(go)
            except Refusal as refusal:
                yield str(refusal)
    if section.subject.policy == "context" and not mapping.needs_screen:
        yield (
            f"subject.policy: 'context' shows a cue on the screen, stimuli of kind "
            f"{mapping.kind!r} need none; use another policy"
        )


def run_session(start: Start) -> Ending:
    """Run one session into a store of its own.

    Raises:
        NotReady: it may not begin.
        RigError: the rig isn't there, or isn't what it should be; it is off.
        StoreError: a trial can't be stored; the session ended there.
    """
    section = SessionSection.model_validate(start.plan.session)
    check_fit(start, section)
    rewards = Rewards(
        start.lab,
        start.settings,
        start.limits.name,
        start.clock.utc_ns,
        durable=start.origin != "emulated",
    )
    name = start.name or _name(start)
    try:
        with start.make_rig(rewards) as rig:
            rewards.attach(rig.identity)
            _check_origin(rig.identity, start)
            added = rewards.reconcile(rig.ledgers())
            folder = start.experiment / SESSIONS / name
            with _store(start, name, folder, rig.identity) as store:
                start.on_store(folder)
                log = SessionLog(store, start.clock, _lines(rig.identity), rewards.volume_ul)
                if added:
                    log.event("reconciled", value=len(added), pulsed=added)
                session = Session(_parts(start, section, name, rig=rig, log=log, rewards=rewards))
                try:
                    ending = session.run()
                    _release(rig, rewards, log)
                finally:
                    start.on_store(Path())
                store.close(ending.status)
    finally:
        rewards.close()
    return ending


def _release(rig: Rig, rewards: Rewards, log: SessionLog) -> None:
    """Take in what the device counted beyond what it told, and let go of the animal.

    Where the device doesn't answer, the next session does it.
    """
    with suppress(RigError):
        added = rewards.reconcile(rig.ledgers())
        if added:
            log.event("reconciled", value=len(added), pulsed=added)
        rewards.release()


def _parts(
    start: Start,
    section: SessionSection,
    name: str,
    *,
    rig: Rig,
    log: SessionLog,
    rewards: Rewards,
) -> Parts:
    today = day_of(start.clock.utc_ns())
    return Parts(
        name=name,
        subject=start.limits.name,
        section=section,
        mapping=start.mapping,
        limits=start.limits,
        rig=rig,
        queue=start.queue,
        planning=start.planning,
        log=log,
        rewards=rewards,
        gate=SafetyGate(start.settings, start.limits, rewards.given, today),
        controls=start.controls,
        alerts=start.alerts,
        clock=start.clock,
        photodiode=start.settings.photodiode if start.settings.screen else None,
        responses=start.settings.responses,
        slots=start.plan.slots,
        sessions=start.experiment / SESSIONS,
        say=start.say,
        observer=start.observer,
        waits=start.waits,
        patience_s=start.patience_s,
    )


def _name(start: Start) -> str:
    """Return a session's name that nothing has yet."""
    when = datetime.fromtimestamp(start.clock.utc_ns() / 1e9, UTC).strftime("%Y-%m-%dT%H%M%SZ")
    base = name = f"{when}_{start.limits.name}"
    number = 2
    while (start.experiment / SESSIONS / name).exists():
        name, number = f"{base}_{number}", number + 1
    return name


def _lines(identity: Identity) -> list[str]:
    return [line.name for line in identity.lines]


def _check_origin(identity: Identity, start: Start) -> None:
    if ORIGINS[identity.origin] != start.origin:
        raise NotReady(
            f"this experiment is {start.origin}, what answered is {identity.origin}: trials of "
            "both would be taken for each other"
        )


def _store(start: Start, name: str, folder: Path, identity: Identity) -> Store:
    header = {
        "name": name,
        "experiment": start.plan.name,
        "subject": start.limits.name,
        "rig": start.settings.name,
        "origin": start.origin,
        "created_ns": start.clock.utc_ns(),
        "device": {
            "id": identity.device_id,
            "firmware": identity.firmware,
            "build": identity.build,
            "boot_id": identity.boot_id,
        },
        "lines": _lines(identity),
        "document_sha256": start.plan.document_sha256,
        "rig_document": start.rig_document,
        "limits": start.limits.model_dump(),
        "weight_g": start.weight_g,
        "selftest": None if start.selftest is None else dict(start.selftest),
        "python": platform.python_version(),
        "versions": _versions(),
    }
    layout = Layout(
        stimulus_dim=start.plan.dim,
        theta_dim=1,
        theta_log="none",
        origin=start.origin,
        live=start.origin != "emulated",
        kind="session",
    )
    return Store.create(
        folder,
        document=start.plan.document_text,
        header=header,
        layout=layout,
        followed=start.origin != "emulated",
    )


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
