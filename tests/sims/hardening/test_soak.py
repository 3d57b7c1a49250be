"""What grows is told from what only goes up and down."""

import subprocess
import sys

import numpy as np
import pytest

from sims.hardening.processes import Sample, read_samples, record, sample, tree
from sims.hardening.slope import slope
from sims.hardening.soak_table import lives

HOUR_S = 3600.0


def series(mb_h: float, *, step_mb: float = 0.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two hours, a sample each 30 s; steps that stay for a while are what memory does."""
    random = np.random.default_rng(seed)
    t_s = np.arange(0, 2 * HOUR_S, 30.0)
    level = np.repeat(random.normal(size=len(t_s) // 12) * step_mb, 12)
    return t_s + 1e9, (300 + mb_h * t_s / HOUR_S + level) * 1e6


def test_a_line_has_its_slope_and_no_error():
    found = slope(*series(12.0))
    assert found.mb_h == pytest.approx(12)
    assert found.se_mb_h == pytest.approx(0, abs=1e-6)
    assert not found.flat


def test_the_standard_error_covers_what_steps_that_stay_make_of_a_slope():
    found = [slope(*series(0.0, step_mb=5.0, seed=seed)) for seed in range(300)]
    off = np.array([one.mb_h / one.se_mb_h for one in found])
    assert 0.4 < off.std() < 1.3
    assert np.mean([one.flat for one in found]) > 0.9


def test_slow_growth_is_seen_through_steps():
    assert not slope(*series(12.0, step_mb=2.0)).flat
    assert slope(*series(1.0)).flat


def made(role: str, pid: int, mb_h: float, *, files: int = 10, more_files: int = 0) -> list[Sample]:
    t_s, rss = series(mb_h, step_mb=0.5, seed=pid)
    late = 3 * len(t_s) // 4
    return [
        Sample(float(t), pid, 7, role, int(b), int(b), files + more_files * (i > late), 3, 0.0)
        for i, (t, b) in enumerate(zip(t_s, rss, strict=True))
    ]


def test_each_process_is_judged_by_itself_and_what_was_too_short_is_left_out():
    samples = made("planner", 1, 0.0) + made("stimulus", 2, 40.0) + made("page", 3, 0.0)[:10]
    found = {one.role: one for one in lives(samples)}
    assert set(found) == {"planner", "stimulus"}
    assert found["planner"].complaint == ""
    assert found["stimulus"].complaint == "its memory grows"
    assert found["stimulus"].growth.mb_h == pytest.approx(40, abs=1)


def test_files_that_are_never_closed_are_seen():
    (found,) = lives(made("page", 1, 0.0, more_files=5))
    assert found.complaint == "open files grow"
    assert found.files == 15


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_samples_are_of_a_process_and_of_what_it_started(tmp_path):
    inner_code = "import os; print(os.getpid(), flush=True); input()"
    code = f"import subprocess, sys; subprocess.call([sys.executable, '-c', {inner_code!r}])"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as outer:
        assert outer.stdout is not None
        inner = int(outer.stdout.readline())
        assert tree(outer.pid) == [outer.pid, inner]
        found = sample(outer.pid)
        with (tmp_path / "s.jsonl").open("w") as file:
            record(outer.pid, file)
        outer.communicate("\n")
    assert [one.role for one in found] == ["controller", "other"]
    assert all(one.rss_bytes > 10**6 and one.files >= 3 and one.threads >= 1 for one in found)
    assert [one.pid for one in read_samples(tmp_path / "s.jsonl")] == [outer.pid, inner]
