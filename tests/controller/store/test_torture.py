"""A writer that is killed at random moments, again and again, beside a reader."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from store_samples import assert_same, fill, new, published
from store_torture import small_chunks

from controller.store import Store, repair, status

HERE = Path(__file__).parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parents[2]), str(HERE)])}


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, HERE / "store_torture.py", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=ENVIRONMENT,
        text=True,
    )


def run_writer(
    server: subprocess.Popen[str],
    folder: Path,
    until: int,
    kill_after_s: float | None,
    *,
    after_append: bool = False,
) -> int:
    """Let a writer run, the time counted from its start or its first append; its wait status."""
    notes = Path(f"{folder}.acknowledged")
    size = notes.stat().st_size if notes.exists() else 0
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(f"{folder} {folder}.acknowledged {until}\n")
    server.stdin.flush()
    pid = int(server.stdout.readline())
    if kill_after_s is not None:
        while after_append and (not notes.exists() or notes.stat().st_size == size):
            time.sleep(0.001)
        time.sleep(kill_after_s)
        os.kill(pid, signal.SIGKILL)
    return int(server.stdout.readline())


def torture(folder: Path, kills: int, seed: int, *, live: bool) -> None:
    rng = random.Random(seed)
    print(f"seed {seed}")
    new(folder, live=live).close("finished")
    server, watcher = start("serve"), start("watch", str(folder))
    notes, acknowledged, stored = Path(f"{folder}.acknowledged"), 0, 0
    try:
        for kill in range(kills):
            # Every other kill comes during opening and recovery, or soon after.
            running = kill % 2 == 0
            delay_s = rng.uniform(0, 0.1 if running else 0.2)
            code = run_writer(server, folder, 10**9, delay_s, after_append=running)
            assert code == signal.SIGKILL, f"kill {kill}: the writer ended by itself ({code})"
            if notes.exists():
                # Empty if the kill came before the first append.
                acknowledged = int((notes.read_text().split() or ["0"])[-1])
            # One more may be committed without being acknowledged yet, in every round.
            known, stored = max(acknowledged, stored), status(folder)["last_seq"]
            assert known <= stored <= known + 1
            assert watcher.poll() is None, f"kill {kill}: the reader failed"
        until = max(acknowledged, stored) + 5
        assert run_writer(server, folder, until, None) == 0
    finally:
        looks, _ = watcher.communicate("stop\n")
        server.communicate()
    assert watcher.returncode == 0
    assert int(looks) > 0
    print(f"{kills} kills, {until} frames, {looks.strip()} looks")

    assert [int(n) for n in notes.read_text().split()][-1] == until
    with new(folder.with_name("unbroken"), until, live=live) as unbroken:
        pass
    assert_same(published(folder), published(unbroken.folder))
    with Store.open(folder) as store:
        state = store.state("learner")
        assert state is not None
        assert state["k"] == [until]
    repair(folder)
    assert_same(published(folder), published(unbroken.folder))


def say(follower: subprocess.Popen[str], word: str) -> None:
    assert follower.stdin is not None
    assert follower.stdout is not None
    follower.stdin.write(f"{word}\n")
    follower.stdin.flush()
    assert follower.stdout.readline() == "ok\n", "the follower failed"


def begin(server: subprocess.Popen[str], folder: Path, until: int) -> int:
    """Let a writer begin; its process."""
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(f"{folder} {folder}.acknowledged {until}\n")
    server.stdin.flush()
    return int(server.stdout.readline())


def torture_followed(folder: Path, kills: int, seed: int, *, live: bool) -> None:
    """Kill a session's writer beside a follower, and now and then the follower as well."""
    rng = random.Random(seed)
    print(f"seed {seed}")
    new(folder, live=live, kind="session").close("finished")
    server, watcher = start("serve", "followed"), start("watch", str(folder))
    follower = start("follow", str(folder))
    notes, acknowledged = Path(f"{folder}.acknowledged"), 0
    notes.touch()
    try:
        for kill in range(kills):
            size = notes.stat().st_size
            pid = begin(server, folder, 10**9)
            while notes.stat().st_size == size:
                time.sleep(0.001)
            say(follower, "on")
            time.sleep(rng.uniform(0, 0.15))
            if kill % 8 == 7:
                follower.kill()
                follower.communicate()
                follower = start("follow", str(folder))
            os.kill(pid, signal.SIGKILL)
            assert server.stdout is not None
            assert int(server.stdout.readline()) == signal.SIGKILL
            say(follower, "off")
            acknowledged = int(notes.read_text().split()[-1])
            stored = status(folder)
            assert acknowledged <= stored["last_seq"] <= acknowledged + 1
            if kill % 8 != 7:
                assert stored["published_seq"] == stored["last_seq"]
            assert watcher.poll() is None, f"kill {kill}: the reader failed"
        until = acknowledged + 5
        assert run_writer(server, folder, until, None) == 0
    finally:
        looks, _ = watcher.communicate("stop\n")
        follower.communicate()
        server.communicate()
    assert watcher.returncode == follower.returncode == 0
    assert int(looks) > 0
    print(f"{kills} kills, {until} frames, {looks.strip()} looks")
    check_whole(folder, until, live=live)


def check_whole(folder: Path, until: int, *, live: bool) -> None:
    """The fold of a session that was killed often is that of one that never was, and the repair."""
    with new(folder.with_name("unbroken"), until, live=live, kind="session") as unbroken:
        pass
    wanted = published(unbroken.folder)
    assert_same(published(folder), wanted)
    repair(folder)
    assert_same(published(folder), wanted)


@pytest.mark.usefixtures("_small")
def test_kills_of_a_followed_session_lose_nothing_acknowledged_and_never_break_a_reader(tmp_path):
    torture_followed(tmp_path / "s", 16, random.randrange(2**32), live=True)


@pytest.mark.slow
@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("live", [False, True], ids=["dry-run", "live"])
def test_many_kills_of_a_followed_session_lose_nothing_acknowledged(tmp_path, live):
    torture_followed(tmp_path / "s", 400, random.randrange(2**32), live=live)


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    from controller.store import metadata

    for name in ("_ROWS_LIVE", "_ROWS_DRY_OTHER", "_ROWS_DRY"):
        monkeypatch.setattr(metadata, name, getattr(metadata, name))
    small_chunks()


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("live", [False, True], ids=["dry-run", "live"])
def test_a_hundred_kills_lose_nothing_acknowledged_and_never_break_a_reader(tmp_path, live):
    torture(tmp_path / "s", 40 if live else 60, random.randrange(2**32), live=live)


@pytest.mark.slow
@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("live", [False, True], ids=["dry-run", "live"])
def test_a_thousand_kills_lose_nothing_acknowledged_and_never_break_a_reader(tmp_path, live):
    torture(tmp_path / "s", 500, random.randrange(2**32), live=live)


@pytest.mark.usefixtures("_small")
def test_a_fold_in_small_steps_equals_one_at_the_end(tmp_path):
    with new(tmp_path / "a") as steps:
        for until in range(1, 60, 3):
            fill(steps, until)
            steps.fold()
    with new(tmp_path / "b", steps.last_seq):
        pass
    assert_same(published(tmp_path / "a"), published(tmp_path / "b"))
