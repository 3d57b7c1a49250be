"""What is imported, whoever recorded it: sessions of trials, in the units of a store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float32, Float64, Int64, UInt8


@dataclass(frozen=True, slots=True, eq=False)
class ImportedSession:
    """One session of one subject."""

    subject: str
    key: str
    """What tells it from the subject's others."""
    began_ns: int
    """ns since 1970; 0 where nobody wrote it down."""
    t_ns: Int64[np.ndarray, " trial"]
    """Since it began; -1 where nobody wrote it down."""
    index: Int64[np.ndarray, " trial"]
    """Place in the session; what is left out was left out by who recorded it."""
    phase: UInt8[np.ndarray, " trial"]
    """Codes of `SESSION_PHASES`: training with feedback, test without."""
    x: Float32[np.ndarray, "trial feature"]
    label: Float32[np.ndarray, " trial"]
    """NaN: unknown."""
    answer: Float32[np.ndarray, " trial"]
    """In [-1, 1]; NaN: none."""
    latency_us: Float64[np.ndarray, " trial"]
    """NaN: unknown."""
    volume_ul: Float64[np.ndarray, " trial"]
    """NaN: unknown."""

    def __len__(self) -> int:
        return len(self.t_ns)


@dataclass(frozen=True, slots=True)
class ImportedTrials:
    """All of it."""

    name: str
    """The experiment's."""
    document: str = field(repr=False)
    """TOML that says where the trials come from and what their columns meant."""
    source: Mapping[str, Any]
    """What is remembered of the file: its name, hash, whom to cite."""
    features: tuple[str, ...]
    """Names of the stimulus' features."""
    sessions: Sequence[ImportedSession]
    """In their order; those without a date as they came."""

    @property
    def count(self) -> int:
        """Number of trials."""
        return sum(map(len, self.sessions))
