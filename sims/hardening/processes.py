"""What a process and all that it started take of the machine, as /proc tells it."""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_WORDS = {
    "simhost": "board emulator",
    "Xvfb": "screen",
    "resource_tracker": "tracker",
    "serve": "page",
}
"""Word of a command line to what the process is."""
_MAPPED = {"jaxlib": "planner", "glfw": "stimulus", "libGL": "stimulus"}
"""Library to what a process that has it mapped is: a spawned one has no name of its own."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One process at one moment."""

    t_s: float
    """Since 1970 (UTC)."""
    pid: int
    began: int
    """Clock ticks after the machine's start, which tells two processes of one number apart."""
    role: str
    rss_bytes: int
    anonymous_bytes: int
    """The part of it that no file backs: what a leak grows."""
    files: int
    """Open ones."""
    threads: int
    cpu_s: float
    """Processor time since its start."""


def tree(pid: int) -> list[int]:
    """Return a process and all that descend from it; empty where it is gone."""
    found = [pid] if (PROC / str(pid)).exists() else []
    for one in found:
        found += _children(one)
    return found


def sample(root: int) -> list[Sample]:
    """Return a sample of every process under `root`; one that ends meanwhile is left out."""
    return [one for pid in tree(root) if (one := _sample(pid, root)) is not None]


def record(root: int, file: TextIO) -> None:
    """Write one line of JSON for each process under `root`."""
    file.writelines(json.dumps(asdict(one)) + "\n" for one in sample(root))
    file.flush()


def read_samples(path: Path) -> list[Sample]:
    """Return what `record` wrote, without a line that was cut off."""
    return [Sample(**json.loads(line)) for line in path.read_text().split("\n")[:-1]]


def _children(pid: int) -> Iterator[int]:
    # the list belongs to the thread that started them
    try:
        for task in (PROC / str(pid) / "task").iterdir():
            yield from map(int, (task / "children").read_text().split())
    except OSError:
        return


def _sample(pid: int, root: int) -> Sample | None:
    folder = PROC / str(pid)
    try:
        lines = (folder / "status").read_text().splitlines()
        status = dict(line.split(":", 1) for line in lines)
        # the name in brackets may hold anything
        stat = (folder / "stat").read_text().rpartition(")")[2].split()
        return Sample(
            t_s=time.time(),
            pid=pid,
            began=int(stat[19]),
            role=_role(folder, pid, root),
            rss_bytes=_bytes(status["VmRSS"]),
            anonymous_bytes=_bytes(status["RssAnon"]),
            files=sum(1 for _ in (folder / "fd").iterdir()),
            threads=int(status["Threads"]),
            cpu_s=(int(stat[11]) + int(stat[12])) / _TICKS,
        )
    except (OSError, KeyError, ValueError):
        return None  # it has ended, or is a zombie


def _bytes(text: str) -> int:
    return int(text.split(maxsplit=1)[0]) * 1024


def _role(folder: Path, pid: int, root: int) -> str:
    words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
    named = [role for word, role in _WORDS.items() if any(word in one for one in words)]
    if named:
        return named[0]
    if pid == root:
        return "controller"
    maps = (folder / "maps").read_text()
    mapped = next((role for library, role in _MAPPED.items() if library in maps), "other")
    board = any("simhost" in _command(child) for child in _children(pid))
    return "animal" if board else mapped


def _command(pid: int) -> str:
    try:
        return (PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""
