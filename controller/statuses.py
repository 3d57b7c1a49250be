"""What can be the matter with a slot."""

from enum import IntEnum


class Status(IntEnum):
    """State of one slot of a generation; the numbers are part of the stored format."""

    PROPOSED = 0
    LEASED = 1
    RUNNING = 2
    DONE = 3
    FAILED = 4
    ABANDONED = 5
    VOID = 6
