"""One command for all parts: exit codes, report, Ctrl-C."""

import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, final

import pytest

from sims.hardening import command
from sims.hardening.part import AbstractPart, LeftOutError, Try
from sims.hardening.report import bound


@final
@dataclass(frozen=True)
class Fragile(AbstractPart):
    kind: ClassVar[str] = "fragile"
    a_try: ClassVar[str] = "a glass that is dropped"
    promise: ClassVar[str] = "it stays whole"
    tries: ClassVar[int] = 100
    short: ClassVar[int] = 4

    def run(self, conditions):
        for number in conditions.numbers():
            broken = number == 3
            yield Try(
                "broken" if broken else "whole",
                "it is in pieces" if broken else "",
                number,
                evidence={"shards.txt": b"!"} if broken else {},
            )


@final
@dataclass(frozen=True)
class Broken(AbstractPart):
    kind: ClassVar[str] = "broken"
    a_try: ClassVar[str] = "nothing"
    promise: ClassVar[str] = "nothing"
    tries: ClassVar[int] = 1
    short: ClassVar[int] = 1

    def run(self, conditions):
        yield Try("well")
        raise ZeroDivisionError("the part itself")


@final
@dataclass(frozen=True)
class Elsewhere(AbstractPart):
    kind: ClassVar[str] = "elsewhere"
    a_try: ClassVar[str] = "nothing"
    promise: ClassVar[str] = "nothing"
    tries: ClassVar[int] = 1
    short: ClassVar[int] = 1

    def run(self, conditions):
        raise LeftOutError("needs another computer")
        yield


@pytest.fixture(autouse=True)
def _parts(monkeypatch):
    parts = {one.kind: one for one in (Fragile, Broken, Elsewhere)}
    monkeypatch.setattr(command, "PARTS", parts)
    monkeypatch.setattr(signal, "signal", lambda *_: None)


def harden(*words: str, folder: Path) -> tuple[int, str]:
    out = folder / "report.md"
    code = command.main([*words, "--out", str(out), "--failures", str(folder / "failures")])
    return code, out.read_text("utf-8")


def test_n_stands_beside_every_zero_and_what_didnt_fail_is_bounded(tmp_path):
    code, text = harden("--only", "fragile", "--tries", "3", "--seed", "7", folder=tmp_path)
    assert code == 0
    assert "| fragile | a glass that is dropped | 0 of 3 | 0.63 |" in text
    assert "Seed 7, long form" in text
    assert not (tmp_path / "failures").exists()


def test_a_failure_ends_with_1_the_seed_and_how_to_do_it_again(tmp_path):
    code, text = harden("--only", "fragile", "--short", "--seed", "7", folder=tmp_path)
    assert code == 1
    assert "| 1 of 4 |" in text
    assert "3 whole, 1 broken" in text
    again = "python -m sims.hardening --only fragile --seed 7 --case 3 --short"
    assert f"again with `{again}`" in text
    assert "it is in pieces" in text
    assert (tmp_path / "failures" / "fragile" / "0" / "shards.txt").read_bytes() == b"!"
    code, text = harden(*again.split()[3:], folder=tmp_path)
    assert (code, "| 1 of 1 |" in text) == (1, True)


def test_a_part_that_breaks_off_is_a_failure_and_the_next_one_runs(tmp_path):
    code, text = harden("--only", "broken", "fragile", "--tries", "2", folder=tmp_path)
    assert code == 1
    assert "| broken | nothing | 1 of 2 |" in text
    assert "ZeroDivisionError: the part itself" in text
    assert "| 0 of 2 |" in text


def test_a_part_that_cant_run_here_says_what_it_needs(tmp_path):
    code, text = harden("--only", "elsewhere", folder=tmp_path)
    assert code == 0
    assert "not run: needs another computer" in text


def test_ctrl_c_ends_it_with_what_was_done_so_far(tmp_path):
    words = ["--only", "wire", "queue", "--tries", "100000000", "--seed", "1"]
    run = subprocess.Popen(
        [sys.executable, "-m", "sims.hardening", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    assert run.stderr is not None
    while "failures of" not in run.stderr.readline():
        assert run.poll() is None
    run.send_signal(signal.SIGINT)
    out, _ = run.communicate(timeout=120)
    assert run.returncode == 130
    assert "(stopped)" in out
    assert "| wire |" in out
    assert "| queue |" not in out


def test_the_bound_is_the_one_of_a_binomial():
    assert bound(0, 100) == pytest.approx(1 - 0.05 ** (1 / 100))
    assert bound(3, 3) == 1


def test_a_share_of_each_parts_own_number_can_be_asked_for(tmp_path):
    code, text = harden("--only", "fragile", "--tries", "5%", "--seed", "7", folder=tmp_path)
    assert code == 1
    assert "5% of the long form" in text
    assert "of 5 |" in text


@pytest.mark.parametrize(
    "words", [["--only", "nothing"], ["--hours", "0"], ["--tries", "0"], ["--tries", "nan%"]]
)
def test_wrong_usage_ends_with_2(words):
    with pytest.raises(SystemExit) as end:
        command.main(words)
    assert end.value.code == 2
