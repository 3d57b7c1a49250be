import importlib
import json

import pytest
from typer import Typer
from typer.testing import CliRunner

from controller.document import load_experiment
from sims.figures import results
from sims.figures.claims import Row, median, row_from
from sims.figures.command import found, reproduce
from sims.figures.evidence import DATA, LIBRARY

FIGURES = {name: importlib.import_module(module) for name, module in found().items()}
OF_RUNS = {name: module for name, module in FIGURES.items() if hasattr(module, "SETTINGS")}
PAPER = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
PANELS = {1: "c", 2: "bc", 3: "bc", 4: "b", 7: "bcef"}
ROW = {
    "figure": "fig0",
    "variant": "one",
    "result": "share",
    "at_least": 0.9,
    "at_most": None,
    "every_seed": False,
    "ours": [0.95, 0.91, 0.99],
    "control": [0.3, 0.4, 0.5],
    "g_over_var": [0.01, 0.02, 0.03],
    "control_g_over_var": [1.0, 2.0, 3.0],
    "seeds": [10, 11, 12],
    "steps": 4,
    "trials": 1234,
    "minutes": 0.1,
    "reason": "",
    "generations_cut": False,
}


def ran(*arguments):
    app = Typer()
    app.command()(reproduce)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize("path", sorted(LIBRARY.glob("*.toml")), ids=lambda path: path.stem)
def test_every_library_document_loads_and_its_design_builds(path):
    assert load_experiment(path).value.design().theta_size > 0


@pytest.mark.parametrize("path", sorted(LIBRARY.glob("*.toml")), ids=lambda path: path.stem)
def test_every_library_document_begins_by_saying_what_it_shows(path):
    assert path.read_text("utf-8").startswith("# ")


def test_every_figure_of_the_paper_can_be_reproduced():
    wanted = {f"fig{n}{panel}" for n in PAPER for panel in PANELS.get(n, ("",))}
    assert wanted <= set(FIGURES)


@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_has_the_name_of_its_module_and_is_reported_on_seeds_not_tuned_on(figure):
    reproduction = FIGURES[figure].REPRODUCTION
    assert reproduction.name == figure
    assert min(reproduction.seeds) >= 10
    assert len(reproduction.seeds) >= 5


@pytest.mark.parametrize("figure", OF_RUNS)
def test_every_variant_of_a_figure_is_a_valid_document(figure):
    for variant in OF_RUNS[figure].SETTINGS.variants:
        load_experiment(LIBRARY / f"{variant.document}.toml", variant.overrides)


@pytest.mark.parametrize("figure", OF_RUNS)
def test_every_claim_is_about_a_variant_and_stages_that_are_run(figure):
    settings = OF_RUNS[figure].SETTINGS
    runs = {
        v.name: load_experiment(LIBRARY / f"{v.document}.toml", v.overrides).value
        for v in settings.variants
    }
    for claim in settings.claims:
        assert max(claim.stages) <= runs[claim.variant].stages.count


def test_a_quick_figure_runs_to_json_pictures_and_a_table(tmp_path):
    result = ran("2B", "--quick", "--first-seed", 3, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    written = json.loads((tmp_path / "fig2b" / "fig2b.json").read_text("utf-8"))
    row = row_from(written["rows"][0])
    assert row.trials == 4 * 60
    assert row.seeds == [3]
    assert written["runs"][0]["seed"] == 3
    assert written["runs"][0]["control_trials"] == 0
    assert (tmp_path / "fig2b" / "fig2b.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (tmp_path / "fig2b" / "fig2b.svg").read_text("utf-8")
    assert "proves nothing" in result.output
    assert "| fig2b |" in (tmp_path / "RESULTS.md").read_text("utf-8")


def test_a_folder_that_holds_stores_is_refused(tmp_path):
    (tmp_path / "fig2b" / "stores").mkdir(parents=True)
    result = ran("2b", "--out", tmp_path)
    assert result.exit_code == 2
    assert "already holds stores" in result.output


def test_a_quick_run_can_not_be_recorded(tmp_path):
    result = ran("2b", "--quick", "--record", "--out", tmp_path)
    assert result.exit_code == 2
    assert "prove nothing" in result.output


def test_a_figure_that_is_not_there_is_refused_with_those_that_are(tmp_path):
    result = ran("99", "--out", tmp_path)
    assert result.exit_code == 2
    assert "no figure '99'" in result.output


def test_a_figure_that_fails_does_not_lose_the_others(tmp_path, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("out of paper")

    monkeypatch.setattr("sims.figures.evidence.save", broken)
    result = ran("2b", "--quick", "--out", tmp_path)
    assert result.exit_code == 1
    assert "fig2b: failed" in result.output
    assert (tmp_path / "fig2b" / "fig2b.json").exists()


def test_the_table_is_made_from_recorded_rows(tmp_path):
    (tmp_path / "fig0.json").write_text(json.dumps({"rows": [ROW]}), encoding="utf-8")
    line = results.table(tmp_path.glob("*.json")).splitlines()[-1]
    assert line == (
        "| fig0 | share | ≥ 0.9 | 0.95 (0.91-0.99), 3 | 0.4 (0.3-0.5) | 0.02 (0.01-0.03) | "
        "2 (1-3) | 1 234 | 4 | 0.10 | reached; 3 of 3 seeds |"
    )


def test_a_missed_target_is_reported_with_its_reason():
    row = Row(**{**ROW, "ours": [0.95, 0.89, 0.2], "reason": "too few trials"})
    assert row.verdict == "NOT reached: too few trials; 1 of 3 seeds"


def test_a_control_that_meets_the_target_is_reported():
    assert Row(**{**ROW, "control": [0.9, 0.95, 0.1]}).verdict == (
        "reached; 3 of 3 seeds; the control shows the same"
    )


def test_a_target_for_every_seed_is_missed_by_one():
    row = Row(**{**ROW, "at_least": None, "at_most": 0.96, "every_seed": True})
    assert row.target == "≤ 0.96, every seed"
    assert not row.reached
    assert row.seeds_reached == 2
    assert Row(**{**ROW, "every_seed": True}).reached


def test_figures_are_listed_by_their_number():
    names = list(found())
    assert names.index("fig2b") < names.index("fig10") < names.index("decoys")


def test_a_seed_without_a_number_leaves_no_median():
    assert median([0.9, None, 0.99]) is None


def test_the_recorded_table_is_the_one_that_the_recorded_rows_give():
    assert results.RESULTS.read_text("utf-8") == results.whole()


def test_the_readme_shows_what_the_recorded_rows_say():
    readme = results.README.read_text("utf-8")
    assert readme == results.with_headlines(readme, results.headlines(DATA.glob("*.json")))
