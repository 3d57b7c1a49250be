"""Sessions in real time for hours: does anything grow?"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TextIO, final

from protocols.rigs import ready
from sims.hardening.part import AbstractPart, Conditions, LeftOutError, Try
from sims.hardening.processes import read_samples, record, tree
from sims.hardening.soak_table import lives

EVERY_S = 30.0
_SHORT_S = 60.0
_LOOK_S = 300.0
_PROGRAMS = ("avr-gcc", "avr-g++", "gcc", "make", "simavr", "Xvfb")
_LEASE_MS = 5000
"""Of a board in an emulator that shares its computer with everything else."""
_SESSION = (
    "session.minutes=100000",
    "session.trials=1000000",
    # some 3000 trials an hour, so that what grows by the trial is seen
    "session.plan.delay_s=0.1",
    "session.plan.window_s=0.4",
    "session.plan.full=5",
    "session.plan.interval_s=0.2",
    "stages.generations=100000",
)


@final
@dataclass(frozen=True)
class Soak(AbstractPart):
    """An experiment on the emulated board with a screen: controller, planner, stimuli, page."""

    kind: ClassVar[str] = "soak"
    a_try: ClassVar[str] = (
        "one process of sessions in real time (board emulator, screen, simulated animal, planner, "
        "live page with a reader), its memory, files and threads every 30 s for --hours"
    )
    promise: ClassVar[str] = (
        "after a warm-up its memory grows by less than 3 MB/h, or by what 2 standard errors leave "
        "open; neither do open files or threads"
    )
    tries: ClassVar[int] = 1
    short: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = _PROGRAMS
    by_itself: ClassVar[bool] = False
    log: Path | None = None
    """Where the samples go; None: a new file in the system's temporary folder."""

    def run(self, conditions: Conditions) -> Iterator[Try]:
        """Run sessions for so long, then look at every process."""
        log = self.log or Path(f"/tmp/biasloop-soak-{os.getpid()}.jsonl")  # noqa: S108
        seconds = _SHORT_S if conditions.short else conditions.hours * 3600
        sys.stderr.write(f"soak: samples go to {log}\n")
        until_s = time.monotonic() + seconds
        with log.open("a") as file:
            for number, ended in enumerate(_sessions(conditions.folder, until_s, file)):
                yield Try("a run of sessions", f"run {number}: {ended}" if ended else "")
        found = list(lives(read_samples(log)))
        if not found and not conditions.short:
            raise LeftOutError("no process lived long enough to say anything of")
        for one in found:
            sys.stderr.write(f"soak: {one}\n")
            complaint = f"{one}: {one.complaint}" if one.complaint else ""
            yield Try(f"{one.role} {one.growth}", complaint)


def _sessions(folder: Path, until_s: float, file: TextIO) -> Iterator[str]:
    """Run sessions until then, sampling; yields what went wrong with each run, if anything."""
    experiment, number = folder / "experiment", 0
    rig = _rig(folder)
    while time.monotonic() < until_s:
        number += 1
        log = folder / f"run{number}.log"
        with ExitStack() as stack:
            run = stack.enter_context(_process(_dryrun(experiment, rig), log))
            page = stack.enter_context(_page(experiment, folder))
            while time.monotonic() < until_s and run.poll() is None:
                _sample(run, page, file)
                _wait(min(EVERY_S, until_s - time.monotonic()), run)
            over = time.monotonic() >= until_s
        text = log.read_text()
        # a computer that has too much to do lets an emulated board's lease lapse
        yield "" if over or "LEASE" in text else f"ended with {run.returncode}: {text[-1500:]}"


def _sample(run: subprocess.Popen[bytes], page: "_Page | None", file: TextIO) -> None:
    record(run.pid, file)
    if page is not None:
        record(page.process.pid, file)


def _wait(seconds: float, run: subprocess.Popen[bytes]) -> None:
    with suppress(subprocess.TimeoutExpired):
        run.wait(max(0.0, seconds))


def _dryrun(experiment: Path, rig: Path) -> list[str]:
    words = ["-m", "controller.cli", "dryrun", "animal", "--rig", str(rig), "--no-control"]
    settings = [word for one in _SESSION for word in ("--set", one)]
    return [sys.executable, *words, "--out", str(experiment), *settings]


def _rig(folder: Path) -> Path:
    """Return the ready rig with a board that is more patient."""
    source = ready()["simavr_screen"]
    shutil.copytree(source.parent / "valves", folder / "valves")
    text, line = source.read_text("utf-8"), re.compile(r"^lease_ms = \d+$", re.MULTILINE)
    text, count = line.subn(f"lease_ms = {_LEASE_MS}", text)
    if count != 1:
        raise RuntimeError(f"{source}: expected one line with lease_ms")
    path = folder / "rig.toml"
    path.write_text(text, encoding="utf-8")
    return path


@contextmanager
def _process(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program; it and all that it started end with the context."""
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)
        try:
            yield process
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Interrupt it twice, then kill what is left of it."""
    started = tree(process.pid)
    for _ in range(2):
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(60)
    if process.poll() is None:
        for pid in started:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()


class _Page:
    """The live page, with somebody who looks at it all the time."""

    def __init__(self, process: subprocess.Popen[bytes], url: str) -> None:
        self.process, self._url, self._over = process, url, threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def close(self) -> None:
        """Look away."""
        self._over.set()

    def _watch(self) -> None:
        """Load the page, follow its events for a while, load it again, as a browser does."""
        while not self._over.wait(2.0):
            with suppress(OSError, ValueError):
                html = self._read("/")
                if events := re.search(r"/e/[^/\"']+/events", html):
                    self._follow(events[0])

    def _read(self, path: str) -> str:
        with urllib.request.urlopen(self._url + path, timeout=30) as answer:  # noqa: S310
            return answer.read().decode()

    def _follow(self, path: str) -> None:
        until_s = time.monotonic() + _LOOK_S
        with urllib.request.urlopen(self._url + path, timeout=60) as stream:  # noqa: S310
            while stream.readline() and time.monotonic() < until_s and not self._over.is_set():
                pass


@contextmanager
def _page(experiment: Path, folder: Path) -> Iterator[_Page | None]:
    """Serve an experiment, once it is there; nothing where the page can't be imported."""
    try:
        import controller.page.server  # noqa: F401
    except ImportError:
        yield None
        return
    deadline_s = time.monotonic() + 120
    while not (experiment / "experiment.zarr").exists() and time.monotonic() < deadline_s:
        time.sleep(0.5)
    log, port = folder / "page.log", _free_port()
    words = ["-m", "controller.cli", "serve", str(experiment), "--port", str(port)]
    with _process([sys.executable, *words], log) as process:
        page = _Page(process, f"http://127.0.0.1:{port}")
        try:
            yield page
        finally:
            page.close()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
