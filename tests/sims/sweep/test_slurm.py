"""Jobs for Slurm, by the script that would be submitted."""

import sys
from pathlib import Path

import pytest

from controller.schedulers import SchedulerError
from sims.sweep.clusters.certificates import certificates
from sims.sweep.clusters.slurm import Slurm


def test_the_jobs_script_asks_for_what_the_document_says(tmp_path):
    slurm = Slurm(
        queue="long",
        cores=4,
        memory="8GB",
        walltime="01:30:00",
        account="lab",
        prologue=("module load python",),
        directives=("--constraint=fast",),
    )
    with slurm.cluster(tmp_path) as cluster:
        script = cluster.job_script()
        assert cluster.scheduler_address.startswith("tls://")
    for line in (
        "#SBATCH -p long",
        "#SBATCH -A lab",
        "#SBATCH --cpus-per-task=4",
        "#SBATCH --mem=8G",
        "#SBATCH -t 01:30:00",
        "#SBATCH --constraint=fast",
        "module load python",
        "export OMP_NUM_THREADS='1'",
    ):
        assert line in script.splitlines()
    worker = script.splitlines()[-1]
    assert worker.startswith(sys.executable)
    for words in ("tls://", "--nworkers 4", "--nthreads 1", "--preload controller.dask_preload"):
        assert words in worker
    assert f"--tls-key {tmp_path}" in worker
    assert list(tmp_path.iterdir()) == []  # the key is gone with the cluster


def test_the_key_is_readable_for_its_owner_alone(tmp_path):
    with certificates(tmp_path) as security:
        for role in ("client", "scheduler", "worker"):
            settings = security.get_tls_config_for_role(role)
            assert Path(settings["key"]).stat().st_mode & 0o077 == 0
            assert Path(settings["key"]).parent.stat().st_mode & 0o077 == 0


def test_without_dask_jobqueue_the_message_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "dask_jobqueue.slurm", None)
    slurm = Slurm(queue="long", cores=1, memory="1GB", walltime="01:00:00")
    missing = pytest.raises(SchedulerError, match=r"pip install 'biasloop\[slurm\]'")
    with missing, slurm.cluster(tmp_path):
        pass
