"""A session's time: the lab's calendar days, and a computer's clock that somebody sets."""

import time
from datetime import UTC, date, datetime

import pytest

from controller.session.clock import (
    ComputerClock,
    StepWatch,
    VirtualClock,
    day_began_ns,
    day_of,
)

S = 10**9


@pytest.fixture
def zone(monkeypatch):
    """Return a function that moves this computer to another time zone."""

    def move(name):
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield move
    monkeypatch.undo()
    time.tzset()


class HeldUp:
    """A clock with hands that a test can turn."""

    def __init__(self):
        self.utc, self.passed = 1_700_000_000 * S, 50 * S
        self.stalls = []

    def utc_ns(self):
        if self.stalls:  # the program stood still between two readings
            self.let_pass(self.stalls.pop())
        return self.utc

    def passed_ns(self):
        return self.passed

    def sleep(self, seconds):
        self.let_pass(seconds)

    def let_pass(self, seconds):
        self.utc += round(seconds * S)
        self.passed += round(seconds * S)


def utc(*moment):
    return round(datetime(*moment, tzinfo=UTC).timestamp() * S)


def test_a_clock_that_nobody_sets_has_no_steps():
    clock = HeldUp()
    watch = StepWatch(clock)
    for _ in range(5):
        clock.let_pass(1000)
        assert watch.step_ns() == 0


@pytest.mark.parametrize("seconds", [3600, -3600, 2, -2])
def test_a_step_is_told_once_with_its_size(seconds):
    clock = HeldUp()
    watch = StepWatch(clock)
    clock.let_pass(10)
    clock.utc += seconds * S
    assert watch.step_ns() == seconds * S
    assert watch.step_ns() == 0


def test_a_clock_that_is_trimmed_slowly_is_not_said_to_be_set():
    clock = HeldUp()
    watch = StepWatch(clock)
    for _ in range(100):
        clock.let_pass(60)
        clock.utc += S // 20
        assert watch.step_ns() == 0


def test_a_program_that_was_stopped_between_two_readings_sees_no_step():
    clock = HeldUp()
    watch = StepWatch(clock)
    clock.stalls = [7]
    assert watch.step_ns() == 0


def test_a_virtual_clock_has_no_steps_and_sleeps_at_once():
    now_us = 0
    clock = VirtualClock(utc(2026, 3, 1), lambda: now_us)
    watch = StepWatch(clock)
    clock.sleep(3600)
    now_us = 5_000_000
    assert clock.passed_ns() == 3605 * S
    assert clock.utc_ns() == utc(2026, 3, 1, 1, 0, 5)
    assert watch.step_ns() == 0


def test_this_computers_clock_runs():
    clock = ComputerClock()
    before = clock.passed_ns()
    clock.sleep(0.01)
    assert clock.passed_ns() - before >= 0.01 * S
    assert abs(clock.utc_ns() - time.time_ns()) < S
    assert StepWatch(clock).step_ns() == 0


def test_a_day_begins_at_the_labs_midnight(zone):
    zone("Asia/Tokyo")  # UTC+9
    just_before, just_after = utc(2026, 3, 1, 15) - 1, utc(2026, 3, 1, 15)
    assert day_of(just_before) == date(2026, 3, 1)
    assert day_began_ns(just_before) == utc(2026, 2, 28, 15)
    assert day_of(just_after) == date(2026, 3, 2)
    assert day_began_ns(just_after) == just_after


@pytest.mark.parametrize(
    ("noon", "midnight"),
    [
        ((2026, 3, 29, 10), (2026, 3, 28, 23)),  # clocks went forward in between
        ((2026, 10, 25, 11), (2026, 10, 24, 22)),  # and back
        ((2026, 7, 1, 10), (2026, 6, 30, 22)),
    ],
)
def test_a_day_on_which_clocks_change_begins_at_its_own_midnight(zone, noon, midnight):
    zone("Europe/Berlin")
    assert day_began_ns(utc(*noon)) == utc(*midnight)


def test_a_day_without_a_midnight_begins_when_the_one_before_ends(zone):
    zone("America/Santiago")  # on this day the clock goes from 24:00 to 01:00
    assert day_began_ns(utc(2026, 9, 6, 15)) == utc(2026, 9, 6, 4)
    assert day_of(utc(2026, 9, 6, 4) - 1) == date(2026, 9, 5)
