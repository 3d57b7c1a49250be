"""`biasloop run … --scheduler`: a session on a rig somewhere, or one that is out brought home."""

import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from controller.rigs.calls import Calls, Rigs
from controller.rigs.host import check_software
from controller.rigs.loan import DAY_NS, Follow, Out, outstanding, record
from controller.rigs.messages import Facts, Order
from controller.rigs.packing import pack
from controller.rigs.received import received_since
from controller.rigs.software import software
from controller.session.errors import NotReady
from controller.session.on_rig import Request, experiment_name
from controller.session.parts import Ending
from controller.session.planner_link import PlannerLink
from controller.session.planning import Opening, Plan, Planning
from controller.session.queue import Queue
from controller.session.start import SESSIONS
from controller.statuses import Status
from protocols.session_document import SessionSection

ANY = "ANY"


@dataclass(frozen=True, slots=True)
class Remote:
    """What is run, and for whom, on which rig."""

    request: Request
    rig: str
    """Name of a rig, or ANY."""
    rigs: Rigs


def run_far(request: Request, rig: str, address: str) -> tuple[Path, Ending]:
    """Run a session on a rig behind a scheduler; first bring home what is out.

    Returns:
        The experiment's folder, and how the session ended.

    Raises:
        SchedulerError: the address isn't safe, or Dask isn't installed.
        NotReady: it may not begin; nothing was.
        Away: no scheduler answers.
        PlannerFailed: the planner died too often; the session goes on, and is brought home later.
    """
    folder = request.folder or Path("runs") / experiment_name(request.protocol)
    with Calls(address) as rigs:
        remote = Remote(request, rig, rigs)
        found = rigs.facts()
        chosen = choose(found, rig, outstanding(folder), request.limits.name)
        opening = Opening(
            folder, request.protocol, request.overrides, chosen.origin, request.control
        )
        with PlannerLink(opening, request.say) as planner:
            plan = planner.plan()
            if plan.warning:
                request.say(plan.warning)
            with Queue(folder) as queue:
                return folder, run_on(remote, chosen, folder, (planner, plan, queue))


def choose(found: dict[str, Facts], rig: str, out: list[Out], subject: str) -> Facts:
    """Return the rig that a session goes to; the one that it is on, where it is out already.

    Raises:
        NotReady: there is no such rig, it is busy, or another program's version.
    """
    of_subject = [one for one in out if one.subject == subject]
    if of_subject:
        rig = of_subject[0].rig
    names = ", ".join(sorted(found)) or "none"
    if rig != ANY and rig not in found:
        raise NotReady(
            f"no rig {rig} is connected (rigs: {names}): start `biasloop rig serve` on its "
            "computer; a session that is out there goes on meanwhile"
        )
    fitting = [found[rig]] if rig != ANY else list(found.values())
    for one in fitting:
        check_software(one.software, f"the rig {one.name}")
    if of_subject:
        return fitting[0]
    free = [one for one in fitting if one.busy is None]
    if not free:
        runs = ", ".join(f"{one.name} runs {one.busy}" for one in fitting)
        raise NotReady(f"no rig is free ({runs or 'none is connected'}): wait until one is")
    if len({one.origin for one in free}) > 1:
        kinds = ", ".join(f"{one.name} is {one.origin}" for one in free)
        raise NotReady(f"rigs of different kinds are connected ({kinds}): name one (--rig)")
    return random.choice(free)  # noqa: S311  so that two who ask at once seldom meet


def run_on(
    remote: Remote, chosen: Facts, folder: Path, parts: tuple[Planning, Plan, Queue]
) -> Ending:
    """Order a session, or take up one that is out; follow it until it is home.

    Raises:
        NotReady: it may not begin; nothing was.
    """
    planning, plan, queue = parts
    request, subject = remote.request, remote.request.limits.name
    out = next((one for one in outstanding(folder) if one.subject == subject), None)
    taken_up = out is not None
    if out is None:
        out = Out(_name(folder, subject), chosen.name, subject)

    def share() -> int:
        """Return a fair part of what is open, so that other rigs have something to do."""
        slots = queue.slots()
        opened = sum(one.status == Status.PROPOSED for one in slots)
        rigs = len({one.rig for one in outstanding(folder)}) or 1
        held = sum(one.status == Status.LEASED and one.session == out.session for one in slots)
        return held + -(-opened // rigs)

    follow = Follow(
        folder, request.lab, queue, planning, plan, remote.rigs, out, request.say, share
    )
    if taken_up:
        request.say(f"{subject}'s session {out.session} is out at {out.rig}: following it")
    else:
        _order(remote, follow)
    with _stopping(follow, request.say):
        return follow.until_home()


def _order(remote: Remote, follow: Follow) -> None:
    """Write down that a session is out, and send it.

    Raises:
        NotReady: there is nothing for this animal.
    """
    request, out = remote.request, follow.out
    record(follow.experiment, out)
    lent = follow.lend()
    if not lent:
        follow.withdraw()
        fresh = SessionSection.model_validate(follow.plan.session).subject.policy == "naive"
        raise NotReady(str(follow.queue.nothing_for(out.subject, fresh=fresh)))
    now_ns = time.time_ns()
    sessions = follow.experiment / SESSIONS
    earlier = {name for one in lent for name in one.earlier if (sessions / name).is_dir()}
    follow.begin(
        Order(
            session=out.session,
            rig=out.rig,
            subject=out.subject,
            plan=follow.plan,
            limits=request.limits.model_dump(),
            weight_g=request.weight_g,
            check=request.check,
            ordered_ns=now_ns,
            software=software(),
            lent=lent,
            earlier={name: pack(sessions / name) for name in sorted(earlier)},
            received=received_since(request.lab, out.subject, now_ns - DAY_NS),
        )
    )
    request.say(f"{out.session} is out at {out.rig} with {len(lent)} episodes")


def _name(folder: Path, subject: str) -> str:
    """Return a session's name that nothing has yet."""
    base = name = f"{datetime.now(UTC).strftime('%Y-%m-%dT%H%M%SZ')}_{subject}"
    number = 2
    while (folder / SESSIONS / name).exists() or (folder / "claims" / f"{name}.1").exists():
        name, number = f"{base}_{number}", number + 1
    return name


@contextmanager
def _stopping(follow: Follow, say: Callable[[str], None]) -> Iterator[None]:
    """Let the first Ctrl-C end the session after its trial; the second one lets go of it."""

    def stop(number: int, frame: object) -> None:
        del number, frame
        if follow.stop:
            raise KeyboardInterrupt
        follow.stop = True
        say(
            "stopping after this trial; Ctrl-C again leaves it to the rig, the same command returns"
        )

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
