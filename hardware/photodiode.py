"""The photodiode's edges, matched to the flips that made them: what the animal saw, and when."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

FROM_MS, UNTIL_MS = -5.0, 60.0
"""Where an edge is looked for: the clocks may be a little off, a slow screen lags frames behind."""


@dataclass(frozen=True, slots=True)
class Matches:
    """Which edge belongs to which flip."""

    edges: tuple[int | None, ...]
    """For every flip the index of its edge, None where it has none."""
    spurious: tuple[int, ...]
    """Edges that belong to no flip."""
    lags_ms: tuple[float, ...]
    """From each matched flip to its edge."""

    @property
    def matched(self) -> int:
        """Flips with an edge."""
        return len(self.lags_ms)

    @property
    def missing(self) -> int:
        """Flips without one."""
        return len(self.edges) - self.matched

    @property
    def lag_ms(self) -> float | None:
        """Median time from flip to edge; None where nothing matched."""
        return float(np.median(self.lags_ms)) if self.lags_ms else None

    @property
    def jitter_ms(self) -> float | None:
        """Spread of the lags, from their 5th to their 95th percentile; None where none matched."""
        if not self.lags_ms:
            return None
        low, high = np.percentile(self.lags_ms, (5, 95))
        return float(high - low)


def match(
    flips_ns: Sequence[int],
    edges_us: Sequence[int],
    to_host_ns: Callable[[int], int],
    *,
    from_ms: float = FROM_MS,
    until_ms: float = UNTIL_MS,
) -> Matches:
    """Give every flip the first edge in its time that no earlier flip has.

    Args:
        flips_ns: when the patch changed one way (to white, say), monotonic, ascending.
        edges_us: when the photodiode saw that, device time, ascending.
        to_host_ns: the clock: device µs to monotonic ns of the host.
        from_ms: how much before its flip an edge may seem to be.
        until_ms: how much after its flip an edge still belongs to it.

    Raises:
        ValueError: times that don't ascend.
    """
    edges_ns = [to_host_ns(edge) for edge in edges_us]
    for name, times in (("flips", flips_ns), ("edges", edges_ns)):
        if any(after <= before for before, after in pairwise(times)):
            raise ValueError(f"photodiode: expected {name} in the order of their times; sort them")
    found: list[int | None] = []
    lags: list[float] = []
    spurious: list[int] = []
    at = 0
    for flip in flips_ns:
        while at < len(edges_ns) and edges_ns[at] < flip + from_ms * 1e6:
            spurious.append(at)
            at += 1
        if at < len(edges_ns) and edges_ns[at] <= flip + until_ms * 1e6:
            found.append(at)
            lags.append((edges_ns[at] - flip) / 1e6)
            at += 1
        else:
            found.append(None)
    spurious.extend(range(at, len(edges_ns)))
    return Matches(tuple(found), tuple(spurious), tuple(lags))
