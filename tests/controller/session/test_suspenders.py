"""What holds a session does so while it lasts, and no longer."""

import sys
import threading
import time

import pytest

from controller.session import suspenders as module
from controller.session.suspenders import Suspenders, run_command
from hardware.interface import Edge, Event, Flip, Present, Trial, TrialReport, Wait
from hardware.messages import Outcome
from protocols.session_document import SuspendersSection
from protocols.trials import Phase, Response

S = 10**9
TRIAL = Present(Trial({}, window_us=10**6))
LICKED = Response(1.0, Outcome.RESPONDED, line="lick_left")
SILENT = Response(-1.0, Outcome.NO_RESPONSE)
RATED = Response(0.5, Outcome.RESPONDED)


def suspenders(run=None, **settings):
    section = SuspendersSection(**settings)
    more = {} if run is None else {"run": run}
    return Suspenders(section, ("lick_left", "lick_right"), **more)


def edge(line, level, at_s):
    """What is told of an edge at the end of a wait."""
    return Event(Wait(0.2), round(at_s * S), edges=(Edge(line, level, round(at_s * 1e6), 0),))


def nothing(at_s):
    return Event(Wait(0.2), round(at_s * S))


def flip(*, seen):
    report = TrialReport(1, Outcome.NO_RESPONSE, None, 0, 0, None)
    return Event(TRIAL, S, trial=report, flip=Flip(0, 0, 5 if seen else None))


def test_nothing_holds_a_session_that_asks_for_nothing():
    one = suspenders()
    for _ in range(100):
        one.see_response(Phase.TEST, SILENT)
        one.see(flip(seen=False))
    one.see(edge("door", True, 1.0))
    one.see(nothing(1000.0))
    assert one.reason(0) is None


# responses


def test_silence_holds_until_a_response_or_until_somebody_has_looked():
    one = suspenders(no_response_trials=3)
    for _ in range(2):
        one.see_response(Phase.TRAINING, SILENT)
    assert one.reason(0) is None
    one.see_response(Phase.TEST, SILENT)
    assert one.reason(0) == one.reason(0) == "no response in 3 trials"
    one.see_response(Phase.TEST, LICKED)
    assert one.reason(0) is None
    for _ in range(4):
        one.see_response(Phase.TEST, SILENT)
    assert one.reason(0) == "no response in 4 trials"
    one.forgive()
    assert one.reason(0) is None
    one.see_response(Phase.TEST, SILENT)
    assert one.reason(0) is None


def test_a_rating_is_a_response_and_a_catch_trial_or_one_that_did_not_run_is_none():
    one = suspenders(no_response_trials=2)
    one.see_response(Phase.TEST, SILENT)
    one.see_response(Phase.CATCH, SILENT)
    for outcome in (Outcome.NO_GO, Outcome.CANCELLED, Outcome.FAULTED):
        one.see_response(Phase.TEST, Response(None, outcome, flaw="didn't run"))
    assert one.reason(0) is None
    one.see_response(Phase.TEST, RATED)
    one.see_response(Phase.TEST, SILENT)
    assert one.reason(0) is None


# photodiode


def test_flips_that_nobody_saw_hold_until_one_is_seen():
    one = suspenders(flips_unseen=2)
    one.see(flip(seen=False))
    assert one.reason(0) is None
    one.see(flip(seen=False))
    assert one.reason(0) == "the photodiode saw none of the last 2 flips"
    one.see(flip(seen=True))
    assert one.reason(0) is None
    for _ in range(2):
        one.see(flip(seen=False))
    one.forgive()
    assert one.reason(0) is None


# door


def test_an_open_door_holds_until_it_is_shut_whoever_forgives_it():
    one = suspenders(door="door")
    one.see(edge("lick_left", True, 1.0))
    assert one.reason(0) is None
    one.see(edge("door", True, 2.0))
    assert one.reason(0) == "the door is open (door is high)"
    one.forgive()
    assert one.reason(0) == "the door is open (door is high)"
    one.see(edge("door", False, 3.0))
    assert one.reason(0) is None


# stuck lines


def test_a_line_that_stays_on_holds_until_it_is_off():
    one = suspenders(stuck_s=5.0)
    one.see(edge("lick_left", True, 10.0))
    one.see(nothing(15.0))
    assert one.reason(0) is None
    one.see(nothing(15.3))
    assert one.reason(0) == "lick_left has been on for 5 s: wet or stuck?"
    one.see(edge("lick_left", False, 16.0))
    assert one.reason(0) is None


def test_licks_are_no_stuck_line_and_other_lines_may_stay_on():
    one = suspenders(stuck_s=1.0)
    one.see(edge("photodiode", True, 0.0))
    for number in range(20):
        one.see(edge("lick_left", True, number))
        one.see(edge("lick_left", False, number + 0.1))
    assert one.reason(0) is None


def test_a_line_that_stays_stuck_is_told_of_again_after_it_was_forgiven():
    one = suspenders(stuck_s=5.0)
    one.see(edge("lick_left", True, 0.0))
    one.see(nothing(6.0))
    assert one.reason(0) is not None
    one.forgive()
    assert one.reason(0) is None
    one.see(nothing(10.0))
    assert one.reason(0) is None
    one.see(nothing(11.5))
    assert one.reason(0) is not None


# the lab's own command


class Command:
    """A command that a test answers."""

    def __init__(self, answer=None):
        self.answer, self.asked = answer, 0
        self.takes = threading.Event()
        self.takes.set()

    def __call__(self, command):
        self.asked += 1
        assert self.takes.wait(20)
        return self.answer


def settled(one, at_ns):
    """The reason once what was asked is answered."""
    one.reason(at_ns)
    if one._inquiry is not None:
        one._inquiry.over(20)
    return one.reason(at_ns)


def test_a_command_that_is_fine_is_asked_once_in_its_time():
    command = Command()
    one = suspenders(command, command=("check",), command_s=60.0)
    assert command.asked == 1  # before anything is armed
    for at_s in range(0, 60, 7):
        assert one.reason(at_s * S) is None
    assert command.asked == 1
    assert settled(one, 61 * S) is None
    assert command.asked == 2
    assert one.reason(100 * S) is None
    assert command.asked == 2


def test_a_command_that_holds_is_asked_again_at_every_look_until_it_is_fine():
    command = Command("too warm")
    one = suspenders(command, command=("check",), command_s=60.0)
    assert settled(one, 0) == "too warm"
    asked = command.asked
    assert settled(one, 1) == "too warm"
    assert command.asked > asked
    command.answer = None
    settled(one, 2)
    assert settled(one, 3) is None
    asked = command.asked
    assert one.reason(4) is None
    assert command.asked == asked


def test_a_command_that_is_slow_never_keeps_the_session_from_its_lease():
    command = Command()
    one = suspenders(command, command=("check",), command_s=1.0)
    assert one.reason(0) is None
    command.takes.clear()
    command.answer = "too warm"
    begin_s = time.monotonic()
    for at_s in range(2, 5):
        assert one.reason(at_s * S) is None  # as it last said
    assert time.monotonic() - begin_s < 2
    assert command.asked == 2  # and one at a time
    command.takes.set()
    assert settled(one, 5 * S) == "too warm"


def test_a_command_that_can_not_be_run_at_all_holds():
    def broken(command):
        raise RuntimeError("no more threads")

    one = suspenders(broken, command=("check",))
    assert one.reason(0) == "check failed: no more threads"


def python(code):
    return (sys.executable, "-c", code)


def test_a_real_command_is_asked_before_the_session_and_says_why_it_holds(tmp_path):
    path = tmp_path / "ok"
    test = (
        f"import pathlib, sys; sys.exit(not pathlib.Path({str(path)!r}).exists() and 'no ok yet')"
    )
    one = suspenders(command=python(test))
    assert one.reason(0) == f"{sys.executable} says: no ok yet"
    path.touch()
    settled(one, 1)
    assert settled(one, 2) is None


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("print('warm'); print('door open'); raise SystemExit(1)", "says: door open"),
        ("raise SystemExit(3)", "says: exit code 3"),
        (
            "import sys; sys.stdout.buffer.write(b'\\xff'); sys.exit(1)",
            "says: \N{REPLACEMENT CHARACTER}",
        ),
        ("import os; os.kill(os.getpid(), 9)", "says: exit code -9"),
    ],
)
def test_what_a_command_says_last_is_why(code, words):
    assert run_command(python(code)) == f"{sys.executable} {words}"


def test_a_missing_command_holds_with_words():
    assert "no-such-program failed: " in (run_command(["no-such-program"]) or "")


def test_a_command_that_hangs_holds_with_words(monkeypatch):
    monkeypatch.setattr(module, "COMMAND_TIMEOUT_S", 0.3)
    said = run_command(python("import time; time.sleep(60)"))
    assert said == f"{sys.executable} didn't answer within 0.3 s"


def test_a_command_neither_takes_keys_nor_ctrl_c():
    code = "import os, sys; sys.exit(sys.stdin.read() or os.getsid(0) != os.getpid())"
    assert run_command(python(code)) is None


def test_a_door_that_was_open_before_the_first_event_holds():
    one = suspenders(door="door")
    one.begin(["door"])
    assert "the door is open" in one.reason(0)
    one.see(edge("door", False, 1.0))
    assert one.reason(0) is None
