"""What somebody at the rig wants: keys in the terminal, and signals.

Most wishes wait for the end of the trial. `watch` is called at every heartbeat of the rig, and ends
a trial at once where that was asked.
"""

import os
import select
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Protocol

from controller.session.errors import Stopped
from hardware.interface import Ask

KEYS = "p pause, r go on, s stop after this trial, a abort, e everything off, f free reward, n note"


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


class Controls(Protocol):
    """Where wishes come from."""

    def wishes(self) -> Iterator[tuple[Wish, str]]:
        """Yield what was asked since, each with its words."""
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
    one ends it at once.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._wishes: deque[tuple[Wish, str]] = deque()
        self._signals = 0
        self._line: str | None = None
        self._wanted: Callable[[str], None] | None = None
        self._answer: str | None = None
        self._tty = False

    @contextmanager
    def listening(self) -> Iterator["TerminalControls"]:
        """Take keys one by one, and signals, until the session is over."""
        names = ("SIGINT", "SIGTERM", "SIGHUP")
        numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
        before = {number: signal.signal(number, self._signalled) for number in numbers}
        try:
            with _single_keys() as self._tty:
                yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def wishes(self) -> Iterator[tuple[Wish, str]]:
        """Yield what was asked since, each with its words."""
        self._read_keys()
        while self._wishes:
            yield self._wishes.popleft()

    def watch(self) -> None:
        """Look for what can't wait.

        Raises:
            Stopped: the session has to end at once.
        """
        self._read_keys()
        for wish, _ in self._wishes:
            if wish in {Wish.ABORT, Wish.EMERGENCY}:
                raise Stopped(wish.name.lower())

    def typed(self, ask: Ask) -> str | None:
        """Return what was answered; None while it isn't whole."""
        if self._wanted is None and self._answer is None:
            self._say(ask.prompt)
            self._line, self._wanted = "", self._take_answer
        self._read_keys()
        answer, self._answer = self._answer, None
        return answer

    def _take_answer(self, text: str) -> None:
        self._answer = text

    def _signalled(self, number: int, frame: object) -> None:
        del frame
        self._signals += 1
        if self._signals > 1:
            raise KeyboardInterrupt
        self._wishes.append((Wish.STOP, signal.Signals(number).name))
        if number != getattr(signal, "SIGHUP", None):
            self._say("stopping after this trial; Ctrl-C again ends it at once")

    def _read_keys(self) -> None:
        while self._tty and select.select([sys.stdin], [], [], 0)[0]:
            data = os.read(sys.stdin.fileno(), 64)
            if not data:  # the terminal is gone
                self._tty = False
                self._wishes.append((Wish.STOP, "the terminal was closed"))
                return
            for letter in data.decode(errors="ignore"):
                self._take(letter)

    def _take(self, letter: str) -> None:
        if self._line is not None:
            self._take_into_line(letter)
            return
        if letter == "n":
            self._say("note, then Enter:")
            self._line, self._wanted = "", self._take_note
            return
        try:
            wish = Wish(letter.lower())
        except ValueError:
            return
        if wish == Wish.HELP:
            self._say(KEYS)
        else:
            self._wishes.append((wish, "key"))

    def _take_into_line(self, letter: str) -> None:
        if letter not in "\r\n":
            self._line = (self._line or "")[:-1] if letter == "\x7f" else f"{self._line}{letter}"
            return
        line, wanted = self._line or "", self._wanted
        self._line = self._wanted = None
        if wanted is not None:
            wanted(line)

    def _take_note(self, text: str) -> None:
        if text.strip():
            self._wishes.append((Wish.NOTE, text.strip()))


@contextmanager
def _single_keys() -> Iterator[bool]:
    """Let the terminal give keys without Enter; yields whether there is one."""
    if not sys.stdin.isatty():
        yield False
        return
    try:
        import termios
        import tty
    except ImportError:  # no such terminal here
        yield False
        return
    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield True
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
