"""What a session's events say in words, which only the journal has."""

import numpy as np

from controller.export.content import Part
from controller.store import History, SessionEventFrame, StoreError


def words_of(part: Part) -> list[str]:
    """Return the words of each event of a session, empty where there are none.

    Without its journal, as in an incomplete copy, a session's events have no words.
    """
    rows = part.tables["events"].rows
    try:
        with History(part.folder) as history:
            said = [
                frame.words.replace("\0", "�")
                for _, frame in history.frames()
                if isinstance(frame, SessionEventFrame)
            ]
    except StoreError:
        said = []
    return [*said[:rows], *[""] * (rows - len(said))]


def word_array(words: list[str]) -> np.ndarray:
    """Return words as an array of Python's text."""
    return np.array(words, dtype=object)
