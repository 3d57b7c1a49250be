"""Several stores: each quantity of each is the record's; whoever lacks one has none."""

from dataclasses import replace

import pytest
from matplotlib.figure import Figure

from controller.analysis.record import describe
from controller.analysis.sections.functions import FUNCTIONS
from controller.analysis.sections.origin import ORIGIN
from controller.analysis.side_by_side.at_rig import OVERHEAD, WATER
from controller.analysis.side_by_side.behaviour import PSYCHOMETRIC
from controller.analysis.side_by_side.compare import QUANTITIES, side_by_side, tables
from controller.analysis.side_by_side.picture import PICTURE, overlaid_shares
from controller.analysis.side_by_side.stores import labelled
from controller.analysis.source import open_source


@pytest.fixture(scope="module")
def sources(finished, stopped):
    return [open_source(one.folder) for one in (finished, stopped)]


@pytest.fixture(scope="module")
def records(sources):
    return {
        label: describe(source, (FUNCTIONS, ORIGIN))
        for label, source in zip(("whole", "half"), sources, strict=True)
    }


def test_each_value_is_the_one_of_its_record(records):
    compared = side_by_side(records)
    for label, record in records.items():
        functions = record["functions"]
        for stage in functions["stages"]:
            column = f"stage {stage['stage']}"
            own = {name: compared[name]["stores"][label].get(column) for name in compared}
            assert own["first_degree"] == stage["share"]["1"]
            assert own["verdict"] == stage["verdict"]
            assert own["g_over_var"] == stage["g_over_var"]
            assert own["trials"] == stage["trials"]
        assert compared["trials"]["stores"][label]["all"] == functions["trials_total"]
        assert compared["stores"]["stores"][label]["ended"] == record["origin"]["exit_status"]


def test_a_table_has_a_row_for_each_store_in_the_order_in_which_they_were_named(records):
    compared = side_by_side(records)
    shown = list(tables(compared))
    assert [table.title for table in shown] == [one["title"] for one in compared.values()]
    for table, one in zip(shown, compared.values(), strict=True):
        assert list(table.columns) == ["store", *one["columns"]]
        assert [row[0] for row in table.rows] == ["whole", "half"]
        for row in table.rows:
            assert row[1:] == [one["stores"][row[0]].get(name) for name in one["columns"]]


def test_a_store_without_a_quantity_has_no_value_and_a_quantity_of_no_store_is_left_out(records):
    only = {"whole": records["whole"], "bare": {"origin": records["half"]["origin"]}, "none": {}}
    compared = side_by_side(only)
    assert compared["trials"]["stores"]["bare"] == {}
    assert compared["stores"]["stores"]["none"] == {}
    assert not {WATER.name, OVERHEAD.name, PSYCHOMETRIC.name} & set(compared)
    trials = next(one for one in tables(compared) if one.title == compared["trials"]["title"])
    assert trials.rows[1] == ["bare", *[None] * len(compared["trials"]["columns"])]
    assert side_by_side({}) == {}


def test_quantities_have_names_of_their_own():
    assert len({one.name for one in QUANTITIES}) == len(QUANTITIES)


def test_water_and_overhead_are_medians_and_extremes():
    days = [{"water_ul": water} for water in (600.0, 300, 1200)]
    water = WATER.cells({"days": days})
    assert water == {"animal days": 3, "median": 600, "least": 300, "most": 1200}
    sessions = [{"overhead": {"p50_ms": 1.0, "p99_ms": one}} for one in (5.0, 9.0, 6.0)]
    sessions.append({"overhead": {"p50_ms": None, "p99_ms": None}})
    overhead = OVERHEAD.cells({"sessions": sessions})
    assert list(overhead.values()) == [3, 1.0, 6.0, 9.0]
    assert WATER.cells({"days": []}) == OVERHEAD.cells({"sessions": []}) == {}


def test_curves_are_named_by_subject_where_there_are_several():
    fit = {"kind": "logistic", "slope": 3.0, "lapse_rate": 0.1, "low": 0.05, "high": 0.05}
    one = {"subject": "a", "n": 50, "fit": fit, "no_fit": None}
    other = {"subject": "b", "n": 3, "fit": None, "no_fit": "3 trials, fewer than 30"}
    assert PSYCHOMETRIC.cells({"subjects": [one]})["slope"] == 3.0
    cells = PSYCHOMETRIC.cells({"subjects": [one, other]})
    assert (cells["a: slope"], cells["b: slope"]) == (3.0, None)
    assert cells["b: curve"] == "3 trials, fewer than 30"


def test_labels_are_the_first_kind_of_name_by_which_all_stores_differ(sources, tmp_path):
    one, other = sources
    named = [replace(one, header={"experiment": name}) for name in ("a", "b")]
    assert labelled(named) == ["a", "b"]
    assert labelled(sources) == ["finished", "stopped"]  # both experiments are called alike
    deep = [replace(other, folder=tmp_path / name / "store") for name in ("x", "y")]
    assert labelled(deep) == [str(tmp_path / name / "store") for name in ("x", "y")]


def test_the_picture_has_a_line_for_each_store_that_has_the_stage(records):
    labels = ["_hidden", "$x_{1$", "none"]
    named = dict(zip(labels, (*records.values(), {}), strict=True))
    panels = PICTURE.panels(named)
    assert [one["stage"] for one in panels] == [1, 2]
    figure = Figure()
    axes = overlaid_shares(figure.add_subplot(), panels[0])
    figure.draw_without_rendering()  # no label is taken for a formula
    shares = [one["functions"]["stages"][0]["share"] for one in records.values()]
    assert len(axes.lines) == 2
    for line, share in zip(axes.lines, shares, strict=True):
        assert line.get_ydata().tolist() == [100 * share[str(d)] for d in line.get_xdata()]
    shown = [one.get_text() for one in axes.get_legend().get_texts()]
    assert shown == [" _hidden", r"\$x_{1\$"]
