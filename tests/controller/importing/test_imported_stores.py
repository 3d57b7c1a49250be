"""Imported stores are for reading: nothing goes on with them. The rat is one."""

import os

import numpy as np
import pytest
from typer.testing import CliRunner

from controller import cli
from controller.analysis.presented import presented
from controller.analysis.record import describe
from controller.analysis.source import open_source
from controller.loop import LoopError
from controller.planner import Planner
from controller.session.errors import NotReady
from controller.session.planning import Opening
from protocols.behaviour import signs
from protocols.tone_comparison import is_installed, read_rat

needs_rat = pytest.mark.skipif(
    not is_installed() and not os.environ.get("CI"), reason="needs the extra `data`"
)


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("imported")
    (folder / "t.csv").write_text("x,y,choice\n0.1,0.5,1\n-0.2,0.1,-1\n")
    (folder / "map.toml").write_text(
        'name = "two"\n[columns]\nstimulus = ["x", "y"]\nanswer = "choice"\nside = "choice"\n'
    )
    command = ["import", folder / "t.csv", "--map", folder / "map.toml", "--out", folder / "out"]
    done = CliRunner().invoke(cli.app, [*map(str, command)])
    assert done.exit_code == 0, done.output
    assert "2 trials in 1 sessions" in done.output
    return folder / "out"


@pytest.mark.parametrize("command", [["resume"], ["replay", "--verify"], ["fit"]])
def test_nothing_goes_on_with_imported_trials(imported, command):
    done = CliRunner().invoke(cli.app, [*command, str(imported)])
    assert isinstance(done.exception, LoopError), done.output
    assert "somebody else's, imported" in str(done.exception)
    assert open_source(imported).exit_status == "finished"


@pytest.mark.parametrize("origin", ["animal", "emulated", "simavr"])
def test_no_session_is_added_to_imported_trials(imported, origin):
    opening = Opening(imported, None, (), origin)
    with pytest.raises(NotReady, match=f"is imported, this rig is {origin}"):
        Planner.begin(opening, None)
    assert len(open_source(imported).sessions) == 1


@needs_rat
def test_the_rat_is_imported_whole_and_analysed(tmp_path):
    done = CliRunner().invoke(cli.app, ["import", "rat", "--out", str(tmp_path / "rat")])
    assert done.exit_code == 0, done.output
    assert "20,000 trials in 80 sessions" in done.output
    source, rat = open_source(tmp_path / "rat"), read_rat()
    trials = presented(source)
    np.testing.assert_array_equal(trials.label, signs(rat.label))
    np.testing.assert_array_equal(trials.answer, signs(rat.choice))
    np.testing.assert_array_equal(trials.session, rat.session)
    assert (trials.t_ns == -1).all()
    follows = (np.diff(trials.index, prepend=-1) == 1) & (np.diff(trials.session, prepend=0) == 0)
    np.testing.assert_array_equal(follows[1:], rat.follows[1:])
    x = np.concatenate([session.tables["trials"]["x"] for session in source.sessions])
    np.testing.assert_array_equal(x, rat.stimuli.astype(np.float32))
    record = describe(source)
    assert record["origin"]["origin_words"] == "somebody else's trials, imported"
    assert sum(one["trials"] for one in record["origin"]["sessions"]) == 20_000
    assert "Akrami" in source.header["source"]["cite"]
