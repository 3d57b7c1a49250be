"""What was promised and not kept."""

import traceback
from pathlib import Path

_PLACES = 4


class BrokenPromiseError(AssertionError):
    """Something is not as it has to be; the message says what it is."""


def require(kept: object, what: object = "") -> None:
    """Raise unless a promise is kept.

    Raises:
        BrokenPromiseError.
    """
    if not kept:
        raise BrokenPromiseError(str(what))


def told(error: BaseException) -> str:
    """Say what an exception is that nobody expected, and where it came from."""
    places = traceback.extract_tb(error.__traceback__)[-_PLACES:]
    way = " > ".join(f"{Path(one.filename).name}:{one.lineno} {one.name}" for one in places)
    return f"{type(error).__name__}: {str(error)[:300]} ({way})"
