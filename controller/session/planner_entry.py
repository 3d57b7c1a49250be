"""Where the planner's process begins. It imports JAX itself, so that no session does."""

from multiprocessing.connection import Connection

from controller.session.planning import Opening


def serve(connection: Connection, opening: Opening) -> None:
    """Open the experiment, then serve one session."""
    import importlib

    # by its name: nothing of the session's own imports may lead to JAX
    importlib.import_module("controller.planner_process").serve(connection, opening)
