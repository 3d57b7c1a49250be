"""A simulated animal on an emulated board, in a process of its own, as a session sees it.

The session talks to the board through its port like to a real one, and tells the animal's eyes what
a scene stands for; the animal presses on the board's pins.
"""

from typing import Self

import numpy as np

from controller.session.animal_messages import AnimalSpec, Episode, Goodbye, Ready, Seen
from controller.session.errors import NotReady
from controller.session.processes import Companion
from controller.store import TrialFrame
from protocols.assignment import Assignment
from protocols.trials import Shown

START_S = 120.0


class AnimalLink:
    """A running animal with its board; a context manager, and the session's observer."""

    def __init__(self, spec: AnimalSpec) -> None:
        self._spec = spec
        self._companion: Companion | None = None
        self.port = ""
        """The board's."""

    def __enter__(self) -> Self:
        """Start it.

        Raises:
            NotReady: it doesn't start.
        """
        from controller.session import animal_entry

        self._companion = Companion(animal_entry.serve, self._spec, name="animal")
        return self

    def wait_until_ready(self) -> str:
        """Return the board's port, once it is on.

        Raises:
            NotReady: it doesn't start.
        """
        companion = self._running()
        try:
            if companion.connection.poll(START_S):
                answer = companion.connection.recv()
                if isinstance(answer, Ready):
                    self.port = answer.port
                    return self.port
                raise NotReady(f"the simulated animal can't start: {answer}")
        except EOFError:
            pass
        raise NotReady(f"the simulated animal didn't start (exit code {companion.exit_code})")

    def __exit__(self, *exception: object) -> None:
        """End it, and its board."""
        if self._companion is not None:
            self._companion.close(Goodbye())

    def episode(self, assignment: Assignment, earlier: list[TrialFrame]) -> None:
        """Tell that an episode begins."""
        self._running().connection.send(Episode(assignment, earlier))

    def shown(self, shown: Shown, stimulus: np.ndarray | None) -> None:
        """Tell what is about to be seen."""
        self._running().connection.send(Seen(shown, stimulus))

    def _running(self) -> Companion:
        if self._companion is None:
            raise NotReady("the simulated animal isn't running; use it in a `with` statement")
        return self._companion
