"""Sessions to which something happens at a random moment: nothing acknowledged is ever lost.

A case is one session. Cases of one experiment follow each other, as days do, until it is over.
"""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from controller.session.queue import Queue
from controller.statuses import Status
from controller.store import TrialFrame, status
from hardware.reward_ledger import RewardLedger
from sims.hardening.part import Try
from sims.hardening.promises import BrokenPromiseError, require
from sims.hardening.session_case import Case
from sims.hardening.session_world import EPISODE, Told, assignments, licks_at, told

SLOTS = 12
FAULTS = (
    *("kill", "kill", "kill", "stop for a moment"),
    *("interrupt", "interrupt twice", "full disk"),
)
OVER = {"no_slot"}
ENDINGS = {
    "interrupt": {"stopped"},
    "interrupt twice": {"stopped", "aborted"},
    # where no file may grow, not even the status can be written
    "full disk": {"failed", "fault", "killed"},
    "stop and go on": {"fault"},
    "unplug": {"fault"},
    "reset": {"fault"},
}
PATIENCE_S = 120.0
Notes = list[dict[str, Any]]
Process = subprocess.Popen[str]


@contextmanager
def server() -> Iterator[Process]:
    """Run the process that forks sessions."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sims.hardening.session_case"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("it was started without pipes")
    try:
        yield process
    finally:
        process.stdin.close()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def notes_of(path: Path) -> Notes:
    """Return what a session noted, without a line that a kill cut off."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().split("\n")[:-1]]


class Running:
    """A case under way."""

    def __init__(self, process: Process, case: Case) -> None:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the server has no pipes")
        self.case, self._out = case, process.stdout
        self._notes = Path(case.notes)
        process.stdin.write(json.dumps(asdict(case)) + "\n")
        process.stdin.flush()
        self.pid = int(self._out.readline())

    def notes(self) -> Notes:
        """Return what it has noted."""
        return notes_of(self._notes)

    def wait_for(self, what: str) -> bool:
        """Wait until it has noted something of that name; whether it has."""
        word, deadline_s = f'"{what}"', time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline_s:
            text = self._notes.read_text() if self._notes.exists() else ""
            if word in text:
                return True
            if '"ending"' in text or '"error"' in text:
                return False
            time.sleep(0.0005)
        raise BrokenPromiseError(f"no {what} within {PATIENCE_S} s")

    def send(self, number: int) -> None:
        """Send it a signal, if it is still there."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it, wherever it is."""
        self.send(signal.SIGKILL)
        self.result()

    def result(self) -> int:
        """Return its wait status, once it has ended."""
        return int(self._out.readline())


@dataclass
class Judge:
    """What has to be true of one experiment after each of its sessions."""

    folder: Path
    trials: dict[tuple[int, ...], float] = field(default_factory=dict)
    """Answer of every trial that is stored."""
    seen: set[str] = field(default_factory=set)
    """Sessions that were judged."""

    def judge(self, case: Case, fault: str, code: int) -> str:
        """Look at the session that is over; returns how it ended.

        Raises:
            BrokenPromiseError.
        """
        notes = notes_of(Path(case.notes))
        require(code in {0, signal.SIGKILL}, f"ended with {code}: {notes[-1:]}")
        new = [path for path in (self.folder / "sessions").glob("*") if path.name not in self.seen]
        new = [path for path in new if path.is_dir() and not path.name.startswith(".")]
        acknowledged = {tuple(one["trial"]): one for one in notes if "trial" in one}
        require(len(new) <= 1, f"{len(new)} stores of one session")
        if not new:
            require(not acknowledged, "trials were acknowledged, and there is no store")
            self._unstored()
            return f"{fault}: no store"
        self.seen.add(new[0].name)
        stored = told(new[0])
        self._stored(stored, acknowledged)
        self.check_pulses(stored)
        ended = status(new[0])["exit_status"]
        allowed = self.endings(fault, code)
        require(ended in allowed, f"{ended}, expected {sorted(allowed)}: {notes[-1:]}")
        return f"{fault}: {ended}"

    def endings(self, fault: str, code: int) -> set[str]:
        """Return how a session may say that it ended, which it always says."""
        if code == signal.SIGKILL:
            return {"killed", "created", *OVER}
        return OVER | ENDINGS.get(fault, set())

    def check_pulses(self, stored: Told) -> None:
        """What the ledger has more than the store belongs to one trial that wasn't acknowledged."""
        kept = pulses_of(self.folder / "lab", stored.boot_id)
        pulses = dict(stored.pulses)
        require(len(pulses) == len(stored.pulses), "a pulse is stored twice")
        require(all(kept.get(n) == width for n, width in pulses.items()), f"{kept} for {pulses}")
        missing = set(kept) - set(pulses)
        require(len(missing) <= 1, f"pulses {missing} are in the ledger alone")
        require(not missing or min(missing) > max(pulses, default=0), f"{missing} is an old pulse")

    def over(self) -> None:
        """The experiment is over, and as if nothing had happened.

        Raises:
            BrokenPromiseError.
        """
        with Queue(self.folder, durable=False) as queue:
            require(is_over(queue), "slots are left")
            results = queue.results(0, 0, SLOTS) or []
        wanted = assignments(SLOTS)
        require(len(results) == len(wanted), "answers are missing")
        for one, result in zip(wanted, results, strict=True):
            answers = [1.0 if licks_at(x) else -1.0 for x in one.test_x]
            require(result.answers.tolist() == answers, f"other answers in slot {one.slot}")
            once = (result.presentations, result.attempts) == (EPISODE, 1)
            require(
                once, f"slot {one.slot}: {result.presentations} trials, {result.attempts} times"
            )
        expected = {(0, 0, one.slot, 0, index) for one in wanted for index in range(EPISODE)}
        require(set(self.trials) == expected, "other trials than there should be")

    def _stored(self, stored: Told, acknowledged: dict[tuple[int, ...], dict[str, Any]]) -> None:
        frames: dict[tuple[int, ...], TrialFrame] = {
            (one.stage, one.generation, one.slot, one.attempt, one.index): one
            for one in stored.trials
        }
        require(len(frames) == len(stored.trials), "a trial is stored twice")
        require(set(acknowledged) <= set(frames), "an acknowledged trial is lost")
        # one more may be durable without having been acknowledged
        require(len(frames) - len(acknowledged) <= 1, "trials nobody acknowledged")
        for key, one in acknowledged.items():
            same = (frames[key].answer, len(frames[key].pulse_id)) == (one["answer"], one["pulses"])
            require(same, f"trial {key} is another than {one}")
        # it went on where the session before had stopped: nothing twice, nothing left out
        require(not set(frames) & set(self.trials), "a trial was run again")
        self.trials |= {key: frame.answer for key, frame in frames.items()}
        for slot, count in Counter(key[:4] for key in self.trials).items():
            there = {key[4] for key in self.trials if key[:4] == slot}
            require(there == set(range(count)), f"of {slot} there are only the trials {there}")

    def _unstored(self) -> None:
        """Without a store there was no trial, and the ledger still opens."""
        for path in (self.folder / "lab" / "rewards").glob("*.sqlite"):
            with RewardLedger(path) as ledger:
                ledger.totals()


def pulses_of(lab: Path, boot_id: int) -> dict[int, int]:
    """Return the number and width of every pulse that a lab's ledger has of a boot."""
    (path,) = lab.glob("rewards/*.sqlite")
    with closing(sqlite3.connect(path)) as opened:
        query = "SELECT id, width_us FROM pulses WHERE boot_id = ?"
        return dict(opened.execute(query, (boot_id,)).fetchall())


def is_over(queue: Queue) -> bool:
    """Whether every slot is done."""
    return {one.status for one in queue.slots()} == {Status.DONE}


def happen(running: Running, fault: str, chance: random.Random) -> None:
    """Let it happen at a random moment; most after the first trial, some before."""
    if chance.random() < 0.7 and not running.wait_for("trial"):
        return
    time.sleep(chance.uniform(0, 0.05))
    match fault:
        case "kill":
            running.send(signal.SIGKILL)
        case "stop for a moment":
            running.send(signal.SIGSTOP)
            time.sleep(chance.uniform(0, 0.1))
            running.send(signal.SIGCONT)
        case "interrupt":
            running.wait_for("begun")
            running.send(signal.SIGINT)
        case "interrupt twice":
            running.wait_for("begun")
            running.send(signal.SIGINT)
            time.sleep(chance.choice((0, chance.uniform(0, 0.003))))
            running.send(signal.SIGINT)


def torture(folder: Path, chance: random.Random, cases: int) -> Iterator[Try]:
    """Run so many cases, in as many experiments as it takes; a broken promise ends one of these."""
    done = experiments = 0
    with server() as process:
        while done < cases:
            for one in _experiment(process, folder / f"e{experiments}", chance, cases - done):
                done += 1
                yield one
            experiments += 1


def _experiment(process: Process, folder: Path, chance: random.Random, cases: int) -> Iterator[Try]:
    folder.mkdir()
    with Queue(folder, durable=False) as queue:
        queue.propose(assignments(SLOTS))
    judge = Judge(folder)
    for number in range(cases):
        fault = chance.choice(FAULTS)
        limit = chance.randrange(300_000, 6_000_000) if fault == "full disk" else 0
        case = Case(str(folder), number, f"{folder}.{number}.notes", limit=limit)
        running = Running(process, case)
        happened = _judged(judge, running, fault, chance)
        yield happened
        if happened.failure:
            return
        with Queue(folder, durable=False) as queue:
            if is_over(queue):
                break
    yield _last(judge, process, cases)


def _judged(judge: Judge, running: Running, fault: str, chance: random.Random) -> Try:
    code: int | None = None
    try:
        happen(running, fault, chance)
        code = running.result()
        return Try(judge.judge(running.case, fault, code))
    except BrokenPromiseError as error:
        if code is None:
            running.kill()
        return Try("failed", f"{fault}: {error}")


def _last(judge: Judge, process: Process, number: int) -> Try:
    """Let nothing happen, until the experiment is over."""
    case = Case(str(judge.folder), number, f"{judge.folder}.last.notes")
    try:
        judge.judge(case, "none", Running(process, case).result())
        judge.over()
    except BrokenPromiseError as error:
        return Try("failed", f"the last session: {error}")
    return Try("over, as if nothing had happened")
