"""The files that an analysis leaves."""

import json
import os

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.image import imread

from controller.analysis import report
from controller.analysis.report import ReportError, write
from controller.analysis.summary import AnalysisError, summary

NAMES = ["functions", "shares", "progress", "held_out"]
FILES = {"summary.json", *(f"{name}.{kind}" for name in NAMES for kind in ("png", "svg"))}


def strict(text):
    def refuse(constant):
        raise ValueError(constant)

    return json.loads(text, parse_constant=refuse)


@pytest.fixture(scope="module")
def written(finished):
    before = dict(mpl.rcParams)
    paths = write(finished)
    assert dict(mpl.rcParams) == before
    return paths


def test_every_file_is_returned_and_nothing_else_is_left(finished, written):
    folder = finished.folder / "analysis"
    assert {path.name for path in folder.iterdir()} == FILES
    assert sorted(written) == sorted(folder.iterdir())


def test_every_picture_shows_something(written):
    for path in written:
        if path.suffix == ".png":
            picture = imread(path)[..., :3]
            assert 0.02 < np.mean(np.any(picture < 0.95, axis=2)) < 0.98, path
        if path.suffix == ".svg":
            assert path.read_text("utf-8").count("<text") > 5, path


def test_the_summary_is_strict_json(finished, written):
    assert strict(written[0].read_text("utf-8")) == json.loads(json.dumps(summary(finished)))


def test_a_constant_function_leaves_strict_json_and_pictures(constant, tmp_path, monkeypatch):
    figures = {name: report.FIGURES[name] for name in ("shares", "held_out")}
    monkeypatch.setattr(report, "FIGURES", figures)
    assert len(write(constant, tmp_path / "out")) == 5
    strict((tmp_path / "out" / "summary.json").read_text("utf-8"))


def test_a_stopped_run_without_control_leaves_every_picture(stopped, tmp_path):
    assert {path.name for path in write(stopped, tmp_path)} == FILES


def test_a_folder_that_can_not_be_written_is_an_error_that_names_the_option(finished, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ReportError, match="--out"):
        write(finished, tmp_path / "file")
    assert issubclass(ReportError, AnalysisError)


def test_a_failed_write_leaves_the_file_that_was_there(finished, tmp_path, monkeypatch):
    (tmp_path / "summary.json").write_text("old")

    def broken(*_):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(report.Path, "replace", broken)
    with pytest.raises(ReportError, match="No space left"):
        write(finished, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["summary.json"]
    assert (tmp_path / "summary.json").read_text() == "old"
