"""A run's store while it is computed: on a local disk, also where the sweep is on a network.

The journal needs a local disk. Where the sweep's folder is on a network file system, as a
cluster's are, a run is computed in this computer's temporary folder and copied when it is finished;
one that was cut off goes on if the same computer gets it again, and else begins anew, with the same
numbers.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from controller.export.whole_folder import whole_folder
from controller.store import StoreError, status
from controller.store.place import network_type


@contextmanager
def on_local_disk(place: Path) -> Iterator[Path]:
    """Yield where a store is to be made or continued, and bring a finished one to its place.

    Raises:
        controller.store.StoreError: it can't be copied.
    """
    if network_type(place) is None or place.exists():  # a copy is finished: it is only read
        yield place
        return
    scratch = _scratch(place)
    scratch.parent.mkdir(parents=True, exist_ok=True)
    yield scratch
    if scratch.exists() and status(scratch)["exit_status"] == "finished":
        with whole_folder(place, StoreError) as partial:
            shutil.copytree(scratch, partial, dirs_exist_ok=True)
        shutil.rmtree(scratch)


def _scratch(place: Path) -> Path:
    sweep = hashlib.sha256(str(place.parent.absolute()).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"biasloop-sweep-{sweep}" / place.name
