"""The process that holds something: who it is, and whether it still lives."""

import json
import os
import socket
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that made a claim."""

    pid: int
    host: str
    boot: str
    """The computer's start; empty where the system doesn't tell."""
    began: str
    """The process's start, as the system counts; empty where it doesn't tell."""
    at: str
    """When it claimed, UTC."""

    @classmethod
    def this(cls) -> "Holder":
        """Return the process that asks."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(os.getpid(), socket.gethostname(), _boot(), _began(os.getpid()), now)

    def lives(self, silent_s: float, lease_s: float) -> bool:
        """Tell whether it may still be at work.

        Args:
            silent_s: since its last sign.
            lease_s: from how much of it on a process of another computer counts as dead.
        """
        if self.host != socket.gethostname():
            return silent_s < lease_s
        if self.boot != _boot():
            return False
        return _runs(self.pid) and self.began == _began(self.pid)


def holder(path: Path) -> Holder | None:
    """Return who made a claim; None where it was killed before it could say so."""
    try:
        said = json.loads(path.read_text("utf-8"))
        return Holder(**{field.name: said[field.name] for field in fields(Holder)})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return not _is_zombie(pid)


def _stat(pid: int) -> list[str]:
    """Return what Linux tells of a process, from its state on; empty elsewhere."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _is_zombie(pid: int) -> bool:
    return _stat(pid)[:1] == ["Z"]


def _began(pid: int) -> str:
    fields = _stat(pid)
    return fields[19] if len(fields) > 19 else ""


def _boot() -> str:
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return ""
