"""How the C library treats the buffers of blocks of trials."""

import numpy as np


def keep_freed_memory() -> None:
    """Let the C library reuse freed memory instead of giving it back to the system.

    glibc learns from the largest block that was freed (up to 32 MiB) what to keep. Without this,
    the buffers of each block of trials are mapped and zeroed anew, half of the cost of logging.
    """
    block = np.empty(2**25 - 2**16, np.uint8)
    del block
