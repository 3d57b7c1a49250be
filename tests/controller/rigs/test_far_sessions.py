"""Sessions on rigs over a scheduler: whatever dies, nothing is lost and no trial comes twice."""

import json
import os
import signal

import pytest
from far_world import Network, wait_for

from controller.rigs.lent_folder import STOP
from controller.rigs.loan import outstanding
from controller.session.queue import Queue

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals")


@pytest.fixture
def network(tmp_path):
    made = Network(tmp_path)
    try:
        yield made
    finally:
        made.close()


def ending(client):
    assert client.wait() == 0, client.said
    return json.loads(client.said[-1])["status"]


def test_a_session_runs_on_a_rig_and_comes_home_whole(network):
    network.scheduler()
    rig = network.rig("box1")
    rig.hear("waits for sessions")
    second = network.rig("box1")
    client = network.client("ANY")
    assert ending(client) == "no_slot"
    network.judge()
    assert "a rig box1 is served already" in second.hear("refused")
    assert second.wait() == 1
    rig.send(signal.SIGINT)
    assert rig.wait() == 0


def test_a_session_goes_on_while_the_scheduler_stands_still_and_after_it_died(network):
    scheduler = network.scheduler()
    network.hold("box1", 11)
    rig = network.rig("box1")
    rig.hear("waits for sessions")
    client = network.client("box1")
    network.held("box1")
    scheduler.send(signal.SIGSTOP)
    client.hear("is away")
    network.go("box1")
    network.ended("box1")  # with nobody to ask
    scheduler.kill()
    network.scheduler()
    client.hear("is back")
    assert ending(client) == "no_slot"
    network.judge()


def test_worker_and_experimenter_may_be_killed_and_whoever_asks_again_takes_it_up(network):
    network.scheduler()
    network.hold("box1", 5)
    worker = network.rig("box1")
    worker.hear("waits for sessions")
    first = network.client("box1")
    network.held("box1")
    worker.kill()
    first.hear("is away")
    network.rig("box1").hear("waits for sessions")
    first.hear("is back")
    first.kill()
    (out,) = outstanding(network.experiment)
    second = network.client("ANY")
    second.hear(f"{out.session} is out at box1: following it")
    other = network.client("box1", "m2")
    assert other.wait() == 1
    assert "no rig is free (box1 runs" in other.said[-1]
    network.go("box1")
    assert ending(second) == "no_slot"
    network.judge()
    assert [path.name for path in network.lent("box1")] == [out.session]


@pytest.mark.slow
def test_another_rig_goes_on_with_what_a_rig_that_lost_its_power_had_begun(network):
    network.scheduler()
    network.hold("box1", 14)
    first = network.rig("box1")
    first.hear("waits for sessions")
    client = network.client("box1")
    network.held("box1")
    (folder,) = network.lent("box1")
    pid = json.loads((folder / "lock").read_text())["pid"]
    first.kill()
    os.kill(pid, signal.SIGKILL)
    network.rig("box1").hear("waits for sessions")
    assert ending(client) == "killed"
    network.rig("box2").hear("waits for sessions")
    again = network.client("box2")
    assert ending(again) == "no_slot"
    network.judge()


@pytest.mark.slow
def test_the_experimenter_s_ctrl_c_ends_the_session_after_its_trial(network):
    network.scheduler()
    network.hold("box1", 4)
    network.rig("box1").hear("waits for sessions")
    client = network.client("box1")
    network.held("box1")
    client.send(signal.SIGINT)
    client.hear("stopping after this trial")
    with Queue(network.lent("box1")[0]) as queue:
        wait_for(lambda: queue.read(STOP), "wish that arrived")
    network.go("box1")
    assert ending(client) == "stopped"
    assert ending(network.client("box1")) == "no_slot"
    network.judge()
