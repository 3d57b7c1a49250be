"""Dask's schedulers: processes of this computer by default, or whatever an address names.

Work that is sent to a scheduler is code, so whoever reaches one may run anything: those of this
computer are reached with a certificate made for the run, those of others only by TLS.
"""

import importlib.metadata
import logging
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from controller.scheduler_address import SchedulerError, checked

if TYPE_CHECKING:
    from distributed import Client

LOCAL = "local"
PRELOAD = "controller.dask_preload"
TIMEOUT_S = 60.0
PACKAGES = ("biasloop", "jax", "jaxlib", "numpy", "evosax", "dask", "distributed")
"""Those whose versions numbers or messages depend on."""
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "NPROC": "1",  # XLA's own pool, which else has a thread for each core
}
"""Environment of a worker, so that two of them on two cores don't compete."""
_EXTRA = "this needs Dask: pip install 'biasloop[distributed]'"


@contextmanager
def connect(
    address: str | None, *, workers: int, timeout_s: float = TIMEOUT_S
) -> "Iterator[Client]":
    """Give a client of a scheduler, and close it and what was started for it.

    Args:
        address: `tls://HOST:PORT`, or `tcp://127.0.0.1:PORT`; None or "local" starts workers on
            this computer.
        workers: how many are started there, one thread each.
        timeout_s: how long a scheduler may take to answer.

    Raises:
        SchedulerError: Dask isn't installed, nobody answers, or the address isn't safe.
    """
    require_dask()
    if address is None or address == LOCAL:
        with _local(workers) as cluster, client_of(cluster, timeout_s=timeout_s) as client:
            yield client
    else:
        checked(address)
        with client_of(address, timeout_s=timeout_s) as client:
            yield client


def require_dask() -> None:
    """Raise `SchedulerError` where Dask is not installed."""
    try:
        import distributed  # noqa: F401
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"dask", "distributed"}:
            raise
        raise SchedulerError(_EXTRA) from error


@contextmanager
def client_of(cluster: Any, *, timeout_s: float = TIMEOUT_S) -> "Iterator[Client]":
    """Give a client of a cluster or of an address that was checked, with its workers prepared.

    Raises:
        SchedulerError: nobody answers, or the software there is another.
    """
    from distributed import Client

    with quiet():
        try:
            client = Client(cluster, timeout=timeout_s, set_as_default=False)
        except (OSError, TimeoutError) as error:  # also a handshake that failed
            raise SchedulerError(
                f"no scheduler answers at {cluster} within {timeout_s:g} s ({error}): is it "
                "started (`dask scheduler`), with the same TLS certificates, and is the address "
                "right?"
            ) from error
        with client:
            _prepare(client)
            yield client


def software() -> dict[str, str]:
    """Return versions of what results and messages depend on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "missing"
    return found


def prepare_worker() -> None:
    """Set up a worker's process, before it imports JAX."""
    import sys

    if "jax" not in sys.modules:
        os.environ.update(ONE_THREAD)


def _prepare(client: "Client") -> None:
    """Compare the software of those that are there, and set up their processes.

    Those that come later are set up by what they are sent (`prepare_worker`).
    """
    try:
        found: Any = client.run(software, on_error="return")
        client.run(prepare_worker, on_error="return")
    except (OSError, TimeoutError) as error:
        raise SchedulerError(f"the scheduler stopped answering: {error}") from error
    ours = software()
    for worker, theirs in found.items():
        if not isinstance(theirs, dict):
            raise SchedulerError(
                f"worker {worker} can't run biasloop ({theirs}): install it there with "
                "pip install 'biasloop[distributed]', with the same versions as here"
            )
        differing = [
            f"{name} {theirs.get(name, 'missing')} (here {version})"
            for name, version in ours.items()
            if theirs.get(name, "missing") != version
        ]
        if differing:
            raise SchedulerError(
                f"worker {worker} has {', '.join(differing)}: results would differ; install the "
                "same versions on both sides"
            )


@contextmanager
def _local(workers: int) -> Iterator[Any]:
    """Start processes on this computer; they end with this one, however it ends."""
    import dask.config
    from distributed import LocalCluster
    from distributed.security import Security

    settings = {
        "distributed.scheduler.worker-saturation": 1.0,  # a death concerns what runs, not a queue
        "distributed.nanny.pre-spawn-environ": ONE_THREAD,
        "distributed.admin.log-format": "%(message)s",
        "logging.distributed": "critical",
    }
    with dask.config.set(settings), quiet():
        try:
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                protocol="tls",
                security=Security.temporary(),
                dashboard_address="127.0.0.1:0",  # its HTTP server can't be left out
                scheduler_kwargs={"dashboard": False},
                worker_dashboard_address=None,
                preload=[PRELOAD],
                memory_limit=0,  # the system's business, as without Dask
                silence_logs=logging.CRITICAL,
            )
        except ImportError as error:  # cryptography
            raise SchedulerError(_EXTRA) from error
        with cluster:
            yield cluster


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Dask's own log away from people; what matters is said by us."""
    import distributed  # noqa: F401  gives its loggers levels of their own

    loggers = [
        logging.getLogger(name)
        for name in list(logging.root.manager.loggerDict)
        if name.partition(".")[0] == "distributed"
    ]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
