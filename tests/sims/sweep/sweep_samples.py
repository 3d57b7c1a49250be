"""Small sweeps: as documents, as a process of its own, and what their stores hold."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from typer import Typer
from typer.testing import CliRunner

from controller.store import read, status
from sims.sweep.command import sweep
from sims.sweep.row import read_row
from sims.sweep.work import store_of

ROOT = Path(__file__).parents[3]
COMMAND = "import typer; from sims.sweep.command import sweep; typer.run(sweep)"
PATIENCE_S = 300
SMALL = """
name = "small"
protocols = ["default"]
seeds = {seeds}
control = false
overrides = [
  "episode.train=5", "episode.test=6", "strategy.population=6", "stages.count=1",
  "stages.generations={generations}",
]
{more}
"""


def swept(*arguments):
    """Run the command in this process."""
    app = Typer()
    app.command()(sweep)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


class Sweeping:
    """The command in a process of its own."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # Ctrl-C for all of it, as a terminal gives it
        )

    def ended(self):
        """Return exit code and output, once it has ended."""
        output, _ = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, output

    def interrupt(self):
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self):
        """End all of it, whatever happened."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=PATIENCE_S)
        self.process.stdout.close()


def until(true, what):
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := true()):
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.05)
    return found


def numbers(folder, name):
    """Return every number of a run's store but the times."""
    tree = read(store_of(folder, name))
    return {
        (table, str(column)): np.asarray(variable.values)
        for table, node in tree.children.items()
        if table != "events"
        for column, variable in node.to_dataset().variables.items()
        if not str(column).startswith("t_")
    }


def assert_same(folder, undisturbed, names):
    """Compare stores and what they say, bit for bit."""
    for name in names:
        ours, theirs = numbers(folder, name), numbers(undisturbed, name)
        assert ours.keys() == theirs.keys()
        for key, values in ours.items():
            np.testing.assert_array_equal(values, theirs[key], err_msg=f"{name} {key}")
        assert read_row(folder, name).summary == read_row(undisturbed, name).summary


def blocks(folder, name):
    """Return how many blocks of generations a run has stored."""
    place = store_of(folder, name)
    return status(place)["last_seq"] if (place / "experiment.toml").exists() else 0


def events(folder, name):
    """Return which of a run's events tell of its attempts."""
    table = read(store_of(folder, name))["events"]
    kinds = dict(enumerate(table["kind"].attrs["flag_meanings"].split()))
    found = [kinds[int(code)] for code in table["kind"].values]
    return [kind for kind in found if kind.startswith("run_")]
