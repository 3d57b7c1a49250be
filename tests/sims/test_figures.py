import importlib
import json

import pytest

from controller.document import load_experiment
from sims.figures import fig2b, results
from sims.figures.claims import Row, median, row_from
from sims.figures.evidence import DATA, LIBRARY, Settings, main

FIGURES = ("default", "fig2b", "fig2c", "fig3b", "fig8", "fig10", "decoys")
ROW = {
    "figure": "fig0",
    "variant": "one",
    "result": "share",
    "at_least": 0.9,
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


def settings_of(figure: str) -> Settings:
    return importlib.import_module(f"sims.figures.{figure}").SETTINGS


@pytest.mark.parametrize("path", sorted(LIBRARY.glob("*.toml")), ids=lambda path: path.stem)
def test_every_library_document_loads_and_its_design_builds(path):
    assert load_experiment(path).value.design().theta_size > 0


@pytest.mark.parametrize("path", sorted(LIBRARY.glob("*.toml")), ids=lambda path: path.stem)
def test_every_library_document_begins_by_saying_what_it_shows(path):
    assert path.read_text("utf-8").startswith("# ")


@pytest.mark.parametrize("figure", FIGURES)
def test_every_variant_of_a_figure_is_a_valid_document(figure):
    for variant in settings_of(figure).variants:
        load_experiment(LIBRARY / f"{variant.document}.toml", variant.overrides)


@pytest.mark.parametrize("figure", FIGURES)
def test_every_claim_is_about_a_variant_and_stages_that_are_run(figure):
    settings = settings_of(figure)
    runs = {
        v.name: load_experiment(LIBRARY / f"{v.document}.toml", v.overrides).value
        for v in settings.variants
    }
    for claim in settings.claims:
        assert max(claim.stages) <= runs[claim.variant].stages.count


def test_a_quick_figure_runs_to_json_and_pictures(tmp_path, capsys):
    evidence = main(fig2b.SETTINGS, fig2b.plot, ["--quick", "--seeds", "3", "--out", str(tmp_path)])
    written = json.loads((tmp_path / "fig2b.json").read_text("utf-8"))
    assert [row_from(row) for row in written["rows"]] == list(evidence.rows)
    assert written["runs"][0]["seed"] == 3
    assert written["runs"][0]["control_trials"] == 0
    assert evidence.rows[0].trials == 4 * 60
    assert (tmp_path / "fig2b.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (tmp_path / "fig2b.svg").read_text("utf-8")
    assert "proves nothing" in capsys.readouterr().out


def test_a_folder_that_holds_stores_is_refused(tmp_path, capsys):
    (tmp_path / "stores").mkdir()
    with pytest.raises(SystemExit):
        main(fig2b.SETTINGS, fig2b.plot, ["--out", str(tmp_path)])
    assert "name another folder with --out" in capsys.readouterr().err


def test_a_quick_run_can_not_be_recorded(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(fig2b.SETTINGS, fig2b.plot, ["--quick", "--record", "--out", str(tmp_path)])
    assert "--quick runs prove nothing" in capsys.readouterr().err


def test_the_table_is_made_from_recorded_rows(tmp_path):
    (tmp_path / "fig0.json").write_text(json.dumps({"rows": [ROW]}), encoding="utf-8")
    line = results.table(tmp_path).splitlines()[-1]
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


def test_a_seed_without_a_number_leaves_no_median():
    assert median([0.9, None, 0.99]) is None


def test_the_recorded_table_is_the_one_that_the_recorded_rows_give():
    assert results.RESULTS.read_text("utf-8") == results.table(DATA)
