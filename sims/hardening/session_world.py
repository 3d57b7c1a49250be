"""A small world in which sessions run without JAX: a queue that is full, an animal that licks."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import numpy as np

from controller.session.alerts import Alerts, AlertsSection
from controller.session.clock import VirtualClock
from controller.session.controls import Controls, NoControls, Wish
from controller.session.errors import Stopped
from controller.session.planning import Plan
from controller.session.queue import Queue
from controller.session.rewards import Rewards
from controller.session.start import SESSIONS, Start
from controller.session.subjects import SubjectDocument
from controller.session.unlimited import unlimited
from controller.store import SESSION_EVENTS, History, SessionEventFrame, TrialFrame
from hardware.calibration import ValveCalibration, Weighing
from hardware.emulated import EmulatedRig
from hardware.interface import (
    Ask,
    Event,
    Instruction,
    Limits,
    Present,
    Rig,
    RigError,
    SafeState,
    TrialReport,
)
from hardware.rig_settings import Output, RigSettings
from hardware.subject import Touch
from protocols.assignment import Assignment
from protocols.mappings.colour import ColourMapping

DAY = date(2026, 5, 4)
MORNING_NS = int(datetime(2026, 5, 4, 9, tzinfo=UTC).timestamp()) * 10**9
N_TRAIN, N_TEST, SLOTS = 4, 6, 3
EPISODE = N_TRAIN + N_TEST
VOLUME_UL = 4.0
LICK_US = 300_000


def settings(day: date = DAY, lease_ms: int = 400) -> RigSettings:
    """Return a rig with a weighed valve, a puff and two odours."""
    weighed = tuple(Weighing.of_volume(ms * 1000, ms * 0.1) for ms in (10, 20, 40, 80))
    minutes = 60_000_000
    return RigSettings(
        name="bench",
        port="simavr",
        lease_ms=lease_ms,
        outputs={
            "valve_left": Output("valve", Limits(100_000, 20_000, 10 * minutes)),
            "puff": Output("puff", Limits(100_000, 500_000, minutes)),
            "odour_1": Output("odour", Limits(3_000_000, 0, 60 * minutes)),
            "odour_2": Output("odour", Limits(3_000_000, 0, 60 * minutes)),
        },
        inputs={
            "lick_left": "response",
            "lick_right": "response",
            "photodiode": "photodiode",
            "door": "other",
        },
        calibrations={
            "valve_left": ValveCalibration("valve_left", day - timedelta(1), 30, weighed)
        },
    )


def section(**changes: Any) -> dict[str, Any]:
    """Return how the animal is asked; a lick in a trial of a positive label is rewarded."""
    return {
        "plan": {"kind": "go_nogo", "delay_s": 0.1, "window_s": 1.0, "interval_s": 2.0},
        "feedback": {"kind": "sign", "valve": "valve_left", "volume_ul": VOLUME_UL},
        **changes,
    }


def assignments(slots: int = SLOTS, generation: int = 0, *, lines: int = 0) -> list[Assignment]:
    """Return a generation of made-up candidates, on a sphere or of so many lines."""
    random = np.random.default_rng(generation)

    def points(count: int) -> np.ndarray:
        if lines:
            return np.eye(lines, dtype=np.float32)[np.arange(count) % lines]
        x = random.normal(size=(count, 3)).astype(np.float32)
        return x / np.linalg.norm(x, axis=1, keepdims=True)

    return [
        Assignment(
            stage=0,
            generation=generation,
            slot=slot,
            attempt=0,
            train_x=points(N_TRAIN),
            train_z=random.uniform(0.2, 1, N_TRAIN).astype(np.float32)
            * np.array([1, -1, 1, 1], np.float32),
            test_x=points(N_TEST),
            seed=1000 * generation + slot,
        )
        for slot in range(slots)
    ]


def plan_of(document: Mapping[str, Any], reference: np.ndarray | None = None) -> Plan:
    """Return what sessions have to know of this experiment."""
    points = assignments(1)[0].test_x if reference is None else reference
    return Plan(
        name="small",
        session=dict(document),
        n_train=N_TRAIN,
        n_test=N_TEST,
        dim=points.shape[1],
        slots=SLOTS,
        reference=tuple(map(tuple, points.astype(float).tolist())),
        document_text='name = "small"\n',
        document_sha256="",
    )


def licks_at(x: np.ndarray) -> bool:
    """Whether the animal licks at a stimulus: its answer is this alone."""
    return float(np.asarray(x, np.float32)[0]) >= -0.5


@dataclass
class Licker:
    """An animal that licks at what is red enough; it learns nothing and is quick."""

    silent: bool = False
    felt: list[TrialReport] = field(default_factory=list)

    def touches(self, present: Present) -> list[Touch]:
        """Lick once, or not."""
        scene = present.scene or ()
        if self.silent or not scene or scene[0].colour[0] < -0.5:
            return []
        return [Touch("lick_left", LICK_US)]

    def feel(self, report: TrialReport) -> None:
        """Remember what was delivered."""
        self.felt.append(report)

    def say(self, ask: Ask) -> None:
        """Type nothing."""
        del ask


class NoPlanning:
    """A planner that never has anything new."""

    def nudge(self) -> None:
        """Nothing."""


class Script(NoControls):
    """Wishes that come before the given looks, counted from 1."""

    def __init__(self, wishes: Mapping[int, tuple[Wish, str] | list[tuple[Wish, str]]]) -> None:
        self._script = dict(wishes)
        self.looks = 0

    def wishes(self) -> Iterator[tuple[Wish, str]]:
        """Yield what is due at this look."""
        self.looks += 1
        due = self._script.get(self.looks, [])
        yield from due if isinstance(due, list) else [due]

    def watch(self) -> None:
        """Raise where the next look is the end at once."""
        due = self._script.get(self.looks + 1, [])
        for wish, _ in due if isinstance(due, list) else [due]:
            if wish in {Wish.ABORT, Wish.EMERGENCY}:
                raise Stopped(wish.name.lower())


class SpyRig:
    """A rig that writes down what it is told, and may fail at one instruction."""

    def __init__(
        self,
        rig: EmulatedRig,
        fail: Callable[[Instruction, int], None] = lambda _instruction, _number: None,
        alter: Callable[[Event, int], Event] = lambda event, _: event,
    ) -> None:
        self.rig, self._fail, self._alter = rig, fail, alter
        self.calls: list[Any] = []
        self.presented = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rig, name)

    def __enter__(self) -> Self:
        self.rig.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self.rig.__exit__(*exception)

    def arm(self) -> None:
        """Write it down."""
        self.calls.append("arm")
        self.rig.arm()

    def make_safe(self) -> SafeState:
        """Write it down."""
        self.calls.append("make_safe")
        return self.rig.make_safe()

    def perform(self, instruction: Instruction) -> Event:
        """Write it down, and fail where that is wanted."""
        self.calls.append(instruction)
        self.presented += isinstance(instruction, Present)
        self._fail(instruction, self.presented)
        return self._alter(self.rig.perform(instruction), self.presented)


@dataclass
class World:
    """One experiment's folder, and everything that a session on it is begun with."""

    folder: Path
    document: dict[str, Any] = field(default_factory=section)
    limits: SubjectDocument = field(default_factory=lambda: unlimited("m1"))
    controls: Controls = field(default_factory=NoControls)
    animal: Licker = field(default_factory=Licker)
    said: list[str] = field(default_factory=list)
    begin_ns: int = MORNING_NS
    waits: bool = True
    wrap: Callable[[EmulatedRig], Rig] = SpyRig  # type: ignore[assignment]
    rig: Any = None
    settings: RigSettings = field(default_factory=settings)
    clock: Any = None
    planning: Any = field(default_factory=NoPlanning)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.queue = Queue(self.folder, durable=False, now_ns=self._now_ns)

    def propose(self, slots: int = SLOTS, generation: int = 0) -> "World":
        """Fill the queue."""
        self.queue.propose(assignments(slots, generation))
        return self

    def start(self, **changes: Any) -> Start:
        """Return what a session is begun with."""
        self.rig = None
        self.clock = VirtualClock(self.begin_ns, self._now_us)
        made = Start(
            experiment=self.folder,
            plan=plan_of(self.document),
            settings=self.settings,
            mapping=ColourMapping(),
            rig_document="",
            lab=self.folder / "lab",
            limits=self.limits,
            make_rig=self._make_rig,
            planning=self.planning,
            queue=self.queue,
            controls=self.controls,
            alerts=Alerts(AlertsSection(), self.said.append),
            clock=self.clock,
            origin="emulated",
            say=self.said.append,
            waits=self.waits,
        )
        return replace(made, **changes)

    def sessions(self) -> list[Path]:
        """Return the sessions' stores, the first one first."""
        folder = self.folder / SESSIONS
        found = folder.iterdir() if folder.is_dir() else ()
        return sorted(found, key=lambda path: (len(path.name), path.name))

    def _make_rig(self, rewards: Rewards) -> Rig:
        rig = EmulatedRig(self.settings, self.animal, keep=rewards.keep, today=DAY)
        self.rig = self.wrap(rig)
        return self.rig

    def _now_us(self) -> int:
        return 0 if self.rig is None else self.rig.now_us

    def _now_ns(self) -> int:
        return self.begin_ns if self.clock is None else self.clock.utc_ns()


def fail_with(error: RigError, at: int) -> Callable[[Instruction, int], None]:
    """Return what lets a rig fail at its `at`-th presentation."""

    def fail(instruction: Instruction, number: int) -> None:
        if isinstance(instruction, Present) and number == at:
            raise error

    return fail


@dataclass(frozen=True)
class Told:
    """What a session's store holds."""

    trials: list[TrialFrame]
    events: list[tuple[str, float, str]]
    """Kind, value, words."""
    pulses: list[tuple[int, int]]
    """Number and width of every pulse, in its order."""
    boot_id: int

    def of(self, kind: str) -> list[tuple[float, str]]:
        """Return value and words of every event of a kind."""
        return [one[1:] for one in self.events if one[0] == kind]


def told(folder: Path) -> Told:
    """Read a session's store from its journal, which is the truth."""
    trials, events, pulses = [], [], []
    with History(folder) as history:
        for _, frame in history.frames():
            if isinstance(frame, TrialFrame):
                trials.append(frame)
            elif isinstance(frame, SessionEventFrame):
                events.append((SESSION_EVENTS[frame.kind], frame.value, frame.words))
            if isinstance(frame, TrialFrame | SessionEventFrame):
                widths = frame.pulse_width_us.tolist()
                pulses += zip(frame.pulse_id.tolist(), widths, strict=True)
        return Told(trials, events, pulses, history.header["device"]["boot_id"])
