"""One command runs every benchmark, and keeps its own words."""

import json
import subprocess
import sys
from pathlib import Path

import sims.benchmarks
from sims.benchmarks import all as every
from sims.benchmarks.promises import PROMISES, Promise

FOLDER = Path(sims.benchmarks.__file__).parent


def test_every_program_that_measures_is_promised_something():
    programs = {
        path.stem
        for path in FOLDER.glob("*.py")
        if 'if __name__ == "__main__":' in path.read_text("utf-8")
    }
    assert programs - {"all"} == {promise.module for promise in PROMISES}


def test_what_a_program_prints_is_kept_with_its_code(monkeypatch, tmp_path):
    package = tmp_path / "sims" / "benchmarks"
    package.mkdir(parents=True)
    (package / "good.py").write_text("print('ratio 1.25')")
    (package / "bad.py").write_text("print('begun'); raise SystemExit('no disk')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(every.sys, "executable", _runner(tmp_path))
    good, bad = every.run(Promise("good", "fast")), every.run(Promise("bad", "fast"))
    assert (good["printed"], good["code"]) == ("ratio 1.25\n", 0)
    assert bad["code"] == 1
    assert "begun" in bad["printed"]
    assert "no disk" in bad["printed"]


def _runner(folder: Path) -> str:
    """A Python that finds modules in a folder first, whatever is installed."""
    script = folder / "python"
    script.write_text(
        f"#!/bin/sh\nname=${{2##*.}}\nexec {sys.executable} {folder}/sims/benchmarks/$name.py\n"
    )
    script.chmod(0o755)
    return str(script)


def test_the_page_is_that_of_what_is_kept():
    kept = json.loads(every.KEPT.read_text("utf-8"))
    assert every.RESULTS.read_text("utf-8") == every.table(kept)


def test_a_program_that_was_not_run_or_failed_says_so():
    page = every.table(
        {"log_cost": {"printed": "x", "code": 1, "load": 0.1, "seconds": 3, "day": "2026-01-01"}}
    )
    assert "**It failed (code 1).**" in page
    assert page.count("Not run") == len(PROMISES) - 1


def test_an_unknown_name_is_refused_with_those_that_there_are():
    command = [sys.executable, "-m", "sims.benchmarks.all", "--only", "nothing"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "there are log_overhead" in done.stderr
