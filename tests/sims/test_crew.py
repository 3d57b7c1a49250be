"""Many simulated rigs at one scheduler: every episode is answered once."""

import numpy as np

from controller.rigs.messages import OVER, RUNNING, Order, Wishes
from controller.session.lending import Lent
from controller.statuses import Status
from sims.benchmarks.rig_scheduler import assignments, plan, run
from sims.crew import SimulatedHost


def test_time_alone_answers_a_simulated_rig_s_episodes():
    host = SimulatedHost("rig1", 1e-6)
    lent = tuple(Lent(one, False, (), 0) for one in assignments(3))
    options = {"check": False, "ordered_ns": 0, "software": {}}
    host.begin(Order("s1", "rig1", "m1", plan(3), {}, None, lent=lent, **options))
    assert host.facts().busy == "s1"
    report = host.exchange("s1", Wishes())
    assert report.state == OVER
    assert {one.status for one in report.standings} == {Status.DONE}
    assert host.facts().busy is None


def test_a_simulated_rig_that_is_slow_says_what_is_open():
    host = SimulatedHost("rig1", 1e6)
    lent = tuple(Lent(one, False, (), 0) for one in assignments(3))
    options = {"check": False, "ordered_ns": 0, "software": {}}
    host.begin(Order("s1", "rig1", "m1", plan(3), {}, None, lent=lent, **options))
    report = host.exchange("s1", Wishes())
    assert report.state == RUNNING
    found = [one.status for one in report.standings]
    assert found == [Status.LEASED, Status.PROPOSED, Status.PROPOSED]


def test_every_episode_is_answered_once_on_many_rigs():
    found = run(rigs=6, episodes=12, every_s=0.3, episode_s=0.3, idle_s=0.1)
    assert found["episodes"] == 12
    assert found["calls that failed"] == 0
    assert np.isfinite(found["scheduler, MiB"])
