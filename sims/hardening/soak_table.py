"""What a soak showed: growth, files and threads of each process that lived long enough."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sims.hardening.processes import Sample
from sims.hardening.slope import Slope, slope

WARM_UP = 0.4
"""Part of a process's life that is left out; at most an hour.

Caches fill, libraries load. The longest takes the stimulus process with a software renderer: Mesa's
keeps about 31 kB for each colour that is drawn, up to 2400 of them.
"""
_WARM_UP_S = 3600.0
_ENOUGH = 20
"""Samples after it."""


@dataclass(frozen=True, slots=True)
class Life:
    """One process."""

    role: str
    pid: int
    growth: Slope
    """Of its memory (RSS)."""
    anonymous: Slope
    """Of the part of it that no file backs."""
    files: int
    """Most that were open."""
    files_grew: int
    """From the first third of that time to the last, of the most open at once."""
    threads: int
    threads_grew: int

    def __str__(self) -> str:
        """Return it in one line."""
        return (
            f"{self.role} ({self.pid}): {self.growth}, anonymous {self.anonymous}, over "
            f"{self.growth.hours:.2f} h ({self.growth.samples} samples); at most "
            f"{self.files} files ({self.files_grew:+d}) and "
            f"{self.threads} threads ({self.threads_grew:+d})"
        )

    @property
    def complaint(self) -> str:
        """Say what grows; empty where nothing does."""
        found = []
        if not self.growth.flat:
            found.append("its memory grows")
        if self.files_grew > 2:
            found.append("open files grow")
        if self.threads_grew > 2:
            found.append("threads grow")
        return ", ".join(found)


def lives(samples: Sequence[Sample]) -> Iterator[Life]:
    """Yield what is known of each process that has enough samples after its warm-up."""
    found: dict[tuple[int, int], list[Sample]] = defaultdict(list)
    for one in samples:
        found[one.pid, one.began].append(one)
    for (pid, _), mine in sorted(found.items(), key=lambda one: one[1][0].t_s):
        begun_s = mine[0].t_s
        warm_s = min(_WARM_UP_S, WARM_UP * (mine[-1].t_s - begun_s))
        after = [one for one in mine if one.t_s >= begun_s + warm_s]
        if len(after) >= _ENOUGH:
            yield _life(pid, after)


def _life(pid: int, after: list[Sample]) -> Life:
    t_s = np.array([one.t_s for one in after])
    files = [one.files for one in after]
    threads = [one.threads for one in after]
    return Life(
        role=after[-1].role,
        pid=pid,
        growth=slope(t_s, np.array([one.rss_bytes for one in after], float)),
        anonymous=slope(t_s, np.array([one.anonymous_bytes for one in after], float)),
        files=max(files),
        files_grew=_grew(files),
        threads=max(threads),
        threads_grew=_grew(threads),
    )


def _grew(counts: list[int]) -> int:
    third = len(counts) // 3
    return max(counts[-third:]) - max(counts[:third])
