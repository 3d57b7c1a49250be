"""One session on an emulated rig: what is asked of it, what holds it, how it ends."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from session_world import (
    EPISODE,
    N_TRAIN,
    SLOTS,
    VOLUME_UL,
    Script,
    SpyRig,
    World,
    fail_with,
    section,
    told,
)

from controller.session.alerts import Alerts, AlertsSection
from controller.session.clock import VirtualClock
from controller.session.controls import Wish
from controller.session.session import LOOK_S
from controller.session.start import run_session
from controller.session.unlimited import unlimited
from controller.statuses import Status
from controller.store import StoreError, WriteFailed, creation, status
from hardware.interface import Deliver, Disconnected, Edge, Present, Wait
from hardware.messages import Outcome
from protocols.plans.go_nogo import GoNoGo
from protocols.trials import Phase

ALL = SLOTS * EPISODE


@pytest.fixture
def make(tmp_path):
    """Return a function that makes the world of a session; its queue is full."""

    def world(**changes):
        return World(tmp_path / "e", **{"waits": False, **changes}).propose()

    return world


def run(world, **changes):
    """Run a session; its ending and what its store holds, of which the ending is always there."""
    ending = run_session(world.start(**changes))
    stored = told(world.sessions()[-1])
    ((trials, words),) = stored.of("session_ended")
    assert trials == len(stored.trials)
    assert words.startswith(ending.status)
    assert stored.of("made_safe") == [(1.0, "")]
    assert status(world.sessions()[-1])["exit_status"] == ending.status
    assert not world.rig.outputs.armed
    return ending, stored


def limited(**changes):
    """Return limits of an animal."""
    return unlimited("m1").model_copy(update=changes)


def test_a_session_runs_every_slot_and_says_that_there_is_no_more(make):
    world = make()
    ending, stored = run(world)
    assert (ending.status, len(stored.trials)) == ("no_slot", ALL)
    assert {one.status for one in world.queue.slots()} == {Status.DONE}
    assert len(stored.of("episode_done")) == SLOTS


@pytest.mark.parametrize(
    ("changes", "limits", "how", "trials"),
    [
        ({"trials": 7}, {}, "trials", 7),
        ({"minutes": 0.5}, {}, "time", None),
        ({}, {"minutes_max": 0.5}, "time", None),
        ({}, {"water_max_ul": 2.5 * VOLUME_UL}, "limit", None),
    ],
)
def test_a_session_ends_at_its_limits(make, changes, limits, how, trials):
    world = make(document=section(**changes), limits=limited(**limits))
    ending, stored = run(world)
    assert ending.status == how
    assert len(stored.trials) == trials or (trials is None and 0 < len(stored.trials) < ALL)
    if how == "limit":
        assert sum(one.volume_ul for one in stored.trials) == 2 * VOLUME_UL
        assert "m1 has had 8 of 10" in stored.of("limit_reached")[0][1]


def test_a_pause_is_an_event_with_a_duration_and_everything_off(make):
    world = make(controls=Script({5: (Wish.PAUSE, "key"), 15: (Wish.GO_ON, "key")}), waits=True)
    ending, stored = run(world, patience_s=1.0)
    ((seconds, _),) = stored.of("resumed")
    assert seconds == pytest.approx(10 * LOOK_S)
    assert stored.of("paused")[0][1] == "paused"
    assert (ending.status, len(stored.trials)) == ("no_slot", ALL)
    begun = world.rig.calls.index("make_safe")
    assert world.rig.calls[begun + 1 : begun + 11] == [Wait(LOOK_S)] * 10
    assert world.rig.calls[begun + 11] == "arm"


def test_a_session_that_is_stopped_ends_after_the_trial(make):
    ending, stored = run(make(controls=Script({5: (Wish.STOP, "key")})))
    assert (ending.status, len(stored.trials)) == ("stopped", 4 - 1)
    assert stored.of("stop_asked")[0][1] == "key"


def test_a_pause_can_end_in_a_stop(make):
    world = make(
        controls=Script({5: (Wish.PAUSE, "key"), 9: (Wish.STOP, "key")}),
        waits=True,
        limits=limited(water_min_ul=20.0, top_up="valve"),
    )
    ending, stored = run(world)
    assert ending.status == "stopped"
    assert len(stored.of("top_up")) == round(
        (20.0 - sum(one.volume_ul for one in stored.trials)) / VOLUME_UL
    )


def test_a_pause_counts_to_the_longest_session(make):
    world = make(controls=Script({5: (Wish.PAUSE, "key")}), waits=True)
    world.document["minutes"] = 1.0
    ending, stored = run(world)
    assert ending.status == "time"
    assert world.clock.passed_ns() < 70e9
    assert len(stored.trials) < 5


@pytest.mark.parametrize(
    ("wish", "how", "kind"),
    [(Wish.ABORT, "aborted", "aborted"), (Wish.EMERGENCY, "emergency", "emergency_stop")],
)
def test_the_rig_is_off_before_a_trial_that_is_aborted_knows(make, monkeypatch, wish, how, kind):
    calls, trial = [], GoNoGo.trial

    def noted(self, shown, reward):
        try:
            return (yield from trial(self, shown, reward))
        except GeneratorExit:
            calls.append("close")
            raise

    class Rig(SpyRig):
        def make_safe(self):
            calls.append("make_safe")
            return super().make_safe()

    monkeypatch.setattr(GoNoGo, "trial", noted)

    def press(instruction, number):
        if isinstance(instruction, Present) and number == 6:
            script.press(wish)

    script = Pressed()
    world = make(controls=script, wrap=lambda rig: Rig(rig, fail=press))
    ending, stored = run(world)
    assert (ending.status, len(stored.trials)) == (how, 5)
    assert len(stored.of(kind)) == 1
    assert calls[:2] == ["make_safe", "close"]


class Pressed(Script):
    """Keys that end a trial at once, as the heartbeat of a rig sees them."""

    def __init__(self):
        super().__init__({})

    def press(self, wish):
        from controller.session.errors import Stopped

        raise Stopped(wish.name.lower())


def test_an_abort_that_comes_after_the_look_for_it_is_not_overheard(make):
    class Late(Script):
        def watch(self):
            pass

    ending, stored = run(make(controls=Late({4: (Wish.EMERGENCY, "key")})))
    assert ending.status == "emergency"
    assert len(stored.trials) < 4


def test_a_free_reward_is_an_event_with_its_pulse_and_counts_to_the_day(make):
    world = make(controls=Script({4: (Wish.FREE_REWARD, "key")}))
    world.document["trials"] = 5
    _, stored = run(world)
    assert stored.of("free_reward") == [(VOLUME_UL, "")]
    assert [one for one in world.rig.calls if isinstance(one, Deliver)]
    given = sum(one.volume_ul for one in stored.trials) + VOLUME_UL
    assert len(stored.pulses) * VOLUME_UL == given
    assert len({number for number, _ in stored.pulses}) == len(stored.pulses)


def test_a_free_reward_beyond_the_days_limit_is_refused_and_the_session_goes_on(make):
    world = make(
        controls=Script({1: (Wish.FREE_REWARD, "key")}),
        limits=limited(water_max_ul=VOLUME_UL / 2, water_min_ul=0.0),
    )
    ending, stored = run(world)
    assert "are too much" in stored.of("refused")[0][1]
    assert not stored.of("free_reward")
    assert ending.status == "limit"  # of the first trial that would have been rewarded


def test_a_note_is_found_in_the_journal(make):
    world = make(controls=Script({3: (Wish.NOTE, "licks a lot, fur wet: ä")}))
    _, stored = run(world)
    assert [words for _, words in stored.of("note")] == ["licks a lot, fur wet: ä"]


def test_what_is_missing_to_the_least_is_given_by_the_valve(make):
    world = make(limits=limited(water_min_ul=100.0, top_up="valve"))
    _, stored = run(world)
    in_trials = sum(one.volume_ul for one in stored.trials)
    doses = stored.of("top_up")
    assert in_trials < 100.0
    assert in_trials + len(doses) * VOLUME_UL == pytest.approx(100.0, abs=VOLUME_UL / 2)
    assert all(value == VOLUME_UL for value, _ in doses)


@pytest.mark.parametrize("wishes", [{}, {4: (Wish.EMERGENCY, "key")}])
def test_what_is_missing_is_said_where_it_is_given_by_hand_however_the_session_ends(make, wishes):
    world = make(limits=limited(water_min_ul=100.0), controls=Script(wishes))
    _, stored = run(world)
    missing = 100.0 - sum(one.volume_ul for one in stored.trials)
    assert stored.of("top_up") == [(missing, "by hand")]
    assert [text for text in world.said if text == f"give m1 {missing:.0f} µl of water by hand"]


def test_an_animal_that_doesnt_respond_holds_the_session_until_somebody_lets_it_go_on(make):
    world = make(controls=Script({12: (Wish.GO_ON, "key")}), waits=True)
    world.document["suspenders"] = {"no_response_trials": 3}
    world.document["trials"] = 5
    world.animal.silent = True
    ending, stored = run(world)
    assert stored.of("held") == [
        (pytest.approx(float("nan"), nan_ok=True), stored.of("held")[0][1])
    ]
    assert stored.of("held")[0][1] == "no response in 3 trials"
    assert len(stored.of("resumed")) == 1
    assert (ending.status, len(stored.trials)) == ("trials", 5)


def test_on_a_virtual_clock_what_holds_a_session_ends_it(make):
    world = make()
    world.document["suspenders"] = {"no_response_trials": 3}
    world.animal.silent = True
    ending, stored = run(world)
    assert (ending.status, len(stored.trials)) == ("held", 3)


def test_an_open_door_holds_and_a_closed_one_lets_go(make):
    def door(event, number):
        level = {3: True}.get(number)
        if isinstance(event.instruction, Wait) and event.instruction.duration_s == LOOK_S:
            level = False
        if level is None:
            return event
        edge = Edge("door", level, event.t_host_ns // 1000, 0)
        return replace(event, edges=(*event.edges, edge))

    world = make(wrap=lambda rig: SpyRig(rig, alter=door), waits=True)
    world.document |= {"suspenders": {"door": "door"}, "trials": 6}
    ending, stored = run(world)
    assert stored.of("held")[0][1] == "the door is open (door is high)"
    assert len(stored.of("resumed")) == len(stored.of("held"))
    assert (ending.status, len(stored.trials)) == ("trials", 6)


def test_a_void_episode_is_run_again_until_it_was_too_often(make, monkeypatch):
    def no_go(event, number):
        if event.trial is None or number <= N_TRAIN:
            return event
        report = replace(event.trial, outcome=Outcome.NO_GO, go_us=None)
        return replace(event, trial=report)

    world = make(wrap=lambda rig: SpyRig(rig, alter=no_go))
    world.document["quality"] = {"max_voids": 3}
    ending, stored = run(world)
    voids = [words for _, words in stored.of("episode_void")]
    assert len(voids) == 3
    assert "have no answer" in voids[0]
    assert ending.status == "failed"
    assert "was void 3 times" in ending.reason
    slot = world.queue.slots()[0]
    assert (slot.status, slot.attempt) == (Status.PROPOSED, 3)
    assert {one.attempt for one in stored.trials} == {0, 1, 2}


@pytest.mark.parametrize("odd", ["no go", "missing events", "no answer from the device"])
def test_one_odd_trial_is_an_outcome_and_no_end(make, odd):
    def alter(event, number):
        if event.trial is None or number != 6:
            return event
        if odd == "no go":
            return replace(event, trial=replace(event.trial, outcome=Outcome.NO_GO, go_us=None))
        if odd == "missing events":
            return replace(event, missing_events=2)
        return replace(event, trial=None)

    world = make(wrap=lambda rig: SpyRig(rig, alter=alter))
    ending, stored = run(world)
    assert ending.status == "no_slot"
    assert {one.status for one in world.queue.slots()} == {Status.DONE}
    assert sum(one.missing_events for one in stored.trials) == (2 if odd == "missing events" else 0)


def test_warm_up_trials_come_first_and_are_marked(make):
    world = make()
    world.document["schedule"] = {"warm_up": 3}
    _, stored = run(world)
    assert [(one.phase, one.index) for one in stored.trials[:3]] == [
        (Phase.WARM_UP, index) for index in (-3, -2, -1)
    ]
    assert [one.index for one in stored.trials[3:]] == list(range(EPISODE)) * SLOTS


def test_wash_out_trials_come_before_each_episode(make):
    world = make()
    world.document["subject"] = {"policy": "wash_out", "wash_out_trials": 2}
    _, stored = run(world)
    phases = [one.phase for one in stored.trials]
    for slot in range(SLOTS):
        begin = slot * (EPISODE + 2)
        assert phases[begin : begin + 3] == [Phase.WASH_OUT, Phase.WASH_OUT, Phase.TRAINING]


def test_with_policy_context_each_candidate_has_a_cue_of_its_own(make):
    world = make()
    world.document["subject"] = {"policy": "context"}
    _, stored = run(world)
    scenes = [one.scene for one in world.rig.calls if isinstance(one, Present)]
    cues = {one.slot: scene[-1] for one, scene in zip(stored.trials, scenes, strict=True)}
    assert all(len(scene) == 2 for scene in scenes)
    assert len(set(cues.values())) == SLOTS


def test_a_naive_subject_gets_one_episode(make):
    world = make()
    world.document["subject"] = {"policy": "naive"}
    ending, stored = run(world)
    assert (ending.status, len(stored.trials)) == ("episode", EPISODE)
    world.begin_ns += 3600 * 10**9
    ending, stored = run(world)
    assert (ending.status, len(stored.trials)) == ("no_slot", 0)
    world.limits = unlimited("m2")
    ending, stored = run(world)
    assert (ending.status, {one.slot for one in stored.trials}) == ("episode", {1})


def test_an_episode_that_was_left_goes_on_at_the_next_trial(make):
    world = make()
    world.document["trials"] = 7
    run(world)
    world.begin_ns += 3600 * 10**9
    _, stored = run(world)
    assert [one.index for one in stored.trials] == [7, 8, 9, 0, 1, 2, 3]
    assert len(stored.of("episode_resumed")) == 1
    assert world.queue.slots()[0].status == Status.DONE


def test_a_fault_of_the_rig_ends_the_session_safely(make):
    error = Disconnected("the cable is out")
    world = make(wrap=lambda rig: SpyRig(rig, fail=fail_with(error, at=4)))
    ending, stored = run(world)
    assert (ending.status, ending.reason) == ("fault", "the cable is out")
    assert len(stored.trials) == 3
    assert stored.of("fault")[0][1] == "the cable is out"
    assert world.rig.calls[-2:].count("make_safe") >= 1


def test_a_store_that_takes_no_more_ends_the_session_safely(make, monkeypatch):
    from controller.store import Store

    append = Store.append

    def full(self, frames, state=None):
        if self.rows["trials"] == 4:
            raise WriteFailed("the disk is full")
        return append(self, frames, state)

    monkeypatch.setattr(Store, "append", full)
    world = make()
    with pytest.raises(StoreError, match="disk is full"):
        run_session(world.start())
    assert not world.rig.outputs.armed
    assert "make_safe" in world.rig.calls
    (store,) = world.sessions()
    assert status(store)["exit_status"] == "failed"
    assert len(told(store).trials) == 4


def test_a_clock_that_is_set_is_noticed_and_the_session_goes_on(make):
    class Stepping(VirtualClock):
        def utc_ns(self):
            stepped = self.passed_ns() > 20e9
            return super().utc_ns() + (3600 * 10**9 if stepped else 0)

    world = make()
    clock = Stepping(world.begin_ns, lambda: 0 if world.rig is None else world.rig.now_us)
    ending, stored = run(world, clock=clock)
    assert [value for value, _ in stored.of("clock_stepped")] == [pytest.approx(3600)]
    assert (ending.status, len(stored.trials)) == ("no_slot", ALL)


def test_a_program_that_is_told_of_the_end_gets_the_fault(make, tmp_path):
    heard = tmp_path / "heard"
    section_ = AlertsSection(command=("sh", "-c", f"cat >> {heard}"))
    world = make(wrap=lambda rig: SpyRig(rig, fail=fail_with(Disconnected("gone"), at=2)))
    run(world, alerts=Alerts(section_, world.said.append))
    assert '"kind": "fault"' in heard.read_text()
    assert "fault: gone" in heard.read_text()


def test_a_queue_that_another_process_writes_to_is_waited_for_with_the_lease_kept(make):
    def let_go(instruction, number):
        del number
        waits.append(instruction == Wait(0.0))
        if sum(waits) == 5 and other.in_transaction:
            other.execute("ROLLBACK")

    waits = []
    world = make(wrap=lambda rig: SpyRig(rig, fail=let_go))
    with closing(sqlite3.connect(world.queue.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        ending, _ = run(world)
    assert ending.status == "no_slot"
    assert sum(waits) == 5


def test_a_disk_that_is_full_already_lets_no_session_begin(make, monkeypatch):
    def full(*arguments, **options):
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(creation, "create_journal", full)
    world = make()
    with pytest.raises(StoreError, match="disk I/O error"):
        run_session(world.start())
    assert not world.rig.outputs.armed
    assert [one for one in world.rig.calls if isinstance(one, Present)] == []
