"""From the documents to sessions on a board: planner, screen, self-test, then one session or many.

Everything is opened in an order in which the slow things (planner, screen, animal) start while the
others are looked at, and closed in the opposite one whatever happens.
"""

import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.places import places
from controller.session.alerts import Alerts, AlertsSection
from controller.session.animal_link import AnimalLink
from controller.session.animal_messages import AnimalSpec
from controller.session.clock import ComputerClock
from controller.session.controls import Controls, TerminalControls
from controller.session.errors import NotReady
from controller.session.parts import Ending
from controller.session.planner_link import PlannerLink
from controller.session.planning import Opening, Plan
from controller.session.queue import Queue
from controller.session.rewards import Rewards
from controller.session.start import SESSIONS, RigMaker, Start, run_session
from controller.session.subjects import SubjectDocument
from controller.store import Origin
from hardware.display import Display
from hardware.findings import Finding, Level, report
from hardware.interface import Rig
from hardware.rig import NativeRig
from hardware.rig_settings import EMULATED, SIMAVR, RigSettings
from hardware.selftest import run as selftest
from hardware.simulated_board import SimulatedBoard
from hardware.virtual_screen import VirtualScreen
from protocols.documents import load
from protocols.documents.reading import read
from protocols.rig_document import load_rig

ALERTS = "alerts.toml"
EEPROM = "simavr.eeprom"
GOES_ON = frozenset(["trials", "time"])
"""Endings after which a simulated animal comes again."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be run, and on what."""

    protocol: Path
    overrides: tuple[str, ...]
    rig: Path
    lab: Path
    folder: Path | None
    """Of the experiment; None: named after the protocol."""
    limits: SubjectDocument
    weight_g: float | None
    check: bool
    """Whether the self-test comes first."""
    say: Callable[[str], None]
    animal: Mapping[str, Any] | None = None
    """Behaviour of a simulated animal; None: a real one, or nobody."""
    control: bool = True
    sessions: int = 1
    """Most sessions; 0 for as many as the experiment takes."""


def run_on_rig(request: Request) -> tuple[Path, Ending]:
    """Run sessions on a board.

    Returns:
        The experiment's folder, and how the last session ended.

    Raises:
        protocols.documents.DocumentError, WrongDocument: a document is wrong.
        NotReady: a session may not begin.
        RigError: the rig isn't there, or isn't what it should be; it is off.
        StoreError: a trial can't be stored; the session ended there.
    """
    document, settings = load_rig(request.rig)
    folder = request.folder or Path("runs") / experiment_name(request.protocol)
    origin = origin_of(settings, request)
    opening = Opening(folder, request.protocol, request.overrides, origin, request.control)
    with ExitStack() as opened:
        controls = opened.enter_context(TerminalControls(request.say).listening())
        planner = opened.enter_context(PlannerLink(opening, request.say))
        screen = _virtual_screen(opened, settings, request)
        display = None
        if settings.screen is not None:
            display = opened.enter_context(Display(settings.screen))
        plan = planner.plan()
        if plan.warning:
            request.say(plan.warning)
        animal = _animal(opened, request, plan, settings, screen)
        port = opened.enter_context(port_of(settings, request, animal))
        found = checked_rig(request, settings, port, display, folder)
        queue = opened.enter_context(Queue(folder))
        mapping = document.value.mapping
        start = Start(
            experiment=folder,
            plan=plan,
            settings=settings,
            mapping=None if mapping is None else mapping.build(),
            rig_document=document.text,
            lab=request.lab,
            limits=request.limits,
            make_rig=rig_maker(settings, port, display, controls),
            planning=planner,
            queue=queue,
            controls=controls,
            alerts=Alerts(alerts_of(request.lab), request.say),
            clock=ComputerClock(),
            origin=origin,
            say=request.say,
            observer=animal,
            weight_g=request.weight_g,
            selftest=found,
            on_store=planner.follow,
        )
        return folder, _sessions(start, request)


def origin_of(settings: RigSettings, request: Request) -> Origin:
    """Return what trials on this rig are stamped with.

    Raises:
        NotReady: it isn't a board.
    """
    if settings.port == EMULATED:
        raise NotReady(
            f"the rig {settings.name} is only this program: rehearse on it by "
            "`biasloop dryrun PROTOCOL --rig emulated`"
        )
    virtual = settings.port == SIMAVR or os.path.realpath(settings.port).startswith("/dev/pts/")
    if request.animal is not None and settings.port != SIMAVR:
        raise NotReady(
            f"a simulated animal can't press the pins of {settings.port}: give a rig document "
            'whose port is "simavr", or run an animal by `biasloop run`'
        )
    return "simavr" if virtual else "animal"


def _sessions(start: Start, request: Request) -> Ending:
    done = 0
    while True:
        ending = run_session(start)
        done += 1
        request.say(f"session over after {done}: {ending.status}, {ending.reason}")
        if ending.status not in GOES_ON or done == request.sessions:
            return ending


def experiment_name(protocol: Path) -> str:
    """Return the document's name, without reading more of it than that."""
    try:
        name = tomllib.loads(read(protocol)).get("name")
    except tomllib.TOMLDecodeError:
        name = None  # the planner says what is wrong with it
    return name if isinstance(name, str) and name and "/" not in name else "experiment"


def alerts_of(lab: Path) -> AlertsSection:
    """Return who is told; nobody without a document.

    Raises:
        protocols.documents.DocumentError: it is wrong.
    """
    path = lab / ALERTS
    return load(path, AlertsSection).value if path.exists() else AlertsSection()


def _virtual_screen(
    opened: ExitStack, settings: RigSettings, request: Request
) -> VirtualScreen | None:
    """Start a screen that a simulated animal can look at."""
    if settings.screen is None or request.animal is None:
        return None
    screen = opened.enter_context(VirtualScreen(settings.screen))
    before = os.environ.get("DISPLAY")
    os.environ["DISPLAY"] = screen.display

    def restore() -> None:
        os.environ.pop("DISPLAY")
        if before is not None:
            os.environ["DISPLAY"] = before

    opened.callback(restore)
    return screen


def _animal(
    opened: ExitStack,
    request: Request,
    plan: Plan,
    settings: RigSettings,
    screen: VirtualScreen | None,
) -> AnimalLink | None:
    if request.animal is None:
        return None
    request.lab.mkdir(parents=True, exist_ok=True)
    spec = AnimalSpec(
        document_text=plan.document_text,
        document_name=str(request.protocol),
        settings=settings,
        eeprom=request.lab / EEPROM,
        screen=None if screen is None else screen.file,
        behaviour=request.animal,
    )
    return opened.enter_context(AnimalLink(spec))


@contextmanager
def port_of(settings: RigSettings, request: Request, animal: AnimalLink | None) -> Iterator[str]:
    """Yield the board's port; an emulated one without an animal is started here."""
    if animal is not None:
        yield animal.wait_until_ready()
    elif settings.port == SIMAVR:
        request.lab.mkdir(parents=True, exist_ok=True)
        with SimulatedBoard(eeprom=request.lab / EEPROM) as board:
            yield board.port
    else:
        yield settings.port


def rig_maker(
    settings: RigSettings, port: str, display: Display | None, controls: Controls
) -> RigMaker:
    """Return what makes a session's rig."""

    def make(rewards: Rewards) -> Rig:
        return NativeRig(
            settings,
            port,
            display=display,
            keep=rewards.keep,
            watch=controls.watch,
            typed=controls.typed,
        )

    return make


def checked_rig(
    request: Request,
    settings: RigSettings,
    port: str,
    display: Display | None,
    folder: Path,
) -> Mapping[str, Any] | None:
    """Try the rig with its outputs left off; refuse to go on where something isn't right.

    Raises:
        NotReady: lists what failed, with its remedies.
    """
    findings: list[Finding] = list(places(folder))
    if request.check:
        request.say("looking at the rig …")
        findings += selftest(settings, port, display=display, outputs=False)
    failed = [one for one in findings if one.level == Level.FAIL]
    for one in findings:
        if one.level == Level.WARN:
            request.say(f"WARN {one.name}: {one.measured}; {one.remedy}")
    if failed:
        listed = "\n".join(f"  - {one.name}: {one.measured}; {one.remedy}" for one in failed)
        raise NotReady(f"the rig {settings.name} isn't ready:\n{listed}")
    return report(settings, findings)


def sessions_of(folder: Path) -> list[Path]:
    """Return an experiment's session stores, the oldest first."""
    return sorted(path for path in (folder / SESSIONS).glob("*") if path.is_dir())
