"""From presentations to days and animals."""

import math
from dataclasses import dataclass

from controller.document import Experiment
from sims.budget.errors import PlanError

TRIALS_A_DAY = 300
DAYS_PER_ANIMAL = 20


@dataclass(frozen=True, slots=True)
class Price:
    """What an animal does in a day, and for how many days."""

    per_episode: int
    """Presentations of one episode, as the animal would have them."""
    trials_a_day: int
    """Of those that count."""
    days_per_animal: int
    naive: bool
    """Whether every episode takes an animal that has never done one."""

    def days(self, trials: float) -> float:
        """Return the days that so many presentations take one animal at a time."""
        return math.ceil(trials / self.trials_a_day) if math.isfinite(trials) else math.inf

    def animals(self, trials: float) -> float:
        """Return how many animals share these days, or episodes."""
        if not math.isfinite(trials):
            return math.inf
        if self.naive:
            return math.ceil(trials / self.per_episode)
        return math.ceil(self.days(trials) / self.days_per_animal)


def presentations(experiment: Experiment) -> int:
    """Return how many presentations one episode is for an animal.

    Training trials count each time that they are gone through. With a `[session]` presentations
    are those of its schedule: blocks and repeats, catch trials, anchors, wash-out.
    """
    episode, session = experiment.episode, experiment.session
    if session is None:
        return experiment.habits.passes * episode.train + episode.test
    schedule = session.schedule
    return (
        schedule.training_blocks * episode.train
        + schedule.repeats * episode.test
        + schedule.catch
        + schedule.anchors
        + session.subject.wash_out_trials
    )


def price(
    experiment: Experiment, trials_a_day: int | None = None, days_per_animal: int = DAYS_PER_ANIMAL
) -> Price:
    """Return what a document's episodes cost.

    A session's warm-up takes from the day's trials. Repeats of a test stimulus are averaged for an
    animal, which isn't simulated: its answers are at least as good.

    Args:
        experiment: the document.
        trials_a_day: presentations a day; None: what the document's session allows, else 300.
        days_per_animal: for how long one animal takes part.

    Raises:
        PlanError: no trial of a day is left that counts.
    """
    each, session = presentations(experiment), experiment.session
    if session is None:
        return Price(each, trials_a_day or TRIALS_A_DAY, days_per_animal, naive=False)
    day, warm_up = trials_a_day or session.trials, session.schedule.warm_up
    if day <= warm_up:
        raise PlanError(
            f"a day of {day} trials is spent on the {warm_up} of its warm-up "
            "(session.schedule.warm_up); give a larger --trials-a-day"
        )
    return Price(each, day - warm_up, days_per_animal, naive=session.subject.policy == "naive")
