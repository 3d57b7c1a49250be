"""The processes of the torture test: `serve` forks writers that are killed, `watch` reads.

python store_torture.py serve   # stdin: "FOLDER ACKNOWLEDGED UNTIL" → stdout: process id
python store_torture.py watch FOLDER  # until stdin is closed → stdout: number of looks
python store_torture.py follow FOLDER  # stdin: "on", "off" → stdout: "ok"; the frames at its end

`serve followed` and `watch` serve a session's store, which `follow` publishes.
"""

import os
import select
import sys
import traceback
import warnings
from pathlib import Path

import numpy as np
import xarray as xr
from store_samples import check_agreement, frame_of

from controller.store import Follower, Store, metadata
from controller.store.fold import ZARR_NAME, read_marker


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


def small_chunks() -> None:
    """So that a short run fills many."""
    metadata._ROWS_LIVE = 64
    metadata._ROWS_DRY_OTHER = 64
    metadata._ROWS_DRY = {"trials": 256}


def serve(*, followed: bool) -> None:
    """Fork a writer for each line of stdin; the imports are paid once."""
    small_chunks()
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
    small_chunks()
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
    if sys.argv[1] == "serve":
        serve(followed="followed" in sys.argv)
    elif sys.argv[1] == "follow":
        follow(Path(sys.argv[2]))
    else:
        watch(Path(sys.argv[2]))
