"""Where a simulated animal's process begins. It imports JAX itself, so that no session does."""

from multiprocessing.connection import Connection

from controller.session.animal_messages import AnimalSpec


def serve(connection: Connection, spec: AnimalSpec) -> None:
    """Switch a board on, and be the animal in front of it."""
    import importlib

    # by its name: nothing of the session's own imports may lead to JAX
    importlib.import_module("controller.animal_process").serve(connection, spec)
