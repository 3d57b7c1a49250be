"""`biasloop report` as a user has it: where the file goes, and what is said where it can't."""

import shutil

import pytest
from typer.testing import CliRunner

from controller.analysis.report import ReportError
from controller.cli import app
from controller.report_command import write

RUN = CliRunner()


@pytest.fixture
def session(at_rig):
    """A session alone, which is quickly drawn."""
    (folder,) = (at_rig / "sessions").iterdir()
    return folder


def test_a_report_goes_into_its_store_by_default(session, tmp_path):
    store = shutil.copytree(session, tmp_path / "store")
    done = RUN.invoke(app, ["report", str(store)])
    assert done.exit_code == 0, done.output
    path = store / "analysis" / "report.html"
    assert done.stdout == f"wrote    {path}\n"
    assert path.read_text("utf-8").startswith("<!DOCTYPE html>")
    assert [one.name for one in path.parent.iterdir()] == ["report.html"]


def test_what_cannot_be_read_is_named_and_the_others_are_in_the_report(session, tmp_path):
    path = tmp_path / "new" / "all.html"
    done = RUN.invoke(app, ["report", str(session), str(tmp_path / "missing"), "--out", str(path)])
    assert done.exit_code == 1
    assert "missing is no store" in done.stderr
    assert "missing is no store" in path.read_text("utf-8")
    assert "<h1>1 of 2 stores side by side</h1>" in path.read_text("utf-8")


def test_nothing_is_written_where_nothing_can_be_read(tmp_path):
    path = tmp_path / "all.html"
    done = RUN.invoke(app, ["report", str(tmp_path / "missing"), "--out", str(path)])
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1
    assert not path.exists()


def test_a_place_that_cannot_be_written_is_one_clear_line_and_nothing_is_left(tmp_path):
    file = tmp_path / "file"
    file.write_text("mine")
    for place in (file / "report.html", tmp_path):  # below a file; a folder
        with pytest.raises(ReportError, match=r"--out FILE\.html") as caught:  # main: one line, 1
            write("page", place)
        assert "\n" not in str(caught.value)
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
    assert file.read_text() == "mine"


@pytest.mark.parametrize("arguments", [["report"], ["report", "--out"]])
def test_wrong_usage_has_its_code(arguments):
    assert RUN.invoke(app, arguments).exit_code == 2
