"""Open slots of an experiment, and who has them: one SQLite file that all its sessions share.

The planner puts a generation in, sessions lease its slots one by one and bring answers back. A slot
whose session dies stays its subject's until the lease ends, so that the same animal can go on; then
it is open again. Missing is not bad: nothing here is ever scored, only done or still to do.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np

from controller.session.errors import LeaseLost, NothingToDo
from controller.session.queue_file import QueueFile, Run
from controller.statuses import Status
from controller.store import codec
from protocols.assignment import Assignment

QUEUE_NAME = "queue.sqlite"
_T = TypeVar("_T")
_TABLES = (
    """CREATE TABLE IF NOT EXISTS slots (
  stage INTEGER NOT NULL, generation INTEGER NOT NULL, slot INTEGER NOT NULL,
  attempt INTEGER NOT NULL, status INTEGER NOT NULL, subject TEXT, session TEXT,
  deadline_ns INTEGER, episode BLOB NOT NULL, result BLOB,
  PRIMARY KEY (stage, generation, slot)) WITHOUT ROWID""",
    # most slots are done, and are never looked for
    """CREATE INDEX IF NOT EXISTS by_status ON slots (status, stage, generation, slot)""",
    """CREATE TABLE IF NOT EXISTS leases (
  number INTEGER PRIMARY KEY, stage INTEGER NOT NULL, generation INTEGER NOT NULL,
  slot INTEGER NOT NULL, attempt INTEGER NOT NULL, status INTEGER NOT NULL,
  subject TEXT NOT NULL, session TEXT NOT NULL, t_ns INTEGER NOT NULL, reason TEXT NOT NULL)""",
    """CREATE INDEX IF NOT EXISTS by_slot ON leases (stage, generation, slot)""",
    """CREATE INDEX IF NOT EXISTS by_subject ON leases (subject)""",
    """CREATE TABLE IF NOT EXISTS notes (key TEXT PRIMARY KEY, value TEXT NOT NULL)""",
)
_OPEN, _LEASED, _DONE = (int(status) for status in (Status.PROPOSED, Status.LEASED, Status.DONE))
_Who = tuple[str, str]
"""Subject and session."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A slot that belongs to a session."""

    assignment: Assignment
    subject: str
    session: str
    earlier: tuple[str, ...]
    """Sessions in which the same attempt was begun, the first one first."""


@dataclass(frozen=True, slots=True)
class Slot:
    """How one slot stands."""

    stage: int
    generation: int
    slot: int
    attempt: int
    status: Status
    subject: str | None
    session: str | None
    deadline_ns: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """The answers to one slot's episode."""

    answers: np.ndarray
    """f4[test]"""
    presentations: int
    attempts: int
    """How often it was begun."""


class Queue:
    """An open queue; many processes may have it open."""

    def __init__(
        self, folder: Path, *, durable: bool = True, now_ns: Callable[[], int] = time.time_ns
    ) -> None:
        """Open an experiment's queue, or begin it.

        Raises:
            SessionError: when it can't be opened, or is another program's.
        """
        self.path, self.now_ns = folder / QUEUE_NAME, now_ns
        self._file = QueueFile(self.path, _TABLES, durable=durable)

    def while_waiting(self, action: Callable[[], object]) -> None:
        """Let an action be carried out at least every 50 ms while another process writes."""
        self._file.meanwhile = action

    def propose(self, assignments: Sequence[Assignment]) -> int:
        """Put slots in; those that are there already stay as they are. Returns how many are new."""
        rows = [
            (one.stage, one.generation, one.slot, 0, _OPEN, episode_payload(one))
            for one in assignments
        ]
        insert = (
            "INSERT INTO slots (stage, generation, slot, attempt, status, episode) "
            "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
        )
        return self._file.transaction(lambda run: sum(run(insert, row).rowcount for row in rows))

    def lease(self, subject: str, session: str, hours: float, *, fresh: bool = False) -> Lease:
        """Take the next slot: one that this subject has begun, else the first open one.

        Args:
            subject: who runs it.
            session: in which.
            hours: for how long it stays the subject's.
            fresh: whether a subject may have only one slot in all (policy `naive`).

        Raises:
            NothingToDo: says who has the rest.
        """
        deadline_ns = self.now_ns() + round(hours * 3.6e12)

        def take(run: Run) -> Lease | None:
            self.free_overdue(run)
            row = self._begun(run, subject)
            if row is None and not (fresh and self._had(run, subject)):
                row = self._first_open(run)
            if row is None:
                return None
            run(
                "UPDATE slots SET status = ?, subject = ?, session = ?, deadline_ns = ? "
                "WHERE (stage, generation, slot) = (?, ?, ?)",
                (_LEASED, subject, session, deadline_ns, *row[:3]),
            )
            earlier = self._earlier(run, row[:4], session)
            self._note(run, row[:4], Status.LEASED, (subject, session), "")
            return Lease(self.assignment_of(row), subject, session, earlier)

        lease = self._file.transaction(take)
        if lease is None:
            raise self.nothing_for(subject, fresh=fresh)
        return lease

    def finish(self, lease: Lease, result: Result) -> None:
        """Bring a slot's answers.

        Raises:
            LeaseLost: it is somebody else's by now.
        """
        arrays = {"answers": np.asarray(result.answers, np.float32)}
        payload = codec.encode(arrays, {"presentations": result.presentations})
        self._end(lease, Status.DONE, payload, "")

    def void(self, lease: Lease, reason: str) -> int:
        """Say that a slot's episode can't be used; it is open again. Returns how often that was.

        Raises:
            LeaseLost: it is somebody else's by now.
        """
        self._end(lease, Status.VOID, None, reason)
        one = lease.assignment
        query = (
            "SELECT count(*) FROM leases WHERE (stage, generation, slot) = (?, ?, ?) AND status = ?"
        )
        key = (one.stage, one.generation, one.slot, int(Status.VOID))
        return int(self._file.read(query, key)[0][0])

    def abandon(self, subject: str) -> int:
        """Free every slot that a subject has; returns how many."""

        def free(run: Run) -> int:
            rows = run(
                "SELECT stage, generation, slot, attempt, session FROM slots "
                "WHERE status = ? AND subject = ?",
                (_LEASED, subject),
            ).fetchall()
            why = "the subject dropped out"
            for row in rows:
                self._open(run, row[:4], Status.ABANDONED, (subject, row[4]), why)
            return len(rows)

        return self._file.transaction(free)

    def results(self, stage: int, generation: int, slots: int) -> list[Result] | None:
        """Return a generation's answers in slot order; None as long as one is missing."""
        rows = self._file.read(
            "SELECT slot, attempt, result FROM slots WHERE (stage, generation) = (?, ?) "
            "AND status = ? ORDER BY slot",
            (stage, generation, _DONE),
        )
        if [row[0] for row in rows] != list(range(slots)):
            return None
        return [self._result(payload, attempt + 1) for _, attempt, payload in rows]

    def forget_before(self, stage: int, generation: int) -> None:
        """Take out what is open of generations that were told: nobody may be asked it again.

        What is done stays, for a planner of another session that hasn't seen yet that it was told.
        """
        delete = "DELETE FROM slots WHERE status IN (?, ?) AND (stage, generation) < (?, ?)"
        open_ones = (_OPEN, _LEASED)
        self._file.transaction(lambda run: run(delete, (*open_ones, stage, generation)))

    def transact(self, action: Callable[[Run], _T]) -> _T:
        """Carry out an action as a whole, or not at all; for what lends slots (`lending`).

        Raises:
            SessionError: when it can't be written.
        """
        return self._file.transaction(action)

    def slots(self) -> list[Slot]:
        """Return how every slot stands."""
        return self._slots("", ())

    def write(self, key: str, value: str) -> None:
        """Keep a line of text for every session to read."""
        insert = "INSERT OR REPLACE INTO notes VALUES (?, ?)"
        self._file.transaction(lambda run: run(insert, (key, value)))

    def read(self, key: str) -> str | None:
        """Return what was kept under a key."""
        rows = self._file.read("SELECT value FROM notes WHERE key = ?", (key,))
        return rows[0][0] if rows else None

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _end(self, lease: Lease, status: Status, payload: bytes | None, reason: str) -> None:
        one = lease.assignment
        key = (one.stage, one.generation, one.slot, one.attempt)
        who = (lease.subject, lease.session)

        def put(run: Run) -> bool:
            ours = run(
                "SELECT count(*) FROM slots WHERE "
                "(stage, generation, slot, attempt, subject, session, status) = "
                "(?, ?, ?, ?, ?, ?, ?)",
                (*key, *who, _LEASED),
            ).fetchone()[0]
            if not ours:
                return False
            if payload is None:
                self._open(run, key, status, who, reason)
                return True
            run(
                "UPDATE slots SET status = ?, result = ?, deadline_ns = NULL "
                "WHERE (stage, generation, slot) = (?, ?, ?)",
                (int(status), payload, *key[:3]),
            )
            self._note(run, key, status, who, reason)
            return True

        if not self._file.transaction(put):
            raise LeaseLost(
                f"{one.name} isn't {lease.subject}'s any more: its lease ended, it was given up, "
                "or another session has it; its trials stay in this session's store, and go on "
                "with the next slot"
            )

    def free_overdue(self, run: Run) -> None:
        """Free what was leased too long ago, inside a transaction."""
        rows = run(
            "SELECT stage, generation, slot, attempt, subject, session FROM slots "
            "WHERE status = ? AND deadline_ns < ?",
            (_LEASED, self.now_ns()),
        ).fetchall()
        for row in rows:
            self._open(run, row[:4], Status.ABANDONED, row[4:], "the lease ended")

    def _open(self, run: Run, key: tuple, status: Status, who: _Who, reason: str) -> None:
        """Let a slot be taken by anybody, as a new attempt; `status` says what became of this."""
        run(
            "UPDATE slots SET status = ?, attempt = attempt + 1, subject = NULL, session = NULL, "
            "deadline_ns = NULL WHERE (stage, generation, slot) = (?, ?, ?)",
            (_OPEN, *key[:3]),
        )
        self._note(run, key, status, who, reason)

    @staticmethod
    def _begun(run: Run, subject: str) -> tuple | None:
        """Return the first slot that a subject has begun."""
        return run(
            "SELECT stage, generation, slot, attempt, episode FROM slots "
            "WHERE status = ? AND subject = ? ORDER BY stage, generation, slot LIMIT 1",
            (_LEASED, subject),
        ).fetchone()

    @staticmethod
    def _first_open(run: Run) -> tuple | None:
        return run(
            "SELECT stage, generation, slot, attempt, episode FROM slots "
            "WHERE status = ? ORDER BY stage, generation, slot LIMIT 1",
            (_OPEN,),
        ).fetchone()

    @staticmethod
    def _earlier(run: Run, key: tuple, session: str) -> tuple[str, ...]:
        """Return the sessions that had an attempt before, the first one first."""
        rows = run(
            "SELECT session FROM leases WHERE (stage, generation, slot, attempt) = (?, ?, ?, ?) "
            "AND status = ? AND session != ? GROUP BY session ORDER BY min(number)",
            (*key, _LEASED, session),
        )
        return tuple(name for (name,) in rows.fetchall())

    def _note(self, run: Run, key: tuple, status: Status, who: _Who, reason: str) -> None:
        run(
            "INSERT INTO leases (stage, generation, slot, attempt, status, subject, session, t_ns, "
            "reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*key, int(status), *who, self.now_ns(), reason),
        )

    @staticmethod
    def _had(run: Run, subject: str) -> bool:
        """Return whether a subject is naive no more: it was given a slot, whatever came of it."""
        query = "SELECT count(*) FROM leases WHERE subject = ?"
        return bool(run(query, (subject,)).fetchone()[0])

    def nothing_for(self, subject: str, *, fresh: bool = False) -> NothingToDo:
        """Return why a subject got no slot: who has the rest."""
        slots = self._slots("WHERE status IN (?, ?)", (_OPEN, _LEASED))
        leased = [slot for slot in slots if slot.status == Status.LEASED]
        opened = [slot for slot in slots if slot.status == Status.PROPOSED]
        if fresh and opened:
            return NothingToDo(
                f"{subject} has begun an episode before, and every candidate gets a naive subject: "
                f"{len(opened)} slots wait for another one",
                waits_for_planner=False,
            )
        if leased:
            held = ", ".join(f"slot {slot.slot + 1} by {slot.subject}" for slot in leased[:5])
            return NothingToDo(
                f"no slot is open for {subject}: {len(leased)} are leased ({held})",
                waits_for_planner=False,
            )
        return NothingToDo(
            f"no slot is open for {subject}: the planner hasn't proposed the next generation",
            waits_for_planner=True,
        )

    def _slots(self, where: str, values: tuple) -> list[Slot]:
        rows = self._file.read(
            "SELECT stage, generation, slot, attempt, status, subject, session, deadline_ns "  # noqa: S608
            f"FROM slots {where} ORDER BY stage, generation, slot",
            values,
        )
        return [
            Slot(stage, generation, slot, attempt, Status(status), *held)
            for stage, generation, slot, attempt, status, *held in rows
        ]

    def assignment_of(self, row: tuple) -> Assignment:
        """Return what stands in a row: stage, generation, slot, attempt, episode."""
        arrays, numbers = self._decoded(row[4])
        return Assignment(*row[:4], **arrays, seed=numbers["seed"])

    def _result(self, payload: bytes, attempts: int) -> Result:
        arrays, numbers = self._decoded(payload)
        return Result(arrays["answers"], numbers["presentations"], attempts)

    def _decoded(self, payload: bytes) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        try:
            return codec.decode(payload)
        except codec.DecodeError as error:
            raise self._file.failed(error) from error


def episode_payload(one: Assignment) -> bytes:
    """Return what is kept of an episode beside its place."""
    arrays = {"train_x": one.train_x, "train_z": one.train_z, "test_x": one.test_x}
    return codec.encode(arrays, {"seed": one.seed})
