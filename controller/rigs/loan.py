"""One session on a rig, from the experimenter's side: ordered, followed, and brought home.

`EXPERIMENT/lent/SESSION.json` says that it is out. It is there before the order is sent, and until
its store, its answers and what the animal got are here: whoever comes next goes on with it. Every
step may come twice.
"""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from controller.claims import ClaimError, claim
from controller.rigs.calls import Away, Rigs
from controller.rigs.messages import OVER, RUNNING, UNKNOWN, Order, Report, Wishes
from controller.rigs.packing import Damaged, unpack
from controller.rigs.received import take_in
from controller.session.errors import NotReady
from controller.session.lending import Lent, Standing, TakenBack, lend, renew, take_back
from controller.session.parts import Ending
from controller.session.planning import FINISHED, STATE, Plan, Planning
from controller.session.queue import Queue
from controller.session.start import SESSIONS
from controller.statuses import Status
from controller.store.files import sync_folders, write_atomic
from protocols.session_document import SessionSection

LENT = "lent"
EXCHANGE_S = 1.0
RENEW_S = 600.0
TRIES = 3
DAY_NS = 86_400 * 10**9


@dataclass(frozen=True, slots=True)
class Out:
    """A session that is out."""

    session: str
    rig: str
    subject: str


def outstanding(experiment: Path) -> list[Out]:
    """Return the sessions of an experiment that haven't come home, the oldest first."""
    return [
        Out(**json.loads(path.read_text("utf-8")))
        for path in sorted((experiment / LENT).glob("*.json"))
    ]


def record(experiment: Path, out: Out) -> None:
    """Write down that a session is out, before it is.

    Raises:
        NotReady: there was one of that name.
    """
    try:
        claim(experiment, out.session, look=experiment / SESSIONS)
    except ClaimError as error:
        raise NotReady(f"a session of that name was ordered before: {error}") from error
    folder = experiment / LENT
    folder.mkdir(exist_ok=True)
    write_atomic(folder / f"{out.session}.json", json.dumps(asdict(out)).encode(), sync=True)
    sync_folders([folder, experiment])


@dataclass(slots=True)
class Follow:
    """Follows a session that is out until it is home."""

    experiment: Path
    lab: Path
    """The experimenter's, whose ledgers learn what the animal got."""
    queue: Queue
    planning: Planning
    plan: Plan
    rigs: Rigs
    out: Out
    say: Callable[[str], None]
    share: Callable[[], int] = lambda: 2**31
    """Most slots at once, where other rigs want some as well."""
    stop: bool = False
    """Ask for the session's end after its trial."""
    _words: str = ""
    """What was said to the order, where it wasn't simply begun."""
    _seen: tuple[Standing, ...] = ()
    _unsure: bool = True
    """Whether wishes may not have arrived."""
    _away: bool = False
    _done: int = 0
    _renewed_s: float = 0.0

    @property
    def section(self) -> SessionSection:
        """How the animal is asked."""
        return SessionSection.model_validate(self.plan.session)

    def lend(self, done: int = 0, open_: int = 0) -> tuple[Lent, ...]:
        """Take slots for it: enough for what is left of the session, or a fair share.

        Args:
            done: episodes that it has done.
            open_: that it has and hasn't done.
        """
        section = self.section
        each = section.schedule.build().presentations(self.plan.n_train, self.plan.n_test)
        needed = -(-section.trials // (each + section.subject.wash_out_trials)) - done
        most = max(0, min(needed, self.share()))  # with those that it has: they come again
        if most <= open_ and (done or open_):
            return ()
        fresh = section.subject.policy == "naive"
        out, hours = self.out, section.lease_hours
        return tuple(lend(self.queue, out.subject, out.session, hours, most, fresh=fresh))

    def begin(self, order: Order) -> None:
        """Send an order; what came of it, following tells: an answer may be lost, or an old one."""
        try:
            self.rigs.begin(order)
        except (Away, NotReady) as error:
            self._words = str(error)

    def withdraw(self) -> None:
        """It was never begun: its slots are open again."""
        take_back(self.queue, self.out.subject, self.out.session, [], over=True)
        self._forget()

    def until_home(self) -> Ending:
        """Follow it; the network may come and go meanwhile.

        Raises:
            NotReady: it couldn't begin; its slots are open again.
            PlannerFailed: the planner died too often; the session goes on.
        """
        wishes, tries = Wishes(), 0
        while True:
            self.planning.nudge()
            try:
                report = self.rigs.exchange(self.out.rig, self.out.session, wishes)
                self._is_here()
                if report.state == OVER:
                    return self._bring_home(report)
                if report.state == UNKNOWN:
                    self._give_up()
            except Away as away:
                self._is_away(away)
                wishes = Wishes(stop=self.stop)
            except Damaged as damaged:
                tries += 1
                self.say(str(damaged))
                if tries == TRIES:
                    raise
            else:
                wishes = self._answered(report) if report.state == RUNNING else Wishes()
            time.sleep(EXCHANGE_S)

    def _answered(self, report: Report) -> Wishes:
        """Take over what a running session has done; return what it shall know."""
        out = self.out
        if report.standings != self._seen:  # what is known needs no turn in the queue's file
            back = take_back(
                self.queue, out.subject, out.session, list(report.standings), over=False
            )
            self._tell(back)
            self._seen = report.standings
        if time.monotonic() - self._renewed_s > RENEW_S:
            renew(self.queue, out.session, self.section.lease_hours)
            self._renewed_s = time.monotonic()
        done = sum(one.status == Status.DONE for one in report.standings)
        if done != self._done:
            self._done = done
            self.say(f"{out.rig}: {done} episodes done, {report.stored} trials and events stored")
            self.planning.nudge()
        return Wishes(
            # what was lent and isn't there yet, as after a call that got lost, comes with it
            lent=self._missing(report) or self.lend(done, len(report.standings) - done),
            finished=self.queue.read(STATE) == FINISHED,
            stop=self.stop,
        )

    def _missing(self, report: Report) -> tuple[Lent, ...]:
        """Return slots that are lent to the session and that its rig doesn't have."""
        if not self._unsure:
            return ()
        self._unsure = False
        there = {one.place for one in report.standings}
        ours = {
            (one.stage, one.generation, one.slot)
            for one in self.queue.slots()
            if one.session == self.out.session and one.status == Status.LEASED
        }
        if ours <= there:
            return ()
        again = lend(self.queue, self.out.subject, self.out.session, self.section.lease_hours, 0)
        return tuple(
            one
            for one in again
            if (one.assignment.stage, one.assignment.generation, one.assignment.slot) not in there
        )

    def _bring_home(self, report: Report) -> Ending:
        """Take in all of a session that is over; each step may come twice."""
        out = self.out
        if report.parcel is not None:
            folder = self.experiment / SESSIONS / out.session
            folder.parent.mkdir(exist_ok=True)
            if not folder.exists():
                unpack(self._fetched(report.parcel.bytes), folder, report.parcel.sha256)
        take_in(self.lab, report.received)
        self._tell(
            take_back(self.queue, out.subject, out.session, list(report.standings), over=True)
        )
        self._forget()
        with suppress(Away):
            self.rigs.settle(out.rig, out.session)
        with suppress(Exception):  # the session is home: the planner looks again by itself
            self.planning.nudge()
        if report.status == "refused":
            raise NotReady(f"the rig {out.rig} refused: {report.reason}")
        return Ending(report.status, report.reason)

    def _fetched(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = self.rigs.part(self.out.rig, self.out.session, len(data))
            if not part:
                break  # its checksum will tell
            data += part
        return data

    def _give_up(self) -> None:
        """The rig doesn't know of it: let it never begin it, unless it is doing so right now.

        Raises:
            NotReady: it won't be begun; its slots are open again.
            Away: it doesn't answer.
        """
        out = self.out
        if not self.rigs.revoke(out.rig, out.session):
            return
        self.withdraw()
        raise NotReady(
            self._words or f"the rig {out.rig} didn't begin {out.session}: order it again"
        )

    def _forget(self) -> None:
        """It is no longer out."""
        (self.experiment / LENT / f"{self.out.session}.json").unlink(missing_ok=True)

    def _tell(self, back: TakenBack) -> None:
        if back.lost:
            names = ", ".join(f"slot {place[2] + 1}" for place in back.lost)
            self.say(f"{names}: lease ended or given up; these trials count for nobody's answers")

    def _is_away(self, away: Away) -> None:
        self._unsure = True
        if not self._away:
            self._away = True
            self.say(f"{self.out.rig} is away ({away}); the session goes on alone")

    def _is_here(self) -> None:
        if self._away:
            self._away = False
            self.say(f"{self.out.rig} is back")
