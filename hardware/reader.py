"""A thread that reads a port: cuts at zeros, checks, hands over replies and notices in two queues.

Whatever ends it, closing included, each queue ends with None, and `death` says why.
"""

import queue
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from hardware.messages import MAX_BODY
from hardware.wire import Notification, Reply, WireError, decode, unframe

MAX_FRAME = MAX_BODY + 1  # what stands between two zeros


class Port(Protocol):
    """What is used of pyserial's port. Its `read` must return after 50 ms at the latest."""

    @property
    def in_waiting(self) -> int:
        """Bytes that can be read without waiting."""
        ...

    def read(self, size: int = 1, /) -> bytes:
        """Return so many bytes, or fewer after the timeout."""
        ...

    def cancel_read(self) -> None:
        """End another thread's read."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


@dataclass(slots=True)
class Counters:
    """What the line did since the link was made."""

    requests: int = 0
    retries: int = 0
    bad_frames: int = 0
    """Frames that came with a wrong checksum, length or type."""
    stray_replies: int = 0
    """Replies that nobody waited for: late or twice."""
    received: int = 0
    """Bytes."""


class Answer(NamedTuple):
    """A reply, and when its last byte was read on the host's monotonic clock."""

    sequence: int
    reply: Reply
    t_host_ns: int
    length: int
    """Bytes on the wire."""


class Arrival(NamedTuple):
    """A notice, and when its last byte was read on the host's monotonic clock."""

    notification: Notification
    t_host_ns: int


class Reader:
    """Reads one open port until it is closed or dies."""

    def __init__(self, port: Port, counters: Counters) -> None:
        self.answers: queue.SimpleQueue[Answer | None] = queue.SimpleQueue()
        self.arrivals: queue.SimpleQueue[Arrival | None] = queue.SimpleQueue()
        self.death: str | None = None
        self._port, self._counters = port, counters
        self._thread = threading.Thread(target=self._run, name="port's reader", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread, then close the port; a dead one too."""
        self.death = self.death or "it was closed"
        # in this order: a port that is closed while another thread reads it raises TypeError there
        with suppress(Exception):
            self._port.cancel_read()
        self._thread.join()
        with suppress(Exception):
            self._port.close()

    def _run(self) -> None:
        rest = b""
        try:
            while self.death is None:
                data = self._port.read(1)
                if not data:
                    continue
                data += self._port.read(self._port.in_waiting)
                t_host_ns = time.monotonic_ns()
                self._counters.received += len(data)
                *messages, rest = (rest + data).split(b"\0")
                for message in messages:
                    self._take(message, t_host_ns)
                rest = rest[: MAX_FRAME + 1]  # noise without a zero; still too long for a frame
        except Exception as error:  # noqa: BLE001 - whatever a driver raises, the port is gone
            self.death = self.death or f"reading failed ({error}); plug it in, then reconnect"
        self.answers.put(None)
        self.arrivals.put(None)

    def _take(self, message: bytes, t_host_ns: int) -> None:
        if not message:  # between one frame's last zero and the next one's first
            return
        try:
            frame = unframe(message)
            meaning = decode(frame)
        except WireError:
            self._counters.bad_frames += 1
            return
        if isinstance(meaning, Notification):
            self.arrivals.put(Arrival(meaning, t_host_ns))
        else:
            self.answers.put(Answer(frame.sequence, meaning, t_host_ns, len(message) + 2))
