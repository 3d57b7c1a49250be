"""The stimulus process: it owns the window, carries out commands from a pipe, and answers each.

It ends when the session's process does, however that ends. Nothing that it does can hold the
session up: the session waits with a deadline, see `hardware.display`.
"""

import os
import signal
import sys
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hardware.frames import FrameTimes, dropped, next_frame, recognise, summarise
from hardware.interface import Flip, Scene, Shape
from hardware.screen import Screen
from hardware.sound import Binaural

if TYPE_CHECKING:
    from hardware.stimuli import Window

REFRESH_S = 0.25  # between frames that change nothing, which keep the window answering
WARM_UP_FLIPS, MEASURED_FLIPS = 6, 24
KEPT_STIMULI = 64


@dataclass(frozen=True, slots=True)
class Prepare:
    """Make a scene ready, unseen. Answer: None."""

    scene: Scene


@dataclass(frozen=True, slots=True)
class Show:
    """Show the scene that was prepared last. Answer: Flip."""


@dataclass(frozen=True, slots=True)
class Clear:
    """Show the empty background. Answer: Flip."""


@dataclass(frozen=True, slots=True)
class MeasureFrames:
    """Show the same picture again and again. Answer: FrameTimes."""

    frames: int


@dataclass(frozen=True, slots=True)
class Play:
    """Start a tone. Answer: when, ns on the monotonic clock."""

    tone: Binaural


@dataclass(frozen=True, slots=True)
class Close:
    """Close the window and end. Answer: None."""


Command = Prepare | Show | Clear | MeasureFrames | Play | Close


@dataclass(frozen=True, slots=True)
class Done:
    """A command was carried out."""

    answer: Any


@dataclass(frozen=True, slots=True)
class Failed:
    """A command, or the start, failed; the process goes on, or has ended if it was the start."""

    reason: str


def main(connection: Connection, screen: Screen, log: Path) -> None:
    """Open the window, answer with its Frames, then serve commands until told to close."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the session's to answer
    _redirect_output(log)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    stage = None
    try:
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


class Stage:
    """The window, what is on it, and what is ready to be."""

    def __init__(self, screen: Screen) -> None:
        from hardware import stimuli  # imports PsychoPy: seconds, and it needs a display

        self._stimuli = stimuli
        self._window: Window = stimuli.open_window(screen)
        self._patches = {
            lit: stimuli.make_patch(self._window, screen, lit=lit) for lit in (False, True)
        }
        self._made: OrderedDict[Shape, Any] = OrderedDict()
        self._shown: tuple[Any, ...] = ()
        self._prepared: tuple[Any, ...] = ()
        self._lit = False
        self._stamp_ns = 0
        self._due_s = time.monotonic()
        self._draw((), lit=True)  # first draws take long, so they are done unseen
        self._warm_up()
        self.frames = recognise(self._measure_refresh(), screen.refresh_hz)

    def prepare(self, scene: Scene) -> None:
        """Make a scene's stimuli and draw them once, behind what is shown."""
        self._prepared = tuple(map(self._stimulus, scene))
        self._draw(self._prepared, lit=True)
        self._window.clearBuffer()

    def show(self) -> Flip:
        """Show the prepared scene, and light the patch.

        The frame before shows what was there with a dark patch: the photodiode sees an edge even
        from one scene to the next, and the two frames tell whether one between was missed.
        """
        return self._change(self._prepared, lit=True)

    def clear(self) -> Flip:
        """Show the empty background, and a dark patch."""
        return self._change((), lit=False)

    def refresh(self) -> None:
        """Show the same again."""
        self._draw(self._shown, lit=self._lit)
        self._flip()

    def measure(self, frames: int) -> FrameTimes:
        """Show the same again and again, and tell how well that went."""
        stamps = []
        for _ in range(frames + 1):
            self.refresh()
            stamps.append(self._stamp_ns)
        return summarise(stamps, self.frames.period_s)

    def play(self, tone: Binaural) -> int:
        """Start a tone and return when that was."""
        self._stimuli.make_sound(tone).play()
        return time.monotonic_ns()

    def close(self) -> None:
        """Close the window."""
        self._window.close()

    def _change(self, stimuli: tuple[Any, ...], *, lit: bool) -> Flip:
        self._draw(self._shown, lit=self._lit and not lit)
        before_ns = self._flip()
        self._draw(stimuli, lit=lit)
        self._shown, self._lit = stimuli, lit
        stamp_ns = self._flip()
        return Flip(stamp_ns, dropped((stamp_ns - before_ns) / 1e9, self.frames.period_s))

    def _stimulus(self, shape: Shape) -> Any:
        """Make a shape's stimulus, or take the one made before."""
        if shape not in self._made:
            self._made[shape] = self._stimuli.make_stimulus(self._window, shape)
        self._made.move_to_end(shape)
        if len(self._made) > KEPT_STIMULI:
            self._made.popitem(last=False)
        return self._made[shape]

    def _draw(self, stimuli: tuple[Any, ...], *, lit: bool) -> None:
        for stimulus in (*stimuli, self._patches[lit]):
            if stimulus is not None:
                stimulus.draw()

    def _flip(self) -> int:
        """Show what was drawn, at the next frame, and return when that was."""
        if not self.frames.has_vblank:
            self._due_s = next_frame(self._due_s, time.monotonic(), self.frames.period_s)
            time.sleep(max(0.0, self._due_s - time.monotonic()))
        return self._flip_now()

    def _flip_now(self) -> int:
        # PsychoPy's own stamps are on a clock that can be set, on Linux with psychtoolbox
        self._window.callOnFlip(self._stamp)
        self._window.flip()
        return self._stamp_ns

    def _stamp(self) -> None:
        self._stamp_ns = time.monotonic_ns()

    def _warm_up(self) -> None:
        self._window.clearBuffer()
        for _ in range(WARM_UP_FLIPS):
            self._draw((), lit=False)
            self._flip_now()

    def _measure_refresh(self) -> list[float]:
        """Return the times between flips that nothing of ours delays, s."""
        stamps = []
        for _ in range(MEASURED_FLIPS + 1):
            self._draw((), lit=False)
            stamps.append(self._flip_now())
        return [(b - a) / 1e9 for a, b in zip(stamps, stamps[1:], strict=False)]


def _serve(connection: Connection, stage: Stage) -> None:
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


def _carry_out(command: Command, stage: Stage) -> Any:
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
