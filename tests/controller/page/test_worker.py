"""The thread that computes keeps nothing of what it computed."""

import asyncio
import gc
import weakref

import pytest

from controller.page.worker import Worker


class Circle:
    """Something that refers to itself, as tables do."""

    def __init__(self) -> None:
        self.itself = self


def test_what_a_job_leaves_is_gone_without_waiting_for_the_collector():
    left: list[weakref.ref[Circle]] = []
    gc.disable()
    try:
        asyncio.run(worked(lambda: left.append(weakref.ref(Circle()))))
    finally:
        gc.enable()
    assert left[0]() is None


def test_a_job_that_fails_raises_where_it_is_awaited_and_the_next_is_done():
    async def both() -> int:
        worker = Worker("test")
        with pytest.raises(ZeroDivisionError):
            await worker.run(lambda: 1 // 0)
        return await worker.run(lambda: 7)

    assert asyncio.run(both()) == 7


async def worked(job) -> None:
    """Do a job, and one more after which its traces are gone."""
    worker = Worker("test")
    await worker.run(job)
    await worker.run(lambda: None)
