"""What an animal got: over restarts, kills, devices and days."""

import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from controller.session.day import Given
from controller.session.errors import NotReady
from controller.session.rewards import Rewards
from hardware.interface import Identity, Ledger, Limits, Pulsed
from hardware.reward_ledger import LedgerError, RewardLedger, Total
from hardware.rig_settings import Output

ROOT = Path(__file__).parents[3]
S = 10**9
NOON_NS = round(datetime(2026, 3, 2, 12).timestamp()) * S  # noqa: DTZ001  the lab's own time
LIMITS = Limits(100_000, 20_000, 10**9)
WATER = Pulsed("valve_left", 1, 1000, 40_000, cut=False)  # 4 µl
PUFF = Pulsed("air", 2, 2000, 50_000, cut=False)


def device(name="a1", boot=7):
    return Identity("real", name, "fw", "build", boot)


def counted(pulses, on_us, last_id, last_width_us):
    """The device's own ledger of a line."""
    return Ledger(pulses, on_us, last_id, 5000, last_width_us, LIMITS)


@pytest.fixture
def rewards(tmp_path, settings):
    """Make a session's rewards: rewards(subject, device, at); attached unless device is None."""
    made = []

    def make(subject="m1", identity=None, at=NOON_NS, attach=True, settings=settings):
        now = at if callable(at) else lambda: at
        one = Rewards(tmp_path, settings, subject, now, durable=False)
        made.append(one)
        if attach:
            one.attach(identity or device())
        return one

    yield make
    for one in made:
        one.close()


def in_ledger(tmp_path, subject=None, name="a1", since=0):
    with RewardLedger(tmp_path / "rewards" / f"{name}.sqlite") as ledger:
        return ledger.totals(since, subject)


# counting


def test_confirmed_pulses_are_counted_once(rewards):
    one = rewards()
    for pulsed in (WATER, PUFF, WATER):
        one.keep(pulsed)
    assert one.given == Given(4.0, 1)


def test_the_day_goes_on_after_a_restart_and_on_another_rig(rewards):
    one = rewards()
    one.keep(WATER)
    one.close()
    assert rewards(attach=False).given == Given(4.0, 0)
    other = rewards(identity=device("b2"))
    other.keep(WATER)
    other.keep(PUFF)
    assert other.given == Given(8.0, 1)
    assert rewards(attach=False).given == Given(8.0, 1)


def test_what_another_animal_got_does_not_count(rewards):
    rewards("m2").keep(WATER)
    assert rewards("m1", attach=False).given == Given()
    assert rewards("m2", attach=False).given == Given(4.0, 0)


def test_puffs_count_on_every_rig_whatever_their_line_is_called_there(rewards, settings):
    named = {"cheek": Output("puff", LIMITS), "air": Output("odour", LIMITS)}
    elsewhere = rewards(identity=device("b2"), settings=replace(settings, outputs=named))
    elsewhere.keep(replace(PUFF, line="cheek"))
    elsewhere.keep(replace(PUFF, id=3))  # there, air is an odour
    assert rewards(attach=False).given == Given(0.0, 1)


def test_a_day_ends_at_the_labs_midnight(rewards):
    midnight = NOON_NS + 12 * 3600 * S
    rewards(at=midnight - 1).keep(WATER)
    assert rewards(at=midnight - 1, attach=False).given.water_ul == 4.0
    assert rewards(at=midnight, attach=False).given.water_ul == 0.0


def test_what_a_session_gives_after_midnight_counts_for_both_days(rewards):
    midnight, now = NOON_NS + 12 * 3600 * S, [NOON_NS + 11 * 3600 * S]
    one = rewards(at=lambda: now[0])
    one.keep(WATER)
    now[0] = midnight + 1
    one.keep(replace(WATER, id=2))
    assert one.given.water_ul == 8.0
    assert rewards(at=now[0], attach=False).given.water_ul == 4.0


def test_a_clock_that_was_set_back_is_refused(rewards):
    rewards(at=NOON_NS + 3600 * S).keep(WATER)
    with pytest.raises(NotReady, match=r"a1\.sqlite has rewards of later than now.*set the clock"):
        rewards(attach=False)
    rewards(at=NOON_NS + 3599 * S, attach=False)  # a second is no clock set back


def test_nothing_is_written_before_a_device_answered(rewards, tmp_path):
    one = rewards(attach=False)
    assert list(tmp_path.iterdir()) == []
    for early in (lambda: one.keep(WATER), lambda: one.reconcile({})):
        with pytest.raises(RuntimeError, match="attach"):
            early()


def test_a_foreign_file_among_the_ledgers_is_an_error_that_names_it(rewards, tmp_path):
    (tmp_path / "rewards").mkdir()
    (tmp_path / "rewards" / "notes.sqlite").write_text("no database at all" * 99)
    with pytest.raises(LedgerError, match=r"notes\.sqlite"):
        rewards(attach=False)


# volumes


def test_a_pulse_cut_below_the_weighed_widths_counts_in_proportion(rewards):
    one = rewards()
    assert one.volume_ul(replace(WATER, width_us=10_000, cut=True)) == pytest.approx(1.0)
    assert one.volume_ul(replace(WATER, width_us=0, cut=True)) == 0.0
    half = replace(WATER, line="valve_right", width_us=10_000)  # 1 µl at 20 ms
    assert one.volume_ul(half) == pytest.approx(0.5)
    assert one.volume_ul(replace(WATER, width_us=160_000)) == pytest.approx(16.0)


def test_what_is_no_calibrated_valve_has_no_volume(rewards):
    one = rewards()
    for line in ("air", "valve_dry", "nothing"):
        assert one.volume_ul(replace(WATER, line=line)) is None


# what nobody wrote down


@pytest.fixture
def killed(rewards):
    """A session of m1 that wrote one pulse down and died."""
    one = rewards("m1", at=NOON_NS)
    one.reconcile({})
    one.keep(WATER)
    one.close()


LATER = NOON_NS + 600 * S


@pytest.mark.usefixtures("killed")
def test_one_pulse_that_nobody_wrote_down_is_taken_in_as_it_was(rewards):
    one = rewards("m1", at=LATER)
    added = one.reconcile({"valve_left": counted(2, 100_000, 3, 60_000)})
    assert added == [Pulsed("valve_left", 3, 5000, 60_000, cut=False)]
    assert one.given.water_ul == pytest.approx(10.0)


@pytest.mark.usefixtures("killed")
def test_of_several_pulses_number_time_and_volume_are_right(rewards, tmp_path):
    one = rewards("m1", at=LATER)
    # 25 + 40 + 40 ms before the last one of 80 ms
    ledgers = {"valve_left": counted(5, 225_000, 9, 80_000)}
    added = one.reconcile(ledgers)
    assert [pulsed.width_us for pulsed in added] == [35_000, 35_000, 35_000, 80_000]
    assert in_ledger(tmp_path)["valve_left"] == Total(5, 225_000, pytest.approx(22.5))
    assert one.given.water_ul == pytest.approx(22.5)
    assert sum(one.volume_ul(pulsed) or 0 for pulsed in added) == pytest.approx(18.5)


def test_volumes_of_a_valve_that_opens_late_are_right_too(rewards, tmp_path):
    rewards("m1").reconcile({})
    one = rewards("m1", at=LATER)
    one.reconcile({"valve_right": counted(4, 160_001, 9, 40_000)})
    # 0.1 µl a ms, less 1 µl a pulse
    assert in_ledger(tmp_path)["valve_right"] == Total(4, 160_001, pytest.approx(12.0, abs=1e-3))


@pytest.mark.usefixtures("killed")
@pytest.mark.parametrize("twice_in", ["the same session", "the next one"])
def test_what_was_taken_in_is_not_taken_in_again(rewards, tmp_path, twice_in):
    ledgers = {"valve_left": counted(5, 225_000, 9, 80_000), "air": counted(3, 9_000, 8, 2_000)}
    one = rewards("m1", at=LATER)
    one.reconcile(ledgers)
    before, given = in_ledger(tmp_path), replace(one.given)
    if twice_in == "the next one":
        one.close()
        one = rewards("m1", at=LATER)
    assert one.reconcile(ledgers) == []
    assert in_ledger(tmp_path) == before
    assert one.given == given
    # and what comes after it is
    more = {"valve_left": counted(6, 265_000, 10, 40_000), "air": counted(3, 9_000, 8, 2_000)}
    assert len(one.reconcile(more)) == 1
    assert in_ledger(tmp_path)["valve_left"] == Total(6, 265_000, pytest.approx(26.5))


@pytest.mark.usefixtures("killed")
def test_a_pulse_before_one_that_is_kept_is_taken_in(rewards, tmp_path):
    one = rewards("m1", at=LATER)
    one.keep(replace(WATER, id=3, width_us=60_000))
    one.reconcile({"valve_left": counted(3, 130_000, 3, 60_000)})
    assert in_ledger(tmp_path)["valve_left"] == Total(3, 130_000, pytest.approx(13.0))


@pytest.mark.usefixtures("killed")
def test_made_up_numbers_of_two_lines_are_no_pulses_of_each_other(rewards, tmp_path):
    one = rewards("m1", at=LATER)
    one.reconcile({"valve_left": counted(4, 160_000, 9, 40_000), "air": counted(3, 9_000, 8, 1)})
    one.keep(replace(WATER, id=2))  # a number that no made up one may have
    assert in_ledger(tmp_path)["valve_left"].pulses == 5
    assert in_ledger(tmp_path)["air"] == Total(3, 9_000, 0.0)
    assert one.given.puffs == 3


@pytest.mark.usefixtures("killed")
def test_a_late_notice_of_a_pulse_that_was_taken_in_changes_nothing(rewards, tmp_path):
    one = rewards("m1", at=LATER)
    (last,) = one.reconcile({"valve_left": counted(2, 100_000, 3, 60_000)})
    one.keep(replace(last, cut=True))
    assert in_ledger(tmp_path)["valve_left"].pulses == 2


@pytest.mark.usefixtures("killed")
def test_after_a_reboot_of_the_device_there_is_nothing_to_take_in(rewards):
    one = rewards("m1", identity=device(boot=8), at=LATER)
    assert one.reconcile({"valve_left": counted(0, 0, 0, 0)}) == []
    assert one.given.water_ul == 4.0


# whose it was


@pytest.mark.usefixtures("killed")
def test_what_a_killed_session_gave_is_its_animals_and_not_the_next_ones(rewards, tmp_path):
    one = rewards("m2", at=LATER)
    assert one.reconcile({"valve_left": counted(2, 80_000, 3, 40_000)}) == []
    assert one.given == Given()
    assert in_ledger(tmp_path, "m1")["valve_left"] == Total(2, 80_000, 8.0)
    assert in_ledger(tmp_path, "m2") == {}
    assert rewards("m1", at=LATER, attach=False).given.water_ul == 8.0


@pytest.mark.usefixtures("killed")
def test_a_session_that_died_before_it_gave_anything_is_known_as_well(rewards, tmp_path):
    rewards("m2", at=LATER).reconcile({"valve_left": counted(1, 40_000, 1, 40_000)})
    one = rewards("m3", at=LATER)
    one.reconcile({"valve_left": counted(2, 80_000, 3, 40_000)})
    assert in_ledger(tmp_path, "m2")["valve_left"] == Total(1, 40_000, 4.0)


@pytest.mark.usefixtures("killed")
def test_a_kill_while_it_is_taken_in_leaves_it_the_first_ones(rewards, tmp_path, monkeypatch):
    ledgers = {"valve_left": counted(2, 80_000, 3, 40_000)}
    with monkeypatch.context() as patch:
        patch.setattr(RewardLedger, "record_all", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            rewards("m2", at=LATER).reconcile(ledgers)
    rewards("m3", at=LATER).reconcile(ledgers)
    assert in_ledger(tmp_path, "m1")["valve_left"].pulses == 2


def test_what_a_check_of_the_rig_switched_on_is_nobodys(rewards, tmp_path):
    one = rewards("m1")
    assert one.reconcile({"valve_left": counted(30, 900_000, 30, 30_000)}) == []
    assert one.given == Given()
    assert in_ledger(tmp_path, "")["valve_left"].pulses == 30


@pytest.mark.usefixtures("killed")
def test_what_is_found_the_day_after_counts_for_the_day_on_which_it_was_given(rewards, tmp_path):
    tomorrow = NOON_NS + 24 * 3600 * S
    one = rewards("m1", at=tomorrow)
    assert len(one.reconcile({"valve_left": counted(2, 80_000, 3, 40_000)})) == 1
    assert one.given == Given()
    assert in_ledger(tmp_path, "m1", since=NOON_NS + 1) == {}
    assert rewards("m1", at=LATER, attach=False).given.water_ul == 8.0


def test_every_pulse_before_a_kill_is_counted_by_the_next_session(tmp_path, settings):
    code = """
        import sys, time
        from pathlib import Path
        from controller.session.rewards import Rewards
        from hardware.interface import Identity, Pulsed
        from hardware.rig_settings import RigSettings
        settings = RigSettings("bench", "emulated", 300, {}, {})
        one = Rewards(Path(sys.argv[1]), settings, "m1", time.time_ns)
        one.attach(Identity("real", "a1", "fw", "build", 7))
        for number in range(1, 10**6):
            one.keep(Pulsed("valve_left", number, number, 40_000, False))
            print(number, flush=True)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    acknowledged = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        for line in process.stdout:
            acknowledged = int(line)
            if acknowledged == 20:
                process.send_signal(signal.SIGKILL)
    pulses = acknowledged + 3  # as the device counted them
    one = Rewards(tmp_path, settings, "m2", lambda: NOON_NS + 10**18)
    one.attach(device())
    one.reconcile({"valve_left": counted(pulses, pulses * 40_000, pulses, 40_000)})
    one.close()
    assert in_ledger(tmp_path, "m1")["valve_left"].pulses == pulses
