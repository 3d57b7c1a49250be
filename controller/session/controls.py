"""What somebody at the rig wants: keys in the terminal, and signals.

Most wishes wait for the end of the trial. `watch` is called at every heartbeat of the rig, and ends
a trial at once where that was asked.
"""

import codecs
import os
import re
import select
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from typing import Protocol

from controller.session.errors import Stopped
from hardware.interface import Ask

KEYS = (
    "p pause, r go on, s stop after this trial, a abort, e everything off, f free reward, "
    "n note, h this help"
)
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O[ -~])")
"""What arrow and function keys send; their last letter would be taken for a wish."""
_ESCAPE_BEGUN = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|O)?$")


class Wish(Enum):
    """What can be asked for."""

    PAUSE = "p"
    GO_ON = "r"
    STOP = "s"
    ABORT = "a"
    EMERGENCY = "e"
    FREE_REWARD = "f"
    NOTE = "n"
    HELP = "h"


URGENT = frozenset([Wish.ABORT, Wish.EMERGENCY])


class Controls(Protocol):
    """Where wishes come from."""

    def wishes(self) -> Iterator[tuple[Wish, str]]:
        """Yield what was asked since, each with its words; nothing of what can't wait."""
        ...

    def watch(self) -> None:
        """Look for what can't wait.

        Raises:
            Stopped: the session has to end at once.
        """
        ...

    def typed(self, ask: Ask) -> str | None:
        """Return what was answered; None while it isn't whole."""
        ...


class NoControls:
    """Nobody is there."""

    def wishes(self) -> Iterator[tuple[Wish, str]]:
        """Nothing."""
        return iter(())

    def watch(self) -> None:
        """Nothing."""

    def typed(self, ask: Ask) -> str | None:
        """Nothing."""
        del ask
        return None


class TerminalControls:
    """Keys and signals of a program in a terminal.

    The first Ctrl-C (or SIGTERM, or a terminal that is closed) stops after the trial, the second
    one ends it at the next heartbeat. Only a third one is raised wherever the program is.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._wishes: deque[tuple[Wish, str]] = deque()
        self._signals = 0
        self._unsaid: deque[str] = deque()
        self._keys = _Keys()
        self._line: str | None = None
        self._note = False
        self._ask: Ask | None = None
        self._answer: str | None = None
        self._closed = False

    @contextmanager
    def listening(self) -> Iterator["TerminalControls"]:
        """Take keys one by one, and signals, until the session is over."""
        names = ("SIGINT", "SIGTERM", "SIGHUP")
        numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
        before = {number: signal.signal(number, self._signalled) for number in numbers}
        try:
            with _single_keys() as self._keys.open:
                yield self
        finally:
            self._keys.open = False
            for number, handler in before.items():
                signal.signal(number, handler)

    def wishes(self) -> Iterator[tuple[Wish, str]]:
        """Yield what was asked since, each with its words."""
        self._forget_ask()  # between trials nobody is asked anything
        self._read_keys()
        for _ in range(len(self._wishes)):
            wish, words = self._wishes.popleft()
            if wish in URGENT:
                self._wishes.append((wish, words))  # for `watch`, which is called next
            else:
                yield wish, words

    def watch(self) -> None:
        """Look for what can't wait.

        Raises:
            Stopped: the session has to end at once.
        """
        self._read_keys()
        for wish, _ in tuple(self._wishes):  # a signal may add to them meanwhile
            if wish in URGENT:
                raise Stopped(wish.name.lower())

    def typed(self, ask: Ask) -> str | None:
        """Return what was answered; None while it isn't whole."""
        self._read_keys()
        if self._note:
            return None  # somebody is in the middle of a note
        if self._ask is not ask:
            self._forget_ask()
            self._ask, self._line = ask, ""
            self._say(ask.prompt)
        answer, self._answer = self._answer, None
        if answer is not None:
            self._ask = None
        return answer

    def _forget_ask(self) -> None:
        """Take keys for wishes again, also where nobody answered in time."""
        if self._ask is not None:
            self._ask = self._line = self._answer = None

    def _signalled(self, number: int, frame: object) -> None:
        del frame
        name = signal.Signals(number).name
        if name == "SIGHUP":  # comes from the terminal and from the shell in it
            self._close()
            return
        self._signals += 1
        if self._signals > 2:
            raise KeyboardInterrupt
        # raising here would cut through a pulse that is being written down, or a closing store
        self._wishes.append((Wish.STOP if self._signals == 1 else Wish.ABORT, name))
        if self._signals == 1:
            # said later: whatever was interrupted may be about to say something itself
            self._unsaid.append("stopping after this trial; Ctrl-C again ends it at once")

    def _read_keys(self) -> None:
        while self._unsaid:
            self._say(self._unsaid.popleft())
        for letter in self._keys.read():
            self._take(letter)
        if self._keys.lost:
            self._close()

    def _close(self) -> None:
        if not self._closed:
            self._closed = True
            self._wishes.append((Wish.STOP, "the terminal was closed"))

    def _take(self, letter: str) -> None:
        if self._line is not None:
            self._take_into_line(letter)
            return
        try:
            wish = Wish(letter.lower())
        except ValueError:
            return
        if wish == Wish.HELP:
            self._say(KEYS)
        elif wish == Wish.NOTE:
            self._say("note, then Enter:")
            self._line, self._note = "", True
        else:
            self._wishes.append((wish, "key"))

    def _take_into_line(self, letter: str) -> None:
        line = self._line or ""
        if letter in "\r\n":
            _echo("\n")
            self._take_line(line)
        elif letter in "\x7f\b":
            self._line = line[:-1]
            _echo("\b \b" if line else "")
        elif letter.isprintable():
            self._line = line + letter
            _echo(letter)

    def _take_line(self, line: str) -> None:
        self._line = None
        if not self._note:
            self._answer = line
            return
        self._note = False
        if line.strip():
            self._wishes.append((Wish.NOTE, line.strip()))


class _Keys:
    """The keys of a terminal that gives them one by one."""

    def __init__(self) -> None:
        self.open = False
        self.lost = False
        """The terminal was there and is gone."""
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="ignore")
        self._rest = ""

    def read(self) -> str:
        """Return what was pressed since; nothing for arrows and the like."""
        pressed = self._rest
        while self.open and select.select([sys.stdin], [], [], 0)[0]:
            data = b""
            with suppress(OSError):  # on some systems that is how a terminal ends
                data = os.read(sys.stdin.fileno(), 256)
            if not data:
                self.open, self.lost = False, True
            pressed += self._decoder.decode(data)
        pressed = _ESCAPE.sub("", pressed)
        begun = _ESCAPE_BEGUN.search(pressed)
        self._rest = "" if begun is None else begun.group()
        return pressed[: len(pressed) - len(self._rest)]


def _echo(text: str) -> None:
    """Show what is typed, which a terminal that gives single keys doesn't."""
    with suppress(OSError, ValueError):  # there may be none any more
        sys.stdout.write(text)
        sys.stdout.flush()


@contextmanager
def _single_keys() -> Iterator[bool]:
    """Let the terminal give keys without Enter; yields whether there is one."""
    if sys.stdin is None or sys.stdin.closed or not sys.stdin.isatty():
        yield False
        return
    try:
        import termios
        import tty
    except ImportError:  # no such terminal here
        yield False
        return
    handle = sys.stdin.fileno()
    if os.tcgetpgrp(handle) != os.getpgrp():  # a job in the background would be stopped
        yield False
        return
    before = termios.tcgetattr(handle)
    tty.setcbreak(handle)
    try:
        yield True
    finally:
        with suppress(termios.error):  # the terminal is gone
            termios.tcsetattr(handle, termios.TCSANOW, before)
