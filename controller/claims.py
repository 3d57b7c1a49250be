"""Claims: what may be started once is started once, whoever asks for it again.

A scheduler runs lost work again, and a person starts a command twice. A claim is a file that only
one process can make, `FOLDER/claims/ID.N`. Taking a dead process's claim over is claiming the next
N, so that of several who try it one succeeds, and the files tell what was tried. What an animal
does is never taken over: nobody knows how far it went.
"""

import json
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from controller.holder import Holder, holder
from controller.store.files import sync_folders

LEASE_S = 120.0
"""A claim from another computer that gave no sign for so long may be taken over."""
BEAT_S = 10.0
_FOLDER = "claims"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}")


class ClaimError(Exception):
    """It was claimed before; the message says by whom and where to look."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to do something; it may be handed to another process, which can ask of it."""

    path: Path

    @property
    def number(self) -> int:
        """How often it was claimed, with this time."""
        return int(self.path.suffix[1:])

    def beat(self) -> None:
        """Give a sign of life."""
        with suppress(OSError):  # a claim that was released meanwhile has nothing to say
            os.utime(self.path)

    def holds(self, lease_s: float = LEASE_S) -> bool:
        """Tell whether it is in force: not released, not taken over, not silent for so long."""
        if self.path.with_suffix(f".{self.number + 1}").exists():
            return False
        silent_s = _silent_s(self.path)
        return silent_s is not None and silent_s < lease_s

    def release(self) -> None:
        """Let others claim: what was claimed ended in a way that can be begun again."""
        name = self.path.stem
        for number in range(1, self.number + 1):  # those that it took over would hold again
            self.path.with_name(f"{name}.{number}").unlink(missing_ok=True)


def claim(
    folder: Path,
    name: str,
    *,
    take_over: bool = False,
    lease_s: float = LEASE_S,
    look: Path | None = None,
) -> Claim:
    """Claim something; the file is on disk before this returns.

    Args:
        folder: of the store or the experiment that it belongs to.
        name: what is claimed; letters, digits, dot, dash, underscore.
        take_over: whether the claim of a process that is dead may be taken over. For what is only
            computed; never for what an animal did.
        lease_s: a process of another computer that gave no sign for so long counts as dead.
        look: where to look at what may have been done; `folder` if not given.

    Raises:
        ClaimError: somebody has it, or had.
        ValueError: a name that is none.
        OSError: the folder can't be written.
    """
    if not _ID.fullmatch(name):
        raise ValueError(f"expected letters, digits, dot, dash or underscore as name, got {name!r}")
    made_in = folder / _FOLDER
    made_in.mkdir(parents=True, exist_ok=True)
    last = _last(made_in, name)
    if last is not None and (not take_over or _lives(last, lease_s)):
        raise ClaimError(_refusal(last, name, folder, look))
    path = made_in / f"{name}.{1 if last is None else int(last.suffix[1:]) + 1}"
    try:
        _make(path)
    except FileExistsError:  # somebody was faster
        raise ClaimError(_refusal(path, name, folder, look)) from None
    return Claim(path)


@contextmanager
def beating(held: Claim, every_s: float = BEAT_S) -> Iterator[Claim]:
    """Give a sign of life again and again, from a thread, until the block is left."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(every_s):
            held.beat()

    thread = threading.Thread(target=beat, name="claim", daemon=True)
    thread.start()
    try:
        yield held
    finally:
        ended.set()
        thread.join()


def _make(path: Path) -> None:
    text = json.dumps(asdict(Holder.this())).encode()
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        os.write(handle, text)
        os.fsync(handle)
    finally:
        os.close(handle)
    sync_folders([path.parent, path.parent.parent])


def _last(folder: Path, name: str) -> Path | None:
    """Return the newest claim of something."""
    numbered = re.compile(re.escape(name) + r"\.(\d+)")
    found = [path for path in folder.iterdir() if numbered.fullmatch(path.name)]
    return max(found, key=lambda path: int(path.suffix[1:]), default=None)


def _lives(path: Path, lease_s: float) -> bool:
    silent_s = _silent_s(path)
    if silent_s is None:  # released just now
        return False
    one = holder(path)
    if one is None:  # killed while it claimed, or claiming at this moment
        return silent_s < lease_s
    return one.lives(silent_s, lease_s)


def _silent_s(path: Path) -> float | None:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return None


def _refusal(path: Path, name: str, folder: Path, look: Path | None) -> str:
    one = holder(path)
    who = "a process that was killed meanwhile"
    when = ""
    if one is not None:
        who, when = f"process {one.pid} on {one.host}", f" at {one.at}"
    return f"{name} was claimed by {who}{when}; it may have run: look at {look or folder}"
