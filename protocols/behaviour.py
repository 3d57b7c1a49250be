"""What an animal did in a task of two choices, trial by trial, whoever recorded it.

Every source of recorded behaviour ends in one `Behaviour`; whatever fits or predicts takes that.
Within a trial the order is: stimulus, choice, feedback. So a choice may depend on everything in
the rows before it, and in its own row on the stimulus only.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64, Shaped


class BehaviourError(ValueError):
    """Recorded behaviour isn't there or not what was expected; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Before:
    """What came in the trial right before each; 0 where that isn't known."""

    stimuli: Float64[np.ndarray, "trial feature"]
    label: Float64[np.ndarray, " trial"]
    """1 or -1: which choice was right."""
    choice: Float64[np.ndarray, " trial"]
    """1 or -1."""
    correct: Float64[np.ndarray, " trial"]
    """1 if it was right, -1 if it was wrong."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Trials of one animal in the order in which it had them; checked when it is made.

    Raises:
        BehaviourError: columns of different lengths, values that a column can't have, or sessions
            that are not in order.
    """

    subject: str
    source: str
    """Whom to cite."""
    names: tuple[str, ...]
    """Of the stimulus's features."""
    stimuli: Float64[np.ndarray, "trial feature"]
    label: Int64[np.ndarray, " trial"]
    """Which choice was right, and rewarded: 1 (right-hand side, or yes) or 0."""
    choice: Int64[np.ndarray, " trial"]
    """What it did: 1 or 0."""
    session: Int64[np.ndarray, " trial"]
    """Number of the session, never falling."""
    follows: Bool[np.ndarray, " trial"]
    """Whether the row before is the trial before: same session, and none left out between them."""

    def __post_init__(self) -> None:
        count = len(self.stimuli)
        for name in ("label", "choice", "session", "follows"):
            _check(len(getattr(self, name)) == count, f"{name}: {count} rows, as stimuli", "others")
        width = self.stimuli.shape[1]
        _check(len(self.names) == width, f"names: {width}, as features", self.names)
        _check(np.isfinite(self.stimuli).all(), "stimuli: finite numbers", "NaN or infinity")
        for name in ("label", "choice"):
            values = np.unique(getattr(self, name))
            _check(np.isin(values, (0, 1)).all(), f"{name}: 0 or 1 in every trial", values[:5])
        _check((np.diff(self.session) >= 0).all(), "session: numbers that never fall", "a fall")
        _check(not (self.follows & self.begins).any(), "follows: false where a session begins", "1")

    @property
    def begins(self) -> Bool[np.ndarray, " trial"]:
        """Whether a trial is its session's first row."""
        return np.diff(self.session, prepend=self.session[:1] - 1) != 0

    @property
    def correct(self) -> Bool[np.ndarray, " trial"]:
        """Whether the choice was right."""
        return self.choice == self.label

    def before(self) -> Before:
        """Return what came in the trial before each."""
        return Before(
            stimuli=np.where(self.follows[:, None], np.roll(self.stimuli, 1, axis=0), 0.0),
            label=self._shifted(signs(self.label)),
            choice=self._shifted(signs(self.choice)),
            correct=self._shifted(signs(self.correct)),
        )

    def _shifted(self, values: Float64[np.ndarray, " trial"]) -> Float64[np.ndarray, " trial"]:
        return np.where(self.follows, np.roll(values, 1), 0.0)


def signs(values: Shaped[np.ndarray, " trial"]) -> Float64[np.ndarray, " trial"]:
    """Turn 1 and 0 into 1.0 and -1.0."""
    return 2.0 * values - 1.0


def _check(right: bool | np.bool_, expected: str, came: object) -> None:
    if not right:
        raise BehaviourError(f"behaviour: expected {expected}, got {came}; look at its source")
