"""`biasloop fit` as a user has it."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from controller.cli import app
from controller.fit.answers import FitError, read_answers
from controller.fit.held_out import predict
from controller.fit.models import chosen, default_names
from controller.store import NotAStore


def biasloop(*arguments):
    return CliRunner().invoke(app, ["fit", *map(str, arguments)])


def test_it_ends_in_a_table_a_figure_and_a_record(linear, tmp_path):
    out = tmp_path / "out"
    done = biasloop(linear, "--twins", "ridge", "--out", out)
    assert done.exit_code == 0, done.output
    assert "what it finds easy" in done.output
    found = json.loads((out / "fit.json").read_text("utf-8"))
    assert found["named"] == "ridge"
    assert found["episodes"] == 20
    assert sorted(path.name for path in out.iterdir()) == ["fit.json", "fit.png"]


def test_the_record_alone_is_finite_json_and_writes_nothing(linear):
    before = sorted(linear.rglob("*"))
    done = biasloop(linear, "--twins", "ridge", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout, parse_constant=pytest.fail)
    assert {one["name"] for one in found["models"]} == {"proportional", "ridge"}
    assert sorted(linear.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--twins", "spektrum"], "no twin 'spektrum'; there are spectrum"),
        (["--episodes", "3"], "at least 10 answered episodes"),
        (["--learner-index", "4"], "learner index: expected 0 to 0"),
    ],
)
def test_what_cannot_be_done_is_said(linear, arguments, words):
    done = biasloop(linear, *arguments)
    assert isinstance(done.exception, FitError)
    assert words in str(done.exception)


def test_a_folder_without_a_store_is_no_store(tmp_path):
    done = biasloop(tmp_path / "nowhere")
    assert isinstance(done.exception, NotAStore)


def test_a_network_labeller_has_no_twins_but_circuits(stored):
    folder = stored(
        *('labeller={kind="mlp", hidden=[4]}', 'objective.orthogonality="penalty"'),
        *('learner={kind="ridge"}', "stages.count=1", "stages.generations=4"),
    )
    done = biasloop(folder, "--twins", "spectrum")
    assert isinstance(done.exception, FitError)
    assert "labeller is 'mlp'" in str(done.exception)
    answers = read_answers(folder)
    assert default_names(answers) == ("ridge",)
    (_, circuit) = chosen(answers, ("ridge",)).values()
    found = predict(circuit.tabled(answers.history), answers.history, steps=2)
    assert found.log_likelihood.shape == (20, 10)
    assert np.all(np.isfinite(found.log_likelihood))
