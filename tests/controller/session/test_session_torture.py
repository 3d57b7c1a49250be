"""Sessions to which something happens at a random moment: nothing acknowledged is ever lost."""

import random
from collections import Counter

import pytest

from sims.hardening.session_torture import torture


@pytest.mark.parametrize(
    ("seed", "cases"), [(1, 120), pytest.param(2, 2800, marks=pytest.mark.slow)]
)
def test_whatever_happens_to_an_emulated_session_no_acknowledged_trial_is_lost(
    tmp_path, seed, cases
):
    tries = list(torture(tmp_path, random.Random(seed), cases))
    assert [one.failure for one in tries if one.failure] == []
    ended = Counter(one.ended for one in tries)
    print(dict(ended))
    assert len(tries) >= cases
    assert ended["over, as if nothing had happened"] > 0
    assert ended["kill: killed"] > cases // 10
