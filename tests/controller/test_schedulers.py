"""Schedulers: real Dask processes on this computer, and addresses that are refused."""

import os
import sys

import pytest

from controller import schedulers
from controller.schedulers import ONE_THREAD, SchedulerError, connect


def surroundings(_):
    return os.getpid(), {name: os.environ.get(name) for name in ONE_THREAD}


def failing():
    raise ValueError("what the learner said")


def refused(address, why, **settings):
    with pytest.raises(SchedulerError, match=why), connect(address, workers=1, **settings):
        pass


def test_workers_are_processes_of_one_thread_that_end_with_the_block():
    with connect(None, workers=2) as client:
        assert client.scheduler is not None
        assert client.scheduler.address.startswith("tls://127.0.0.1:")
        threads = client.nthreads()
        assert list(threads.values()) == [1, 1]
        found = client.gather(client.map(surroundings, range(4), pure=False))
        with pytest.raises(ValueError, match="what the learner said"):
            client.submit(failing).result()
    assert all(environment == ONE_THREAD for _, environment in found)
    pids = {pid for pid, _ in found}
    assert os.getpid() not in pids
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_an_address_is_used_as_it_is_and_what_was_not_started_here_stays():
    with connect("local", workers=1) as owner:
        assert owner.scheduler is not None
        refused(owner.scheduler.address, r"needs certificates: set distributed.comm.tls")
        assert owner.submit(sum, [1, 2]).result(timeout=60) == 3


@pytest.mark.parametrize(
    "address", ["tcp://192.0.2.7:8786", "192.0.2.7:8786", "tcp://[2001:db8::1]:1"]
)
def test_another_computer_without_tls_is_refused_with_what_to_do(address):
    refused(address, r"not encrypted.*TLS.*ssh -L")


@pytest.mark.parametrize(
    "address", ["here", "127.0.0.1", "http://127.0.0.1:1", "tcp://127.0.0.1:x"]
)
def test_what_is_no_address_is_refused_with_what_one_looks_like(address):
    refused(address, r"expected tls://HOST:PORT")


def test_a_scheduler_that_does_not_answer_is_given_up():
    refused(
        "tcp://127.0.0.1:1", r"no scheduler answers at tcp://127.0.0.1:1 within 2 s", timeout_s=2
    )


def test_workers_with_other_versions_are_refused(monkeypatch):
    class Client:
        def run(self, function, on_error):
            assert on_error == "return"
            return {"tcp://127.0.0.1:5": {**schedulers.software(), "jax": "0.0.1"}}

    with pytest.raises(SchedulerError, match=r"worker tcp://127.0.0.1:5 has jax 0.0.1 \(here "):
        schedulers._prepare(Client())


def test_without_dask_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    refused(None, r"pip install 'biasloop\[distributed\]'")
