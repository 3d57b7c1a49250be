"""The benchmark of trials: what it measures, what it keeps, and the table that is made of that."""

import dataclasses

import numpy as np
import pytest
from typer import Typer
from typer.testing import CliRunner

from controller.analysis.measures import function_values
from controller.analysis.measures import shares as shares_of_one
from controller.analysis.summary import columns
from controller.cost_warning import TEXT
from controller.document import load_experiment
from controller.runs import begin
from controller.store import read as read_store
from protocols.library import ready
from sims.benchmarks import trials
from sims.benchmarks.trial_cases import CASES, Case, Target
from sims.benchmarks.trial_costs import COSTS, Cost, file_of, read, read_all, write
from sims.figures import results

SHORT = Case(
    "kernel",
    "iterated",
    "8 harmonics",
    "default",
    (
        *('strategy={kind="iterated"}', "episode.common_stimuli=false", "labeller.degree=2"),
        *("episode.train=6", "episode.test=12", "stages.generations=30"),
    ),
    at_most=10**6,
)
COST = Cost(
    name="SNES; 15 harmonics; kernel",
    learner="kernel",
    strategy="SNES",
    labeller="15 harmonics",
    looked_for="first order",
    at_most=1500,
    seeds=[10, 11, 12],
    trials=[1200, None, 1400],
    share=[0.96, 0.4, 0.97],
    control_trials=[None, 3000, None],
    control_share=[0.1, 0.95, 0.2],
    run=12345,
    document="0",
    minutes=0.1,
)


def ran(*arguments):
    app = Typer()
    app.command()(trials.main)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_case_is_a_valid_document_of_a_name_of_its_own(case):
    document = load_experiment(ready()[case.protocol], case.overrides)
    assert document.value.design().trials_per_generation > 0
    assert sum(other.name == case.name for other in CASES) == 1


def test_what_is_measured_is_what_the_same_run_stores(tmp_path):
    cost = trials.measure(SHORT, (10,))
    overrides = (*SHORT.overrides, "stages.count=1", "seed=10")
    document = load_experiment(ready()["default"], overrides)
    assert begin(document, tmp_path / "run", control=False)
    table = columns(read_store(tmp_path / "run"), "generations")
    design = document.value.design()
    basis = design.space.graded_basis()

    def share(generation):
        theta = table["recommended"][generation]
        values = function_values(design.space, design.labeller, theta, basis.points)
        return shares_of_one(basis, values)[1]

    assert cost.run == table["trials"].sum() == 30 * 2 * 18
    assert cost.share == [pytest.approx(share(-1), abs=1e-3)]
    (first,) = np.flatnonzero(np.cumsum(table["trials"]) == cost.trials[0])
    assert share(first) >= trials.ENOUGH > share(first - 1)
    assert cost.control_trials == [None]


def test_a_share_along_an_axis_is_that_of_its_own_function():
    document = load_experiment(ready()["decoy_axis"])
    design = document.value.design()
    thetas = np.zeros((2, 15), np.float32)
    thetas[0, :3], thetas[1, 4] = 1, 1  # all three of first order alike; one of second order
    along = [trials.shares(design, Target("", axis=axis))(thetas) for axis in range(3)]
    np.testing.assert_allclose(np.array(along)[:, 0], 1 / 3, atol=1e-4)
    np.testing.assert_allclose(np.array(along)[:, 1], 0, atol=1e-6)
    np.testing.assert_allclose(trials.shares(design, Target(""))(thetas), [1, 0], atol=1e-4)


def test_a_seed_that_never_was_right_counts_as_dearer_than_all_others():
    assert COST.median == 1400
    assert COST.verdict == "reached; 2 of 3 seeds"
    missed = dataclasses.replace(COST, trials=[None, None, 900])
    assert missed.median is None
    assert missed.verdict == "NOT reached: cause not known; 1 of 3 seeds"


def test_a_case_is_kept_and_the_table_is_made_of_it(tmp_path):
    write(COST, tmp_path)
    assert read(COST.name, tmp_path) == COST
    assert read_all(["another", COST.name], tmp_path) == [COST]
    assert [path.suffix for path in tmp_path.iterdir()] == [".json"]
    line = results.costs_table([COST]).splitlines()[-1]
    assert line == (
        "| kernel | SNES | 15 harmonics | first order | ≤ 1 500 | 1 400 (1 200-1 400), 3 | "
        "1 within 12 345 | 0.960 | 1 of 3, 0.20 | reached; 2 of 3 seeds |"
    )


def test_a_recording_goes_on_where_it_was_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(trials, "CASES", (SHORT,))
    first = ran("--record", "--costs", tmp_path)
    assert first.exit_code == 0, first.output
    assert "trials (median" in first.output
    kept = read(SHORT.name, tmp_path)
    assert kept is not None
    assert kept.seeds == list(range(10, 20))
    assert ran("--record", "--costs", tmp_path).output == f"{SHORT.name}: kept as it is\n"


def test_fewer_seeds_are_not_recorded():
    assert ran("--seeds", 2, "--record").exit_code == 2


def test_a_case_that_is_not_there_is_refused_with_those_that_are():
    refused = ran("--only", "nonsense")
    assert refused.exit_code == 2
    assert "no case's name contains 'nonsense'" in refused.output
    assert CASES[0].name.split(";")[0] in refused.output


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("'es' on 521 weights, as published", "DiscoveredES (λ 64, σ 0.3), as published"),
        ("'es' on 521 weights, labels standardised", "DiscoveredES (λ 32, σ 0.3); 521 weights"),
        ("'es' on 15 harmonic coefficients", "SNES (λ 16, σ 0.3); 15 harmonics; kernel ridge, K ="),
        ("'iterated' on 15", "iterated; 15 harmonics; kernel ridge, K = 100, 10 % lapses"),
    ],
)
def test_the_warning_of_costs_says_what_was_measured(words, name):
    recorded = next(read(case.name) for case in CASES if case.name.startswith(name))
    assert recorded is not None
    assert recorded.median is not None
    (line,) = [line for line in TEXT.splitlines() if words in line]
    said = int(line.split("  ")[-1].removesuffix(" trials").strip().replace(",", ""))
    assert said == pytest.approx(recorded.median, rel=0.05)


def test_nothing_is_kept_that_is_no_case_any_more():
    assert set(COSTS.glob("*.json")) <= {file_of(case.name) for case in CASES}
