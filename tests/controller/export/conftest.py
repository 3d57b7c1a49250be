"""Two stores to export: a dry-run with its control, and two sessions on an emulated rig."""

import sys
from pathlib import Path

import pytest

from controller.analysis.source import open_source
from controller.runs import begin
from controller.store import Layout, Store

sys.path.insert(0, str(Path(__file__).parent))

from export_samples import DOCUMENT, make_session


@pytest.fixture(scope="session")
def run(small, tmp_path_factory):
    """Return a finished dry-run."""
    folder = tmp_path_factory.mktemp("export") / "run"
    assert begin(small("stages.generations=4", "log.theta='all'"), folder)
    return open_source(folder)


@pytest.fixture(scope="session")
def rig(tmp_path_factory):
    """Return an experiment with two sessions and no complete generation yet."""
    folder = tmp_path_factory.mktemp("export") / "rig"
    layout = Layout(stimulus_dim=2, theta_dim=4, theta_log="all", origin="emulated")
    header = {"name": "tones", "created_ns": 10**18, "control": False}
    with Store.create(folder, document=DOCUMENT, header=header, layout=layout):
        pass
    for number in range(2):
        make_session(folder / "sessions" / f"s{number}", number)
    return open_source(folder)
