"""The planner in a process of its own, as a session sees it: never waited for.

It is asked one thing at a time, so that no pipe can fill up before a planner that stands still. A
planner that dies is started again, a few times, while the session goes on with what is queued; what
it had done is in the experiment's store.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

from controller.session.errors import NotReady, PlannerFailed, SessionError
from controller.session.planner_messages import Failed, Follow, Goodbye, Nudge, Opened
from controller.session.planning import Opening, Plan
from controller.session.processes import Companion

OPEN_S = 120.0
UNFOLLOW_S = 10.0  # with the rig off
RESTARTS = 3


class WrongDocument(SessionError):  # noqa: N818  says what happened
    """The protocol is refused, with file, line and field."""


class PlannerLink:
    """A running planner; a context manager."""

    def __init__(self, opening: Opening, say: Callable[[str], None]) -> None:
        self._opening, self._say = opening, say
        self._companion: Companion | None = None
        self._asked = False
        self._restarts = 0
        self._followed: Path | None = None
        self._told: Path | None = None
        """What it was told last to publish."""

    @property
    def pid(self) -> int | None:
        """The operating system's number of the process."""
        return None if self._companion is None else self._companion.pid

    def __enter__(self) -> Self:
        """Start it; `plan` waits until it has opened the experiment."""
        self._start()
        return self

    def __exit__(self, *exception: object) -> None:
        """End it."""
        if self._companion is not None:
            self._companion.close(Goodbye())

    def plan(self) -> Plan:
        """Return what sessions have to know, as soon as the experiment is open.

        Raises:
            NotReady, WrongDocument: what is wrong with the experiment or its document.
            PlannerFailed: it died, or takes too long.
        """
        deadline_s = time.monotonic() + OPEN_S
        while time.monotonic() < deadline_s:
            answer = self._answer(0.2)
            if isinstance(answer, Opened):
                return answer.plan
            if answer is None and not self._running().alive:
                code = self._running().exit_code
                raise PlannerFailed(f"the planner died before it was ready (exit code {code})")
        raise PlannerFailed(f"the planner didn't open the experiment within {OPEN_S:g} s")

    def nudge(self) -> None:
        """Let it look at the queue; what it can't do now, it does later.

        Raises:
            PlannerFailed: it died too often, or can't go on.
        """
        self._answer(0.0)  # also the last words of one that has died
        if not self._running().alive:
            self._restart()
        elif not self._asked:
            self._tell(Nudge() if self._told == self._followed else self._follow())

    def follow(self, folder: Path) -> None:
        """Let it publish a session's store; an empty path: no more, when this returns.

        A planner that doesn't answer is ended: it must not publish a store that is closed.
        """
        self._followed = folder if folder.name else None
        publishing = self._told
        if self._ask_to_follow() or self._followed is not None:
            return
        companion = self._running()
        if publishing is not None and companion.alive:
            self._say(f"the planner hasn't answered for {UNFOLLOW_S:g} s and is ended")
            companion.close()

    def _ask_to_follow(self) -> bool:
        """Tell it what to publish; whether it has heard."""
        deadline_s = time.monotonic() + UNFOLLOW_S
        with suppress(SessionError):  # what it can't do, the next nudge is told
            self._wait_for_answer(deadline_s)
            if not self._asked and self._running().alive:
                self._tell(self._follow())
                self._wait_for_answer(deadline_s)
                return not self._asked
        return False

    def _wait_for_answer(self, deadline_s: float) -> None:
        while self._asked and self._running().alive and time.monotonic() < deadline_s:
            self._answer(0.1)

    def _follow(self) -> Follow:
        self._told = self._followed
        return Follow(self._followed)

    def _start(self) -> None:
        from controller.session import planner_entry

        self._companion = Companion(planner_entry.serve, self._opening, name="planner")
        self._asked, self._told = True, None  # it says by itself that it is open

    def _restart(self) -> None:
        code = self._running().exit_code
        self._restarts += 1
        if self._restarts > RESTARTS:
            raise PlannerFailed(f"the planner died {self._restarts} times (exit code {code})")
        self._say(f"the planner died (exit code {code}) and is started again")
        self._running().close()
        self._start()

    def _tell(self, message: object) -> None:
        try:
            self._running().connection.send(message)
            self._asked = True
        except OSError:
            return  # it has died: the next nudge starts it again

    def _answer(self, timeout_s: float) -> object | None:
        """Return what it said, None where it has said nothing.

        Raises:
            NotReady, WrongDocument, PlannerFailed: it said that it can't go on.
        """
        connection = self._running().connection
        try:
            if not connection.poll(timeout_s):
                return None
            answer = connection.recv()
        except (EOFError, OSError):
            if not self._running().alive or timeout_s:
                time.sleep(timeout_s)
            return None
        self._asked = False
        if isinstance(answer, Failed):
            if answer.wrong_document:
                raise WrongDocument(answer.message)
            raise (PlannerFailed if self._followed else NotReady)(answer.message)
        return answer

    def _running(self) -> Companion:
        if self._companion is None:
            raise PlannerFailed("the planner isn't running; use it in a `with` statement")
        return self._companion
