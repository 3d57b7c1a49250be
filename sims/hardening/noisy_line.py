"""A cable between a host's port and a board's, which damages what goes through it."""

import os
import random
import select
import threading
import time
import tty
from contextlib import suppress
from pathlib import Path


class NoisyLine:
    """A cable between two ports; the host's has a name of its own.

    `rate` is how often a piece of what passes is dropped, flipped, doubled, delayed or cut.
    """

    def __init__(self, port: str, link: Path, *, seed: int, rate: float) -> None:
        self.port, self.rate = str(link), rate
        self.damaged = 0
        self._board = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self._board)
        self._random = random.Random(seed)  # noqa: S311
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
        """Take it away."""
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
