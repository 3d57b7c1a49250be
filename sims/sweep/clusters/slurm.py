"""Jobs of a Slurm queue, through dask-jobqueue."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, final

from annotated_types import Ge, MinLen

from controller.schedulers import ONE_THREAD, PRELOAD, SchedulerError, client_of, quiet
from sims.sweep.clusters.base import AbstractCluster
from sims.sweep.clusters.certificates import certificates

if TYPE_CHECKING:
    from distributed import Client

Text = Annotated[str, MinLen(1)]
_EXTRA = "a Slurm cluster needs dask-jobqueue: pip install 'biasloop[slurm]'"


@final
@dataclass(frozen=True, slots=True)
class Slurm(AbstractCluster):
    """Workers in jobs, one for each core; scheduler and client are where `sweep` was started."""

    kind: ClassVar[str] = "slurm"
    queue: Text
    """Partition (`sbatch -p`)."""
    cores: Annotated[int, Ge(1)]
    """Of a job; each gets a worker of one thread."""
    memory: Text
    """Of a job, such as "8GB"."""
    walltime: Text
    """Of a job, such as "02:00:00". A run that it cuts off goes on in the next."""
    jobs: Annotated[int, Ge(1)] = 1
    """How many are asked for."""
    account: Text | None = None
    """To whom it is charged (`sbatch -A`)."""
    interface: Text | None = None
    """Network interface by which jobs reach this computer, such as "ib0"."""
    prologue: tuple[Text, ...] = ()
    """Lines of the job's script before the worker, such as "module load python"."""
    directives: tuple[Text, ...] = ()
    """Further lines `#SBATCH …`."""

    @contextmanager
    def connect(self, folder: Path, workers: int | None) -> "Iterator[Client]":
        """Submit the jobs; they are cancelled with the block."""
        jobs = self.jobs if workers is None else -(-workers // self.cores)
        with self.cluster(folder) as cluster:
            cluster.scale(jobs=jobs)
            with client_of(cluster) as client:
                yield client

    @contextmanager
    def cluster(self, folder: Path) -> Iterator[Any]:
        """Start a scheduler here that can submit jobs; nothing is submitted yet.

        Certificates are made for the sweep, and lie in its folder for the jobs to read.

        Raises:
            SchedulerError: dask-jobqueue isn't installed, or Slurm doesn't take it.
        """
        try:
            from dask_jobqueue.slurm import SLURMCluster

            with (
                quiet(),
                certificates(folder) as security,
                self._started(SLURMCluster, security) as started,
            ):
                yield started
        except ImportError as error:
            raise SchedulerError(_EXTRA) from error

    def _started(self, kind: Any, security: Any) -> Any:
        try:
            return kind(
                queue=self.queue,
                account=self.account,
                cores=self.cores,
                processes=self.cores,
                memory=self.memory,
                walltime=self.walltime,
                interface=self.interface,
                job_name="biasloop-sweep",
                job_script_prologue=[*_environment(), *self.prologue],
                job_extra_directives=list(self.directives),
                worker_extra_args=["--preload", PRELOAD, "--no-dashboard"],
                python=sys.executable,
                protocol="tls://",
                security=security,
                scheduler_options={"dashboard_address": "127.0.0.1:0", "dashboard": False},
                silence_logs="critical",
            )
        except (ValueError, RuntimeError, OSError) as error:
            raise SchedulerError(f"the Slurm cluster can't be started: {error}") from error


def _environment() -> list[str]:
    return [f"export {name}='{value}'" for name, value in ONE_THREAD.items()]
