"""The stimulus process as the session sees it: one command at a time, one answer, a deadline.

A frozen process doesn't read, so sending could block for ever: a thread sends. It doesn't answer
either, so every wait is bounded. After a death or a missed deadline the process is killed, and
its window with it: an animal isn't left before a picture that nobody controls.
"""

import multiprocessing
import os
import tempfile
import threading
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

from hardware.display_commands import Close, Command, Done, Failed
from hardware.interface import DisplayError
from hardware.screen import Screen
from hardware.stimulus_process import main

LOG_LINES, LOG_BYTES = 8, 4000
CLOSE_S = 5.0
RESTART = "close the display and open it again; if it goes on, look at the graphics driver"


class Worker:
    """A running stimulus process."""

    def __init__(self, screen: Screen, timeout_s: float) -> None:
        """Start it; its first answer, within the timeout, is the Frames of its window."""
        handle, name = tempfile.mkstemp(prefix="biasloop-display-", suffix=".log")
        os.close(handle)
        self._log = Path(name)
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        # a daemon, so that a session that ends in whatever way doesn't wait for it
        self._process = context.Process(
            target=main, args=(theirs, screen, self._log), name="stimulus", daemon=True
        )
        self._process.start()
        theirs.close()  # so that its death shows as the end of the pipe
        self._doing: str | None = "start"
        self._deadline_s = time.monotonic() + timeout_s
        self._sender: threading.Thread | None = None
        self._over: str | None = None
        self._last_words = ""

    @property
    def pid(self) -> int | None:
        """The operating system's number of the process."""
        return self._process.pid

    def send(self, command: Command, timeout_s: float) -> None:
        """Order something; the answer is due within the timeout.

        Raises:
            DisplayError: the process is gone, or hasn't answered to the last command.
        """
        name = type(command).__name__
        if self._over is not None:
            raise DisplayError(f"the display can't {name.lower()}: {self._over}")
        if self._doing is not None:
            raise DisplayError(
                f"the display can't {name.lower()} before it has answered to {self._doing}; wait "
                "for that first"
            )
        self._doing, self._deadline_s = name.lower(), time.monotonic() + timeout_s
        self._sender = threading.Thread(
            target=_send_quietly, args=(self._connection, command), daemon=True
        )
        self._sender.start()

    def wait(self, timeout_s: float = float("inf")) -> Done | None:
        """Wait for the answer, at most for so long; None while it hasn't come but may.

        Raises:
            DisplayError: the process died, missed its deadline, or couldn't do it.
        """
        if self._over is not None:
            raise DisplayError(f"the display has no answer to give: {self._over}")
        if self._doing is None:
            raise DisplayError("the display was asked to wait, but nothing was started")
        left_s = max(0.0, self._deadline_s - time.monotonic())
        try:
            if self._connection.poll(min(max(0.0, timeout_s), left_s)):
                return self._accept(self._connection.recv())
        except (EOFError, OSError):
            self._give_up("died")
        if time.monotonic() >= self._deadline_s:
            self._give_up("didn't answer in time")
        return None

    def close(self) -> None:
        """Close the window and end the process, whether it answers or not. May be called again."""
        if self._over is None and self._doing is None:
            with suppress(OSError):
                self._connection.send(Close())  # too small to block
                self._process.join(CLOSE_S)
        self._end("it was closed")

    def _accept(self, reply: Done | Failed) -> Done:
        doing, self._doing = self._doing, None
        if isinstance(reply, Failed):
            raise DisplayError(f"the stimulus process couldn't {doing}: {reply.reason}")
        return reply

    def _give_up(self, how: str) -> NoReturn:
        doing, code = self._doing, None
        if how == "died":
            self._process.join(CLOSE_S)
            code = self._process.exitcode
        self._end(f"its stimulus process {how} when told to {doing}")
        ended = "" if code is None else f" (exit code {code})"
        raise DisplayError(
            f"the stimulus process {how}{ended} when told to {doing}; its window is gone; "
            f"{RESTART}{self._told()}"
        )

    def _end(self, why: str) -> None:
        if self._over is not None:
            return
        self._over = why
        self._process.kill()  # SIGKILL also ends what is stopped
        self._process.join(CLOSE_S)
        if self._sender is not None:
            self._sender.join(CLOSE_S)
        self._connection.close()
        self._last_words = _tail(self._log)
        self._log.unlink(missing_ok=True)

    def _told(self) -> str:
        return f". It wrote last:\n{self._last_words}" if self._last_words else ""


def _send_quietly(connection: Connection, command: Any) -> None:
    with suppress(OSError):  # its death is told by the wait for the answer
        connection.send(command)


def _tail(log: Path) -> str:
    """Return the last lines that the process wrote."""
    text = log.read_bytes()[-LOG_BYTES:].decode(errors="replace")
    return "\n".join(text.strip().splitlines()[-LOG_LINES:])
