"""From a store to what is said of it: the right model, its parameters, what it finds easy."""

import io
import json

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from rich.console import Console

from controller.fit.answers import FitError, read_answers
from controller.fit.explanation import explain
from controller.fit.figure import draw
from controller.fit.models import chosen, default_names
from controller.fit.record import record
from controller.fit.table import shown
from controller.loop import DryRun
from controller.runs import create
from learners.ridge import Ridge


@pytest.fixture(scope="module")
def explanation(decoy):
    return explain(decoy, chosen(decoy, ("spectrum", "ridge")))


@pytest.fixture(scope="module")
def found(explanation):
    return json.loads(json.dumps(record(explanation), allow_nan=False))


def model(found, name):
    return next(one for one in found["models"] if one["name"] == name)


def test_its_own_kind_is_named_and_beats_the_baseline(found):
    assert found["named"] == "spectrum"
    assert found["not_told_apart"] == []
    gap = model(found, "proportional")["below_best"]
    assert gap["nats"] < -5 * gap["error"] < 0
    assert [one["is"] for one in found["models"]].count("baseline") == 1


def test_parameters_are_the_learners(found):
    values = {one["name"]: one for one in model(found, "spectrum")["parameters"]}
    for degree, eigenvalue in enumerate((0.1, 0.2, 1.0)):
        one = values[f"eigenvalues.{degree}"]
        # λ over the ridge of 0.1
        assert one["value"] == pytest.approx(10 * eigenvalue, rel=0.35)
        assert one["low"] < one["value"] < one["high"]
    assert values["voice.noise"]["value"] == pytest.approx(0.05, rel=0.25)


def test_second_order_is_easiest_for_one_that_prefers_it(found):
    functions = model(found, "spectrum")["easy_functions"]
    assert all(one["share"]["2"] > 0.95 for one in functions)
    errors = [one["g_over_var"] for one in functions]
    assert errors == sorted(errors)
    assert all(one["low"] <= one["g_over_var"] + 1e-6 for one in functions)


def test_nothing_is_left_over_where_the_model_is_right(explanation):
    residuals = explanation.residuals
    mean, label, place, before, spread = residuals.checks
    for check in (mean, label, place, before):
        assert abs(check.value) < 4 * check.error
    assert spread.value < 0.08
    assert np.all((residuals.percentile >= 0) & (residuals.percentile <= 1))


def test_a_table_and_a_figure_are_made_of_it(explanation, found):
    console = Console(width=80, file=io.StringIO())
    console.print(shown(found))
    text = console.file.getvalue()
    assert "Spectrum explains these answers best." in text
    assert max(len(line) for line in text.splitlines()) <= 80
    figure = draw(explanation, found)
    FigureCanvasAgg(figure).draw()
    assert len(figure.axes) == 5


def test_a_circuit_that_is_linear_in_its_labels_is_probed(linear):
    answers = read_answers(linear)
    fits = chosen(answers, ("ridge",))
    assert fits["ridge"].circuit == Ridge(ridge=0.1, intercept=True)  # the document's own
    functions = explain(answers, fits).easy["ridge"]
    # a linear learner: three linear functions, and nothing more
    assert [one.share[1] > 0.95 for one in functions] == [True, True, True, False]
    assert functions[2].g_over_var < 0.3 < functions[3].g_over_var


def test_a_circuit_stands_in_for_no_animal_unless_asked_for(linear, brief, tmp_path):
    document = brief('learner={kind="ridge"}', "stages.count=1", "stages.generations=2")
    with create(document, tmp_path / "animal", control=False, origin="animal") as store:
        assert DryRun(document.value, store).run()
    assert default_names(read_answers(tmp_path / "animal")) == ("spectrum", "low_rank", "delta")
    assert default_names(read_answers(linear))[-1] == "ridge"


def test_too_few_episodes_are_refused(linear):
    few = read_answers(linear, most=9)
    with pytest.raises(FitError, match="at least 10 answered episodes"):
        explain(few, chosen(few, ()))


def test_what_does_not_exist_is_refused_with_what_there_is(decoy):
    with pytest.raises(FitError, match=r"no twin 'spektrum'; there are spectrum, low_rank, delta"):
        chosen(decoy, ("spektrum",))
    with pytest.raises(FitError, match=r"conv_net: .*leave it out"):
        chosen(decoy, ("conv_net",))
