"""The processes of the torture test: `serve` forks writers that are killed, `watch` reads.

python store_torture.py serve   # stdin: "FOLDER ACKNOWLEDGED UNTIL" → stdout: process id
python store_torture.py watch FOLDER  # until stdin is closed → stdout: number of looks
"""

import os
import select
import sys
import traceback
import warnings
from pathlib import Path

import numpy as np
import xarray as xr
from store_samples import check_agreement, frame

from controller.store import Store, metadata
from controller.store.fold import ZARR_NAME
from controller.store.schema import TABLE_NAMES


def write(folder: Path, acknowledged: Path, until: int) -> None:
    """Open the store and append frames, noting each one's number once it is committed."""
    note = os.open(acknowledged, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    with Store.open(folder) as store:
        while store.last_seq < until:
            k = store.last_seq + 1
            seq = store.append([frame(k, store.rows)], state={"learner": {"k": np.array([k])}})
            os.write(note, f"{seq}\n".encode())
            if k % 4 == 0:
                store.fold()
        store.close("finished")


def small_chunks() -> None:
    """So that a short run fills many."""
    metadata._ROWS_LIVE = 64
    metadata._ROWS_DRY_OTHER = 64
    metadata._ROWS_DRY = {"trials": 256}


def serve() -> None:
    """Fork a writer for each line of stdin; the imports are paid once."""
    small_chunks()
    for line in sys.stdin:
        folder, acknowledged, until = line.split()
        pid = os.fork()
        if pid == 0:
            try:
                write(Path(folder), Path(acknowledged), int(until))
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
    while not select.select([sys.stdin], [], [], 0)[0]:
        if looks % 3 == 0:
            with xr.open_datatree(path, engine="zarr", chunks=None) as tree:
                check_agreement(tree)
        elif looks % 3 == 1:
            xr.open_zarr(path, chunks=None).close()
        else:
            with xr.open_zarr(path, group=TABLE_NAMES[looks // 3 % 6], chunks=None) as table:
                table.load()
        looks += 1
    sys.stdout.write(f"{looks}\n")


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve()
    else:
        watch(Path(sys.argv[2]))
