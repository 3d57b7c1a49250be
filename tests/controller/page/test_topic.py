"""What is watched is looked at once for all readers, and not at all without one."""

import asyncio
from contextlib import aclosing
from typing import ClassVar

from controller.page.app import KEPT, Page
from controller.page.moment import part
from controller.page.topic import AbstractTopic

WAIT_S = 60.0


class Counting(AbstractTopic):
    """Every look shows another number."""

    look_s: ClassVar[float] = 0.001

    def __init__(self):
        super().__init__()
        self.looks = 0

    async def look(self):
        self.looks += 1
        self.put("number", part({"looks": self.looks}))


def test_all_readers_share_one_watcher_and_without_a_reader_nothing_is_looked_at():
    async def run():
        topic = Counting()
        async with (
            aclosing(topic.changes({}, WAIT_S)) as one,
            aclosing(topic.changes({}, WAIT_S)) as other,
        ):
            for _ in range(5):
                assert (await anext(one)).keys() == (await anext(other)).keys() == {"number"}
            assert topic.readers == 2
            assert len(asyncio.all_tasks()) == 2  # this one and the watcher
        while len(asyncio.all_tasks()) > 1:
            await asyncio.sleep(0.001)
        looks = topic.looks
        await asyncio.sleep(0.05)
        assert (topic.readers, topic.looks) == (0, looks)

    asyncio.run(run())


def test_a_slow_reader_gets_the_latest_moment_and_not_all_of_them():
    async def run():
        topic = Counting()
        async with aclosing(topic.changes({}, WAIT_S)) as changes:
            await anext(changes)
            while topic.looks < 20:
                await asyncio.sleep(0.001)
            new = await anext(changes)
            assert new["number"] is topic.parts["number"]

    asyncio.run(run())


def test_a_look_that_fails_is_tried_again(monkeypatch, caplog):
    monkeypatch.setattr("controller.page.topic.AGAIN_S", 0.001)

    class Failing(Counting):
        async def look(self):
            self.looks += 1
            if self.looks < 3:
                raise RuntimeError("not now")
            await super().look()

    async def run():
        async with aclosing(Failing().changes({}, WAIT_S)) as changes:
            assert "number" in await anext(changes)

    asyncio.run(run())
    assert "not now" in caplog.text


def test_a_closed_topic_lets_its_readers_go():
    async def run():
        topic = Counting()
        async with aclosing(topic.changes({}, WAIT_S)) as changes:
            await anext(changes)
            topic.close()
            assert [new async for new in changes] == []

    asyncio.run(run())


def test_what_nobody_looks_at_is_forgotten_but_for_the_latest(tmp_path):
    folders = [tmp_path / f"e{number}" for number in range(KEPT + 4)]

    async def run():
        page = Page(tmp_path)
        for folder in folders:
            page._topic(folder)
        assert list(page._topics) == folders[-len(page._topics) :]
        assert len(page._topics) <= KEPT + 1

    asyncio.run(run())
