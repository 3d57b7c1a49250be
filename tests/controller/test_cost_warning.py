"""A search over many parameters is said to be dear before it is run, and others aren't."""

import pytest

from controller.cost_warning import cost_warning
from controller.document import load_experiment
from protocols.library import ready

SESSION = (
    'session.plan={kind="graded"}',
    'session.feedback={kind="magnitude", valve="valve_left", least_ul=1.0, most_ul=5.0}',
)


def warned(name, *overrides):
    return cost_warning(load_experiment(ready()[name], overrides).value) or ""


def test_evolution_on_a_network_s_weights_is_warned_of_with_its_trials_and_days():
    text = warned("fig8_network")
    trials = 320 * 64 * (8 + 30)
    assert f"{trials:,} trials" in text
    assert f"{-(-trials // 500):,} days" in text
    assert "521 parameters" in text
    assert "harmonics" in text
    assert "iterated" in text


def test_trials_are_counted_as_a_session_presents_them():
    blocks = (*SESSION, "session.schedule.training_blocks=3", "session.schedule.repeats=2")
    assert f"{320 * 64 * (8 * 3 + 30 * 2):,} trials" in warned("fig8_network", *blocks)


@pytest.mark.parametrize(
    ("name", "overrides"),
    [
        ("default", ()),
        ("animal", ()),
        ("fig2c", ()),  # a network, by gradient
        ("fig8_network", ("labeller.hidden=[10]",)),  # 51 weights
    ],
)
def test_what_is_not_dear_is_not_warned_of(name, overrides):
    assert not warned(name, *overrides)
