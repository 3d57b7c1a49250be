"""A dry-run of the whole rig: plans, gate, trials and stores, with a simulated subject in it.

Everything but the animal and the hardware is what a session with an animal has. One session follows
the other, as on so many days, until the experiment is over.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from controller.document import Experiment
from controller.planner import Planner
from controller.session.alerts import Alerts, AlertsSection
from controller.session.clock import VirtualClock, day_of
from controller.session.controls import Controls, NoControls
from controller.session.parts import Ending
from controller.session.planning import FINISHED, STATE, Opening
from controller.session.rewards import Rewards
from controller.session.start import SESSIONS, Start, run_session
from controller.session.subjects import SubjectDocument
from controller.session.unlimited import unlimited
from controller.store.published import published
from hardware.emulated import EmulatedRig
from hardware.interface import Pulsed, Rig
from hardware.rig_settings import RigSettings
from learners.simulated_subject import Behaviour, SimulatedSubject
from protocols.documents import Document
from protocols.mappings.base import AbstractMapping

DAY_NS = 86_400 * 10**9


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What is rehearsed."""

    folder: Path
    settings: RigSettings
    mapping: AbstractMapping | None
    rig_document: str
    behaviour: Behaviour
    begin_utc_ns: int
    """Time of day at which the first session begins; each of the others is a day later. In an
    experiment that goes on, a day after its last session if that is later."""
    control: bool = True
    say: Callable[[str], None] = lambda _: None


def rehearse(
    rehearsal: Rehearsal,
    document: Document[Experiment] | None,
    *,
    subject: str = "simulated",
    limits: SubjectDocument | None = None,
    controls: Controls | None = None,
    on_session: Callable[[Ending], None] = lambda _: None,
    sessions: int | None = None,
) -> bool:
    """Run an experiment on an emulated rig, or go on with it.

    Args:
        rehearsal: rig and folder.
        document: of the experiment; None to go on.
        subject: name of the simulated animal.
        limits: of the animal; none by default.
        controls: where wishes come from.
        on_session: told how each session ended.
        sessions: most sessions; None for as many as it takes.

    Returns:
        Whether the experiment is over.
    """
    opening = Opening(rehearsal.folder, None, (), "emulated", control=rehearsal.control)
    with Planner.begin(opening, document, hold=True) as planner:
        done, animal, begin_ns = 0, _animal(rehearsal, planner), _begin_ns(rehearsal)
        while planner.queue.read(STATE) != FINISHED:
            if sessions is not None and done >= sessions:
                return False
            ending = _session(
                rehearsal,
                planner,
                animal,
                limits=limits or unlimited(subject),
                controls=controls,
                begin_ns=begin_ns + done * DAY_NS,
            )
            on_session(ending)
            done += 1
            if ending.status not in {"trials", "time", "finished", "limit", "episode"}:
                return False
        return True


def _begin_ns(rehearsal: Rehearsal) -> int:
    """Return when the next session begins: never before the one that is there already."""
    began = [
        int(published(path).header["created_ns"])
        for path in rehearsal.folder.glob(f"{SESSIONS}/*")
        if path.is_dir()
    ]
    return max([rehearsal.begin_utc_ns, *(ns + DAY_NS for ns in began)])


def _animal(rehearsal: Rehearsal, planner: Planner) -> SimulatedSubject:
    section = planner.experiment.session
    if section is None:
        raise RuntimeError("the planner takes no experiment without a session")
    calibrations = rehearsal.settings.calibrations

    def volume_ul(pulsed: Pulsed) -> float | None:
        known = calibrations.get(pulsed.line)
        return None if known is None else known.volume_ul(pulsed.width_us)

    return SimulatedSubject(
        planner.experiment.learner.build(),
        section.plan.build(),
        section.feedback.build(),
        volume_ul,
        rehearsal.behaviour,
    )


def _session(
    rehearsal: Rehearsal,
    planner: Planner,
    animal: SimulatedSubject,
    *,
    limits: SubjectDocument,
    controls: Controls | None,
    begin_ns: int,
) -> Ending:
    settings = rehearsal.settings
    lab = rehearsal.folder / "lab"
    animal.begin_session()
    rig: EmulatedRig | None = None

    def make_rig(rewards: Rewards) -> Rig:
        nonlocal rig
        rig = EmulatedRig(settings, animal, keep=rewards.keep, today=day_of(begin_ns))
        return rig

    clock = VirtualClock(begin_ns, lambda: 0 if rig is None else rig.now_us)
    say = rehearsal.say
    return run_session(
        Start(
            experiment=rehearsal.folder,
            plan=planner.plan,
            settings=settings,
            mapping=rehearsal.mapping,
            rig_document=rehearsal.rig_document,
            lab=lab,
            limits=limits,
            make_rig=make_rig,
            planning=planner,
            queue=planner.queue,
            controls=controls or NoControls(),
            alerts=Alerts(AlertsSection(), say),
            clock=clock,
            origin="emulated",
            say=say,
            observer=animal,
            waits=False,
        )
    )
