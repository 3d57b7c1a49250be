"""The document of a sweep: what is crossed with what, and where it is computed."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

import sims.sweep.clusters
from controller.document import LEARNERS
from protocols.documents import Document, Section, load
from protocols.registry import discover, one_of
from sims.sweep.clusters.base import AbstractCluster
from sims.sweep.clusters.local import Local

CLUSTERS = discover(sims.sweep.clusters, AbstractCluster, "biasloop.clusters")
Cluster = one_of(CLUSTERS)
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$")]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Text = Annotated[str, Field(min_length=1)]


class Sweep(Section):
    """Every protocol with every learner, every variant and every seed: a run each."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    """Name of the sweep; letters, digits, dot, dash, underscore."""
    protocols: Annotated[tuple[Text, ...], Field(min_length=1)]
    """Protocol documents, relative to this one, or names of ready ones."""
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)] = (0,)
    """Each is a run of its own."""
    overrides: tuple[Text, ...] = ()
    """What every run changes of its protocol, as `--set` does."""
    control: bool = True
    """Whether each run has its paired search without a learner."""
    learners: dict[Name, one_of(LEARNERS)] = Field(default_factory=dict)  # type: ignore[valid-type]
    """By a name; left out: each protocol's own."""
    variants: dict[Name, tuple[Text, ...]] = Field(default_factory=dict)
    """Further overrides by a name; left out: one variant without any."""
    cluster: Cluster | None = None  # type: ignore[valid-type]
    """Where the workers come from; left out: processes on this computer."""

    @model_validator(mode="after")
    def _each_run_once(self) -> Self:
        for field in ("protocols", "seeds"):
            given = getattr(self, field)
            twice = sorted({str(one) for one in given if given.count(one) > 1})
            if twice:
                raise ValueError(f"{field}: expected each once, got {', '.join(twice)} twice")
        return self

    def workers_from(self) -> AbstractCluster:
        """Return where the workers come from."""
        return Local() if self.cluster is None else self.cluster.build()


def load_sweep(path: Path) -> Document[Sweep]:
    """Read and check the document of a sweep.

    Raises:
        protocols.documents.DocumentError: with every problem, each with file, line and field.
    """
    return load(path, Sweep)
