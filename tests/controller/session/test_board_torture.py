"""Sessions on an emulated board to which something happens: judged by the board's own pins."""

import random
from collections import Counter

import pytest

from sims.hardening.board_torture import FAULTS, torture

pytestmark = pytest.mark.needs("avr-gcc", "avr-g++", "gcc", "make", "simavr")


@pytest.mark.parametrize(("seed", "cases"), [(1, 25), pytest.param(2, 240, marks=pytest.mark.slow)])
def test_whatever_happens_on_a_board_its_outputs_go_off_and_every_drop_is_counted(
    tmp_path, seed, cases
):
    tries = list(torture(tmp_path, random.Random(seed), cases))
    assert [one.failure for one in tries if one.failure] == []
    ended = Counter(one.ended.partition(":")[0] for one in tries)
    print(dict(ended))
    assert sum(ended.values()) == cases
    assert set(ended) == set(FAULTS)
