"""Imports of much at once without a search for garbage that isn't there."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quick_imports() -> Iterator[None]:
    """Import inside; what is there afterwards stays, and the collector looks at it no more.

    Modules are hundreds of thousands of objects, which every full collection would visit: a fifth
    of the time of a short command.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()
