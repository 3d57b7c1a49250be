"""One experiment, as it changes: its sessions at every trial, the rest when there is time for it.

What has changed is seen by the dates of a few files. Sessions are computed by one thread, the
experiment as a whole by another, so that a big store holds up no trial; either rests for some times
as long as it worked.
"""

import asyncio
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from controller.page.folders import METADATA, sessions_in, stamp
from controller.page.moment import Part, of_experiment, of_session, of_tables, part
from controller.page.topic import AbstractTopic
from controller.page.worker import Worker
from controller.store import StoreError
from controller.store.fold import exit_status, read_marker
from controller.store.lock import writer_pid

SHOWN = 8
"""Sessions that run at the same time and are shown."""
ALIVE_S = 2.0
"""Between two looks whether a writer lives."""
DEAD_S = 10.0
"""The same, where the last look said that it doesn't."""
AGAIN_S = 5.0
"""After which what couldn't be read is tried again."""
REST, TABLES_REST = 3, 20
"""Times what a part took to compute, before it is computed again."""


class ExperimentTopic(AbstractTopic):
    """One experiment, or one session by itself."""

    look_s: ClassVar[float] = 0.2

    def __init__(self, folder: Path, quick: Worker, slow: Worker) -> None:
        super().__init__()
        self.folder = folder
        self._quick, self._slow = quick, slow
        self._seen: dict[str, object] = {}
        self._due_s: dict[str, float] = {}
        self._markers: dict[Path, tuple[object, tuple[str, str]]] = {}
        self._lives: dict[Path, tuple[float, bool]] = {}
        self._whole: asyncio.Task[None] | None = None

    async def look(self) -> None:
        """Compute what has changed; the sessions first."""
        sessions = sessions_in(self.folder)
        shown = self._shown(sessions)
        self._drop_all_but(shown)
        self.put("sessions", part({"names": [path.name for path in shown]}))
        for path in shown:
            place = sessions.index(path) if path in sessions else len(sessions)
            earlier = sessions[place + 1 :][:SHOWN]
            await self._update(
                f"session {path.name}",
                self._state(path),
                self._quick,
                lambda path=path, earlier=earlier: of_session(path, earlier),
            )
        if self._whole is None or self._whole.done():
            self._whole = asyncio.create_task(self._update_whole(len(sessions)))

    def close(self) -> None:
        """Let every reader go."""
        super().close()
        if self._whole is not None:
            self._whole.cancel()

    async def _update_whole(self, sessions: int) -> None:
        own = (self._state(self.folder), sessions)
        await self._update("experiment", own, self._slow, lambda: of_experiment(self.folder))
        every = (own, *(self._seen.get(name) for name in self.parts if name[:8] == "session "))
        await self._update(
            "tables", every, self._slow, lambda: of_tables(self.folder), rest=TABLES_REST
        )

    async def _update(
        self, name: str, state: object, worker: Worker, make: Callable[[], Part], rest: int = REST
    ) -> None:
        """Compute a part if its files have changed and it has rested."""
        began_s = time.monotonic()
        if self._seen.get(name) == state or began_s < self._due_s.get(name, 0.0):
            return
        made = await worker.run(make)
        now_s = time.monotonic()
        self._due_s[name] = now_s + rest * (now_s - began_s)
        if made.failed:
            self._due_s[name] = now_s + AGAIN_S
        else:
            self._seen[name] = state
        self.put(name, made)

    def _shown(self, sessions: list[Path]) -> list[Path]:
        """Return the sessions that run, or else the latest one."""
        if not sessions:
            return [self.folder] if self._said(self.folder)[0] == "session" else []
        running = [path for path in sessions[:SHOWN] if self._runs(path)]
        return running or sessions[:1]

    def _state(self, folder: Path) -> object:
        """Return what changes when a store does, or when its writer dies."""
        return (stamp(folder / METADATA), self._runs(folder))

    def _runs(self, folder: Path) -> bool:
        if self._said(folder)[1] != "running":
            return False
        looked_s, lives = self._lives.get(folder, (-math.inf, False))
        # a look takes a dead writer's lock for a moment, which others may want
        if time.monotonic() - looked_s > (ALIVE_S if lives else DEAD_S):
            lives = writer_pid(folder) is not None
            self._lives[folder] = (time.monotonic(), lives)
        return lives

    def _said(self, folder: Path) -> tuple[str, str]:
        """Return what kind of store it is and how it ended, by its own word."""
        state = stamp(folder / METADATA)
        if folder not in self._markers or self._markers[folder][0] != state:
            try:
                marker = read_marker(folder)
                kind = str(marker["layout"].get("kind", "experiment"))
                said = (kind, exit_status(marker))
            except StoreError:
                said = ("", "damaged")
            self._markers[folder] = (state, said)
        return self._markers[folder][1]

    def _drop_all_but(self, shown: list[Path]) -> None:
        """Keep nothing of sessions that aren't shown any more."""
        names = {f"session {path.name}" for path in shown}
        for name in [one for one in self.parts if one[:8] == "session " and one not in names]:
            for kept in (self.parts, self._seen, self._due_s):
                kept.pop(name, None)
        if len(self._markers) > 4 * SHOWN:
            self._markers.clear()
            self._lives.clear()
