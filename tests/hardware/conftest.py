"""What the rig's tests share: an emulated board, a damaged line, a screen without a screen."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

import hardware.virtual_screen
from hardware.display import Display
from hardware.screen import Box, Screen
from sims.hardening.noisy_line import NoisyLine


@pytest.fixture(scope="module")
def board():
    """A running emulated board, the same for a module's tests."""
    from hardware.simulated_board import SimulatedBoard

    with SimulatedBoard() as running:
        yield running


@pytest.fixture
def device(board):
    """The board as the host sees it; limits are set, nothing is armed."""
    from hardware.device import NativeDevice
    from hardware.interface import Limits

    with NativeDevice(board.port) as opened:
        opened.clear()
        for line in opened.identity.lines:
            if line.kind != "input":
                limits = Limits(line.ceiling.max_us, line.ceiling.gap_us, line.ceiling.budget_us)
                opened.set_limits(line.name, limits)
        yield opened
        opened.all_off()
        opened.disarm()
        opened.clear()


@pytest.fixture
def noisy_line(board, tmp_path):
    """Make cables to the board: noisy_line(seed, rate)."""
    made = []

    def make(seed: int, rate: float) -> NoisyLine:
        made.append(NoisyLine(board.port, tmp_path / f"tty{len(made)}", seed=seed, rate=rate))
        return made[-1]

    yield make
    for line in made:
        line.close()


class Framebuffer(hardware.virtual_screen.Framebuffer):
    """What an X server without a screen shows, with a photodiode before it."""

    @contextmanager
    def photodiode(self, box: Box, changed: Callable[[bool, int], None]) -> Iterator[None]:
        """Call `changed(lit, monotonic ns)` from a thread whenever the patch changes."""
        over = threading.Event()

        def watch() -> None:
            was = self.is_lit(box)
            while not over.is_set():
                if (lit := self.is_lit(box)) != was:
                    changed(lit, time.monotonic_ns())
                    was = lit
                time.sleep(0.0002)

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


@pytest.fixture(scope="session")
def framebuffer(screen: Screen) -> Iterator[Framebuffer]:
    """An X server of our own, which DISPLAY names meanwhile."""
    with (
        hardware.virtual_screen.VirtualScreen(screen) as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("DISPLAY", server.display)
        yield Framebuffer(server.file)


@pytest.fixture(scope="session")
def screen() -> Screen:
    """A screen on which one degree is 16.8 pixels."""
    return Screen(size_px=(1280, 1024), width_cm=40.0, distance_cm=30.0)


@pytest.fixture(scope="session")
def display(framebuffer: Framebuffer, screen: Screen) -> Iterator[Display]:
    """A real window. Started once: importing PsychoPy takes seconds."""
    with Display(screen, timeout_s=30) as opened:
        yield opened


@pytest.fixture
def framebuffer_photodiode(framebuffer: Framebuffer, screen: Screen):
    """Return the context manager `photodiode(changed)`: it calls `changed(lit, monotonic ns)`."""
    box = screen.patch_box
    assert box is not None
    return lambda changed: framebuffer.photodiode(box, changed)
