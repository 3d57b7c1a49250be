"""Sessions to which something happens at a random moment: nothing acknowledged is ever lost.

A case is one session. Cases of one experiment follow each other, as days do, until it is over.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pytest
from session_torture import Case
from session_world import EPISODE, N_TEST, assignments, licks_at, told

from controller.session.queue import Queue
from controller.statuses import Status
from controller.store import status
from hardware.reward_ledger import RewardLedger

HERE = Path(__file__).parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parents[2]), str(HERE)])}
SLOTS = 12
FAULTS = ("kill", "kill", "kill", "interrupt", "interrupt twice", "full disk")
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


@contextmanager
def server():
    """Run the process that forks sessions."""
    process = subprocess.Popen(
        [sys.executable, HERE / "session_torture.py"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=ENVIRONMENT,
        text=True,
    )
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


def notes_of(path):
    """Return what a session noted, without a line that a kill cut off."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().split("\n")[:-1]]


class Running:
    """A case under way."""

    def __init__(self, process, case):
        self.case, self._process = case, process
        self._notes = Path(case.notes)
        self._process.stdin.write(json.dumps(asdict(case)) + "\n")
        self._process.stdin.flush()
        self.pid = int(self._process.stdout.readline())

    def notes(self):
        return notes_of(self._notes)

    def wait_for(self, what, timeout_s=20.0):
        """Wait until it has noted something of that name; whether it has."""
        word, deadline_s = f'"{what}"', time.monotonic() + timeout_s
        while time.monotonic() < deadline_s:
            text = self._notes.read_text() if self._notes.exists() else ""
            if word in text:
                return True
            if '"ending"' in text or '"error"' in text:
                return False
            time.sleep(0.0005)
        raise AssertionError(f"no {what} within {timeout_s} s")

    def send(self, number):
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def result(self):
        """Return its wait status, once it has ended."""
        return int(self._process.stdout.readline())


@dataclass
class Judge:
    """What has to be true of one experiment after each of its sessions."""

    folder: Path
    trials: dict = field(default_factory=dict)
    seen: set = field(default_factory=set)
    faults: Counter = field(default_factory=Counter)

    def judge(self, case, fault, code):
        """Look at the session that is over."""
        notes = notes_of(Path(case.notes))
        assert code in {0, signal.SIGKILL}, (fault, notes[-1])
        new = [path for path in (self.folder / "sessions").glob("*") if path.name not in self.seen]
        new = [path for path in new if path.is_dir() and not path.name.startswith(".")]
        acknowledged = {tuple(one["trial"]): one for one in notes if "trial" in one}
        assert len(new) <= 1
        if not new:
            assert not acknowledged
            self._unstored()
            return
        (path,) = new
        self.seen.add(path.name)
        stored = told(path)
        self._stored(stored, acknowledged)
        self._pulses(stored)
        ended = status(path)["exit_status"]
        assert ended in self._endings(fault, code), (fault, ended, notes[-1])
        self.faults[f"{fault}: {ended}"] += 1

    def _endings(self, fault, code):
        """Return how a session may say that it ended, which it always says."""
        if code == signal.SIGKILL:
            return {"killed", "created", *OVER}
        return OVER | ENDINGS.get(fault, set())

    def _stored(self, stored, acknowledged):
        frames = {
            (one.stage, one.generation, one.slot, one.attempt, one.index): one
            for one in stored.trials
        }
        assert len(frames) == len(stored.trials)
        assert set(acknowledged) <= set(frames), "an acknowledged trial is lost"
        # one more may be durable without having been acknowledged
        assert len(frames) - len(acknowledged) <= 1
        for key, one in acknowledged.items():
            assert frames[key].answer == one["answer"]
            assert len(frames[key].pulse_id) == one["pulses"]
        # it went on where the session before had stopped: nothing twice, nothing left out
        assert not set(frames) & set(self.trials), "a trial was run again"
        self.trials |= {key: frame.answer for key, frame in frames.items()}
        slots = Counter(key[:4] for key in self.trials)
        for slot, count in slots.items():
            assert {key[4] for key in self.trials if key[:4] == slot} == set(range(count))

    def _pulses(self, stored):
        """What the ledger has more than the store belongs to one trial that wasn't acknowledged."""
        (kept,) = self._ledger(stored.boot_id)
        pulses = dict(stored.pulses)
        assert len(pulses) == len(stored.pulses)
        missing = set(kept) - set(pulses)
        assert all(kept[number] == width for number, width in pulses.items()), (kept, pulses)
        assert len(missing) <= 1
        assert not missing or min(missing) > max(pulses, default=0)

    def _ledger(self, boot_id):
        import sqlite3
        from contextlib import closing

        with closing(sqlite3.connect(self.folder / "lab" / "rewards" / "emulated.sqlite")) as open_:
            rows = open_.execute(
                "SELECT id, width_us FROM pulses WHERE boot_id = ?", (boot_id,)
            ).fetchall()
        return (dict(rows),)

    def _unstored(self):
        """Without a store there was no trial, and the ledger still opens."""
        for path in (self.folder / "lab" / "rewards").glob("*.sqlite"):
            with RewardLedger(path) as ledger:
                ledger.totals()

    def over(self):
        """The experiment is over, and as if nothing had happened."""
        expected = {}
        with Queue(self.folder, durable=False) as queue:
            assert {one.status for one in queue.slots()} == {Status.DONE}
            results = queue.results(0, 0, SLOTS)
        for one, result in zip(assignments(SLOTS), results, strict=True):
            answers = [1.0 if licks_at(x) else -1.0 for x in one.test_x]
            assert result.answers.tolist() == answers
            assert (result.presentations, result.attempts) == (EPISODE, 1)
            expected |= {(0, 0, one.slot, 0, index): None for index in range(EPISODE)}
        assert set(self.trials) == set(expected)
        assert len(expected) == SLOTS * EPISODE
        assert N_TEST


def happen(running, fault, rng):
    """Let it happen at a random moment; most after the first trial, some before."""
    if rng.random() < 0.7 and not running.wait_for("trial"):
        return
    time.sleep(rng.uniform(0, 0.05))
    match fault:
        case "kill":
            running.send(signal.SIGKILL)
        case "interrupt":
            running.wait_for("begun")
            running.send(signal.SIGINT)
        case "interrupt twice":
            running.wait_for("begun")
            running.send(signal.SIGINT)
            time.sleep(rng.choice((0, rng.uniform(0, 0.003))))
            running.send(signal.SIGINT)


def experiment(process, folder, rng, cases):
    """Run cases of one experiment until it is over or enough; how many, and what came of them."""
    folder.mkdir()
    with Queue(folder, durable=False) as queue:
        queue.propose(assignments(SLOTS))
    judge, number = Judge(folder), 0
    while number < cases:
        fault = rng.choice(FAULTS)
        limit = rng.randrange(300_000, 6_000_000) if fault == "full disk" else 0
        case = Case(str(folder), number, f"{folder}.{number}.notes", limit=limit)
        running = Running(process, case)
        happen(running, fault, rng)
        judge.judge(case, fault, running.result())
        number += 1
        with Queue(folder, durable=False) as queue:
            if {one.status for one in queue.slots()} == {Status.DONE}:
                break
    case = Case(str(folder), number, f"{folder}.{number}.notes")
    judge.judge(case, "none", Running(process, case).result())
    judge.over()
    return number, judge.faults


def torture(tmp_path, seed, cases):
    rng, done, faults, experiments = random.Random(seed), 0, Counter(), 0
    print(f"seed {seed}")
    with server() as process:
        while done < cases:
            number, found = experiment(process, tmp_path / f"e{experiments}", rng, cases - done)
            done, experiments, faults = done + number, experiments + 1, faults + found
    print(f"{done} cases in {experiments} experiments: {dict(faults)}")
    assert done >= cases


@pytest.mark.parametrize(
    ("seed", "cases"), [(1, 250), pytest.param(2, 2800, marks=pytest.mark.slow)]
)
def test_whatever_happens_to_an_emulated_session_no_acknowledged_trial_is_lost(
    tmp_path, seed, cases
):
    torture(tmp_path, seed, cases)
