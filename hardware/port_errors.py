"""What to say when a port doesn't open: who holds it, which ports there are, what to do."""

import errno
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from hardware.interface import Disconnected, RigError

LOCKED = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EBUSY)
MISSING = (errno.ENOENT, errno.ENXIO, errno.ENODEV)
FORBIDDEN = (errno.EACCES, errno.EPERM)


def explain(port: str, error: Exception, present: Sequence[str]) -> RigError:
    """Return the error for a port that didn't open, with the remedy.

    Args:
        port: its name, as it was asked for.
        error: what came of opening it.
        present: names of the ports that there are.
    """
    code = getattr(error, "errno", None)
    if code in LOCKED:
        return RigError(f"{port} is in use by {_users(port)}: close that program, then try again")
    if code in MISSING or (os.name == "posix" and not Path(port).exists()):
        listed = ", ".join(present) or "none; is the board plugged in, and its cable one for data?"
        return Disconnected(f"there is no port {port}; ports that there are: {listed}")
    if code in FORBIDDEN:
        return RigError(
            f"{port} may not be opened ({error}): add yourself to the group that owns it "
            "(Debian: `sudo adduser $USER dialout`, then log in again), "
            "and close other programs that use it"
        )
    return RigError(f"{port} can't be opened as a serial port: {error}")


def _users(port: str) -> str:
    """Name the processes that have the port open, as far as this computer tells."""
    found = ", ".join(sorted(set(_processes(os.path.realpath(port)))))
    return found or "another program (a serial monitor, an Arduino IDE, a second session)"


def _processes(path: str) -> Iterator[str]:
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if str(link.readlink()) == path:
                process = link.parents[1]
                yield f"{(process / 'comm').read_text().strip()} (process {process.name})"
        except OSError:  # it has ended, or is another user's
            continue
