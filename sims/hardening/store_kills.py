"""A store's writer that is killed at random moments, again and again, beside a reader."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from controller.store import Store, repair, status
from sims.hardening.part import Try
from sims.hardening.promises import BrokenPromiseError, require
from sims.hardening.store_samples import new, published

_MODULE = "sims.hardening.store_writer"
_PATIENCE_S = 120.0


class Servant:
    """A process of `store_writer` that is told what to do line by line."""

    def __init__(self, *words: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", _MODULE, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, line: str) -> str:
        """Send a line; return the next that comes."""
        if self._process.stdin is None:
            raise RuntimeError("it was started without an input")
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self.hear()

    def hear(self) -> str:
        """Return the next line."""
        if self._process.stdout is None:
            raise RuntimeError("it was started without an output")
        return self._process.stdout.readline()

    def runs(self) -> bool:
        """Return whether it does."""
        return self._process.poll() is None

    def end(self, word: str = "") -> str:
        """Let it finish, with a last word; return what it says last."""
        said, _ = self._process.communicate(word)
        require(self._process.returncode == 0, f"{_MODULE} ended with {self._process.returncode}")
        return said

    def close(self) -> None:
        """Make sure that it is gone."""
        self._process.kill()
        self._process.communicate()


@dataclass
class Torture:
    """One store, and what it has acknowledged so far."""

    folder: Path
    chance: random.Random
    live: bool
    kind: str
    """experiment: the writer publishes; session: a follower does."""
    acknowledged: int = 0
    stored: int = 0

    @property
    def notes(self) -> Path:
        """Where the writer notes each frame that is committed."""
        return Path(f"{self.folder}.acknowledged")

    def run(self, kills: int) -> Iterator[Try]:
        """Kill so often, then look at the whole."""
        new(self.folder, live=self.live, kind=self.kind).close("finished")
        self.notes.touch()
        followed = self.kind == "session"
        with ExitStack() as stack:
            writers = stack.enter_context(closing(Servant("serve", *(["followed"] * followed))))
            watcher = stack.enter_context(closing(Servant("watch", str(self.folder))))
            follower = _Follower(self.folder) if followed else None
            if follower is not None:
                stack.callback(follower.close)
            for number in range(kills):
                yield self._kill(number, writers, watcher, follower)
            until = max(self.acknowledged, self.stored) + 5
            pid = int(writers.ask(f"{self.folder} {self.notes} {until}"))
            require(int(writers.hear()) == 0, f"the last writer, {pid}, failed")
            require(int(watcher.end("stop\n")) > 0, "nobody looked")
            writers.end()
        self._whole(until)
        yield Try("whole in the end")

    def _kill(
        self, number: int, writers: Servant, watcher: Servant, follower: "_Follower | None"
    ) -> Try:
        size = self.notes.stat().st_size
        pid = int(writers.ask(f"{self.folder} {self.notes} {10**9}"))
        # every other kill comes during opening and recovery, or soon after
        running = number % 2 == 0 or follower is not None
        if running:
            self._wait_for_more(size, writers)
        if follower is not None:
            follower.say("on")
        time.sleep(self.chance.uniform(0, 0.1 if running else 0.2))
        lost = follower is not None and number % 8 == 7
        if lost and follower is not None:
            follower.renew()
        os.kill(pid, signal.SIGKILL)
        code = int(writers.hear())
        require(code == signal.SIGKILL, f"kill {number}: the writer ended by itself ({code})")
        if follower is not None:
            follower.say("off")
        self._nothing_lost(number, published_too=follower is not None and not lost)
        require(watcher.runs(), f"kill {number}: the reader failed")
        return Try(f"killed, {self.kind}")

    def _wait_for_more(self, size: int, writers: Servant) -> None:
        deadline_s = time.monotonic() + _PATIENCE_S
        while self.notes.stat().st_size == size:
            require(writers.runs() and time.monotonic() < deadline_s, "no frame was written")
            time.sleep(0.001)

    def _nothing_lost(self, number: int, *, published_too: bool) -> None:
        # empty if the kill came before the first append
        self.acknowledged = int((self.notes.read_text().split() or ["0"])[-1])
        # one more may be committed without being acknowledged yet, in every round
        known, found = max(self.acknowledged, self.stored), status(self.folder)
        self.stored = found["last_seq"]
        require(
            known <= self.stored <= known + 1,
            f"kill {number}: {known} frames were known, {self.stored} are stored",
        )
        if published_too:
            seq = found["published_seq"]
            require(seq == self.stored, f"kill {number}: {seq} of {self.stored} are published")

    def _whole(self, until: int) -> None:
        """The store is as one whose writer was never killed, and so is its repair."""
        whole = self.folder.with_name(f"{self.folder.name}-unbroken")
        with new(whole, until, live=self.live, kind=self.kind):
            pass
        wanted = published(whole)
        require_same(published(self.folder), wanted)
        with Store.open(self.folder) as store:
            state = store.state("learner")
            require(state is not None and np.array_equal(state["k"], [until]), "the state is old")
        repair(self.folder)
        require_same(published(self.folder), wanted)


class _Follower:
    """The process that publishes what a session's writer appends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._servant = Servant("follow", str(folder))

    def say(self, word: str) -> None:
        require(self._servant.ask(word) == "ok\n", "the follower failed")

    def renew(self) -> None:
        """Kill it, and begin another."""
        self._servant.close()
        self._servant = Servant("follow", str(self._folder))

    def close(self) -> None:
        self._servant.close()


def require_same(a: xr.DataTree, b: xr.DataTree) -> None:
    """Require that two stores show the same, bit by bit (NaN included)."""
    require(set(a.children) == set(b.children), "other tables")
    for table in a.children:
        left, right = a[table].to_dataset(), b[table].to_dataset()
        require(set(left.variables) == set(right.variables), f"other columns in {table}")
        for name in left.variables:
            one, two = left[name].variable, right[name].variable
            require((one.dims, one.dtype, one.attrs) == (two.dims, two.dtype, two.attrs), name)
            require(one.values.tobytes() == two.values.tobytes(), f"{table}/{name} differs")


def torture(
    folder: Path, kills: int, chance: random.Random, *, live: bool, kind: str
) -> Iterator[Try]:
    """Kill a writer so often; a promise that is broken ends it as a failure."""
    try:
        yield from Torture(folder, chance, live, kind).run(kills)
    except BrokenPromiseError as error:
        yield Try("failed", f"{kind}, {'live' if live else 'dry-run'}: {error}")
