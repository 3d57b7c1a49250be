"""What was promised and not kept."""


class BrokenPromiseError(AssertionError):
    """Something is not as it has to be; the message says what it is."""


def require(kept: object, what: object = "") -> None:
    """Raise unless a promise is kept.

    Raises:
        BrokenPromiseError.
    """
    if not kept:
        raise BrokenPromiseError(str(what))
