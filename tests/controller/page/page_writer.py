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
        for line in sys.stdin:
            word, done = line.strip(), store.rows["trials"]
            frame = trial(done) if word == "trial" else event(word, 6 * done, after=done - 1)
            store.append([frame])
            follower.step()
            print(store.rows["trials"], flush=True)
        follower.close()


main(Path(sys.argv[1]))
