"""`biasloop export` as a user has it: whole or not at all, and what it says when it can't."""

import resource
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from controller import cli
from controller.export import formats
from controller.export.errors import ExportError
from controller.export.formats import export

FORMATS = ("nwb", "csv", "parquet")


def command(*arguments):
    return CliRunner().invoke(cli.app, ["export", *map(str, arguments)])


@pytest.mark.parametrize("to", FORMATS)
def test_the_command_says_what_it_wrote(rig, tmp_path, to):
    done = command(rig.folder, "--to", to, "--out", tmp_path / "out", "--session", "s0")
    assert done.exit_code == 0, done.output
    assert str(tmp_path / "out") in done.output
    assert list((tmp_path).iterdir()) == [tmp_path / "out"]  # nothing is left beside it


def test_an_existing_target_is_refused_and_untouched(rig, tmp_path):
    (tmp_path / "out").mkdir()
    done = command(rig.folder, "--to", "csv", "--out", tmp_path / "out")
    assert isinstance(done.exception, ExportError)
    assert "is there already" in str(done.exception)
    assert list((tmp_path / "out").iterdir()) == []


def test_an_unknown_session_is_answered_by_those_that_there_are(rig, tmp_path):
    with pytest.raises(ExportError, match=r"no session 's7'(.|\n)*s0\n *s1"):
        export(rig, "csv", tmp_path / "out", session="s7")
    assert list(tmp_path.iterdir()) == []


def test_a_session_of_a_run_that_has_none(run, tmp_path):
    with pytest.raises(ExportError, match="it has none"):
        export(run, "csv", tmp_path / "out", session="s7")


@pytest.mark.parametrize(("to", "extra"), [("nwb", "nwb"), ("parquet", "parquet")])
def test_a_missing_package_is_named_with_its_remedy(rig, tmp_path, monkeypatch, to, extra):
    monkeypatch.setattr(formats, "find_spec", lambda name: None)
    done = command(rig.folder, "--to", to, "--out", tmp_path / "out")
    assert isinstance(done.exception, ExportError)
    assert f"pip install 'biasloop[{extra}]'" in str(done.exception)


def test_a_folder_that_cant_be_made_is_said(rig, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError, match=r"can't be written.*--out PATH"):
        export(rig, "csv", tmp_path / "file" / "out")


LIMITED = """
import os, resource, sys
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
from pathlib import Path
from controller.analysis.source import open_source
from controller.export.errors import ExportError
from controller.export.formats import export, writer_of
source = open_source(Path(sys.argv[1]))
writer_of(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    export(source, sys.argv[2], Path(sys.argv[3]))
except ExportError as error:
    print(error)
"""


@pytest.mark.parametrize("to", FORMATS)
def test_a_full_disk_leaves_nothing(run, tmp_path, to):
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(run.folder), to, str(tmp_path / "out")],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "can't be written" in done.stdout
    assert "nothing is left" in done.stdout
    assert list(tmp_path.iterdir()) == []
