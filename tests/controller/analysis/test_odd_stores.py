"""Whatever somebody finds on a disk is described, or refused with what to do; never guessed."""

import json
from io import StringIO

import pytest
from odd_stores import READABLE, REFUSED, being_written, half_a_stage, zero_trials
from rich.console import Console

from controller.analysis.record import describe
from controller.analysis.source import open_source
from controller.analysis.standing import SHOWN, standing
from controller.analysis.terminal import number_tables, rich_table
from controller.store import StoreError

BRIEF = ("stages.generations=4", "stages.count=1", "objective.reference_points=64")


@pytest.fixture(scope="module")
def document(small):
    return small(*BRIEF)


@pytest.fixture(scope="module")
def whole(document, tmp_path_factory):
    from controller.runs import begin

    folder = tmp_path_factory.mktemp("odd") / "whole"
    assert begin(document, folder)
    return folder


def shown(record) -> str:
    """Everything that a terminal shows of a record."""
    console = Console(width=80, file=StringIO())
    for _, table in number_tables(record):
        console.print(rich_table(table))
    console.print(standing(record))
    return console.file.getvalue()


@pytest.mark.parametrize("name", READABLE)
def test_what_can_be_read_gives_the_same_numbers_and_says_what_is_odd(name, whole, tmp_path):
    folder = tmp_path / "odd"
    READABLE[name](whole, folder)
    record = describe(open_source(folder))
    json.dumps(record, allow_nan=False)
    assert shown(record)
    if "schema" in name:
        assert record["progress"]["trials"] == 2 * 4 * 12
        (problem,) = record["origin"]["problems"] if name.endswith("1") else ("unknown key",)
        assert "unknown key" in problem
        return
    expected = describe(open_source(whole))
    assert record["progress"]["trials"] == expected["progress"]["trials"] == 4 * 6 * 11
    if "document" not in name:
        assert record["functions"]["stages"] == expected["functions"]["stages"]
    if "killed" in name or "reading" in name:
        assert record["origin"]["exit_status"] == "killed"
        assert record["progress"]["next"] == f"biasloop resume {folder}"
    if "journal" in name:
        assert "may lack the last trials" in record["origin"]["problems"][0]


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("live", [False, True])
def test_what_can_t_be_read_is_refused_with_what_to_do(name, live, whole, tmp_path):
    make, words = REFUSED[name]
    folder = tmp_path / "odd"
    make(whole, folder)
    with pytest.raises(StoreError, match=words):
        describe(open_source(folder, live=live))


def test_a_store_that_is_being_written_is_read_and_not_disturbed(whole, tmp_path):
    store = being_written(whole, tmp_path / "odd")
    for live in (False, True):
        record = describe(open_source(tmp_path / "odd", live=live), SHOWN)
        assert record["origin"]["exit_status"] == "running"
        assert record["progress"]["next"].startswith("biasloop serve")
    store.close("finished")


def test_an_experiment_without_a_trial_says_so(document, tmp_path):
    zero_trials(document, tmp_path / "odd")
    record = describe(open_source(tmp_path / "odd"))
    assert "functions" not in record
    assert record["progress"]["trials"] == 0
    assert record["progress"]["next"] == f"biasloop resume {tmp_path / 'odd'}"
    assert "stage 1 of 1, generation 0 of 4" in shown(record)


def test_a_stage_under_way_is_described_as_not_finished(small, tmp_path):
    half_a_stage(small(*BRIEF, "stages.generations=300"), tmp_path / "odd")
    record = describe(open_source(tmp_path / "odd"))
    (stage,) = record["functions"]["stages"]
    assert not stage["finished"]
    assert record["progress"]["stages_finished"] == 0
    assert record["origin"]["exit_status"] == "interrupted"
