"""Plans and figures that a scheduler's workers make are those that are made here."""

import json

import pytest
from typer import Typer
from typer.testing import CliRunner

from sims.budget.command import plan
from sims.figures.command import reproduce

PLANNED = [
    *("default", "--set", "stages.count=1", "--set", "stages.generations=20"),
    *("--set", 'strategy={kind="iterated"}', "--set", "episode.common_stimuli=false"),
    *("--learners", "documented", "--runs", "3", "--no-changes", "--json", "--anyway"),
]


def called(command, *arguments):
    app = Typer()
    app.command()(command)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_plan_is_the_same_whoever_simulates_it():
    here = called(plan, *PLANNED, "--jobs", 1)
    assert here.exit_code == 0, here.output
    there = called(plan, *PLANNED, "--jobs", 1, "--scheduler", "local")
    assert there.exit_code == 0, there.output
    assert json.loads(there.stdout) == json.loads(here.stdout)


@pytest.mark.parametrize("command", [plan, reproduce])
def test_a_scheduler_that_may_not_be_used_is_refused(command, tmp_path):
    what = [*PLANNED] if command is plan else ["idea_odours", "--out", tmp_path]
    done = called(command, *what, "--scheduler", "tcp://192.0.2.7:1")
    assert done.exit_code == 1
    assert "not encrypted" in done.output


@pytest.mark.slow
def test_a_figure_is_the_same_whoever_makes_it(tmp_path):
    numbers = {}
    for place, more in (("here", ["--jobs", 1]), ("there", ["--scheduler", "local"])):
        done = called(reproduce, "fig2c", "--quick", "--out", tmp_path / place, *more)
        assert done.exit_code == 0, done.output
        found = json.loads((tmp_path / place / "fig2c" / "fig2c.json").read_text("utf-8"))
        numbers[place] = [{**run, "minutes": None} for run in found["runs"]]
    assert numbers["there"] == numbers["here"]
