"""The list of experiments, as it changes."""

from typing import ClassVar

from controller.page.folders import Catalogue
from controller.page.moment import part
from controller.page.topic import AbstractTopic
from controller.page.worker import Worker


class ListTopic(AbstractTopic):
    """All experiments of a folder."""

    look_s: ClassVar[float] = 1.0

    def __init__(self, catalogue: Catalogue, worker: Worker) -> None:
        super().__init__()
        self._catalogue, self._worker = catalogue, worker

    async def look(self) -> None:
        """Read what has changed of the list."""
        listed = await self._worker.run(self._catalogue.listed)
        self.put("list", part({"experiments": [one.plain() for one in listed]}))
