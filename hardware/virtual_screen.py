"""A screen without a screen: an X server that draws into a file, from which a photodiode reads.

For trying a whole rig on any Linux computer. Debian's package is xvfb.
"""

import mmap
import os
import subprocess
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import numpy as np

from hardware.interface import DisplayError
from hardware.screen import Box, Screen

DEPTH = 24  # with 16 PsychoPy hangs
LIT = 127


class Framebuffer:
    """What an X server without a screen shows, read from the file that it draws into."""

    def __init__(self, file: Path) -> None:
        with file.open("rb") as opened:
            self._map = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
        header = np.frombuffer(self._map, ">u4", 25)  # of the X window dump format
        size, width, height, stride, colours = header[[0, 4, 5, 12, 19]].tolist()
        bgrx = np.frombuffer(self._map, np.uint8, height * stride, size + 12 * colours)
        self._pixels = bgrx.reshape(height, stride // 4, 4)[:, :width, 2::-1]

    def picture(self) -> np.ndarray:
        """Return u1[height, width, (red, green, blue)] as it is now."""
        return self._pixels.copy()

    def is_lit(self, box: Box) -> bool:
        """Whether the middle of a box is rather white than black."""
        left, top, width, height = box
        return int(self._pixels[top + height // 2, left + width // 2, 1]) > LIT


class VirtualScreen:
    """A running X server of one's own; a context manager."""

    def __init__(self, screen: Screen) -> None:
        """It has the size of the screen that is described."""
        self._size = screen.size_px
        self._folder: TemporaryDirectory[str] | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self.display = ""
        """What DISPLAY has to be."""

    @property
    def file(self) -> Path:
        """What the server draws into; any process may read it with `Framebuffer`."""
        if self._folder is None:
            raise DisplayError("the virtual screen isn't running; use it in a `with` statement")
        return Path(self._folder.name) / "Xvfb_screen0"

    def __enter__(self) -> Self:
        """Start the server.

        Raises:
            DisplayError: it isn't installed, or doesn't start.
        """
        self._folder = TemporaryDirectory(prefix="biasloop-screen-")
        try:
            self.display = f":{self._started(Path(self._folder.name))}"
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        """Stop the server."""
        self.close()

    def _started(self, folder: Path) -> str:
        """Start the server; return the number of its display."""
        width, height = self._size
        read, write = os.pipe()
        command = ["Xvfb", "-screen", "0", f"{width}x{height}x{DEPTH}", "-nolisten", "tcp"]
        command += ["-fbdir", str(folder), "-displayfd", str(write)]
        log = folder / "log"
        try:
            with log.open("wb") as out:
                self._server = subprocess.Popen(
                    command, pass_fds=[write], stdout=out, stderr=out, start_new_session=True
                )
        except FileNotFoundError as error:
            os.close(read)
            raise DisplayError(
                "Xvfb isn't installed: on Debian `sudo apt-get install xvfb`, or use a rig "
                "document whose screen is a real one"
            ) from error
        finally:
            os.close(write)
        with open(read) as number:  # noqa: PTH123  (a pipe); empty where it couldn't start
            name = number.readline().strip()
        if not name:
            raise DisplayError(f"Xvfb doesn't start: {log.read_text()[-500:]}")
        return name

    def close(self) -> None:
        """Stop the server; may be called again."""
        server, self._server = self._server, None
        if server is not None:
            server.terminate()
            try:
                server.wait(5.0)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
        folder, self._folder = self._folder, None
        if folder is not None:
            with suppress(OSError):
                folder.cleanup()
