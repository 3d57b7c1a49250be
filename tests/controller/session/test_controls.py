"""Keys and signals, on a terminal of its own."""

import contextlib
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from controller.session.controls import KEYS, NoControls, TerminalControls, Wish
from controller.session.errors import Stopped
from hardware.interface import Ask

HERE = Path(__file__).parent
PATIENCE_S = 20.0


class Terminal:
    """A program in a terminal, and who sits before it."""

    def __init__(self, folder, *arguments):
        self.hand, line = pty.openpty()
        self.text = ""
        environment = {**os.environ, "PYTHONPATH": str(HERE.parents[2])}
        command = [sys.executable, HERE / "controls_worker.py", *arguments]
        self.before = termios.tcgetattr(self.hand)

        self.process = subprocess.Popen(
            command,
            stdin=line,
            stdout=line,
            stderr=line,
            env=environment,
            cwd=folder,
            start_new_session=True,
        )
        os.close(line)
        self.expect("READY")

    def press(self, keys):
        os.write(self.hand, keys.encode())

    def expect(self, words):
        deadline_s = time.monotonic() + PATIENCE_S
        while words not in self.text:
            assert time.monotonic() < deadline_s, f"{words!r} didn't come: {self.text!r}"
            if select.select([self.hand], [], [], 0.05)[0]:
                with contextlib.suppress(OSError):
                    self.text += os.read(self.hand, 4096).decode()

    def signal(self, number):
        self.process.send_signal(number)

    def hang_up(self):
        os.close(self.hand)
        self.hand = -1

    def close(self):
        if self.hand >= 0:
            os.close(self.hand)
        self.process.kill()
        self.process.wait()


@pytest.fixture
def terminal(tmp_path):
    made = []

    def start(*arguments):
        made.append(Terminal(tmp_path, *arguments))
        return made[-1]

    yield start
    for one in made:
        one.close()


def test_each_key_is_a_wish(terminal):
    one = terminal()
    for key, name in [("p", "PAUSE"), ("r", "GO_ON"), ("f", "FREE_REWARD"), ("P", "PAUSE")]:
        one.text = ""
        one.press(key)
        one.expect(f"WISH {name} 'key'")
    one.press("x?")
    one.press("h")
    one.expect(KEYS)
    one.press("s")
    one.expect("WISH STOP 'key'")
    one.expect("OVER True")
    assert one.process.wait(PATIENCE_S) == 0


@pytest.mark.parametrize(("key", "why"), [("a", "abort"), ("e", "emergency"), ("E", "emergency")])
def test_abort_and_emergency_end_a_trial_at_once(terminal, key, why):
    one = terminal()
    one.press(key)
    one.expect(f"STOPPED {why}")
    one.expect("OVER")


@pytest.mark.parametrize("key", ["n", "N"])
def test_a_note_is_typed_in_words_and_shown_meanwhile(terminal, key):
    one = terminal()
    one.press(f"{key}sees a café")
    one.expect("note, then Enter:")
    one.expect("sees a café")
    one.press("xy\x7f\x7f!\n")
    one.expect("WISH NOTE 'sees a café!'")
    one.press(f"{key}  \n")
    one.press("s")
    one.expect("OVER")
    assert one.text.count("WISH NOTE") == 1


@pytest.mark.parametrize(
    "keys", ["\x1b[A", "\x1bOP", "\x1b[F", "\x1b[15~", "\x1b[1;5A", "\x1b[200~"]
)
def test_arrow_and_function_keys_are_no_wishes(terminal, keys):
    one = terminal()
    one.press(keys)
    time.sleep(0.1)
    one.press("r")
    one.expect("WISH GO_ON")
    for word in ("ABORT", "PAUSE", "FREE", "STOPPED"):
        assert word not in one.text


def test_a_key_after_escape_counts(terminal):
    one = terminal()
    one.press("\x1b")
    time.sleep(0.1)
    one.press("e")
    one.expect("STOPPED emergency")


def test_the_terminal_is_as_it_was_afterwards(terminal):
    one = terminal()
    assert not termios.tcgetattr(one.hand)[3] & termios.ICANON
    one.press("s")
    one.expect("OVER")
    assert termios.tcgetattr(one.hand) == one.before


def test_the_first_ctrl_c_stops_after_the_trial(terminal):
    one = terminal()
    one.press("\x03")
    one.expect("WISH STOP 'SIGINT'")
    one.expect("OVER True")
    assert "Ctrl-C again" in one.text
    assert "STOPPED" not in one.text
    assert one.process.wait(PATIENCE_S) == 0


def test_the_second_ctrl_c_ends_it_at_once(terminal):
    one = terminal("stubborn")
    one.press("\x03")
    one.expect("ENDING")
    one.press("\x03")
    one.expect("STOPPED abort")
    one.expect("OVER")


def test_two_signals_in_one_trial_end_it_at_once(terminal):
    one = terminal("stubborn")
    one.signal(signal.SIGINT)
    time.sleep(0.05)
    one.signal(signal.SIGTERM)
    one.expect("STOPPED abort")
    one.expect("OVER")


def test_sigterm_stops_after_the_trial(terminal):
    one = terminal()
    one.signal(signal.SIGTERM)
    one.expect("WISH STOP 'SIGTERM'")
    one.expect("OVER")


def test_sighup_stops_after_the_trial_however_often_it_comes(terminal):
    one = terminal()
    for _ in range(4):
        one.signal(signal.SIGHUP)
        time.sleep(0.02)
    one.expect("WISH STOP 'the terminal was closed'")
    one.expect("OVER")
    assert "STOPPED" not in one.text
    assert one.text.count("WISH") == 1


def test_a_closed_terminal_stops_after_the_trial(terminal, tmp_path):
    one = terminal()
    one.hang_up()
    assert one.process.wait(PATIENCE_S) == 0
    assert "WISH STOP 'the terminal was closed'" in (tmp_path / "said").read_text()


def test_what_is_typed_answers_a_question(terminal):
    one = terminal("ask")
    one.expect("how good?")
    one.press("7")
    one.press("\n")
    one.expect("ANSWER '7'")
    assert "WISH" not in one.text


def test_without_a_terminal_there_are_only_signals(tmp_path):
    command = [sys.executable, HERE / "controls_worker.py"]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parents[2])}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
    ) as process:
        assert process.stdout.readline() == "READY\n"
        process.send_signal(signal.SIGTERM)
        said = process.communicate("aaaa", timeout=PATIENCE_S)[0]
    assert "WISH STOP 'SIGTERM'" in said
    assert "ABORT" not in said


# without a terminal, key by key


class Keys:
    """What stands for the keyboard."""

    def __init__(self, controls):
        self.pressed = ""
        self.lost = self.open = False
        controls._keys = self

    def read(self):
        pressed, self.pressed = self.pressed, ""
        return pressed


@pytest.fixture
def said():
    return []


@pytest.fixture
def controls(said):
    return TerminalControls(said.append)


@pytest.fixture
def keys(controls):
    return Keys(controls)


def test_wishes_come_in_the_order_of_the_keys(controls, keys):
    keys.pressed = "prnhello\nf"
    assert list(controls.wishes()) == [
        (Wish.PAUSE, "key"),
        (Wish.GO_ON, "key"),
        (Wish.NOTE, "hello"),
        (Wish.FREE_REWARD, "key"),
    ]
    assert list(controls.wishes()) == []


def test_watching_leaves_other_wishes_for_the_end_of_the_trial(controls, keys):
    keys.pressed = "pf"
    controls.watch()
    keys.pressed = "a"
    with pytest.raises(Stopped, match="abort"):
        controls.watch()
    assert [wish for wish, _ in controls.wishes()] == [Wish.PAUSE, Wish.FREE_REWARD]


@pytest.mark.parametrize("key", ["a", "e"])
def test_what_can_not_wait_is_never_taken_for_something_that_can(controls, keys, key):
    keys.pressed = f"p{key}f"  # between trials, after the last look for it
    assert [wish for wish, _ in controls.wishes()] == [Wish.PAUSE, Wish.FREE_REWARD]
    with pytest.raises(Stopped):
        controls.watch()


def test_a_question_without_an_answer_leaves_the_keys_as_they_were(controls, keys, said):
    first, second = Ask("one? ", 1.0), Ask("one? ", 1.0)
    assert controls.typed(first) is None
    keys.pressed = "12"  # and time is over
    assert controls.typed(first) is None
    assert list(controls.wishes()) == []
    keys.pressed = "p"
    assert list(controls.wishes()) == [(Wish.PAUSE, "key")]
    assert controls.typed(second) is None
    assert said == ["one? ", "one? "]
    keys.pressed = "9\n"
    assert controls.typed(second) == "9"


def test_a_note_under_way_is_no_answer(controls, keys, said):
    ask = Ask("how good? ", 1.0)
    keys.pressed = "nlooks "
    assert controls.typed(ask) is None
    keys.pressed = "well\n"
    assert controls.typed(ask) is None
    assert said[-1] == "how good? "
    keys.pressed = "5\n"
    assert controls.typed(ask) == "5"
    assert list(controls.wishes()) == [(Wish.NOTE, "looks well")]


def test_nobody_wants_anything_where_nobody_is():
    nobody = NoControls()
    nobody.watch()
    assert list(nobody.wishes()) == []
    assert nobody.typed(Ask("how good? ", 1.0)) is None
