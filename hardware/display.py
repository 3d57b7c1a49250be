"""The display: scenes on a screen, drawn by a process of its own.

Every death, silence or failure of that process is a DisplayError that says what to do.
"""

import importlib.util
import os
import sys
from types import TracebackType
from typing import Any, Self

from hardware.display_commands import Clear, Command, MeasureFrames, Play, Prepare, Show
from hardware.frames import Frames, FrameTimes
from hardware.interface import DisplayError, Flip, Scene
from hardware.screen import Screen
from hardware.shapes import check_scene
from hardware.sound import Binaural
from hardware.worker import Worker

SOUND_S = 15.0  # the first tone looks for a device
SCREEN_REMEDY = (
    "check that the screen is connected and on, and that DISPLAY names it: on the rig's own "
    "desktop it does, over ssh `export DISPLAY=:0`, without a screen start `Xvfb :99 -screen 0 "
    "1280x1024x24` and `export DISPLAY=:99`"
)


class Display:
    """A screen for scenes; a context manager.

    `prepare`, `present` and `clear` return when they are done. Whoever has to do something
    meanwhile, such as keeping a device's lease, starts them and waits in small steps:

        display.start_present()
        while (flip := display.wait_flip(0.02)) is None:
            device.heartbeat()
    """

    def __init__(
        self, screen: Screen, *, timeout_s: float = 3.0, start_timeout_s: float = 90.0
    ) -> None:
        """Describe it; nothing starts before `with`.

        Args:
            screen: what the scenes are shown on.
            timeout_s: by when a command must be answered.
            start_timeout_s: by when the window must be open; importing PsychoPy takes 3-10 s.
        """
        self.screen = screen
        self._timeout_s, self._start_timeout_s = timeout_s, start_timeout_s
        self._worker: Worker | None = None
        self._frames: Frames | None = None

    @property
    def frames(self) -> Frames:
        """How the screen shows frames, measured when it was opened."""
        if self._frames is None:
            raise DisplayError(_NOT_OPEN)
        return self._frames

    @property
    def pid(self) -> int | None:
        """The stimulus process, None before it is started."""
        return None if self._worker is None else self._worker.pid

    def __enter__(self) -> Self:
        """Start the stimulus process and wait until its window is open.

        Raises:
            DisplayError: PsychoPy isn't installed, or there is no such screen.
        """
        _check_system()
        self._worker = Worker(self.screen, self._start_timeout_s)
        try:
            self._frames = self._answer()
        except DisplayError as error:
            self.close()
            raise DisplayError(
                f"no window on screen {self.screen.index}: {error}; {SCREEN_REMEDY}"
            ) from error
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the window, whatever happened."""
        self.close()

    def prepare(self, scene: Scene) -> None:
        """Make a scene ready, unseen; return once it is.

        Raises:
            ValueError: a shape can't be drawn as it is described.
            DisplayError: the process failed.
        """
        self.start_prepare(scene)
        self._answer()

    def present(self) -> Flip:
        """Show the scene that was prepared last; return once it is on the screen."""
        self.start_present()
        return self._answer()

    def clear(self) -> Flip:
        """Show the empty background; return once it is on the screen."""
        self.start_clear()
        return self._answer()

    def start_prepare(self, scene: Scene) -> None:
        """Begin to make a scene ready; `wait_prepared` tells when it is."""
        check_scene(scene)
        self._send(Prepare(scene))

    def start_present(self) -> None:
        """Order the prepared scene to be shown; `wait_flip` tells when it was."""
        self._send(Show())

    def start_clear(self) -> None:
        """Order the empty background; `wait_flip` tells when it was shown."""
        self._send(Clear())

    def wait_prepared(self, timeout_s: float) -> bool:
        """Wait at most for so long, and tell whether the scene is ready."""
        return self._running().wait(timeout_s) is not None

    def wait_flip(self, timeout_s: float) -> Flip | None:
        """Wait at most for so long for the flip that was ordered; None while it may still come.

        Raises:
            DisplayError: the process died, or the flip is overdue.
        """
        done = self._running().wait(timeout_s)
        return None if done is None else done.answer

    def measure_frames(self, frames: int = 60) -> FrameTimes:
        """Show the same picture for so many frames, and tell how many were missed."""
        self._send(MeasureFrames(frames), self._timeout_s + 3 * frames * self.frames.period_s)
        return self._answer()

    def play(self, tone: Binaural) -> int:
        """Start a tone on the computer's sound device; return when, ns on the monotonic clock.

        Raises:
            DisplayError: PsychoPy finds no sound device.
        """
        self._send(Play(tone), SOUND_S)
        return self._answer()

    def close(self) -> None:
        """Close the window and end the process, whether it answers or not. May be called again."""
        if self._worker is not None:
            self._worker.close()

    def _send(self, command: Command, timeout_s: float | None = None) -> None:
        self._running().send(command, self._timeout_s if timeout_s is None else timeout_s)

    def _answer(self) -> Any:
        while (done := self._running().wait()) is None:
            pass
        return done.answer

    def _running(self) -> Worker:
        if self._worker is None:
            raise DisplayError(_NOT_OPEN)
        return self._worker


_NOT_OPEN = "the display isn't open; use it in a `with` statement"


def _check_system() -> None:
    """Refuse what is known before anything is started.

    Raises:
        DisplayError: PsychoPy isn't installed, or no display is named.
    """
    if importlib.util.find_spec("psychopy") is None:
        raise DisplayError("PsychoPy isn't installed: `pip install 'biasloop[rig]'`")
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        raise DisplayError(f"no display: DISPLAY isn't set; {SCREEN_REMEDY}")
