"""What the rig's tests share: an emulated board, a damaged line, a screen without a screen."""

import os
import random
import select
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

import hardware.virtual_screen
from hardware.display import Display
from hardware.screen import Box, Screen


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


class NoisyLine:
    """A cable between a host's port and a board's, which damages what goes through it.

    `rate` is how often a piece of what passes is dropped, flipped, doubled, delayed or cut.
    """

    def __init__(self, port: str, link: Path, *, seed: int, rate: float) -> None:
        self.port, self.rate = str(link), rate
        self.damaged = 0
        self._board = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self._board)
        self._random = random.Random(seed)
        self._late: list[tuple[float, int, bytes]] = []
        self._stop = threading.Event()
        self._plug_in()
        self._thread = threading.Thread(target=self._relay, daemon=True)
        self._thread.start()

    def unplug(self) -> None:
        """Let the host's port die, and come back under its name."""
        with self._lock:
            os.close(self._host)
            os.close(self._end)
            self._plug_in()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        for handle in (self._host, self._end, self._board):
            os.close(handle)

    _lock = threading.Lock()

    def _plug_in(self) -> None:
        self._host, self._end = os.openpty()
        tty.setraw(self._end)
        os.set_blocking(self._host, False)
        link = Path(self.port)
        link.unlink(missing_ok=True)
        link.symlink_to(os.ttyname(self._end))

    def _relay(self) -> None:
        while not self._stop.is_set():
            with self._lock:
                ready, _, _ = select.select([self._host, self._board], [], [], 0.0005)
                for source in ready:
                    target = self._board if source == self._host else self._host
                    with suppress(OSError):
                        self._pass_on(target, os.read(source, 256))
                due = [late for late in self._late if late[0] <= time.monotonic()]
                self._late = [late for late in self._late if late not in due]
                for _, target, data in due:
                    with suppress(OSError):
                        os.write(target, data)

    def _pass_on(self, target: int, data: bytes) -> None:
        if self._random.random() >= self.rate:
            os.write(target, data)
            return
        self.damaged += 1
        place = self._random.randrange(len(data))
        match self._random.choice(("drop", "flip", "double", "delay", "cut")):
            case "drop":
                data = data[:place] + data[place + 1 :]
            case "flip":
                flipped = data[place] ^ 1 << self._random.randrange(8)
                data = data[:place] + bytes([flipped]) + data[place + 1 :]
            case "double":
                data += data
            case "delay":
                late_s = self._random.uniform(0.001, 0.06)
                self._late.append((time.monotonic() + late_s, target, data))
                return
            case "cut":
                data = data[:place]
        os.write(target, data)


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
