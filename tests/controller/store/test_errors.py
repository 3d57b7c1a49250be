"""Bad places, bad stores and bad disks: each error says what, where, and what to do."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from store_samples import assert_same, block, check_agreement, fill, frame, new, published

from controller.store import (
    DiskFull,
    EventFrame,
    Layout,
    NetworkFileSystem,
    NotAStore,
    Store,
    StoreCorrupt,
    StoreExists,
    StoreLocked,
    StoreTooNew,
    WriteFailed,
    boot,
    creation,
    ending,
    place,
    read,
    repair,
    status,
    writer,
)
from controller.store.fold import ZARR_NAME
from controller.store.journal import JOURNAL_NAME, Journal
from controller.store.published import published as shown
from controller.store.tally import TALLY_NAME, read_tally

OPENERS = pytest.mark.parametrize("opener", [Store.open, read, status, repair])


def change_journal(folder: Path, *statements: str) -> None:
    connection = sqlite3.connect(folder / JOURNAL_NAME, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def run_script(script: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program that can import the samples, in a process of its own."""
    here = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": f"{here.parents[2]}{os.pathsep}{here}"}
    return subprocess.run(
        [sys.executable, "-c", script, *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def restart(monkeypatch, folder: Path) -> None:
    """Let the machine look as if it had been started since."""
    (folder / "boot_id").write_text("another boot")
    monkeypatch.setattr(boot, "_BOOT_ID", folder / "boot_id")


@pytest.fixture
def stored(tmp_path):
    with new(tmp_path / "s", 6):
        pass
    return tmp_path / "s"


def test_a_folder_with_something_in_it_is_not_taken(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(StoreExists, match="is taken: expected a new or empty folder"):
        new(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    with pytest.raises(StoreExists, match=r"notes.txt is taken"):
        new(tmp_path / "notes.txt")


def test_a_store_is_not_created_twice(stored):
    with pytest.raises(StoreExists, match="resume the experiment"):
        new(stored)
    assert status(stored)["last_seq"] == 6


def test_an_empty_folder_and_missing_parents_are_fine(tmp_path):
    (tmp_path / "empty").mkdir()
    new(tmp_path / "empty").close("finished")
    new(tmp_path / "a" / "b" / "c").close("finished")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "empty"]


def test_a_failed_creation_leaves_nothing(tmp_path, monkeypatch):
    def fail(*arguments, **named):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(creation, "create_journal", fail)
    with pytest.raises(DiskFull, match="No space left"):
        new(tmp_path / "s")
    assert list(tmp_path.iterdir()) == []


def test_a_header_that_json_cannot_hold_is_refused(tmp_path):
    layout = Layout(stimulus_dim=1, theta_dim=1, theta_log="none")
    for value in (np.zeros(2), float("nan")):
        with pytest.raises(ValueError, match="header: expected what JSON can hold"):
            Store.create(tmp_path / "s", document="", header={"a": value}, layout=layout)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("values", "message"),
    [((0, 1, "all"), "stimulus_dim: expected at least 1"), ((1, 0, "all"), "theta_dim")],
)
def test_a_layout_without_width_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        Layout(*values)


@OPENERS
def test_a_folder_without_a_journal_is_no_store(tmp_path, opener):
    with pytest.raises(NotAStore, match=r"is no store: expected journal.sqlite in it"):
        opener(tmp_path)
    assert list(tmp_path.iterdir()) == []


@OPENERS
@pytest.mark.parametrize("other", ["text", "database"])
def test_another_programs_file_is_no_journal(tmp_path, opener, other):
    if other == "text":
        (tmp_path / JOURNAL_NAME).write_text("not a database at all" * 99)
    else:
        change_journal(tmp_path, "CREATE TABLE t (x)")
    with pytest.raises(NotAStore, match=r"is no journal|another program's database"):
        opener(tmp_path)


@OPENERS
def test_a_store_of_a_later_version_is_refused_with_both_versions(stored, opener):
    change_journal(stored, "PRAGMA user_version = 99")
    with pytest.raises(StoreTooNew, match="has schema 99, this program knows up to 3: update"):
        opener(stored)


def test_a_zarr_store_of_a_later_version_is_refused(stored):
    path = stored / ZARR_NAME / "zarr.json"
    path.write_text(path.read_text().replace('"schema": 3', '"schema": 4'))
    with pytest.raises(StoreTooNew, match="has schema 4"):
        read(stored)


@pytest.mark.parametrize("opener", [Store.open, repair])
def test_a_second_writer_is_told_who_the_first_is(tmp_path, opener, monkeypatch):
    monkeypatch.setattr("controller.store.lock._PATIENCE_S", 0.05)
    with new(tmp_path / "s", 2) as store:
        with pytest.raises(StoreLocked, match=rf"written by process {os.getpid()} on .* since"):
            opener(tmp_path / "s")
        store.fold()
        assert read(tmp_path / "s").attrs["biasloop"]["seq"] == 2
        assert status(tmp_path / "s")["writer"] == os.getpid()


MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/sdb1 /home/local ext4 rw 0 0
user@host: /mnt/my\\040rig fuse.sshfs rw 0 0
//nas/lab /mnt/lab cifs rw 0 0
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/data/s", None),
        ("/home/ann/s", "nfs4"),
        ("/home/local/s", None),
        ("/homework/s", None),
        ("/mnt/my rig/s", "fuse.sshfs"),
        ("/mnt/lab/a/b", "cifs"),
    ],
)
def test_the_innermost_mount_decides_whether_a_folder_is_on_a_network(folder, kind):
    assert place.network_type(Path(folder), MOUNTS) == kind


def test_a_network_file_system_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda / ext4 rw 0 0\nnas:/x {tmp_path.resolve()}/net nfs rw 0 0\n")
    monkeypatch.setattr(place, "MOUNTS", mounts)
    with pytest.raises(NetworkFileSystem, match=r"\(nfs\).*record to a local disk"):
        new(tmp_path / "net" / "s")
    assert not (tmp_path / "net").exists()


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"attributes": {}}'])
def test_damaged_root_metadata_say_repair_and_repair_mends_them(stored, content):
    before, path = published(stored), stored / ZARR_NAME / "zarr.json"
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    for opener in (read, status, Store.open):
        with pytest.raises(StoreCorrupt, match=r"zarr.json is missing or unreadable.*repair"):
            opener(stored)
    repair(stored)
    assert_same(published(stored), before)


def test_a_missing_zarr_store_is_rebuilt_by_repair(stored):
    before = published(stored)
    shutil.rmtree(stored / ZARR_NAME)
    with pytest.raises(StoreCorrupt, match="biasloop repair"):
        read(stored)
    report = repair(stored)
    assert str(report).startswith(f"{stored}: rebuilt from 6 journal frames: ")
    assert_same(published(stored), before)


@pytest.mark.parametrize("damage", ["missing", "cut", "flipped"])
def test_a_damaged_last_chunk_is_rebuilt_on_opening(stored, damage):
    before, path = published(stored), stored / ZARR_NAME / "trials" / "label" / "c" / "0"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(data if damage == "flipped" else data[: len(data) // 2])
    Store.open(stored).close("finished")
    assert_same(published(stored), before)


def test_a_dry_run_that_a_power_cut_stopped_is_rebuilt(tmp_path, monkeypatch):
    store = new(tmp_path / "s", 6)
    store.fold()
    before = published(tmp_path / "s")
    store._journal.close()
    store._lock.release()
    for path in (tmp_path / "s" / ZARR_NAME / "trials").rglob("c/*"):
        path.write_bytes(b"")
    restart(monkeypatch, tmp_path)
    assert_same(read(tmp_path / "s").load(), before)


def test_a_fold_ahead_of_its_journal_is_rebuilt_after_a_power_cut(stored, tmp_path, monkeypatch):
    journal = Journal(stored, writable=True)
    journal.set_meta(exit_status="running")
    journal.close()
    restart(monkeypatch, tmp_path)
    change_journal(stored, "DELETE FROM frames WHERE seq > 4")
    with new(stored.with_name("wanted"), 4):
        pass
    assert_same(read(stored).load(), published(stored.with_name("wanted")))
    assert read_tally(stored) == 6
    with Store.open(stored) as store:
        assert read_tally(stored) == 4
        fill(store, 5)
    assert status(stored)["last_seq"] == 5


@pytest.mark.parametrize("opener", [Store.open, read, repair])
def test_a_journal_that_lost_frames_does_not_replace_tables_that_have_them(stored, opener):
    before = published(stored)
    change_journal(stored, "DELETE FROM frames WHERE seq > 4")
    for match in (r"lacks 2 frame\(s\) .* restore both", r"lacks 2 .* restore journal.sqlite"):
        with pytest.raises(StoreCorrupt, match=match):
            opener(stored)
        (stored / TALLY_NAME).unlink(missing_ok=True)
    assert_same(published(stored), before)


def test_moving_the_tables_away_keeps_what_a_journal_has(stored):
    change_journal(stored, "DELETE FROM frames WHERE seq > 4")
    (stored / ZARR_NAME).rename(stored / "aside.zarr")
    (stored / TALLY_NAME).rename(stored / "aside.last")
    assert repair(stored).frames == 4
    with Store.open(stored) as store:
        assert read_tally(stored) == 4
        fill(store, 5)
    assert status(stored)["last_seq"] == 5


def copied_while_written(folder: Path) -> Path:
    """Make a copy of a store with six frames whose last two are in the log only."""
    store = new(folder, 4)
    store.close("interrupted")
    with Store.open(folder) as store:
        fill(store, 6)
        shutil.copytree(folder, folder.with_name("copy"))
    return folder.with_name("copy")


@OPENERS
@pytest.mark.parametrize("length", [None, 0, 100])
def test_a_lost_or_cut_log_of_a_killed_writer_is_noticed(tmp_path, opener, length):
    copy = copied_while_written(tmp_path / "s")
    log = copy / f"{JOURNAL_NAME}-wal"
    whole = log.read_bytes()
    log.unlink() if length is None else log.write_bytes(whole[:length])
    with pytest.raises(StoreCorrupt, match=r"lacks 2 frame\(s\) that were written to it: .*-wal"):
        opener(copy)
    # nothing was done to the rest: with the log it is whole again
    log.write_bytes(whole)
    assert status(copy)["last_seq"] == 6


@pytest.mark.parametrize("text", [None, b"", b"nonsense", b"00000000000000000099 00000000\n"])
def test_a_store_without_a_readable_tally_is_read_and_gets_one(stored, text):
    tally = stored / TALLY_NAME
    tally.unlink() if text is None else tally.write_bytes(text)
    assert status(stored)["last_seq"] == 6
    with Store.open(stored):
        assert read_tally(stored) == 6


def test_a_damaged_frame_is_named_by_its_number_and_the_old_fold_stays(stored):
    before = published(stored)
    change_journal(stored, "UPDATE frames SET payload = zeroblob(length(payload)) WHERE seq = 4")
    with pytest.raises(StoreCorrupt, match=r"frame 4 .* is damaged: the checksum does not match"):
        repair(stored)
    assert_same(read(stored).load(), before)
    with Store.open(stored) as store:
        assert [seq for seq, _ in store.frames(after=4)] == [5, 6]
        with pytest.raises(StoreCorrupt, match="frame 4"):
            list(store.frames())


def test_a_missing_frame_is_named(stored):
    change_journal(stored, "DELETE FROM frames WHERE seq = 3")
    with pytest.raises(StoreCorrupt, match="frame 3 is missing; the next is 4"):
        repair(stored)


def test_a_damaged_state_is_named(stored):
    change_journal(stored, "UPDATE states SET payload = x'00112233445566778899aabbccddeeff'")
    with Store.open(stored) as store, pytest.raises(StoreCorrupt, match="state 'learner'"):
        store.state("learner")


def test_a_damaged_journal_says_that_it_is_the_truth(stored):
    change_journal(stored, "DELETE FROM meta WHERE key = 'layout'")
    with pytest.raises(StoreCorrupt, match="restore it from a copy"):
        Store.open(stored)


def test_the_reserve_stops_a_run_before_the_disk_is_full(tmp_path, monkeypatch):
    store = new(tmp_path / "s", 3)
    monkeypatch.setattr(writer, "free_bytes", lambda folder: writer.RESERVE_BYTES)
    with pytest.raises(DiskFull, match=r"reserve.*Everything up to frame 3 is stored"):
        fill(store, 4)
    with pytest.raises(DiskFull, match="an earlier write failed"):
        store.fold()
    store.close("failed")
    monkeypatch.undo()
    assert status(tmp_path / "s")["exit_status"] == "failed"
    with Store.open(tmp_path / "s") as store:
        assert store.last_seq == 3


def test_any_error_of_the_journal_is_final_and_says_what_is_stored(tmp_path, monkeypatch):
    def fail(*arguments):
        raise sqlite3.OperationalError("disk I/O error")

    store = new(tmp_path / "s", 3)
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "append", fail)
        with pytest.raises(
            WriteFailed, match=r"disk I/O error .*MiB left.*up to frame 3 is stored"
        ):
            fill(store, 4)
    with pytest.raises(WriteFailed, match="an earlier write failed"):
        store.append([EventFrame(0, 0)])
    store.close("failed")
    with Store.open(tmp_path / "s") as store:
        fill(store, 6)
    check_agreement(published(tmp_path / "s"))


def test_an_error_of_the_fold_is_final_and_loses_nothing(tmp_path, monkeypatch):
    def fail(*arguments, **named):
        raise OSError(5, "Input/output error")

    store = new(tmp_path / "s", 3)
    with monkeypatch.context() as patch:
        patch.setattr("controller.store.columns.write_atomic", fail)
        with pytest.raises(WriteFailed, match="Input/output error"):
            store.fold()
    with pytest.raises(WriteFailed):
        fill(store, 4)
    store.close("failed")
    assert read(tmp_path / "s").attrs["biasloop"]["seq"] == 3


def test_a_second_error_while_closing_is_noted_on_the_first(tmp_path, monkeypatch):
    def fail(*arguments, **named):
        raise OSError(5, "Input/output error")

    def run():
        with new(tmp_path / "s", 3):
            monkeypatch.setattr("controller.store.columns.write_atomic", fail)
            raise RuntimeError("first")

    with pytest.raises(RuntimeError, match="first") as caught:
        run()
    assert "closing the store failed as well" in caught.value.__notes__[0]
    monkeypatch.undo()
    assert Store.open(tmp_path / "s").last_seq == 3


FILL_UNTIL_FULL = """
import resource, sys
from pathlib import Path
from controller.store import Store, DiskFull, WriteFailed
from controller.store import writer
from store_samples import block
writer.RESERVE_BYTES = 0
store = Store.open(Path(sys.argv[1]))
limit = int(sys.argv[2])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    while True:
        seq = store.append([block(store.last_seq + 1, store.rows, n=400, slots=8)])
        print(seq, flush=True)
        if seq % 5 == 0:
            store.fold()
except (DiskFull, WriteFailed) as error:
    print(type(error).__name__, error)
"""


def fill_until_full(folder: Path, limit: int) -> tuple[int, str]:
    done = run_script(FILL_UNTIL_FULL, folder, str(limit))
    assert done.returncode == 0, done.stderr
    *numbers, message = done.stdout.splitlines()
    return int(numbers[-1]), message


def check_full(folder: Path, acknowledged: int, message: str) -> None:
    assert f"Everything up to frame {acknowledged} is stored" in message
    assert str(folder) in message
    assert "MiB left there" in message
    with Store.open(folder) as store:
        assert store.last_seq == acknowledged
        for seq, stored in store.frames():
            wanted = block(seq, {"candidates": 0, "stimuli": 0}, n=400, slots=8)
            assert stored.labels.tobytes() == wanted.labels.tobytes()
    assert read(folder).attrs["biasloop"]["seq"] == acknowledged


def test_a_file_size_limit_ends_the_run_with_all_that_was_acknowledged(tmp_path):
    new(tmp_path / "s").close("finished")
    acknowledged, message = fill_until_full(tmp_path / "s", 2**20)
    check_full(tmp_path / "s", acknowledged, message)


@pytest.fixture
def mounted(tmp_path):
    """A small disk of its own."""
    point = tmp_path / "disk"
    point.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", point]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a disk")
    yield point
    subprocess.run(["umount", point], check=True)


def test_a_full_disk_ends_the_run_with_all_that_was_acknowledged(mounted):
    new(mounted / "s").close("finished")
    acknowledged, message = fill_until_full(mounted / "s", 0)
    assert message.startswith("DiskFull")
    shutil.copytree(mounted / "s", mounted.with_name("copy"))
    # On the full disk itself the journal is readable; elsewhere the run can go on.
    assert status(mounted / "s")["last_seq"] == acknowledged
    with Store.open(mounted.with_name("copy")) as store:
        assert store.last_seq == acknowledged
    assert read(mounted.with_name("copy")).attrs["biasloop"]["seq"] == acknowledged


def test_a_nearly_full_disk_gets_no_new_store(mounted):
    (mounted / "big").write_bytes(bytes(20 * 2**20))
    with pytest.raises(DiskFull, match="a new store asks for 32 MiB"):
        new(mounted / "s")
    assert [path.name for path in mounted.iterdir()] == ["big"]


@pytest.mark.parametrize("clean", [True, False])
def test_on_a_read_only_disk_what_is_published_is_read(mounted, clean):
    store = new(mounted / "s", 3)
    store.fold()
    fill(store, 5)
    if clean:
        store.close("finished")
    else:
        store._journal.close()
        store._lock.release()
    subprocess.run(["mount", "-o", "remount,ro", mounted], check=True)
    assert read(mounted / "s").attrs["biasloop"]["seq"] == (5 if clean else 3)
    assert status(mounted / "s")["last_seq"] == 5
    with pytest.raises(WriteFailed, match="Read-only file system"):
        Store.open(mounted / "s")


def test_a_killed_creation_leaves_nothing_that_looks_like_a_store(tmp_path):
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from controller.store import creation\n"
        "from store_samples import new\n"
        "creation.create_journal = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)\n"
        "new(Path(sys.argv[1]))"
    )
    done = run_script(script, tmp_path / "s")
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "s").exists()
    with new(tmp_path / "s", 2):
        pass
    assert json.loads((tmp_path / "s" / "lock").read_text())["pid"] == os.getpid()


def test_memory_stays_flat_however_long_the_run(tmp_path):
    script = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from controller.store import Store\n"
        "from store_samples import block, new\n"
        "store, folds = new(Path(sys.argv[1])), int(sys.argv[2])\n"
        "for k in range(60 * folds):\n"
        "    store.append([block(k, store.rows, n=100, slots=40, generations=16)])\n"
        "    if folds == 1 and k % 10 == 0: store.fold()\n"
        "store.close('finished')\n"
        "for _ in Store.open(Path(sys.argv[1])).frames(): pass\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    ran = [run_script(script, tmp_path / str(times), str(times)) for times in (1, 4)]
    assert [one.returncode for one in ran] == [0, 0], ran
    peaks = [int(one.stdout) for one in ran]
    assert peaks[1] - peaks[0] < 64 * 1024, peaks


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_sessions_memory_does_not_grow_with_its_trials(tmp_path):
    """In one process, because what it imports is far more than what a session may take."""
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from store_samples import new, trial\n"
        "def pages(): return int(Path('/proc/self/statm').read_text().split()[1])\n"
        "store, sizes = new(Path(sys.argv[1]), live=True, kind='session', followed=True), []\n"
        "for k in range(9):\n"
        "    for start in range(1000 * k, 1000 * k + 1000, 20):\n"
        "        store.append([trial(n) for n in range(start, start + 20)])\n"
        "    sizes.append(pages())\n"
        "print((sizes[-1] - sizes[2]) * 4096)\n"
    )
    ran = run_script(script, tmp_path / "s")
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) < 2**20  # of 6 000 trials


def test_a_frame_after_reopening_continues_the_rows(stored):
    with Store.open(stored) as store:
        with pytest.raises(ValueError, match="first_candidate: expected"):
            store.append([block(1, {"candidates": 0, "stimuli": 0})])
        store.append([frame(7, store.rows)])
    check_agreement(published(stored))


def test_counting_frames_while_a_writer_commits_is_no_damage(stored):
    """A commit between any two statements of the one that counts."""
    journal, other = Journal(stored, writable=False), Journal(stored, writable=True)
    commits = iter(range(6, 100))
    journal._connection.set_trace_callback(
        lambda statement: other.append(next(commits), [("event", b"")])
    )
    for _ in range(5):
        journal.check_numbers()
    journal._connection.set_trace_callback(None)
    assert journal.last_seq >= 11
    journal.close()
    other.close()


@pytest.mark.parametrize(
    "look", [lambda folder: status(folder)["exit_status"], lambda folder: shown(folder).exit_status]
)
def test_a_writer_that_goes_while_one_looks_was_not_killed(stored, monkeypatch, look):
    store = Store.open(stored)
    monkeypatch.setattr(ending, "writer_pid", lambda folder: store.close("finished"))
    assert look(stored) == "finished"


@pytest.mark.parametrize(
    ("said", "pids", "wanted"),
    [
        (["finished"], [], "finished"),
        (["running"], [7], "running"),
        (["running", "running"], [None, None], "killed"),
        (["running", "finished"], [None], "finished"),
        (["running", "running"], [None, 7], "running"),
    ],
)
def test_killed_is_what_is_seen_twice(tmp_path, monkeypatch, said, pids, wanted):
    pids = iter(pids)
    monkeypatch.setattr(ending, "writer_pid", lambda folder: next(pids))
    assert ending.ending(tmp_path, iter(said).__next__) == wanted
    assert next(pids, None) is None
