"""`biasloop analyse` as a user has it: what it says first, what fits, what is written."""

import json
from io import StringIO

import pytest
from rich.console import Console
from typer.testing import CliRunner

from controller.analysis.findings import findings, headline
from controller.analysis.overview import MOST_ROWS, SHOWN_ROWS, compact, show, whole
from controller.analysis.record import describe
from controller.analysis.report import ReportError
from controller.analysis.sections.base import NumberTable
from controller.analysis.source import open_source
from controller.analysis.terminal import number_tables, text
from controller.cli import app
from controller.rehearsal_commands import rehearse
from controller.runs import begin

RUN = CliRunner()
WIDTH = 80
BRIEF = ("stages.generations=2", "stages.count=1", "objective.reference_points=64")


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", str(WIDTH))


@pytest.fixture(scope="module")
def simulated(small, tmp_path_factory):
    """A finished store without a control."""
    folder = tmp_path_factory.mktemp("analyse") / "simulated"
    assert begin(small(*BRIEF), folder, control=False)
    return folder


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """One session of a simulated animal on an emulated rig, alone."""
    folder = tmp_path_factory.mktemp("analyse") / "at_rig"
    changes = ["stages.count=1", "stages.generations=1", "strategy.population=2"]
    wanted = {"out": folder, "control": False, "behaviour": [], "sessions": 1}
    rehearse(("animal", changes, 5), "emulated", **wanted)
    (session,) = (folder / "sessions").iterdir()
    return session


@pytest.fixture(scope="module")
def record(simulated):
    return json.loads(RUN.invoke(app, ["analyse", str(simulated), "--json"]).stdout)


def lines(table, width=WIDTH, **options):
    """What a terminal of a width shows of a table."""
    console = Console(file=StringIO(), width=width)
    for one in compact(table, width, **options) if "whole" not in options else whole(table, width):
        console.print(one)
    return console.file.getvalue().splitlines()


def test_findings_come_first_the_verdict_again_last_and_all_numbers_are_written(
    simulated, record, tmp_path
):
    done = RUN.invoke(app, ["analyse", str(simulated), "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    said = " ".join(done.stdout.split())
    shown = done.stdout.splitlines()
    assert shown[0].rstrip() == headline(record) == shown[-2].rstrip()
    found = findings(record)
    assert len(found) > 1
    assert all(one.words in said.split("──")[0] for one in found)
    assert max(map(len, shown[:-1])) <= WIDTH
    assert shown[-1].startswith(f"wrote    {tmp_path}: numbers.json, summary.json, ")
    assert json.loads((tmp_path / "numbers.json").read_text("utf-8")) == record
    stems = {one.stem for one in tmp_path.glob("*.svg")}
    assert {"functions", "shares", "progress", "held_out", "search-fitness"} <= stems
    assert stems == {one.stem for one in tmp_path.glob("*.png")}
    assert not [one for one in tmp_path.iterdir() if one.name.startswith(".")]


def test_every_table_is_printed_whole_when_asked_for(session):
    found = describe(open_source(session))
    consoles = [Console(file=StringIO(), width=WIDTH) for _ in range(2)]
    for console, everything in zip(consoles, (False, True), strict=True):
        show(console, found, everything=everything)
    short, full = (console.file.getvalue() for console in consoles)
    assert "more tables: `--all`" in short
    assert "not shown" not in full
    assert "pace" in full  # the second table of its section
    assert "pace" not in short
    for _, table in number_tables(found):
        assert table.title in full
    assert max(len(line) for line in full.splitlines()) <= WIDTH


def test_several_stores_are_one_json(simulated, session, record, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = RUN.invoke(app, ["analyse", str(simulated), str(session), "--json"])
    assert done.exit_code == 0, done.output
    numbers = json.loads(done.stdout)
    assert numbers["labels"] == ["small", "colours"]
    assert numbers["stores"][0] == record
    assert numbers["stores"][1]["origin"]["kind"] == "session"
    assert list(numbers["side_by_side"]["stores"]["stores"]) == numbers["labels"]
    assert numbers["unreadable"] == []
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_read_is_named_and_the_others_are_compared(
    simulated, session, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    missing = tmp_path / "missing"
    folders = [str(simulated), str(missing), str(session)]
    done = RUN.invoke(app, ["analyse", *folders])
    assert done.exit_code == 1
    assert done.stderr.startswith(f"biasloop: {missing} is no store")
    assert done.stdout.splitlines()[0].rstrip() == "small"
    assert "the learner does no better than" in done.stdout
    assert "no animal was there" in done.stdout
    assert done.stdout.splitlines()[-1] == (
        "wrote    side_by_side: numbers.json, 1 figure (PNG, SVG)"
    )
    written = json.loads((tmp_path / "side_by_side" / "numbers.json").read_text("utf-8"))
    (unreadable,) = written["unreadable"]
    assert unreadable["folder"] == str(missing)
    assert len(written["stores"]) == 2
    assert {one.name for one in (tmp_path / "side_by_side").iterdir()} == {
        *("numbers.json", "shares.png", "shares.svg")
    }


def test_a_place_that_cannot_be_written_is_one_clear_line(session, tmp_path):
    file = tmp_path / "file"
    file.write_text("mine")
    for folders in ([session], [session, tmp_path]):
        done = RUN.invoke(app, ["analyse", *map(str, folders), "--out", str(file)])
        assert isinstance(done.exception, ReportError)  # main prints it, and leaves with 1
        assert "--out DIR" in str(done.exception)
        assert "\n" not in str(done.exception)
    assert file.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [file]


def test_a_table_that_is_too_wide_loses_its_last_columns_and_says_which():
    columns = ["who", *(f"column{n:02}" for n in range(20))]
    table = NumberTable("wide", columns, [["m1", *range(20)], ["m2", *range(20)]])
    header, first, second, *hidden = lines(table)
    shown = header.split()
    assert shown == columns[: len(shown)]
    assert [first.split()[0], second.split()[0]] == ["m1", "m2"]
    assert " ".join(hidden).split() == [
        *("not", "shown:", "columns"),
        *(f"{name}," for name in columns[len(shown) : -1]),
        columns[-1],
    ]
    everything = " ".join(lines(table, whole=True)).split()
    assert set(columns) <= set(everything)
    assert all(everything.count(str(n)) == 2 for n in range(20))


def test_a_long_table_shows_its_first_rows_or_its_last_ones_if_it_goes_in_time():
    rows = [[f"row{n:03}", n] for n in range(MOST_ROWS + 20)]
    first = lines(NumberTable("long", ["what", "n"], rows))
    assert [line.split()[0] for line in first[1:-1]] == [row[0] for row in rows[:SHOWN_ROWS]]
    last = lines(NumberTable("long", ["session", "n"], rows))
    assert [line.split()[0] for line in last[1:-1]] == [row[0] for row in rows[-SHOWN_ROWS:]]
    assert first[-1] == last[-1] == f"not shown: {len(rows) - SHOWN_ROWS} more rows"
    things = lines(NumberTable("things", ["", "n"], rows))
    assert len(things) == len(rows) + 1


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_cell_is_cut_in_two_but_a_sentence(width):
    rows = [["2026-01-02 03:04", 123_456.0, "yes", "a sentence that goes on and on " * 3]]
    shown = "\n".join(lines(NumberTable("one", ["session", "n", "well", "words"], rows), width))
    assert rows[0][0] in shown
    assert text(rows[0][1]) in shown
