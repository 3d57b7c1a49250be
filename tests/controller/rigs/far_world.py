"""Schedulers, rigs and experimenters as processes on loopback, which a test starts and kills."""

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from session_world import EPISODE, assignments, licks_at, told

from controller.rigs.loan import outstanding
from controller.session.queue import Queue
from controller.session.start import SESSIONS
from controller.statuses import Status
from hardware.reward_ledger import RewardLedger

HERE = Path(__file__).parent
PATHS = (HERE.parents[2], HERE, HERE.parent / "session")
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, PATHS))}
WAIT_S = 300.0
SLOTS = 3


class Process:
    """A program of the tests, and what it says."""

    def __init__(self, name: str, *arguments: object) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", HERE / name, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            env=ENVIRONMENT,
            text=True,
        )
        self.said: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def hear(self, words: str) -> str:
        """Wait until it has said something."""
        deadline_s = time.monotonic() + WAIT_S
        while True:
            line = self._lines.get(timeout=max(0.1, deadline_s - time.monotonic()))
            assert line is not None, f"it ended without {words!r}: {self.said}"
            if words in line:
                return line

    def send(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it as a power cut does."""
        self._process.kill()
        self.wait()

    def wait(self) -> int:
        """Return its exit code, once it has ended."""
        code = self._process.wait(WAIT_S)
        # a session's process may hold its standard output open for longer
        self._thread.join(0.5)
        return code

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    def close(self) -> None:
        """End it, if it hasn't."""
        if not self.over:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait(WAIT_S)
        self._thread.join(5.0)
        if self._process.stdout is not None and not self._thread.is_alive():
            self._process.stdout.close()

    def _listen(self) -> None:
        for line in self._process.stdout or ():
            self.said.append(line.rstrip("\n"))
            self._lines.put(self.said[-1])
        self._lines.put(None)


def wait_for(condition, what: str) -> None:
    """Wait until something is so."""
    deadline_s = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline_s, f"no {what} within {WAIT_S:g} s"
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@dataclass
class Network:
    """A scheduler, rigs and experimenters, one experiment."""

    folder: Path
    slots: int = SLOTS
    port: int = field(default_factory=free_port)
    processes: list[Process] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.experiment.mkdir()
        with Queue(self.experiment, durable=False) as opened:
            opened.propose(assignments(self.slots))

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    @property
    def experiment(self) -> Path:
        return self.folder / "experiment"

    @property
    def lab(self) -> Path:
        """The experimenter's."""
        return self.folder / "lab"

    def rig_lab(self, name: str) -> Path:
        """Return the laboratory's folder on a rig's computer."""
        path = self.folder / name
        path.mkdir(exist_ok=True)
        return path

    def scheduler(self) -> Process:
        made = self._started("far_scheduler.py", self.port)
        made.hear("tcp://")
        return made

    def rig(self, name: str) -> Process:
        return self._started("far_rig.py", self.address, self.rig_lab(name), name)

    def client(self, rig: str, subject: str = "m1", *more: object) -> Process:
        arguments = (self.address, self.experiment, self.lab, rig, subject, *more)
        return self._started("far_client.py", *arguments)

    def hold(self, rig: str, trial: int) -> None:
        """Let the next session on a rig wait before one of its trials."""
        lab = self.rig_lab(rig)
        (lab / "hold.json").write_text(json.dumps(trial))

    def held(self, rig: str) -> None:
        """Wait until it does."""
        wait_for((self.rig_lab(rig) / "reached").exists, "trial at which it waits")

    def go(self, rig: str) -> None:
        """Let it go on."""
        (self.rig_lab(rig) / "go").touch()

    def lent(self, rig: str) -> list[Path]:
        """Return the folders of the sessions that a rig's computer has."""
        return sorted((self.rig_lab(rig) / "lent").glob("*"))

    def ended(self, rig: str) -> None:
        """Wait until the session on a rig is over."""

        def is_over() -> bool:
            return any((path / "ending.json").exists() for path in self.lent(rig))

        wait_for(is_over, "end of the session")

    def close(self) -> None:
        for rig in self.folder.glob("*/lent"):
            self.go(rig.parent.name)
        for one in reversed(self.processes):
            one.close()

    def judge(self, subject: str = "m1") -> None:
        """Everything is home: every trial once, right answers, and as much water as was given."""
        assert outstanding(self.experiment) == []
        with Queue(self.experiment, durable=False) as opened:
            slots, results = opened.slots(), opened.results(0, 0, self.slots)
        assert {one.status for one in slots} == {Status.DONE}
        for one, result in zip(assignments(self.slots), results, strict=True):
            answers = [1.0 if licks_at(x) else -1.0 for x in one.test_x]
            assert result.answers.tolist() == answers
            assert (result.presentations, result.attempts) == (EPISODE, 1)
        trials: Counter = Counter()
        pulses = 0
        for path in (self.experiment / SESSIONS).iterdir():
            stored = told(path)
            trials.update((one.slot, one.attempt, one.index) for one in stored.trials)
            pulses += len(stored.pulses)
        expected = {(slot, 0, index) for slot in range(self.slots) for index in range(EPISODE)}
        assert set(trials) == expected
        assert set(trials.values()) == {1}
        assert self.pulses(self.lab, subject) == pulses

    @staticmethod
    def pulses(lab: Path, subject: str) -> int:
        """Return how many pulses an animal got by a laboratory's ledgers."""
        found = 0
        for path in (lab / "rewards").glob("*.sqlite"):
            with RewardLedger(path) as ledger:
                found += len(ledger.entries(0, subject))
        return found

    def _started(self, name: str, *arguments: object) -> Process:
        made = Process(name, *arguments)
        self.processes.append(made)
        return made
