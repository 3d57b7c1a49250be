"""A checksum inside the text that it is about, so that a flipped bit is noticed and not believed.

The text has a field of zeros; its place is taken by the CRC-32C of the whole text with the zeros.
"""

import google_crc32c

_OPEN = b'"seal": "'
_ZEROS = b"00000000"
FIELD = {"seal": _ZEROS.decode()}
"""What comes first in the JSON object that is sealed."""


def sealed(text: bytes) -> bytes:
    """Return a text whose first field `seal` holds its checksum.

    Args:
        text: with `FIELD` in it.
    """
    start = text.index(_OPEN) + len(_OPEN)
    return text[:start] + _checksum(text) + text[start + len(_ZEROS) :]


def is_whole(text: bytes) -> bool | None:
    """Say whether a text is as it was sealed; None where it has no seal."""
    start = text.find(_OPEN)
    if start < 0:
        return None
    start += len(_OPEN)
    end = start + len(_ZEROS)
    return _checksum(text[:start] + _ZEROS + text[end:]) == text[start:end]


def _checksum(text: bytes) -> bytes:
    return f"{google_crc32c.value(text):08x}".encode()
