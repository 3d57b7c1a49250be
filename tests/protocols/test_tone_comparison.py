"""The rat's trials: what the file says, and what is said where there is none or another."""

import numpy as np
import pytest

from protocols import tone_comparison
from protocols.behaviour import BehaviourError
from protocols.tone_comparison import FIRST_OF_SECOND_PAIRS, read_rat

installed = pytest.mark.skipif(not tone_comparison.is_installed(), reason="needs psytrack")


@pytest.fixture
def fresh():
    """Read the file anew in this test, and again after it."""
    read_rat.cache_clear()
    yield
    read_rat.cache_clear()


@installed
def test_there_are_20_000_trials_of_two_choices_in_80_sessions():
    rat = read_rat()
    assert rat.subject == "W053"
    assert rat.stimuli.shape == (20_000, 2)
    assert len(np.unique(rat.session)) == rat.begins.sum() == 80
    assert set(rat.choice) == set(rat.label) == {0, 1}
    assert rat.correct.sum() == 12_890
    assert rat.choice.sum() == 10_635


@installed
def test_the_right_hand_side_is_right_where_the_first_sound_is_louder():
    rat = read_rat()
    assert ((rat.stimuli[:, 0] > rat.stimuli[:, 1]) == (rat.label == 1)).all()


@installed
def test_eight_pairs_of_sounds_are_followed_by_eight_others_each_of_one_difference():
    rat = read_rat()
    early = rat.session < FIRST_OF_SECOND_PAIRS
    for half in (early, ~early):
        pairs = np.unique(rat.stimuli[half].round(3), axis=0)
        assert len(pairs) == 8
        assert np.ptp(np.abs(pairs[:, 0] - pairs[:, 1])) < 0.01


@installed
def test_a_tenth_of_the_trials_comes_after_one_that_was_left_out():
    rat = read_rat()
    assert (~rat.follows & ~rat.begins).sum() == 2_012


def test_without_the_package_the_message_says_what_to_install(fresh, monkeypatch):
    monkeypatch.setattr(tone_comparison, "_file", lambda: None)
    with pytest.raises(BehaviourError, match=r"pip install 'biasloop\[data\]'"):
        read_rat()


def test_another_file_is_refused_before_it_is_unpickled(fresh, monkeypatch, tmp_path):
    file = tmp_path / "sampleRatData.npz"
    np.savez(file, D=np.array({"y": [1]}, dtype=object))
    monkeypatch.setattr(tone_comparison, "_file", lambda: file)
    with pytest.raises(BehaviourError, match="expected the file of psytrack"):
        read_rat()
