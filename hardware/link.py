"""The port: requests out, replies and notices in, one error for every way in which it dies.

The host asks one thing at a time. Without an answer it sends the same bytes again, with the same
sequence number, which the device answers without doing it twice; a request that never gets an
answer leaves both sides out of step, and only `hello` (which switches everything off) ends that.

Python's threads hand over every 5 ms; one busy thread then adds 15 ms to a round trip. `open`
shortens that to .5 ms for the whole process (`sys.setswitchinterval`).
"""

import os
import queue
import re
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardware.interface import Disconnected, RigError, WrongDevice
from hardware.messages import VERSION, Request, Status
from hardware.port_errors import explain
from hardware.reader import Answer, Arrival, Counters, Reader
from hardware.wire import Reply, encode

if TYPE_CHECKING:
    import serial

BAUD = 500_000
BYTE_NS = 10 * 1_000_000_000 // BAUD  # eight bits, start, stop
SWITCH_INTERVAL_S = 5e-4
READ_TIMEOUT_S = 0.05
WRITE_TIMEOUT_S = 2.0  # a computer may stand still for a moment, and the device's lease is shorter
HELLO_INTERVAL_S = 0.1
OUT_OF_STEP = {
    Status.STALE: "it has lost count of the requests; reconnect",
    Status.NO_HELLO: "it has restarted; look for what resets it (power, cable), then reconnect",
}


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its reply, on the host's monotonic clock."""

    reply: Reply
    sent_ns: int
    """When the try that came before the answer was sent."""
    received_ns: int
    tries: int
    wire_ns: tuple[int, int]
    """What the request's and the reply's bytes take on the wire."""

    @property
    def delay_ns(self) -> int:
        """Round trip beyond what the bytes take."""
        return self.received_ns - self.sent_ns - sum(self.wire_ns)

    @property
    def executed_ns(self) -> int:
        """When the device had the whole request, if both ways were equally slow."""
        return self.sent_ns + self.wire_ns[0] + self.delay_ns // 2


class Link:
    """One port and what is asked through it; for one thread at a time."""

    def __init__(self, port: str, *, timeout_s: float = 0.05, tries: int = 20) -> None:
        """`tries` times `timeout_s` without an answer is a dead device."""
        self.port, self.timeout_s, self.tries = port, timeout_s, tries
        self.counters = Counters()
        self._serial: serial.Serial | None = None
        self._reader: Reader | None = None
        self._sequence = 0
        self._unanswered: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether the port is open and hasn't died."""
        return self._reader is not None and self._reader.death is None

    @property
    def in_step(self) -> bool:
        """Whether both sides agree on what was asked last, so that more can be asked."""
        return self.is_open and self._unanswered is None

    @property
    def is_virtual(self) -> bool:
        """Whether the port is a pseudo-terminal: an emulation, never a board on a cable."""
        return re.fullmatch(r"/dev/(pts/\d+|ttys\d+)", os.path.realpath(self.port)) is not None

    def open(self) -> None:
        """Open the port, for this program alone. Opening resets most Arduinos.

        Raises:
            Disconnected: when there is no such port.
            RigError: when it can't be opened; the message says what to do.
        """
        self.close()
        sys.setswitchinterval(min(sys.getswitchinterval(), SWITCH_INTERVAL_S))
        self._serial = _open(self.port)
        self._reader = Reader(self._serial, self.counters)
        self._unanswered = "HELLO comes before everything else"

    def close(self, *, hang_up: bool = True) -> None:
        """Let go of the port; without hanging up, opening it again resets no board."""
        if self._serial is not None:
            _let_dtr_fall(self._serial, at_close=hang_up)
        if self._reader is not None:
            self._reader.close()
        self._serial = None

    def hello(self, nonce: int, *, patience_s: float = 5.0) -> Exchange:
        """Begin: a new nonce switches everything off and sets both sides' count.

        Asks until it is answered: a board that was reset by the opening needs up to 2 s.

        Raises:
            Disconnected: without an answer.
            WrongDevice: when what answers doesn't speak this protocol, or another version of it.
        """
        received = self.counters.received
        tries = max(1, round(patience_s / HELLO_INTERVAL_S))
        values = {"version": VERSION, "nonce": nonce}
        try:
            exchange = self._ask(Request.HELLO, nonce % 256, HELLO_INTERVAL_S, tries, values)
        except Disconnected:
            if self.is_open and self.counters.received > received:
                raise self._stranger(self.counters.received - received) from None
            raise
        if exchange.reply.status != Status.OK:
            self._unanswered = "it speaks another version"
            raise WrongDevice(
                f"the firmware on {self.port} answers HELLO in version {VERSION} of the protocol "
                f"by {exchange.reply.status.name}; flash the firmware that came with this program"
            )
        return exchange

    def request(self, request: Request, **values: int) -> Exchange:
        """Ask one thing and wait for the answer, whatever its status.

        Raises:
            Disconnected: when the port died, or no answer came; what was asked may have happened.
        """
        if not self.in_step:
            raise self._disconnected()
        sequence = (self._sequence + 1) % 256
        exchange = self._ask(request, sequence, self.timeout_s, self.tries, values)
        if exchange.reply.status in OUT_OF_STEP:
            self._unanswered = OUT_OF_STEP[exchange.reply.status]
            raise self._disconnected()
        return exchange

    def notice(self, timeout_s: float = 0.0) -> Arrival | None:
        """Return what the device said unasked, oldest first; None if nothing came in time.

        Raises:
            Disconnected: when the port is dead and everything that had come was returned.
        """
        if self._reader is None:
            raise self._disconnected()
        try:
            arrival = self._reader.arrivals.get(block=timeout_s > 0, timeout=timeout_s)
        except queue.Empty:
            return None
        if arrival is None:
            self._reader.arrivals.put(None)  # for the next call
            raise self._disconnected()
        return arrival

    def _ask(
        self,
        request: Request,
        sequence: int,
        timeout_s: float,
        tries: int,
        values: dict[str, int],
    ) -> Exchange:
        message = encode(request, sequence, **values)
        # stays so when this is left before the answer has come, by Ctrl-C for instance
        self._unanswered = f"{request.name} was never answered; reconnect"
        self.counters.requests += 1
        for count in range(1, tries + 1):
            sent_ns = self._write(message)
            answer = self._answer(request, sequence, sent_ns + round(timeout_s * 1e9))
            if answer is not None:
                self._sequence, self._unanswered = sequence, None
                wire_ns = len(message) * BYTE_NS, answer.length * BYTE_NS
                return Exchange(answer.reply, sent_ns, answer.t_host_ns, count, wire_ns)
            self.counters.retries += count < tries
        self._unanswered = (
            f"no answer to {request.name} in {tries} tries of {timeout_s * 1000:.0f} ms; "
            "check power and cable, then reconnect"
        )
        raise self._disconnected()

    def _write(self, message: bytes) -> int:
        if self._serial is None or self._reader is None or self._reader.death is not None:
            raise self._disconnected()
        try:
            sent_ns = time.monotonic_ns()
            self._serial.write(message)
        except Exception as error:  # whatever a driver raises, the port is gone
            self._reader.death = f"writing failed ({error}); plug it in, then reconnect"
            raise self._disconnected() from error
        return sent_ns

    def _answer(self, request: Request, sequence: int, deadline_ns: int) -> Answer | None:
        """Wait for the answer to this request; None if it didn't come in time."""
        answers = self._reader.answers if self._reader else queue.SimpleQueue[Answer | None]()
        while (left_ns := deadline_ns - time.monotonic_ns()) > 0:
            try:
                answer = answers.get(timeout=left_ns / 1e9)
            except queue.Empty:
                return None
            if answer is None:
                answers.put(None)  # for the next call
                raise self._disconnected()
            if (answer.sequence, answer.reply.request) == (sequence, request):
                return answer
            self.counters.stray_replies += 1
        return None

    def _disconnected(self) -> Disconnected:
        death = "it isn't open" if self._reader is None else self._reader.death
        return Disconnected(
            f"the device on {self.port} can't be reached: {death or self._unanswered}"
        )

    def _stranger(self, received: int) -> WrongDevice:
        return WrongDevice(
            f"expected a board with this program's firmware on {self.port}; {received} bytes came, "
            "but no answer to HELLO among them: choose another port, or flash the board"
        )


def _open(name: str) -> "serial.Serial":
    try:
        import serial
        from serial.tools.list_ports import comports
    except ImportError:
        raise RigError("pyserial isn't installed: pip install 'biasloop[rig]'") from None
    try:
        port = serial.Serial(
            name, BAUD, timeout=READ_TIMEOUT_S, write_timeout=WRITE_TIMEOUT_S, exclusive=True
        )
    except Exception as error:
        # besides its own errors pyserial lets termios.error through, which is no OSError
        raise explain(name, error, [found.device for found in comports()]) from error
    with suppress(Exception):  # only some drivers know it (FTDI: 16 ms to 1 ms); a pty doesn't
        port.set_low_latency_mode(True)
    _let_dtr_fall(port, at_close=False)
    return port


def _let_dtr_fall(port: "serial.Serial", *, at_close: bool) -> None:
    """Let DTR fall when the port is closed or not: its next rise resets an Arduino.

    While a session runs it mustn't: a program that died then finds the device's ledger again.
    """
    with suppress(Exception):  # a dead port, or a system without termios
        import termios

        settings = termios.tcgetattr(port.fileno())
        settings[2] = settings[2] | termios.HUPCL if at_close else settings[2] & ~termios.HUPCL
        termios.tcsetattr(port.fileno(), termios.TCSANOW, settings)
