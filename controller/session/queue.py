"""Open slots of an experiment, and who has them: one SQLite file that all its sessions share.

The planner puts a generation in, sessions lease its slots one by one and bring answers back. A slot
whose session dies stays its subject's until the lease ends, so that the same animal can go on; then
it is open again. Missing is not bad: nothing here is ever scored, only done or still to do.
"""

import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from controller.session.errors import LeaseLost, NothingToDo, SessionError
from controller.statuses import Status
from controller.store import codec
from protocols.assignment import Assignment

QUEUE_NAME = "queue.sqlite"
_TABLES = """
CREATE TABLE IF NOT EXISTS slots (
  stage INTEGER NOT NULL, generation INTEGER NOT NULL, slot INTEGER NOT NULL,
  attempt INTEGER NOT NULL, status INTEGER NOT NULL, subject TEXT, session TEXT,
  deadline_ns INTEGER, episode BLOB NOT NULL, result BLOB,
  PRIMARY KEY (stage, generation, slot)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS leases (
  number INTEGER PRIMARY KEY, stage INTEGER NOT NULL, generation INTEGER NOT NULL,
  slot INTEGER NOT NULL, attempt INTEGER NOT NULL, status INTEGER NOT NULL,
  subject TEXT NOT NULL, session TEXT NOT NULL, t_ns INTEGER NOT NULL, reason TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS notes (key TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_BUSY_S = 10.0


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
            SessionError: when it can't be opened.
        """
        self.path, self._now_ns = folder / QUEUE_NAME, now_ns
        try:
            self._connection = sqlite3.connect(self.path, isolation_level=None, timeout=_BUSY_S)
            self._connection.execute("PRAGMA journal_mode = WAL")
            # not FULL: a power cut may take the last lease or answer back, and both are found again
            # in the sessions' stores, which lose nothing
            self._connection.execute(f"PRAGMA synchronous = {'NORMAL' if durable else 'OFF'}")
            self._connection.executescript(_TABLES)
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def propose(self, assignments: Sequence[Assignment]) -> int:
        """Put slots in; those that are there already stay as they are. Returns how many are new."""
        rows = [
            (one.stage, one.generation, one.slot, 0, int(Status.PROPOSED), _episode(one))
            for one in assignments
        ]
        insert = (
            "INSERT INTO slots (stage, generation, slot, attempt, status, episode) "
            "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
        )
        return self._transaction(lambda run: sum(run(insert, row).rowcount for row in rows))

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
        deadline_ns = self._now_ns() + round(hours * 3.6e12)

        def take(run: Callable) -> Lease | None:
            self._expire(run)
            row = run(
                "SELECT stage, generation, slot, attempt, episode FROM slots "
                "WHERE status = ? AND subject = ? LIMIT 1",
                (int(Status.LEASED), subject),
            ).fetchone()
            if row is None and not (fresh and self._had(run, subject)):
                row = run(
                    "SELECT stage, generation, slot, attempt, episode FROM slots "
                    "WHERE status = ? ORDER BY stage, generation, slot LIMIT 1",
                    (int(Status.PROPOSED),),
                ).fetchone()
            if row is None:
                return None
            where = row[:3]
            run(
                "UPDATE slots SET status = ?, subject = ?, session = ?, deadline_ns = ? "
                "WHERE (stage, generation, slot) = (?, ?, ?)",
                (int(Status.LEASED), subject, session, deadline_ns, *where),
            )
            earlier = run(
                "SELECT DISTINCT session FROM leases WHERE (stage, generation, slot, attempt) = "
                "(?, ?, ?, ?) AND status = ? AND session != ? ORDER BY number",
                (*row[:4], int(Status.LEASED), session),
            ).fetchall()
            self._note(run, row[:4], Status.LEASED, subject, session, "")
            return Lease(_assignment(row), subject, session, tuple(name for (name,) in earlier))

        lease = self._transaction(take)
        if lease is None:
            raise NothingToDo(self._why_nothing(subject, fresh=fresh))
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
        return int(self._read(query, key)[0][0])

    def abandon(self, subject: str) -> int:
        """Free every slot that a subject has; returns how many."""

        def free(run: Callable) -> int:
            rows = run(
                "SELECT stage, generation, slot, attempt, session FROM slots "
                "WHERE status = ? AND subject = ?",
                (int(Status.LEASED), subject),
            ).fetchall()
            for row in rows:
                self._open(
                    run, row[:4], Status.ABANDONED, subject, row[4], "the subject dropped out"
                )
            return len(rows)

        return self._transaction(free)

    def results(self, stage: int, generation: int, slots: int) -> list[Result] | None:
        """Return a generation's answers in slot order; None as long as one is missing."""
        rows = self._read(
            "SELECT slot, attempt, result FROM slots WHERE (stage, generation) = (?, ?) "
            "AND status = ? ORDER BY slot",
            (stage, generation, int(Status.DONE)),
        )
        if [row[0] for row in rows] != list(range(slots)):
            return None
        return [_result(payload, attempt + 1) for _, attempt, payload in rows]

    def forget_before(self, stage: int, generation: int) -> None:
        """Take out the slots of generations that were told: nobody may be asked them again."""
        delete = "DELETE FROM slots WHERE (stage, generation) < (?, ?)"
        self._transaction(lambda run: run(delete, (stage, generation)))

    def slots(self) -> list[Slot]:
        """Return how every slot stands."""
        rows = self._read(
            "SELECT stage, generation, slot, attempt, status, subject, session, deadline_ns "
            "FROM slots ORDER BY stage, generation, slot",
            (),
        )
        return [Slot(*row[:4], Status(row[4]), *row[5:]) for row in rows]

    def write(self, key: str, value: str) -> None:
        """Keep a line of text for every session to read."""
        insert = "INSERT OR REPLACE INTO notes VALUES (?, ?)"
        self._transaction(lambda run: run(insert, (key, value)))

    def read(self, key: str) -> str | None:
        """Return what was kept under a key."""
        rows = self._read("SELECT value FROM notes WHERE key = ?", (key,))
        return rows[0][0] if rows else None

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _end(self, lease: Lease, status: Status, payload: bytes | None, reason: str) -> None:
        one = lease.assignment

        def put(run: Callable) -> bool:
            changed = run(
                "UPDATE slots SET status = ?, result = ?, attempt = attempt + ? WHERE "
                "(stage, generation, slot, attempt, subject, session, status) = "
                "(?, ?, ?, ?, ?, ?, ?)",
                (
                    *(int(Status.PROPOSED if status == Status.VOID else status), payload),
                    int(status == Status.VOID),
                    *(one.stage, one.generation, one.slot, one.attempt),
                    *(lease.subject, lease.session, int(Status.LEASED)),
                ),
            ).rowcount
            if changed:
                key = (one.stage, one.generation, one.slot, one.attempt)
                self._note(run, key, status, lease.subject, lease.session, reason)
            return bool(changed)

        if not self._transaction(put):
            raise LeaseLost(
                f"{one.name} isn't {lease.subject}'s any more: its lease ended or it was given "
                "up; its trials stay in the session's store, the slot was given to somebody else"
            )

    def _expire(self, run: Callable) -> None:
        """Free what was leased too long ago."""
        rows = run(
            "SELECT stage, generation, slot, attempt, subject, session FROM slots "
            "WHERE status = ? AND deadline_ns < ?",
            (int(Status.LEASED), self._now_ns()),
        ).fetchall()
        for row in rows:
            self._open(run, row[:4], Status.ABANDONED, row[4], row[5], "the lease ended")

    def _open(
        self, run: Callable, key: tuple, status: Status, subject: str, session: str, reason: str
    ) -> None:
        run(
            "UPDATE slots SET status = ?, attempt = attempt + 1 "
            "WHERE (stage, generation, slot) = (?, ?, ?)",
            (int(Status.PROPOSED), *key[:3]),
        )
        self._note(run, key, status, subject, session, reason)

    def _note(
        self, run: Callable, key: tuple, status: Status, subject: str, session: str, reason: str
    ) -> None:
        run(
            "INSERT INTO leases (stage, generation, slot, attempt, status, subject, session, t_ns, "
            "reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*key, int(status), subject, session, self._now_ns(), reason),
        )

    @staticmethod
    def _had(run: Callable, subject: str) -> bool:
        done = (int(Status.DONE), int(Status.VOID))
        query = "SELECT count(*) FROM leases WHERE subject = ? AND status IN (?, ?)"
        return bool(run(query, (subject, *done)).fetchone()[0])

    def _why_nothing(self, subject: str, *, fresh: bool) -> str:
        leased = [slot for slot in self.slots() if slot.status == Status.LEASED]
        opened = [slot for slot in self.slots() if slot.status == Status.PROPOSED]
        if fresh and opened:
            return (
                f"{subject} has run its episode, and every candidate gets a naive subject: "
                f"{len(opened)} slots wait for another one"
            )
        if leased:
            held = ", ".join(f"slot {slot.slot + 1} by {slot.subject}" for slot in leased[:5])
            return f"no slot is open for {subject}: {len(leased)} are leased ({held})"
        return f"no slot is open for {subject}: the planner hasn't proposed the next generation"

    def _transaction(self, action: Callable):
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                result = action(self._connection.execute)
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._failed(error) from error
        return result

    def _read(self, query: str, values: tuple) -> list:
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def _failed(self, error: sqlite3.Error) -> SessionError:
        return SessionError(
            f"the queue {self.path} can't be used: {error}; check the folder and the disk's space"
        )


def _episode(one: Assignment) -> bytes:
    arrays = {"train_x": one.train_x, "train_z": one.train_z, "test_x": one.test_x}
    return codec.encode(arrays, {"seed": one.seed})


def _assignment(row: tuple) -> Assignment:
    arrays, numbers = codec.decode(row[4])
    return Assignment(*row[:4], **arrays, seed=numbers["seed"])


def _result(payload: bytes, attempts: int) -> Result:
    arrays, numbers = codec.decode(payload)
    return Result(arrays["answers"], numbers["presentations"], attempts)
