"""What can keep a session from beginning, or end it.

SessionError
├─ NotReady        it may not begin: the message says what is missing
├─ NothingToDo     no open slot for this subject now
├─ LeaseLost       the episode went to somebody else meanwhile
├─ Refusal         the safety gate refused an instruction; nothing was switched on
├─ PlannerFailed   the planner died or found the experiment wrong
└─ Stopped         somebody asked for the end, at once
"""

# ruff: noqa: N818  the names say what happened, as a handler reads them


class SessionError(Exception):
    """Base of all that ends a session."""


class NotReady(SessionError):
    """The session may not begin."""


class NothingToDo(SessionError):
    """There is no open slot for this subject now."""

    def __init__(self, what: str, *, waits_for_planner: bool) -> None:
        self.waits_for_planner = waits_for_planner
        """Whether nobody has the rest: the next generation isn't there yet."""
        super().__init__(what)


class LeaseLost(SessionError):
    """The episode belongs to somebody else now."""


class Refusal(SessionError):
    """The safety gate refused an instruction, and nothing was switched on."""


class PlannerFailed(SessionError):
    """The planner died, or found the experiment wrong."""


class Stopped(SessionError):
    """Somebody asked for the end, at once."""
