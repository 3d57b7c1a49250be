"""The processes of the kills: `serve` forks writers that are killed, `watch` reads.

python -m sims.hardening.store_writer serve   # stdin: "FOLDER NOTES UNTIL" → stdout: process id
python -m sims.hardening.store_writer watch FOLDER   # until its input ends → number of looks
python -m sims.hardening.store_writer follow FOLDER  # stdin: "on", "off" → stdout: "ok"

`serve followed` and `watch` serve a session's store, which `follow` publishes.
"""

import os
import select
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import xarray as xr

from controller.store import Follower, Store, metadata
from controller.store.fold import ZARR_NAME, read_marker
from sims.hardening.store_samples import check_agreement, frame_of

_SMALL = {"_ROWS_LIVE": 64, "_ROWS_DRY_OTHER": 64, "_ROWS_DRY": {"trials": 256}}


def write(folder: Path, acknowledged: Path, until: int, *, followed: bool) -> None:
    """Open the store and append frames, noting each one's number once it is committed."""
    note = os.open(acknowledged, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    with Store.open(folder, followed=followed) as store:
        while store.last_seq < until:
            k = store.last_seq + 1
            seq = store.append([frame_of(store, k)], state={"learner": {"k": np.array([k])}})
            os.write(note, f"{seq}\n".encode())
            if k % 4 == 0:
                store.fold()
        store.close("finished")


@contextmanager
def small_chunks() -> Iterator[None]:
    """Let chunks have few rows, so that a short run fills many."""
    before = {name: getattr(metadata, name) for name in _SMALL}
    for name, rows in _SMALL.items():
        setattr(metadata, name, rows)
    try:
        yield
    finally:
        for name, rows in before.items():
            setattr(metadata, name, rows)


def serve(*, followed: bool) -> None:
    """Fork a writer for each line of stdin; the imports are paid once."""
    for line in sys.stdin:
        folder, acknowledged, until = line.split()
        pid = os.fork()
        if pid == 0:
            try:
                write(Path(folder), Path(acknowledged), int(until), followed=followed)
            except BaseException:  # noqa: BLE001  a forked child must end here
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
        _, code = os.waitpid(pid, 0)
        sys.stdout.write(f"{code}\n")
        sys.stdout.flush()


def watch(folder: Path) -> None:
    """Open the store in every way, again and again; any error or warning ends it."""
    warnings.simplefilter("error")
    looks, path = 0, folder / ZARR_NAME
    names = tuple(read_marker(folder)["rows"])
    while not select.select([sys.stdin], [], [], 0)[0]:
        if looks % 3 == 0:
            with xr.open_datatree(path, engine="zarr", chunks=None) as tree:
                check_agreement(tree)
        elif looks % 3 == 1:
            xr.open_zarr(path, chunks=None).close()
        else:
            with xr.open_zarr(path, group=names[looks // 3 % len(names)], chunks=None) as table:
                table.load()
        looks += 1
    sys.stdout.write(f"{looks}\n")


def follow(folder: Path) -> None:
    """Publish while it is told to; the imports are paid once."""
    follower: Follower | None = None
    while True:
        if select.select([sys.stdin], [], [], 0 if follower else None)[0]:
            word = sys.stdin.readline().strip()
            if follower is not None:
                follower.step()
                follower.close()
            follower = Follower(folder) if word == "on" else None
            if not word:
                return
            sys.stdout.write("ok\n")
            sys.stdout.flush()
        if follower is not None:
            follower.step()


if __name__ == "__main__":
    with small_chunks():
        if sys.argv[1] == "serve":
            serve(followed="followed" in sys.argv)
        elif sys.argv[1] == "follow":
            follow(Path(sys.argv[2]))
        else:
            watch(Path(sys.argv[2]))
