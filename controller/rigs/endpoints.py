"""What is carried out in a rig's worker, sent there by its name."""

from typing import Any

from controller.rigs.host import Host
from controller.rigs.messages import Facts, Order, Report, Wishes
from controller.rigs.worker import host_of
from controller.session.errors import NotReady


def begin(order: Order) -> str:
    """Begin a session; a task, so that it needs the worker's resource.

    Raises:
        NotReady: it may not begin.
    """
    from distributed import get_worker

    return _host(get_worker()).begin(order)


def facts(dask_worker: Any) -> Facts | None:
    """Say what a rig is; None for a worker that is none."""
    host = host_of(dask_worker)
    return None if host is None else host.facts()


def revoke(session: str, dask_worker: Any) -> bool:
    """Never begin a session from now on; whether it wasn't begun."""
    return _host(dask_worker).revoke(session)


def exchange(session: str, wishes: Wishes, dask_worker: Any) -> Report:
    """Take wishes in; say how a session stands."""
    return _host(dask_worker).exchange(session, wishes)


def part(session: str, offset: int, dask_worker: Any) -> bytes:
    """Return a part of a session's packed store."""
    return _host(dask_worker).part(session, offset)


def settle(session: str, dask_worker: Any) -> None:
    """Hear that all of a session has arrived."""
    _host(dask_worker).settle(session)


def _host(worker: Any) -> Host:
    host = host_of(worker)
    if host is None:
        raise NotReady(f"{worker.name} is no rig: start it with `biasloop rig serve`")
    return host
