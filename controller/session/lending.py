"""Slots on loan: a rig that may lose the network takes several at once, and brings them back.

In the experiment's queue they are leased to the subject, under the name of one session. On the rig
they are a queue of their own, in which the session leases and finishes as in any other. What that
queue says of them is taken over as often as it comes: it is a state and no message, so hearing it
twice changes nothing.
"""

from dataclasses import dataclass

from controller.session.queue import Queue, episode_payload
from controller.session.queue_file import Run
from controller.statuses import Status
from protocols.assignment import Assignment

FAR_NS = 2**62  # the rig's queue doesn't free slots: the experiment's does
_OPEN, _LEASED, _DONE, _VOID = (
    int(one) for one in (Status.PROPOSED, Status.LEASED, Status.DONE, Status.VOID)
)
Place = tuple[int, int, int]
"""Stage, generation, slot."""


@dataclass(frozen=True, slots=True, eq=False)
class Lent:
    """A slot as it goes to a rig."""

    assignment: Assignment
    begun: bool
    """Whether this subject has begun it, in one of the `earlier` sessions."""
    earlier: tuple[str, ...]
    voids: int
    """How often it was void before."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a lease's history."""

    attempt: int
    status: int
    t_ns: int
    reason: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How a lent slot stands on its rig."""

    place: Place
    attempt: int
    status: Status
    """PROPOSED: not begun (again); LEASED: begun; DONE."""
    history: tuple[Line, ...]
    """Of this session."""
    result: bytes | None


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What became of slots that came back."""

    told: int
    """Answered, and new."""
    lost: tuple[Place, ...]
    """Somebody else's by now."""


def lend(
    queue: Queue, subject: str, session: str, hours: float, most: int, *, fresh: bool = False
) -> list[Lent]:
    """Take slots for a session on a rig: those that the subject has begun, then open ones.

    Args:
        queue: of the experiment.
        subject: who runs them.
        session: in which.
        hours: for how long they stay the subject's.
        most: slots; those that were begun come in any case.
        fresh: whether a subject may have only one slot in all (policy `naive`).
    """
    deadline_ns = queue.now_ns() + round(hours * 3.6e12)

    def take(run: Run) -> list[Lent]:
        queue.free_overdue(run)
        begun = _rows(run, "status = ? AND subject = ?", (_LEASED, subject), -1)
        wanted = (0 if begun or _known(run, subject) else 1) if fresh else most - len(begun)
        opened = _rows(run, "status = ?", (_OPEN,), max(0, wanted))
        lent = []
        for row in (*begun, *opened):
            run(
                "UPDATE slots SET status = ?, subject = ?, session = ?, deadline_ns = ? "
                "WHERE (stage, generation, slot) = (?, ?, ?)",
                (_LEASED, subject, session, deadline_ns, *row[:3]),
            )
            earlier = _earlier(run, row[:4], session)
            one = queue.assignment_of(row)
            lent.append(Lent(one, bool(earlier), earlier, _voids(run, row[:3])))
        return lent

    return queue.transact(take)


def renew(queue: Queue, session: str, hours: float) -> int:
    """Extend the time of what a session has; returns how many slots."""
    deadline_ns = queue.now_ns() + round(hours * 3.6e12)
    update = "UPDATE slots SET deadline_ns = ? WHERE status = ? AND session = ?"
    return queue.transact(lambda run: run(update, (deadline_ns, _LEASED, session)).rowcount)


def adopt(queue: Queue, lent: list[Lent], subject: str) -> int:
    """Put lent slots into a rig's queue; those that are there stay. Returns how many are new."""

    def put(run: Run) -> int:
        return sum(_put(run, one, subject, queue.now_ns()) for one in lent)

    return queue.transact(put)


def standing(queue: Queue, session: str) -> list[Standing]:
    """Return how every slot of a rig's queue stands."""

    def look(run: Run) -> list[Standing]:
        rows = run(
            "SELECT stage, generation, slot, attempt, status, session, result FROM slots "
            "ORDER BY stage, generation, slot"
        ).fetchall()
        found = []
        for *place, attempt, status, holder, result in rows:
            # a slot that an earlier session began is begun here only once it was leased here
            begun = status != _LEASED or holder == session
            history = _history(run, tuple(place), session)
            now = Status(status) if begun else Status.PROPOSED
            found.append(Standing(tuple(place), attempt, now, history, result))
        return found

    return queue.transact(look)


def take_back(
    queue: Queue, subject: str, session: str, standings: list[Standing], *, over: bool
) -> TakenBack:
    """Take over into the experiment's queue how a session's slots stand on its rig.

    Args:
        queue: of the experiment.
        subject: who ran them.
        session: in which.
        standings: what the rig's queue says.
        over: whether the session is: what it has begun stays its subject's, what it hasn't is
            open to everybody, and what isn't in `standings` never got there.
    """

    def take(run: Run) -> TakenBack:
        told, lost = 0, []
        for one in standings:
            row = run(
                "SELECT status, subject, session, attempt FROM slots "
                "WHERE (stage, generation, slot) = (?, ?, ?)",
                one.place,
            ).fetchone()
            if row is not None and row[:3] == (_DONE, subject, session):
                continue  # told before
            if row is None or row[:3] != (_LEASED, subject, session):
                lost.append(one.place)
                continue
            if row[3] > one.attempt:
                continue  # older than what is known
            told += _take_over(run, one, (subject, session))
        if over:
            _free_unbegun(run, session, {one.place: one for one in standings})
        return TakenBack(told, tuple(lost))

    return queue.transact(take)


def _rows(run: Run, where: str, values: tuple, most: int) -> list[tuple]:
    query = (
        f"SELECT stage, generation, slot, attempt, episode FROM slots WHERE {where} "  # noqa: S608
        "ORDER BY stage, generation, slot LIMIT ?"
    )
    return run(query, (*values, most)).fetchall()


def _known(run: Run, subject: str) -> bool:
    return bool(run("SELECT count(*) FROM leases WHERE subject = ?", (subject,)).fetchone()[0])


def _voids(run: Run, place: tuple) -> int:
    query = "SELECT count(*) FROM leases WHERE (stage, generation, slot) = (?, ?, ?) AND status = ?"
    return int(run(query, (*place, _VOID)).fetchone()[0])


def _earlier(run: Run, key: tuple, session: str) -> tuple[str, ...]:
    rows = run(
        "SELECT session FROM leases WHERE (stage, generation, slot, attempt) = (?, ?, ?, ?) "
        "AND status = ? AND session != ? GROUP BY session ORDER BY min(number)",
        (*key, _LEASED, session),
    )
    return tuple(name for (name,) in rows.fetchall())


def _history(run: Run, place: tuple, session: str) -> tuple[Line, ...]:
    rows = run(
        "SELECT attempt, status, t_ns, reason FROM leases "
        "WHERE (stage, generation, slot) = (?, ?, ?) AND session = ? ORDER BY number",
        (*place, session),
    )
    return tuple(Line(*row) for row in rows.fetchall())


def _put(run: Run, one: Lent, subject: str, now_ns: int) -> int:
    place = (one.assignment.stage, one.assignment.generation, one.assignment.slot)
    held = (subject, one.earlier[-1], FAR_NS) if one.begun else (None, None, None)
    status = _LEASED if one.begun else _OPEN
    new = run(
        "INSERT INTO slots (stage, generation, slot, attempt, status, subject, session, "
        "deadline_ns, episode) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (*place, one.assignment.attempt, status, *held, episode_payload(one.assignment)),
    ).rowcount
    if new:
        # whose sessions of before these were, so that the episode goes on, and is void as often
        for name in one.earlier:
            _note(run, place, Line(one.assignment.attempt, _LEASED, now_ns, ""), (subject, name))
        for _ in range(one.voids):
            _note(run, place, Line(-1, _VOID, now_ns, "before"), ("", ""))
    return new


def _take_over(run: Run, one: Standing, who: tuple[str, str]) -> int:
    for line in one.history:
        if not _noted(run, one.place, line, who):
            _note(run, one.place, line, who)
    done = one.status == Status.DONE
    run(
        "UPDATE slots SET attempt = ?, status = ?, result = ?, "
        "deadline_ns = CASE WHEN ? THEN NULL ELSE deadline_ns END "
        "WHERE (stage, generation, slot) = (?, ?, ?)",
        (one.attempt, _DONE if done else _LEASED, one.result, done, *one.place),
    )
    return int(done)


def _free_unbegun(run: Run, session: str, standings: dict[Place, Standing]) -> None:
    """Let everybody take what a session had and never began."""
    rows = run(
        "SELECT stage, generation, slot, attempt FROM slots WHERE status = ? AND session = ?",
        (_LEASED, session),
    ).fetchall()
    for *place, attempt in rows:
        found = standings.get(tuple(place))
        if found is not None and found.status == Status.LEASED:
            continue
        earlier = _earlier(run, (*place, attempt), session)
        if earlier:  # begun before: it goes back to its subject as it was
            update = "UPDATE slots SET session = ? WHERE (stage, generation, slot) = (?, ?, ?)"
            run(update, (earlier[-1], *place))
        else:
            run(
                "UPDATE slots SET status = ?, subject = NULL, session = NULL, deadline_ns = NULL "
                "WHERE (stage, generation, slot) = (?, ?, ?)",
                (_OPEN, *place),
            )


def _noted(run: Run, place: tuple, line: Line, who: tuple[str, str]) -> bool:
    query = (
        "SELECT count(*) FROM leases WHERE (stage, generation, slot, attempt, status, t_ns) = "
        "(?, ?, ?, ?, ?, ?) AND (subject, session) = (?, ?)"
    )
    values = (*place, line.attempt, line.status, line.t_ns, *who)
    return bool(run(query, values).fetchone()[0])


def _note(run: Run, place: tuple, line: Line, who: tuple[str, str]) -> None:
    run(
        "INSERT INTO leases (stage, generation, slot, attempt, status, subject, session, t_ns, "
        "reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*place, line.attempt, line.status, *who, line.t_ns, line.reason),
    )
