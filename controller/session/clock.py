"""A session's time: this computer's, or that of a rig that has a clock of its own."""

import time
from collections.abc import Callable
from datetime import date, datetime
from datetime import time as time_of_day
from typing import Protocol

STEP_NS = 1_000_000_000  # of the time of day against the monotonic clock: more was set by somebody
PROMPT_NS = 50_000_000  # two clocks that are read within it are read at the same time
READINGS = 5  # of two clocks, where this program was held up between them


class Clock(Protocol):
    """Time of day, time passed, and waiting."""

    def utc_ns(self) -> int:
        """Time of day, ns since 1970."""
        ...

    def passed_ns(self) -> int:
        """Monotonic time, ns."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        ...


class ComputerClock:
    """This computer's."""

    def utc_ns(self) -> int:
        """Time of day, ns since 1970."""
        return time.time_ns()

    def passed_ns(self) -> int:
        """Monotonic time, ns."""
        return time.monotonic_ns()

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)


class VirtualClock:
    """That of an emulated rig: as fast as the computer allows."""

    def __init__(self, begin_utc_ns: int, now_us: Callable[[], int]) -> None:
        """`begin_utc_ns` is the time of day at which the rig's clock showed 0."""
        self._begin_ns, self._now_us, self._slept_ns = begin_utc_ns, now_us, 0

    def utc_ns(self) -> int:
        """Time of day, ns since 1970."""
        return self._begin_ns + self.passed_ns()

    def passed_ns(self) -> int:
        """The rig's time, and what was slept beside it, ns."""
        return self._now_us() * 1000 + self._slept_ns

    def sleep(self, seconds: float) -> None:
        """Let virtual time pass."""
        self._slept_ns += round(seconds * 1e9)


class StepWatch:
    """Notices when somebody sets the computer's time of day."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset_ns = self._read_ns()

    def step_ns(self) -> int:
        """Return by how much it was set since the last call; 0 where it wasn't."""
        offset_ns = self._read_ns()
        # kept in any case: a clock that is only trimmed may be off by seconds after hours
        step_ns, self._offset_ns = offset_ns - self._offset_ns, offset_ns
        return 0 if abs(step_ns) < STEP_NS else step_ns

    def _read_ns(self) -> int:
        offset_ns = 0
        for _ in range(READINGS):
            before_ns = self._clock.passed_ns()
            offset_ns = self._clock.utc_ns() - before_ns
            if self._clock.passed_ns() - before_ns < PROMPT_NS:
                break
        return offset_ns


def day_of(utc_ns: int) -> date:
    """Return the lab's calendar day."""
    return datetime.fromtimestamp(utc_ns // 10**9).astimezone().date()


def day_began_ns(utc_ns: int) -> int:
    """Return when the lab's calendar day began, ns since 1970."""
    # by the rules that hold at midnight: where clocks change, the offset of now is another one
    midnight = datetime.combine(day_of(utc_ns), time_of_day())
    return round(midnight.timestamp()) * 10**9
