"""Nothing that was lost or changed on disk becomes a number: it is refused, and the reason said."""

import os
import sqlite3
import zipfile
from pathlib import Path

import pytest
from store_samples import assert_same, new, published

from controller.store import SCHEMA_VERSION, NotAStore, Store, StoreCorrupt, read, repair, status
from controller.store.fold import ZARR_NAME, read_marker
from controller.store.journal import JOURNAL_NAME
from controller.store.published import published as shown
from controller.store.seal import FIELD, is_whole, sealed

DATA = Path(__file__).parent / "data"


@pytest.fixture(params=["experiment", "session"])
def stored(tmp_path, request):
    with new(tmp_path / "s", 6, kind=request.param):
        pass
    return tmp_path / "s"


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def test_a_seal_is_broken_by_every_flipped_bit():
    text = sealed(b'{"a": 1, "seal": "%s", "b": "\xc3\xa9"}' % FIELD["seal"].encode())
    assert is_whole(text)
    for place in range(len(text)):
        for bit in range(8):
            changed = bytearray(text)
            changed[place] ^= 1 << bit
            assert not is_whole(bytes(changed))


def test_a_flipped_bit_in_the_root_is_refused_and_repaired(stored):
    before, root = published(stored), stored / ZARR_NAME / "zarr.json"
    text = bytearray(root.read_bytes())
    place = text.index(b'"rows"') + 12
    text[place] ^= 1
    root.write_bytes(text)
    with pytest.raises(StoreCorrupt, match="biasloop repair"):
        read_marker(stored)
    repair(stored)
    assert_same(published(stored), before)


def test_every_chunk_that_is_lost_is_missed(stored):
    chunks = sorted(stored.glob(f"{ZARR_NAME}/*/*/c/**/0"))
    chunks = [path for path in chunks if path.is_file()]
    assert len(chunks) > 20
    for path in chunks:
        kept = path.read_bytes()
        path.unlink()
        for look in (read, shown):
            with pytest.raises(StoreCorrupt, match=f"{path.parent.parent.name}.*is missing"):
                look(stored)
        path.write_bytes(kept)
    read(stored)


def test_a_header_of_a_journal_that_was_changed_is_refused(stored):
    connection = sqlite3.connect(stored / JOURNAL_NAME)
    (value,) = connection.execute("SELECT value FROM meta WHERE key = 'header'").fetchone()
    assert "1" in value
    connection.execute("UPDATE meta SET value = replace(value, '1', '2') WHERE key = 'header'")
    connection.commit()
    connection.close()
    for look in (status, Store.open, repair):
        with pytest.raises(StoreCorrupt, match="checksum of its header"):
            look(stored)


def test_looking_at_what_is_published_touches_nothing(stored):
    before = snapshot(stored)
    one = shown(stored)
    one.tree.load()
    assert snapshot(stored) == before
    assert (one.exit_status, one.seq) == ("finished", 6)


def test_what_a_writer_has_published_is_shown_and_a_dead_one_is_called_killed(tmp_path):
    store = new(tmp_path / "s", 3, kind="session")
    store.fold()
    assert (shown(tmp_path / "s").exit_status, shown(tmp_path / "s").seq) == ("running", 3)
    os.close(store._lock._handle)  # as the system does for a process that was killed
    store._lock._handle = None
    assert shown(tmp_path / "s").exit_status == "killed"
    store.close(None)


def test_a_folder_without_tables_is_no_store(tmp_path):
    with pytest.raises(NotAStore, match=r"expected experiment.zarr in it"):
        shown(tmp_path)


@pytest.mark.parametrize("version", [1, 2])
def test_stores_of_earlier_versions_are_read_continued_and_repaired(tmp_path, version):
    with zipfile.ZipFile(DATA / f"schema{version}.zip") as packed:
        packed.extractall(tmp_path / "s")
    assert read_marker(tmp_path / "s")["schema"] == version
    before = read(tmp_path / "s").load()
    assert before["trials"].sizes["trial"] == 2 * 4 * 12
    assert_same(shown(tmp_path / "s").tree.load(), before)
    with Store.open(tmp_path / "s"):
        pass
    assert read_marker(tmp_path / "s")["schema"] == SCHEMA_VERSION
    repair(tmp_path / "s")
    after = read(tmp_path / "s").load()
    for table, node in before.children.items():
        for name, values in node.to_dataset().items():
            assert after[table][name].values.tobytes() == values.values.tobytes()
