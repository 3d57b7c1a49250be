"""The planner as a process: opens the experiment, proposes, tells, and publishes a session's store.

It is niced, so that trials never wait for it, and looks at the queue by itself: sessions on other
rigs bring answers too.
"""

import os
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from controller import jax_cache
from controller.document import load_experiment
from controller.loop import LoopError
from controller.planner import Planner
from controller.session.errors import SessionError
from controller.session.planner_messages import Done, Failed, Follow, Goodbye, Nudge, Opened
from controller.session.planning import Opening
from controller.store import Follower, StoreError
from protocols.documents import DocumentError

NICE = 10
LOOK_S = 0.2
PUBLISH_S = 0.3  # so that who watches sees a trial within a second


def serve(connection: Connection, opening: Opening) -> None:
    """Serve one session until it says goodbye or is gone."""
    with suppress(OSError, AttributeError):
        os.nice(NICE)
    jax_cache.enable()
    try:
        document = None
        if opening.document is not None:
            document = load_experiment(opening.document, opening.overrides)
        with Planner.begin(opening, document) as planner:
            planner.nudge()
            connection.send(Opened(planner.plan))
            _Service(connection, planner).run()
    except DocumentError as error:
        connection.send(Failed(str(error), wrong_document=True))
    except (SessionError, StoreError, LoopError, OSError) as error:
        connection.send(Failed(str(error)))


class _Service:
    """What the planner does while a session runs."""

    def __init__(self, connection: Connection, planner: Planner) -> None:
        self._connection, self._planner = connection, planner
        self._follower: Follower | None = None
        self._published_s = 0.0

    def run(self) -> None:
        """Serve until told to end."""
        try:
            while True:
                if self._connection.poll(LOOK_S):
                    message = self._connection.recv()
                    if isinstance(message, Goodbye):
                        return
                    self._do(message)
                    self._connection.send(Done())
                else:
                    self._planner.nudge()
                self._publish()
        finally:
            self._let_go()

    def _do(self, message: object) -> None:
        match message:
            case Nudge():
                self._planner.nudge()
            case Follow(folder=None):
                self._let_go()
            case Follow(folder=Path() as folder):
                self._let_go()
                self._follower = Follower(folder)

    def _publish(self) -> None:
        if self._follower is None or time.monotonic() - self._published_s < PUBLISH_S:
            return
        self._published_s = time.monotonic()
        with suppress(StoreError):  # the session, which writes it, says so
            self._follower.step()

    def _let_go(self) -> None:
        follower, self._follower = self._follower, None
        if follower is not None:
            follower.close()
