"""The stage: a window, what is on it, and what is ready to be; lives in the stimulus process."""

import time
from collections import OrderedDict
from itertools import pairwise
from typing import Any

from hardware import stimuli
from hardware.frames import FrameTimes, dropped, next_frame, recognise, summarise
from hardware.interface import Flip, Scene, Shape
from hardware.screen import Screen
from hardware.sound import Binaural

WARM_UP_FLIPS, MEASURED_FLIPS = 6, 24
KEPT_STIMULI = 64


class Stage:
    """The window, what is on it, and what is ready to be."""

    def __init__(self, screen: Screen) -> None:
        self._window = stimuli.open_window(screen)
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
        stimuli.make_sound(tone).play()
        return time.monotonic_ns()

    def close(self) -> None:
        """Close the window."""
        self._window.close()

    def _change(self, drawn: tuple[Any, ...], *, lit: bool) -> Flip:
        self._draw(self._shown, lit=self._lit and not lit)
        before_ns = self._flip()
        self._draw(drawn, lit=lit)
        self._shown, self._lit = drawn, lit
        stamp_ns = self._flip()
        return Flip(stamp_ns, dropped((stamp_ns - before_ns) / 1e9, self.frames.period_s))

    def _stimulus(self, shape: Shape) -> Any:
        """Make a shape's stimulus, or take the one made before."""
        if shape not in self._made:
            self._made[shape] = stimuli.make_stimulus(self._window, shape)
        self._made.move_to_end(shape)
        if len(self._made) > KEPT_STIMULI:
            self._made.popitem(last=False)
        return self._made[shape]

    def _draw(self, drawn: tuple[Any, ...], *, lit: bool) -> None:
        for stimulus in (*drawn, self._patches[lit]):
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
        return [(b - a) / 1e9 for a, b in pairwise(stamps)]
