"""Reading stores back: a large one within a minute, a small one at once, the page without waiting.

Run with `python -m sims.benchmarks.analyse`. The stores are dry-runs of the default document with
more generations. Each command is a process of its own, with the compilations that JAX keeps (as on
every call but the first) and without. Python's imports, which are the same for every store, are
measured by themselves.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from controller import jax_cache
from controller.document import load_experiment
from controller.runs import begin
from controller.store import status
from protocols.library import ready

TRIALS_PER_GENERATION = 32 * 24
STAGES = 3
LARGE, SMALL = 10_000_000, 10_000
OPENINGS = 5
AGAIN = 7
PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class Cost:
    """What one command took."""

    seconds: float
    peak_gb: float


def store(folder: Path, trials: int) -> int:
    """Make a store of about so many trials; return how many there are."""
    generations = -(-trials // (TRIALS_PER_GENERATION * STAGES))
    document = load_experiment(ready()["default"], (f"stages.generations={generations}",))
    begin(document, folder, control=True)
    return status(folder)["rows"]["trials"]


def cost(arguments: list[str], *, kept: Path) -> Cost:
    """Run one command of the command line.

    Args:
        arguments: after `biasloop`.
        kept: where JAX keeps what it compiles.
    """
    return _timed(["-m", "controller.cli", *arguments], kept)


def imports(*, kept: Path) -> Cost:
    """Import what `analyse` needs, as it does, and nothing else."""
    modules = ("controller.analysis.summary", "controller.analysis.report", "controller.cli")
    lines = ["from controller.quick_imports import quick_imports", "with quick_imports():"]
    return _timed(["-c", "\n".join([*lines, *(f"    import {name}" for name in modules)])], kept)


def _timed(words: list[str], kept: Path) -> Cost:
    begun_s = time.monotonic()
    child = subprocess.Popen(
        [sys.executable, *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "JAX_COMPILATION_CACHE_DIR": str(kept)},
    )
    _, code, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(code)
    if child.returncode:
        sys.exit(f"python {' '.join(words)} ended with {child.returncode}")
    return Cost(time.monotonic() - begun_s, usage.ru_maxrss * 1024 / 1e9)


def openings(folder: Path) -> tuple[list[float], list[float]]:
    """Open the live page of a store anew, again and again.

    Returns:
        Seconds until the page answered, and until its first numbers were sent.
    """
    pages, numbers = [], []
    for _ in range(OPENINGS):
        server = subprocess.Popen(
            [sys.executable, "-m", "controller.cli", "serve", str(folder), "--port", "0"],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            address = _address(server)
            begun_s = time.monotonic()
            html = _first_bytes(address, b"</html>")
            pages.append(time.monotonic() - begun_s)
            events = re.search(r'data-events="([^"]+)"', html)
            if events is None:
                sys.exit("the page names no stream of events")
            _first_bytes(f"{address.rstrip('/')}{events.group(1)}", b"data:")
            numbers.append(time.monotonic() - begun_s)
        finally:
            server.terminate()
            server.wait()
    return pages, numbers


def _address(server: subprocess.Popen[str]) -> str:
    stream = server.stdout
    if stream is None:
        raise RuntimeError("the server's output isn't a pipe")
    for line in stream:
        if found := re.search(r"http://\S+", line):
            return found.group(0)
    sys.exit("the server ended before it said where it is")


def _first_bytes(address: str, until: bytes) -> str:
    """Read an answer up to some bytes."""
    got = b""
    with urllib.request.urlopen(address, timeout=PATIENCE_S) as answer:  # noqa: S310  loopback
        while until not in got and (piece := answer.readline()):
            got += piece
    return got.decode()


def main() -> None:
    """Make the stores, measure and print."""
    jax_cache.enable()
    with tempfile.TemporaryDirectory() as made:
        for name, wanted in (("large", LARGE), ("small", SMALL)):
            folder, kept = Path(made) / name, Path(made) / f"{name}-kept"
            trials = store(folder, wanted)
            limit = "60 s, 2 GB" if name == "large" else "5 s"
            for how in ("without", "with"):
                took = cost(["analyse", str(folder)], kept=kept)
                print(
                    f"analyse, {trials:,} trials, {how} kept compilations: {took.seconds:.1f} s, "
                    f"{took.peak_gb:.2f} GB (wanted: {limit})"
                )
            if name == "small":
                again = [cost(["analyse", str(folder)], kept=kept).seconds for _ in range(AGAIN)]
                loading = [imports(kept=kept).seconds for _ in range(AGAIN)]
                print(
                    f"again, n = {AGAIN}: {median(again):.1f} s ({min(again):.1f}-{max(again):.1f})"
                    f", of which importing Python's modules takes {median(loading):.1f} s: "
                    f"{median(again) - median(loading):.1f} s after import (wanted: {limit})"
                )
            looked = cost(["status", str(folder)], kept=kept)
            print(f"status, {trials:,} trials: {looked.seconds:.2f} s")
        pages, numbers = openings(Path(made) / "large")
        print(
            f"serve, large store: page after {median(pages):.2f} s ({min(pages):.2f}-"
            f"{max(pages):.2f}), first numbers after {median(numbers):.2f} s "
            f"({min(numbers):.2f}-{max(numbers):.2f}), n = {OPENINGS} (wanted: 1 s)"
        )


if __name__ == "__main__":
    main()
