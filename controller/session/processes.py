"""Other processes of a session: started anew, ended with it, and never waited for without end."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from typing import Any

CLOSE_S = 10.0


class Companion:
    """A process that serves one connection."""

    def __init__(self, serve: Callable[..., None], *arguments: Any, name: str) -> None:
        """Start `serve(connection, *arguments)` in an interpreter of its own."""
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(
            target=_run, args=(serve, theirs, *arguments), name=name, daemon=True
        )
        self._process.start()
        theirs.close()  # so that its death shows as the end of the pipe

    @property
    def pid(self) -> int | None:
        """The operating system's number of the process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.is_alive()

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it runs."""
        return self._process.exitcode

    def close(self, goodbye: Any = None) -> None:
        """End it, by asking where it answers and by force where it doesn't."""
        if self.alive and goodbye is not None:
            with suppress(OSError, ValueError):
                self.connection.send(goodbye)
                self._process.join(CLOSE_S)
        self._process.kill()  # SIGKILL also ends what is stopped
        self._process.join(CLOSE_S)
        self.connection.close()


def _run(serve: Callable[..., None], connection: Connection, *arguments: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the session's to answer
    with suppress(AttributeError, ValueError):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        serve(connection, *arguments)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
