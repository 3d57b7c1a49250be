"""A rig's computer takes an order once, and only one that is meant for it and for now."""

import random
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from far_client import request
from far_world import HERE, Network, wait_for
from session_world import NoPlanning, plan_of, section

from controller.rigs import loan
from controller.rigs.calls import Away
from controller.rigs.host import LabHost
from controller.rigs.loan import Follow, Out, outstanding
from controller.rigs.messages import Order, Received
from controller.rigs.packing import Damaged, checksum, pack, unpack
from controller.rigs.received import received_since, take_in
from controller.rigs.run import Remote, choose, run_on
from controller.rigs.software import software
from controller.session.errors import NotReady
from controller.session.queue import Queue
from controller.session.unlimited import unlimited
from hardware.interface import Pulsed
from hardware.reward_ledger import Entry

NOTHING = (sys.executable, "-c", "pass")


@pytest.fixture
def host():
    """A function that makes hosts; their processes have ended when the test has."""
    made = []

    def make(lab, command=NOTHING):
        lab.mkdir(exist_ok=True)
        made.append(LabHost(lab, None, "box1", "emulated", command))
        return made[-1]

    yield make
    assert all(one.is_gone(60.0) for one in made)


def order(**changes):
    made = Order(
        session="s1_m1",
        rig="box1",
        subject="m1",
        plan=plan_of(section()),
        limits=unlimited("m1").model_dump(),
        weight_g=None,
        check=False,
        ordered_ns=time.time_ns(),
        software=software(),
        lent=(),
    )
    return replace(made, **changes)


def test_a_second_start_is_refused_also_by_a_host_that_began_anew(tmp_path, host):
    first = host(tmp_path / "lab")
    first.begin(order())
    wait_for(lambda: first.busy is None, "end of the process")
    for one in (first, host(tmp_path / "lab")):
        with pytest.raises(NotReady, match="no second start: s1_m1 was claimed by process"):
            one.begin(order())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rig": "box2"}, "is for the rig box2, this is box1"),
        ({"software": {**software(), "biasloop": "0.0.1"}}, r"biasloop 0\.0\.1 \(here"),
        ({"ordered_ns": time.time_ns() - 10**12}, "set the clocks of both"),
        ({"session": "../s1"}, "can't be a subject's name"),
    ],
)
def test_what_isn_t_for_this_rig_now_is_refused_and_may_be_ordered_again(
    tmp_path, host, changes, words
):
    one = host(tmp_path / "lab")
    with pytest.raises(NotReady, match=words):
        one.begin(order(**changes))
    one.begin(order())


def test_a_session_that_was_revoked_is_never_begun_and_one_that_was_begun_isn_t_revoked(
    tmp_path, host
):
    one = host(tmp_path / "lab")
    assert one.revoke("s1_m1")
    assert one.revoke("s1_m1")
    with pytest.raises(NotReady, match="no second start"):
        one.begin(order())
    one.begin(order(session="s2_m1"))
    assert not one.revoke("s2_m1")


def test_another_version_of_the_program_isn_t_chosen(tmp_path, host):
    other = replace(host(tmp_path / "lab").facts(), software={"biasloop": "0.0.1"})
    with pytest.raises(NotReady, match="install the same versions"):
        choose({"box1": other}, "ANY", [], "m1")
    with pytest.raises(NotReady, match=r"no rig box7 is connected \(rigs: box1\)"):
        choose({"box1": other}, "box7", [], "m1")
    with pytest.raises(NotReady, match="no rig is free"):
        choose({}, "ANY", [], "m1")


# what comes home


def test_a_store_that_arrives_damaged_is_not_kept(tmp_path):
    (tmp_path / "store" / "inner").mkdir(parents=True)
    (tmp_path / "store" / "inner" / "values").write_bytes(bytes(range(256)))
    data = pack(tmp_path / "store")
    damaged = data[:-30] + bytes([data[-30] ^ 1]) + data[-29:]
    for wrong in (damaged, data[:50]):
        with pytest.raises(Damaged, match="arrived damaged"):
            unpack(wrong, tmp_path / "home", checksum(data))
    assert not (tmp_path / "home").exists()
    assert unpack(data, tmp_path / "home", checksum(data))
    assert not unpack(data, tmp_path / "home", checksum(data))
    assert (tmp_path / "home" / "inner" / "values").read_bytes() == bytes(range(256))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "store"]


def test_what_an_animal_got_is_copied_once_and_by_animal(tmp_path):
    pulses = [
        Received(
            device, 7, Entry(Pulsed("valve", number, 10, 20, cut=False), 1.5, 99, who, "valve")
        )
        for device, number, who in [("a", 1, "m1"), ("a", 2, "m2"), ("b", 1, "m1"), ("a", 3, "m1")]
    ]
    assert take_in(tmp_path, tuple(pulses)) == 4
    assert take_in(tmp_path, tuple(pulses)) == 0
    got = received_since(tmp_path, "m1", 0)
    assert sorted(got, key=repr) == sorted((pulses[0], pulses[2], pulses[3]), key=repr)
    assert received_since(tmp_path, "m1", 100) == ()


class Line:
    """Calls to hosts that get lost on the way there, or on the way back."""

    def __init__(self, hosts, seed):
        self._hosts, self._random = hosts, random.Random(seed)
        self.lost = 0

    def facts(self):
        return {name: one.facts() for name, one in self._hosts.items()}

    def begin(self, asked):
        return self._carried(lambda: self._hosts[asked.rig].begin(asked))

    def __getattr__(self, name):
        def call(rig, *arguments):
            return self._carried(lambda: getattr(self._hosts[rig], name)(*arguments))

        return call

    def _carried(self, call):
        fate = self._random.random()
        if fate < 0.25:
            self.lost += 1
            raise Away("lost on the way there")
        answer = call()
        if fate < 0.5:
            self.lost += 1
            raise Away("lost on the way back")
        return answer


class Straight:
    """Calls to one host that all arrive."""

    def __init__(self, only):
        self.begin = only.begin
        self._only = only

    def __getattr__(self, name):
        return lambda _, *arguments: getattr(self._only, name)(*arguments)


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_whatever_calls_get_lost_every_trial_is_there_once(tmp_path, host, monkeypatch, seed):
    monkeypatch.setattr(loan, "EXCHANGE_S", 0.05)
    monkeypatch.setenv("PYTHONPATH", ":".join(sys.path))
    network = Network(tmp_path)
    command = (sys.executable, "-W", "ignore", str(HERE / "far_session.py"))
    line = Line({"box1": host(network.rig_lab("box1"), command)}, seed)
    # water for half of it: the next session is refused what the first one has had
    limits = unlimited("m1").model_copy(update={"water_max_ul": 24.0})
    endings = []
    with Queue(network.experiment) as queue:
        parts = (NoPlanning(), plan_of(section()), queue)
        for water_ul in (24.0, 24.0, 1e9):
            asked = limits.model_copy(update={"water_max_ul": water_ul})
            remote = Remote(request(network.experiment, network.lab, asked), "box1", line)
            begun = False
            while not begun:  # whoever is told that an order was lost orders again
                chosen = choose(line.facts(), "box1", outstanding(network.experiment), "m1")
                with suppress(NotReady):
                    endings.append(run_on(remote, chosen, network.experiment, parts).status)
                    begun = True
    assert endings == ["limit", "limit", "no_slot"]
    assert line.lost > 3
    network.judge()


def test_a_rig_gets_the_next_episode_as_soon_as_one_is_done(tmp_path, host, monkeypatch):
    monkeypatch.setattr(loan, "EXCHANGE_S", 0.05)
    monkeypatch.setenv("PYTHONPATH", ":".join(sys.path))
    network = Network(tmp_path)
    command = (sys.executable, "-W", "ignore", str(HERE / "far_session.py"))
    one = host(network.rig_lab("box1"), command)
    with Queue(network.experiment) as queue:
        out = Out("s1_m1", "box1", "m1")
        parts = (network.experiment, network.lab, queue, NoPlanning(), plan_of(section()))
        follow = Follow(*parts, Straight(one), out, lambda _: None, share=lambda: 1)
        loan.record(network.experiment, out)
        lent = follow.lend()
        assert len(lent) == 1
        follow.begin(order(lent=lent))
        assert follow.until_home().status == "no_slot"
    network.judge()


def test_following_a_session_that_never_began_frees_its_slots(tmp_path, host):
    network = Network(tmp_path)
    with Queue(network.experiment) as queue:
        follow = Follow(
            network.experiment,
            network.lab,
            queue,
            NoPlanning(),
            plan_of(section()),
            Line({"box1": host(network.rig_lab("box1"))}, 5),
            Out("s1_m1", "box1", "m1"),
            lambda _: None,
        )
        loan.record(network.experiment, follow.out)
        assert len(follow.lend()) == 3
        with pytest.raises(NotReady, match="didn't begin s1_m1"):
            follow.until_home()
        assert {one.subject for one in queue.slots()} == {None}
        assert queue.lease("m2", "s2", 1.0).assignment.attempt == 0
    assert outstanding(network.experiment) == []
    with pytest.raises(NotReady, match="was ordered before"):
        loan.record(network.experiment, follow.out)


def test_a_session_s_process_imports_neither_jax_nor_dask():
    import subprocess

    code = (
        "import sys, controller.rigs.session_entry, controller.rigs.host; "
        "print([name for name in ('jax', 'equinox', 'dask', 'distributed') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert Path(HERE).is_dir()
