"""A rig's computer: takes an order once, starts the session's process, and says how it stands.

Nothing here knows of a network. The session is a process of its own, which nobody's end ends.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from controller.claims import ClaimError, claim
from controller.rigs.lent_folder import STOP, LentFolder, running_in
from controller.rigs.messages import (
    KILLED,
    OVER,
    RUNNING,
    UNKNOWN,
    Facts,
    Order,
    Parcel,
    Report,
    Wishes,
)
from controller.rigs.packing import checksum, pack, unpack
from controller.rigs.received import received_since, take_in
from controller.rigs.software import differing, software
from controller.session.errors import NotReady
from controller.session.lending import adopt, standing
from controller.session.planning import FINISHED, STATE
from controller.session.queue import Queue
from controller.session.start import SESSIONS
from controller.session.subjects import check_name
from controller.store import Origin, StoreError, status

ORDER_S = 120.0
"""An order that comes later finds nobody who expects it."""
EXIT_S = 10.0
DAY_NS = 86_400 * 10**9
PART_BYTES = 2**20


class Host(Protocol):
    """Whatever runs sessions that are ordered."""

    def facts(self) -> Facts:
        """Say what it is."""
        ...

    def begin(self, order: Order) -> str:
        """Begin a session, once.

        Raises:
            NotReady: it may not begin.
        """
        ...

    def revoke(self, session: str) -> bool:
        """Never begin a session from now on; whether it wasn't begun."""
        ...

    def exchange(self, session: str, wishes: Wishes) -> Report:
        """Take wishes in; say how a session stands."""
        ...

    def part(self, session: str, offset: int) -> bytes:
        """Return a part of its packed store."""
        ...

    def settle(self, session: str) -> None:
        """Hear that all of it has arrived."""
        ...


class LabHost:
    """The host of a rig: one session at a time."""

    def __init__(
        self,
        lab: Path,
        rig: Path | None,
        name: str,
        origin: Origin,
        command: Sequence[str] = (),
    ) -> None:
        """`command` begins a session's process; the folder and the rig's document follow it."""
        self._lab, self._rig, self._name = lab, rig, name
        self._origin: Origin = origin
        self._command = command or (sys.executable, "-m", "controller.rigs.session_entry")
        self._process: subprocess.Popen | None = None
        self._begun: LentFolder | None = None
        """Whose process it is."""
        self._beginning = threading.Lock()
        self._parcels: dict[str, bytes] = {}

    @property
    def busy(self) -> str | None:
        """The session that runs."""
        running = running_in(self._lab)
        if running is None and self._begun is not None and self._is_beginning(self._begun):
            return self._begun.session
        return running

    def is_gone(self, patience_s: float = EXIT_S) -> bool:
        """Wait until the process of a session that is over has ended; whether it has."""
        with suppress(subprocess.TimeoutExpired):
            return self._process is None or self._process.wait(patience_s) is not None
        return False

    def facts(self) -> Facts:
        """Say what it is."""
        return Facts(self._name, self._origin, software(), self.busy)

    def begin(self, order: Order) -> str:
        """Begin a session, once; returns its folder.

        Raises:
            NotReady: it may not begin; no animal was touched.
        """
        folder = LentFolder(self._lab, check_name(order.session))
        with self._beginning:
            self._check(order)
            try:
                claim(self._lab, order.session, look=folder.path)
            except ClaimError as error:
                raise NotReady(f"no second start: {error}") from error
            self._prepare(folder, order)
            arguments = [str(folder.lab), order.session, *([str(self._rig)] if self._rig else [])]
            self._process = subprocess.Popen([*self._command, *arguments])
            self._begun = folder
        return str(folder.path)

    def revoke(self, session: str) -> bool:
        """Never begin a session from now on; whether it wasn't begun."""
        folder = LentFolder(self._lab, check_name(session))
        with self._beginning:
            with suppress(ClaimError):
                claim(self._lab, session, look=folder.path)
            return not folder.is_begun

    def exchange(self, session: str, wishes: Wishes) -> Report:
        """Take wishes in; say how a session stands."""
        folder = LentFolder(self._lab, check_name(session))
        if not folder.is_begun:
            return Report(UNKNOWN)
        # looked at before the queue: a session that ends meanwhile has said all it will say later
        over = not (folder.runs or self._is_beginning(folder))
        ended = folder.ending() or ((KILLED, "its process is gone") if over else None)
        subject = folder.order()["subject"]
        with Queue(folder.path) as queue:
            if ended is None:
                _take_wishes(queue, wishes, subject)
            standings = tuple(standing(queue, session))
        if ended is None or not over:
            return Report(RUNNING, standings, _stored(folder))
        since_ns = folder.order()["ordered_ns"] - DAY_NS
        return Report(
            OVER,
            standings,
            _stored(folder),
            *ended,
            parcel=self._parcel(folder),
            received=received_since(self._lab, subject, since_ns),
        )

    def part(self, session: str, offset: int) -> bytes:
        """Return a part of a packed store."""
        if session not in self._parcels:
            self._parcel(LentFolder(self._lab, check_name(session)))
        return self._parcels[session][offset : offset + PART_BYTES]

    def settle(self, session: str) -> None:
        """Hear that all of it has arrived; its folder stays, as a copy."""
        self._parcels.pop(session, None)

    @staticmethod
    def _prepare(folder: LentFolder, order: Order) -> None:
        """Put down all that the session's process needs."""
        folder.path.mkdir(parents=True)
        for name, packed in order.earlier.items():
            unpack(packed, folder.path / SESSIONS / check_name(name))
        take_in(folder.lab, order.received)
        with Queue(folder.path) as queue:
            adopt(queue, list(order.lent), order.subject)
        folder.write_order(order)

    def _check(self, order: Order) -> None:
        """Refuse what isn't for this rig now.

        Raises:
            NotReady: says why.
        """
        if order.rig != self._name:
            raise NotReady(f"the session is for the rig {order.rig}, this is {self._name}")
        check_software(order.software, f"the experimenter of {order.session}")
        late_s = abs(time.time_ns() - order.ordered_ns) / 1e9
        if late_s > ORDER_S:
            raise NotReady(
                f"the order is {late_s:.0f} s old or the clocks differ by that; it may be late by "
                f"{ORDER_S:g} s: set the clocks of both computers and order again"
            )
        if busy := self.busy:
            raise NotReady(f"the rig {self._name} runs {busy}: wait until that is over")
        if not self.is_gone():
            raise NotReady(
                f"the process of the last session on {self._name} doesn't end: look there"
            )

    def _is_beginning(self, folder: LentFolder) -> bool:
        """Whether its process was started and hasn't got as far as its lock."""
        if self._process is None or self._begun is None or self._process.poll() is not None:
            return False
        return folder.session == self._begun.session and folder.ending() is None

    def _parcel(self, folder: LentFolder) -> Parcel | None:
        """Pack a session's store; kept until it has arrived."""
        if not folder.store.is_dir():
            return None
        if folder.session not in self._parcels:
            self._parcels[folder.session] = pack(folder.store)
        data = self._parcels[folder.session]
        return Parcel(len(data), checksum(data))


def check_software(theirs: Mapping[str, str], who: str) -> None:
    """Refuse another version of the program.

    Raises:
        NotReady: says what differs.
    """
    found = differing(theirs)
    if found:
        raise NotReady(f"{who} has {', '.join(found)}: install the same versions on both computers")


def _take_wishes(queue: Queue, wishes: Wishes, subject: str) -> None:
    if wishes.lent:
        adopt(queue, list(wishes.lent), subject)
    if wishes.finished:
        queue.write(STATE, FINISHED)
    if wishes.stop:
        queue.write(STOP, "asked for by the experimenter")


def _stored(folder: LentFolder) -> int:
    """Return how many trials and events are durable."""
    try:
        return int(status(folder.store)["last_seq"])
    except StoreError:  # there is none yet
        return 0
