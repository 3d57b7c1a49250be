"""What was measured of a case: how it is kept, a JSON file for each, and what is said of it."""

import dataclasses
import json
import re
import statistics
from collections.abc import Iterable
from pathlib import Path

COSTS = Path(__file__).parent / "costs"
NEVER = float("inf")


@dataclasses.dataclass(frozen=True, slots=True)
class Cost:
    """A case, measured; every list has one number a seed."""

    name: str
    learner: str
    strategy: str
    labeller: str
    looked_for: str
    at_most: int | None
    """Target for the median, in trials."""
    seeds: list[int]
    trials: list[int | None]
    """Until the recommendation was right; None where it never was."""
    share: list[float]
    """Of the right functions in the recommendation at the end of the run."""
    control_trials: list[int | None]
    """What the control, which asks nobody, would have spent until it was right."""
    control_share: list[float]
    run: int
    """Trials of a whole run, after which "never" was said."""
    document: str
    """Hash of what was run: seeds, and what the document says."""
    minutes: float
    """All seeds, with their controls and compilation."""
    reason: str = ""
    """Why the target isn't reached, said only when it isn't."""

    @property
    def median(self) -> float | None:
        """Median over seeds, of which those that never were right cost most; None: never."""
        middle = statistics.median([NEVER if one is None else one for one in self.trials])
        return middle if middle < NEVER else None

    @property
    def right(self) -> list[int]:
        """Trials of the seeds that were right."""
        return [one for one in self.trials if one is not None]

    @property
    def controls_right(self) -> int:
        """Number of seeds of which the control was right as well, at any time."""
        return sum(one is not None for one in self.control_trials)

    @property
    def verdict(self) -> str:
        """Say in words how it ended, where there is a target."""
        if self.at_most is None:
            return "for comparison"
        within = f"{sum(one <= self.at_most for one in self.right)} of {len(self.seeds)} seeds"
        if self.median is not None and self.median <= self.at_most:
            return f"reached; {within}"
        return f"NOT reached: {self.reason or 'cause not known'}; {within}"


def file_of(name: str, folder: Path = COSTS) -> Path:
    """Return where a case is kept."""
    words = re.sub(r"[^a-z0-9]+", "_", name.lower().replace("%", "percent")).strip("_")
    return folder / f"{words}.json"


def write(cost: Cost, folder: Path = COSTS) -> None:
    """Keep a case; a file is there whole or not at all."""
    folder.mkdir(exist_ok=True)
    path = file_of(cost.name, folder)
    partial = path.with_suffix(".partial")
    text = json.dumps(dataclasses.asdict(cost), indent=1, ensure_ascii=False)
    partial.write_text(f"{text}\n", encoding="utf-8")
    partial.replace(path)


def read(name: str, folder: Path = COSTS) -> Cost | None:
    """Return a case as it is kept, None if it isn't."""
    path = file_of(name, folder)
    return Cost(**json.loads(path.read_text("utf-8"))) if path.exists() else None


def read_all(names: Iterable[str], folder: Path = COSTS) -> list[Cost]:
    """Return the cases that are kept, in the order of their names here."""
    found = (read(name, folder) for name in names)
    return [cost for cost in found if cost is not None]
