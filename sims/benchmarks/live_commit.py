"""What a live append costs beside a bare SQLite commit of the same bytes.

Both commit with a write-ahead log and `synchronous=FULL`, one after the other in one run, so that
the disk's mood of the moment hits both. Run it as `python -m sims.benchmarks.live_commit`.
"""

import sqlite3
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from controller.store import EventFrame, Layout, Store
from controller.store.frames import encode_frame


@dataclass(frozen=True, slots=True)
class Settings:
    """What is measured."""

    commits: int = 1000
    """Commits of each kind."""
    payload_bytes: int = 300
    """Size of the bare commit's record, and about that of a live trial."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Medians of one run."""

    append_ms: float
    """A live append."""
    bare_ms: float
    """A bare commit."""

    @property
    def ratio(self) -> float:
        """How much longer the append takes."""
        return self.append_ms / self.bare_ms


def trial_frame(index: int, payload_bytes: int) -> tuple[list[EventFrame], int]:
    """Frames of about one trial's size, and their exact size."""
    frames: list[EventFrame] = []
    size = 0
    while size < payload_bytes:
        frames.append(EventFrame(0, index, 0, 0, index, len(frames), index / 3))
        size += len(encode_frame(frames[-1])[1])
    return frames, size


def compute(settings: Settings, folder: Path | None = None) -> Cost:
    """Measure.

    Args:
        settings: see there.
        folder: on the disk to measure; None takes the system's temporary folder.
    """
    appends, bare = [], []
    layout = Layout(stimulus_dim=1, theta_dim=1, theta_log="none", live=True)
    with tempfile.TemporaryDirectory(dir=folder) as name:
        connection = sqlite3.connect(Path(name) / "bare.sqlite", isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE frames (seq INTEGER PRIMARY KEY, payload BLOB)")
        with Store.create(Path(name) / "s", document="", header={}, layout=layout) as store:
            for index in range(settings.commits):
                frames, size = trial_frame(index, settings.payload_bytes)
                payload = bytes(size)
                start = time.perf_counter()
                store.append(frames)
                appends.append(time.perf_counter() - start)
                start = time.perf_counter()
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("INSERT INTO frames VALUES (?, ?)", (index, payload))
                connection.execute("COMMIT")
                bare.append(time.perf_counter() - start)
        connection.close()
    return Cost(median(appends) * 1e3, median(bare) * 1e3)


def main() -> None:
    """Measure and print."""
    cost = compute(Settings())
    print(
        f"live append {cost.append_ms:.3f} ms, bare SQLite commit {cost.bare_ms:.3f} ms "
        f"(medians): ratio {cost.ratio:.2f}"
    )


if __name__ == "__main__":
    main()
