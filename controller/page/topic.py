"""Something that is watched while somebody looks, and kept as text alone.

A moment is computed once, however many browsers show it; whoever is slow gets the latest moment and
not all of them. Nothing is done, and nothing but text is kept, while nobody looks.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping
from typing import ClassVar

from controller.page.moment import Part

LOG = logging.getLogger(__name__)
AGAIN_S = 5.0
Parts = Mapping[str, Part]


class AbstractTopic(ABC):
    """What is watched: parts of a page, by name."""

    look_s: ClassVar[float]
    """Between two looks at the files."""

    def __init__(self) -> None:
        self.parts: dict[str, Part] = {}
        self.readers = 0
        self._changed = asyncio.Event()
        self._closed = False
        self._task: asyncio.Task[None] | None = None

    @abstractmethod
    async def look(self) -> None:
        """Look whether the files have changed, and `put` what has."""

    def put(self, name: str, made: Part) -> None:
        """Show a part, if it isn't what is shown already."""
        if name not in self.parts or self.parts[name].version != made.version:
            self.parts[name] = made
            self._wake()

    async def changes(self, known: Mapping[str, str], wait_s: float) -> AsyncGenerator[Parts, None]:
        """Yield what a reader doesn't have, as it comes, until the topic is closed.

        Args:
            known: versions that the reader has, by part.
            wait_s: after which an empty answer comes, so that a broken line is noticed.
        """
        has = dict(known)
        self.readers += 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch())
        try:
            while not self._closed:
                changed = self._changed
                new = {
                    name: one for name, one in self.parts.items() if has.get(name) != one.version
                }
                if not new:
                    await _wait(changed, wait_s)
                    new = {} if not changed.is_set() else None
                if new is not None:
                    has.update({name: one.version for name, one in new.items()})
                    yield new
        finally:
            self.readers -= 1

    def close(self) -> None:
        """Let every reader go."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
        self._wake()

    async def _watch(self) -> None:
        while self.readers:
            try:
                await self.look()
            except Exception:  # whatever a folder holds, the page goes on
                LOG.exception("what is served can't be looked at; it is tried again")
                await asyncio.sleep(AGAIN_S)
            await asyncio.sleep(self.look_s)

    def _wake(self) -> None:
        """Wake all readers; they take the next event for the next change."""
        self._changed.set()
        self._changed = asyncio.Event()


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
