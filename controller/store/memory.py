"""How the C library treats memory that is used again and again."""

import ctypes

import numpy as np

_M_ARENA_MAX = -8
"""glibc's number for how many heaps there are at most, in `malloc.h`."""


def _glibc() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(None)
    except (OSError, TypeError):
        return None
    return library if hasattr(library, "malloc_trim") and hasattr(library, "mallopt") else None


_GLIBC = _glibc()


def keep_freed_memory() -> None:
    """Let the C library reuse freed memory instead of giving it back to the system.

    glibc learns from the largest block that was freed (up to 32 MiB) what to keep. Without this,
    the buffers of each block of trials are mapped and zeroed anew, half of the cost of logging.
    """
    block = np.empty(2**25 - 2**16, np.uint8)
    del block


def one_heap() -> None:
    """Let threads that start from now on share one heap; nothing where the library isn't glibc.

    Else each has its own, and what a thread has freed no other can use.
    """
    if _GLIBC is not None:
        _GLIBC.mallopt(_M_ARENA_MAX, 1)


def give_back_memory() -> None:
    """Give what was freed back to the system, for a program that rests after a computation."""
    if _GLIBC is not None:
        _GLIBC.malloc_trim(0)
