"""What is drawn in a bootstrap: episodes, or runs of neighbouring ones where there are many.

Trials of one episode share its training stimuli and so aren't independent; an interval over trials
would be too narrow. Sums over a run of independent episodes are as independent as these are, so
that a thousand runs tell the spread of a mean as well as a million episodes do.
"""

import numpy as np
from jaxtyping import Integer

MOST = 2000


def units(
    episode: Integer[np.ndarray, " trial"], most: int = MOST
) -> Integer[np.ndarray, " trial"]:
    """Return each trial's unit, counted from 0 without gaps.

    Args:
        episode: number of each trial's episode, from 0; numbers may be missing.
        most: units; more episodes than that are put together with their neighbours.
    """
    there = np.bincount(episode, minlength=1) > 0
    count = int(there.sum())
    rank = np.cumsum(there) - 1
    if count > most:
        rank = rank * most // count
    return rank.astype(np.int32)[episode]
