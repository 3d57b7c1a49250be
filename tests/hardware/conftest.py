"""What the rig's tests need from the system: programs of Debian's packages."""

import os
import shutil

import pytest


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose programs are missing; in continuous integration (CI is set) fail it."""
    programs = [program for mark in item.iter_markers("needs") for program in mark.args]
    missing = ", ".join(program for program in programs if shutil.which(program) is None)
    if missing and os.environ.get("CI"):
        pytest.fail(f"continuous integration must not skip: {missing} not found", pytrace=False)
    if missing:
        pytest.skip(f"needs {missing}")


@pytest.fixture(scope="module")
def board():
    """A running emulated board, the same for a module's tests."""
    from hardware.simulated_board import SimulatedBoard

    with SimulatedBoard() as running:
        yield running


@pytest.fixture
def device(board):
    """The board as the host sees it; limits are set, nothing is armed."""
    from hardware.device import NativeDevice
    from hardware.interface import Limits

    with NativeDevice(board.port) as opened:
        opened.clear()
        for line in opened.identity.lines:
            if line.kind != "input":
                limits = Limits(line.ceiling.max_us, line.ceiling.gap_us, line.ceiling.budget_us)
                opened.set_limits(line.name, limits)
        yield opened
        opened.all_off()
        opened.disarm()
        opened.clear()
