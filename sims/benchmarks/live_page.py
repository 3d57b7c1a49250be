"""What the live page costs a session, and how soon a trial is in the browser.

The session of `live_session` runs twice in real time: alone, and with the page served and shown in
a browser without a window. Counted are the times between trials, which the page must not lengthen,
and the time from a trial being durable to its row being in the document.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import numpy as np

from controller.session import log
from controller.session.on_rig import Request, run_on_rig
from controller.session.unlimited import unlimited
from protocols.library import ready
from protocols.rigs import ready as ready_rigs
from sims.benchmarks.live_session import SHORT

WANTED_S = 1.0
OPEN_S = 120.0
SEEN = """
window.seen = {};
new MutationObserver(() => {
  for (const row of document.querySelectorAll("tr[data-trial]")) {
    window.seen[row.dataset.trial] ??= Date.now();
  }
}).observe(document, { childList: true, subtree: true });
"""


@dataclass(frozen=True, slots=True)
class Settings:
    """What is run."""

    trials: int = 100
    """Of each of the two sessions."""
    rig: str = "simavr_screen"


@dataclass(frozen=True, slots=True)
class Run:
    """One session."""

    durable_ms: np.ndarray
    """f8[trial]: when each trial was on the disk, ms since 1970."""
    seen: dict[int, float]
    """Trial, from 1, to when its row was in the document, ms since 1970."""

    @property
    def interval_ms(self) -> np.ndarray:
        """f8[trial - 1]: between trials."""
        return np.diff(self.durable_ms)

    @property
    def latency_ms(self) -> np.ndarray:
        """f8[seen trial]: from the disk to the document."""
        known = [trial for trial in self.seen if 0 < trial <= len(self.durable_ms)]
        return np.array([self.seen[trial] - self.durable_ms[trial - 1] for trial in known])


def compute(settings: Settings) -> tuple[Run, Run]:
    """Run a session without the page and one with it."""
    return _run(settings, watched=False), _run(settings, watched=True)


def first_response(folder: Path, key: str = "") -> tuple[float, float]:
    """Return how long the page of a store takes to answer, and its first numbers to come, s.

    Args:
        folder: what is served.
        key: of the experiment in it; the folder's name by default.
    """
    with _served(folder) as url:
        began_s = time.perf_counter()
        urlopen(url, timeout=OPEN_S).read()  # noqa: S310  our own server
        answered_s = time.perf_counter() - began_s
        with urlopen(f"{url}e/{key or folder.name}/events", timeout=OPEN_S) as stream:  # noqa: S310
            for line in stream:
                if line.startswith((b'data: {"part": "experiment"', b'data: {"part": "session ')):
                    break
        return answered_s, time.perf_counter() - began_s


def _run(settings: Settings, *, watched: bool) -> Run:
    folder = Path(tempfile.mkdtemp(prefix="biasloop-page-"))
    try:
        with _durable_times() as durable_ns:
            if watched:
                with _served(folder) as url, _browser(f"{url}e/experiment") as seen:
                    _session(settings, folder)
                    time.sleep(WANTED_S * 3)  # the last rows
            else:
                seen = dict[int, float]()
                _session(settings, folder)
        return Run(np.array(durable_ns) / 1e6, seen)
    finally:
        shutil.rmtree(folder)


def _session(settings: Settings, folder: Path) -> None:
    request = Request(
        protocol=ready()["animal"],
        overrides=(*SHORT, f"session.trials={settings.trials}", "stages.generations=9"),
        rig=ready_rigs()[settings.rig],
        lab=folder / "lab",
        folder=folder / "experiment",
        limits=unlimited("simulated"),
        weight_g=None,
        check=False,
        say=print,
        animal={"reaction_ms": 100.0},
    )
    run_on_rig(request)


@contextmanager
def _durable_times() -> Iterator[list[int]]:
    """Note when each trial of the sessions that run meanwhile is durable, ns since 1970."""
    original, moments = log.SessionLog.trial, list[int]()

    def timed(self: log.SessionLog, *arguments: object) -> None:
        original(self, *arguments)  # type: ignore[arg-type]
        moments.append(time.time_ns())

    log.SessionLog.trial = timed  # type: ignore[method-assign]
    try:
        yield moments
    finally:
        log.SessionLog.trial = original  # type: ignore[method-assign]


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "controller.cli", "serve", str(folder), "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None  # noqa: S101  it is a pipe
        yield server.stdout.readline().split()[0]
    finally:
        server.kill()
        server.communicate()


@contextmanager
def _browser(url: str) -> Iterator[dict[int, float]]:
    """Show a page in a process of its own; what it has seen is there afterwards."""
    command = [sys.executable, "-m", "sims.benchmarks.live_page", "--look", url]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    seen: dict[int, float] = {}
    try:
        yield seen
        out, _ = process.communicate("\n", timeout=OPEN_S)
        seen.update({int(trial): float(ms) for trial, ms in json.loads(out).items()})
    finally:
        process.kill()
        process.communicate()


def look(url: str) -> None:
    """Look at a page until a line comes, then print when each trial's row was there."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        path = shutil.which("chromium")
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page()
        page.add_init_script(SEEN)
        while (answer := page.goto(url)) is None or not answer.ok:
            time.sleep(0.2)  # the experiment isn't there yet
        sys.stdin.readline()
        print(json.dumps(page.evaluate("window.seen")))
        browser.close()


def main() -> None:
    """Measure and print; `--trials N` runs another number."""
    if "--look" in sys.argv:
        look(sys.argv[sys.argv.index("--look") + 1])
        return
    count = int(sys.argv[sys.argv.index("--trials") + 1]) if "--trials" in sys.argv else 100
    without, watched = compute(Settings(trials=count))
    alone, along = (np.percentile(one.interval_ms, [50, 99]) for one in (without, watched))
    print(
        f"between trials, without the page: p50 {alone[0]:.1f} ms, p99 {alone[1]:.1f} ms "
        f"(n = {len(without.interval_ms)}); with page and browser: p50 {along[0]:.1f} ms, p99 "
        f"{along[1]:.1f} ms (n = {len(watched.interval_ms)}); ratio p50 {along[0] / alone[0]:.3f}, "
        f"p99 {along[1] / alone[1]:.3f}"
    )
    later = watched.interval_ms - without.interval_ms
    middle, late = np.percentile(later, [50, 99])
    print(
        f"the same interval with the page, longer by: median {middle:+.1f} ms, p99 {late:+.1f} ms; "
        f"the other way round p99 {np.percentile(-later, 99):+.1f} ms"
    )
    latency = watched.latency_ms
    middle, late, worst = np.percentile(latency, [50, 95, 100])
    print(
        f"from the disk to the document: median {middle:.0f} ms, p95 {late:.0f} ms, max "
        f"{worst:.0f} ms (n = {len(latency)} of {len(watched.durable_ms)} trials; wanted below "
        f"{1e3 * WANTED_S:.0f} ms)"
    )


if __name__ == "__main__":
    main()
