"""The stimulus process: carries out commands from a pipe and answers each.

It ends when the session's process does, however that ends. Nothing that it does can hold the
session up: the session waits with a deadline, see `hardware.worker`.
"""

import os
import signal
import sys
import threading
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hardware.display_commands import (
    Clear,
    Close,
    Command,
    Done,
    Failed,
    MeasureFrames,
    Play,
    Prepare,
    Show,
)
from hardware.screen import Screen

if TYPE_CHECKING:
    from hardware.stage import Stage

REFRESH_S = 0.25  # between frames that change nothing, which keep the window answering


def main(connection: Connection, screen: Screen, log: Path) -> None:
    """Open the window, answer with its Frames, then serve commands until told to close."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the session's to answer
    _redirect_output(log)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    stage = None
    try:
        from hardware.stage import Stage  # imports PsychoPy: seconds, and it needs a display

        stage = Stage(screen)
        connection.send(Done(stage.frames))
        _serve(connection, stage)
    except (EOFError, OSError):
        pass  # the session is gone
    except (Exception, SystemExit) as error:  # noqa: BLE001  (PsychoPy may quit by itself)
        connection.send(Failed(_reason(error)))
    finally:
        if stage is not None:
            stage.close()


def _serve(connection: Connection, stage: "Stage") -> None:
    while True:
        if not connection.poll(REFRESH_S):
            stage.refresh()
            continue
        command = connection.recv()
        if isinstance(command, Close):
            connection.send(Done(None))
            return
        try:
            reply = Done(_carry_out(command, stage))
        except Exception as error:  # noqa: BLE001  (told to the session, which decides)
            reply = Failed(_reason(error))
        connection.send(reply)


def _carry_out(command: Command, stage: "Stage") -> Any:
    match command:
        case Prepare(scene):
            return stage.prepare(scene)
        case Show():
            return stage.show()
        case Clear():
            return stage.clear()
        case MeasureFrames(frames):
            return stage.measure(frames)
        case Play(tone):
            return stage.play(tone)
        case _:
            raise TypeError(f"expected a command, got {command!r}")


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _redirect_output(log: Path) -> None:
    """Send what PsychoPy and its drivers print to a file, from C as well as from Python."""
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)


def _end_with_parent() -> None:
    """End at once when the session's process does, even in the middle of an import."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
