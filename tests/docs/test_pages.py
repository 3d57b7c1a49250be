"""Every command of the pages is run, in its order, as somebody would who follows them."""

import subprocess
import sys

import matplotlib.pyplot as plt
import pytest
from pages import ROOT, blocks, commands

RUN = ["README.md", "docs/analysts.md", "docs/experimenters.md", "docs/modellers.md"]


def started(words, folder):
    command = [sys.executable, "-m", "controller.cli", *words]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, f"biasloop {' '.join(words)}: {done.stdout}\n{done.stderr}"


@pytest.mark.needs("avr-gcc", "simavr")
@pytest.mark.parametrize("page", RUN)
def test_a_page_can_be_followed_from_its_first_command_to_its_last(page, tmp_path, monkeypatch):
    (tmp_path / "sims").symlink_to(ROOT / "sims")
    ran = 0
    for command in commands(page):
        if command.runs and command.words[0] == "biasloop":
            started(command.words[1:], tmp_path)
            ran += 1
    assert ran >= 5
    monkeypatch.chdir(tmp_path)
    programs = blocks(page, "python")
    space: dict[str, object] = {}
    for program in programs:
        exec(compile(program, page, "exec"), space)  # noqa: S102  the page's own
    plt.close("all")
    assert programs or page == "docs/experimenters.md"
