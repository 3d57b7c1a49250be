"""A store whose power was cut: is everything there that was acknowledged?"""

import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from controller.store import Store, StoreError, boot, repair
from controller.store.frames import encode_frame
from sims.hardening.disk import Disk
from sims.hardening.part import LeftOutError, Try
from sims.hardening.promises import BrokenPromiseError, require, told
from sims.hardening.store_kills import require_same
from sims.hardening.store_samples import fill, new, published
from sims.hardening.syscalls import CANT_TRACE, Call, read_calls

FRAMES = 30


@dataclass(frozen=True, slots=True)
class Recording:
    """What a writer did to a store, from a moment on at which everything was on the disk."""

    folder: Path
    before: Path
    """The store as it was then."""
    calls: list[Call]
    live: bool
    kind: str
    whole: Path
    """A store with the same frames, undisturbed."""
    frames: dict[int, bytes]
    """What these are."""


def record(scratch: Path, *, kind: str, live: bool) -> Recording:
    """Record a writer of so many frames, which closes the store in the end.

    Raises:
        LeftOutError: processes can't be traced here.
    """
    name = f"{kind}-{'live' if live else 'dry'}"
    folder, before, whole = (scratch / f"{name}{of}" for of in ("", ".before", ".whole"))
    new(folder, live=live, kind=kind).close("finished")
    shutil.copytree(folder, before)
    notes, log = scratch / f"{name}.notes", scratch / f"{name}.log"
    words = [str(folder), str(notes), str(FRAMES), str(log)]
    command = [sys.executable, "-m", "sims.hardening.syscalls", *words]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode == CANT_TRACE:
        raise LeftOutError(f"needs to trace a process: {run.stderr}")
    if run.returncode != 0:
        raise RuntimeError(f"the writer ended with {run.returncode}: {run.stderr[-2000:]}")
    with new(whole, FRAMES, live=live, kind=kind) as store:
        frames = _frames(store)
    return Recording(folder, before, read_calls(log), live, kind, whole, frames)


def cuts(recording: Recording, scratch: Path, chance: random.Random, count: int) -> Iterator[Try]:
    """Cut the power at so many random moments, and look at what is left."""
    total = len(recording.calls)
    disk, done = Disk(recording.before, recording.folder), 0
    for number, moment in enumerate(sorted(chance.randrange(total + 1) for _ in range(count))):
        for call in recording.calls[done:moment]:
            disk.do(call)
        done = moment
        place = scratch / f"{recording.folder.name}.{number}"
        place.mkdir()
        disk.leave(place, chance)
        yield _look(place, recording, disk.acknowledged, f"after call {moment} of {total}")
        shutil.rmtree(place)


def _look(place: Path, recording: Recording, acknowledged: int, when: str) -> Try:
    """Open what is left, compare, go on to the end, compare again."""
    try:
        with _restarted(place.parent):
            ended = _opened(place, recording, acknowledged)
    except BrokenPromiseError as error:
        failure = str(error)
    except Exception as error:  # noqa: BLE001  anything is a failure
        failure = told(error)
    else:
        return Try(ended)
    care = "live" if recording.live else "dry-run"
    return Try("failed", f"{recording.kind}, {care}, {when}, {acknowledged} known: {failure}")


def _opened(place: Path, recording: Recording, acknowledged: int) -> str:
    ended = "all there" if recording.live else "a beginning is there"
    try:
        store = Store.open(place)
    except StoreError:
        if recording.live:
            raise
        # what isn't live isn't synced: the journal has it, and the message says so
        repair(place)
        ended, store = "a beginning is there, after a repair", Store.open(place)
    with store:
        known = acknowledged if recording.live else 0
        require(store.last_seq >= known, f"only {store.last_seq} frames are left")
        found = _frames(store)
        require(len(found) == store.last_seq, "frames are missing in between")
        require(all(recording.frames[n] == frame for n, frame in found.items()), "other frames")
        fill(store, FRAMES)
    require_same(published(place), published(recording.whole))
    return ended


def _frames(store: Store) -> dict[int, bytes]:
    return {number: encode_frame(frame)[1] for number, frame in store.frames()}


@contextmanager
def _restarted(folder: Path) -> Iterator[None]:
    """Let the machine look as if it had been started since."""
    path = folder / "boot_id"
    path.write_text("another start")
    before = boot._BOOT_ID  # noqa: SLF001
    boot._BOOT_ID = path  # noqa: SLF001
    try:
        yield
    finally:
        boot._BOOT_ID = before  # noqa: SLF001
