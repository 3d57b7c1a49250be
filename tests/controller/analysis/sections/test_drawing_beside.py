"""Pictures of a second process are those of this one, also when it is lost."""

import multiprocessing
import os
import signal
import sys

import pytest

from controller import drawing_beside
from controller.analysis.figure_files import write_pictures
from controller.analysis.record import describe
from controller.analysis.sections.psychometric import PSYCHOMETRIC

BY_SIGNAL = pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")


@pytest.fixture(scope="module")
def record(at_rig):
    return describe(at_rig, [PSYCHOMETRIC])


@pytest.fixture(scope="module")
def drawn_here(record, tmp_path_factory):
    folder = tmp_path_factory.mktemp("here")
    write_pictures(record, folder)
    return contents(folder)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("cores", [1, 2])
def test_the_files_are_the_same(record, drawn_here, tmp_path, monkeypatch, cores):
    monkeypatch.setattr(drawing_beside, "_cores", lambda: cores)
    before = set(multiprocessing.active_children())
    with drawing_beside.drawing_beside() as draw:
        assert len(set(multiprocessing.active_children()) - before) == cores - 1
        paths = draw(record, tmp_path)()
    assert {path.name for path in paths} == set(drawn_here) == set(contents(tmp_path))
    pictures = {name for name in drawn_here if name.endswith(".png")}
    assert pictures
    assert all(contents(tmp_path)[name] == drawn_here[name] for name in pictures)


def test_where_no_process_can_be_had_it_is_drawn_here(record, drawn_here, tmp_path, monkeypatch):
    def none_left(self) -> None:
        raise BlockingIOError("Resource temporarily unavailable")

    monkeypatch.setattr(drawing_beside, "_cores", lambda: 2)
    monkeypatch.setattr(multiprocessing.process.BaseProcess, "start", none_left)
    with drawing_beside.drawing_beside() as draw:
        draw(record, tmp_path)()
    assert set(contents(tmp_path)) == set(drawn_here)


@BY_SIGNAL
@pytest.mark.parametrize("when", ["before", "while"])
def test_what_a_lost_process_should_have_drawn_is_drawn_here(
    record, drawn_here, tmp_path, monkeypatch, when
):
    monkeypatch.setattr(drawing_beside, "_cores", lambda: 2)
    earlier = set(multiprocessing.active_children())
    with drawing_beside.drawing_beside() as draw:
        (process,) = set(multiprocessing.active_children()) - earlier
        if when == "before":
            os.kill(process.pid, signal.SIGKILL)
            process.join()
        done = draw(record, tmp_path)
        if when == "while":
            os.kill(process.pid, signal.SIGKILL)
        done()
    assert set(contents(tmp_path)) == set(drawn_here)


def test_a_folder_that_cannot_be_written_is_an_error_here(record, tmp_path, monkeypatch):
    monkeypatch.setattr(drawing_beside, "_cores", lambda: 2)
    with drawing_beside.drawing_beside() as draw, pytest.raises(OSError, match="not there"):
        draw(record, tmp_path / "not there")()
