"""A session's process: leases slots and finishes them, until there is nothing more to do.

python queue_worker.py FOLDER SUBJECT

stdin: a line to begin; stdout: "ready", then "leased SLOT" and "done SLOT".
"""

import sys
from pathlib import Path

import numpy as np

from controller.session.errors import NothingToDo
from controller.session.queue import Queue, Result


def main(folder: Path, subject: str) -> None:
    print("ready", flush=True)
    sys.stdin.readline()
    with Queue(folder) as queue:
        while True:
            try:
                lease = queue.lease(subject, f"{subject}-session", 1.0)
            except NothingToDo:
                return
            slot = lease.assignment.slot
            print(f"leased {slot}", flush=True)
            queue.finish(lease, Result(np.full(3, slot), 3, 1))
            print(f"done {slot}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
