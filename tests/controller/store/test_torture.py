"""A writer that is killed at random moments, again and again, beside a reader."""

import random
from pathlib import Path

import pytest
from store_samples import assert_same, fill, new, published

from sims.hardening.store_kills import torture
from sims.hardening.store_writer import small_chunks


def survive(folder: Path, kills: int, *, live: bool, kind: str) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    tries = list(torture(folder, kills, random.Random(seed), live=live, kind=kind))
    assert [one.failure for one in tries if one.failure] == []
    assert [one.ended for one in tries] == [f"killed, {kind}"] * kills + ["whole in the end"]


@pytest.fixture
def _small():
    with small_chunks():
        yield


@pytest.mark.usefixtures("_small")
def test_kills_of_a_followed_session_lose_nothing_acknowledged_and_never_break_a_reader(tmp_path):
    survive(tmp_path / "s", 16, live=True, kind="session")


@pytest.mark.slow
@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("live", [False, True], ids=["dry-run", "live"])
def test_many_kills_of_a_followed_session_lose_nothing_acknowledged(tmp_path, live):
    survive(tmp_path / "s", 400, live=live, kind="session")


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("live", [False, True], ids=["dry-run", "live"])
def test_a_hundred_kills_lose_nothing_acknowledged_and_never_break_a_reader(tmp_path, live):
    survive(tmp_path / "s", 40 if live else 60, live=live, kind="experiment")


@pytest.mark.slow
@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("live", [False, True], ids=["dry-run", "live"])
def test_a_thousand_kills_lose_nothing_acknowledged_and_never_break_a_reader(tmp_path, live):
    survive(tmp_path / "s", 500, live=live, kind="experiment")


@pytest.mark.usefixtures("_small")
def test_a_fold_in_small_steps_equals_one_at_the_end(tmp_path):
    with new(tmp_path / "a") as steps:
        for until in range(1, 60, 3):
            fill(steps, until)
            steps.fold()
    with new(tmp_path / "b", steps.last_seq):
        pass
    assert_same(published(tmp_path / "a"), published(tmp_path / "b"))
