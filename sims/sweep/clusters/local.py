"""Processes of this computer."""

import os
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, final

from annotated_types import Ge

from controller.schedulers import connect
from sims.sweep.clusters.base import AbstractCluster

if TYPE_CHECKING:
    from distributed import Client


@final
@dataclass(frozen=True, slots=True)
class Local(AbstractCluster):
    """One process for each core, unless another number is asked for."""

    kind: ClassVar[str] = "local"
    workers: Annotated[int, Ge(1)] | None = None
    """How many; left out: as many as there are cores."""

    def connect(self, folder: Path, workers: int | None) -> "AbstractContextManager[Client]":
        """Start them."""
        del folder
        return connect(None, workers=workers or self.workers or os.cpu_count() or 1)
