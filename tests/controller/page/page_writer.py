"""A session in a process of its own: a line in, a trial stored and published, its number out."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from page_samples import event, session, trial

from controller.store import Follower


def main(folder: Path) -> None:
    with session(folder, followed=True) as store, Follower(folder) as follower:
        store.append([event("session_started")])
        follower.step()
        print("begun", flush=True)
        for k, line in enumerate(sys.stdin):
            word = line.strip()
            store.append([trial(k)] if word == "trial" else [event(word, 6 * k, after=k - 1)])
            follower.step()
            print(k, flush=True)
        follower.close()


main(Path(sys.argv[1]))
