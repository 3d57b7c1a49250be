"""What the benchmark of trials compares: learners, strategies and labellers, one entry a row.

To add a row, add a `Case` to one of the lists; `python -m sims.benchmarks.trials --only NAME
--record` measures it alone, and leaves the others as they are recorded.
"""

from dataclasses import dataclass

LAPSES = "habits.lapses=0.1"
KERNEL = "kernel ridge, K = 100"
HARMONICS, NETWORK = "15 harmonics", "521 weights"
# The results' table says what it has; keep the two alike.
BAD_ANIMAL = (
    *(LAPSES, "habits.bias=0.1", "habits.drift=0.1", "habits.forgetting=0.02"),
    *("habits.carry_over=0.7", "habits.uptake=0.7"),
)


@dataclass(frozen=True, slots=True)
class Target:
    """What is right: functions of one degree, or along one axis."""

    words: str
    degree: int = 1
    axis: int | None = None
    """A feature of the stimulus; then only its own first-order function is right."""


FIRST_ORDER = Target("first order")


@dataclass(frozen=True, slots=True)
class Case:
    """One row."""

    learner: str
    """For a reader."""
    strategy: str
    """The same, with the settings that matter."""
    labeller: str
    """The same."""
    protocol: str
    """A ready document."""
    overrides: tuple[str, ...]
    """What differs from it; one stage is run."""
    target: Target = FIRST_ORDER
    at_most: int | None = None
    """Target for the median, in trials."""
    reason: str = ""
    """Why that isn't reached, said only when it isn't."""

    @property
    def name(self) -> str:
        """What it is called, and its file."""
        return f"{self.strategy}; {self.labeller}; {self.learner}"


def _iterated(
    learner: str,
    *habits: str,
    generations: int,
    protocol: str = "default",
    target: Target = FIRST_ORDER,
    at_most: int | None = None,
    settings: str = "",
    words: str = "",
    reason: str = "",
) -> Case:
    return Case(
        learner,
        f"iterated{words}",
        HARMONICS,
        protocol,
        (
            f'strategy={{kind="iterated"{settings}}}',
            *("episode.common_stimuli=false", "episode.train=6", "episode.test=18"),
            f"stages.generations={generations}",
            *habits,
        ),
        target,
        at_most,
        reason,
    )


ITERATED = (
    _iterated(KERNEL, generations=60),
    _iterated(f"{KERNEL}, 10 % lapses", LAPSES, generations=60, at_most=1200),
    _iterated(
        f"{KERNEL}, 10 % lapses, 70 % carry-over",
        *(LAPSES, "habits.carry_over=0.7"),
        generations=120,
        at_most=3000,
    ),
    _iterated(
        f"{KERNEL}, 10 % lapses, binary answers",
        *(LAPSES, "habits.binary=true"),
        generations=60,
        settings=", population=8, memory=0.9",
        words=" (λ 8, memory .9)",
    ),
    _iterated(f"{KERNEL}, a bad animal", *BAD_ANIMAL, generations=120),
    _iterated(
        "decoy that prefers second order, 10 % lapses",
        LAPSES,
        generations=60,
        protocol="decoy_second_order",
        target=Target("second order", degree=2),
        at_most=1200,
    ),
    _iterated(
        "decoy that prefers the third axis, 10 % lapses",
        LAPSES,
        generations=120,
        protocol="decoy_axis",
        target=Target("the third axis", axis=2),
        at_most=1200,
        reason="the learner returns .92 of what lies along that axis and .73 along the others, so "
        "that they fade by no more than 1.27 a generation",
    ),
)


def _twin(
    learner: str,
    *habits: str,
    protocol: str = "default",
    target: Target = FIRST_ORDER,
    at_most: int = 1200,
) -> Case:
    return Case(
        learner,
        "twin",
        HARMONICS,
        protocol,
        (
            'strategy={kind="twin"}',
            *("episode.common_stimuli=false", "episode.train=6", "episode.test=18"),
            "stages.generations=31",  # about as many episodes as it remembers
            *habits,
        ),
        target,
        at_most,
    )


TWIN = (
    _twin(KERNEL),
    _twin(f"{KERNEL}, 10 % lapses", LAPSES),
    _twin(
        f"{KERNEL}, 10 % lapses, 70 % carry-over",
        *(LAPSES, "habits.carry_over=0.7"),
        at_most=3000,
    ),
    _twin(f"{KERNEL}, 10 % lapses, binary answers", LAPSES, "habits.binary=true"),
    _twin(f"{KERNEL}, a bad animal", *BAD_ANIMAL),
    _twin(
        "decoy that prefers second order, 10 % lapses",
        LAPSES,
        protocol="decoy_second_order",
        target=Target("second order", degree=2),
    ),
    _twin(
        "decoy that prefers the third axis, 10 % lapses",
        LAPSES,
        protocol="decoy_axis",
        target=Target("the third axis", axis=2),
    ),
)


def _es(
    labeller: str,
    algorithm: str,
    population: int,
    std: float,
    trials: int,
    *,
    settings: str = "",
    words: str = "",
    learner: str = f"{KERNEL}, 10 % lapses",
    habits: tuple[str, ...] = (LAPSES,),
    episode: tuple[int, int] | None = None,
) -> Case:
    """Return a case that is cut after about so many trials."""
    protocol, usual = {HARMONICS: ("default", (6, 18)), NETWORK: ("fig8_network", (8, 30))}[
        labeller
    ]
    train, test = episode or usual
    algorithm_words = f"{algorithm} (λ {population}, σ {std:g}{words})"
    chosen = f'kind="es", algorithm="{algorithm}", population={population}, std={std}{settings}'
    return Case(
        learner,
        algorithm_words,
        labeller,
        protocol,
        (
            f"strategy={{{chosen}}}",
            *(f"episode.train={train}", f"episode.test={test}"),
            f"stages.generations={trials // (population * (train + test))}",
            *habits,
        ),
    )


REPEATS = ", max_repeats=4, reliability=0.5"
ES = (
    _es(HARMONICS, "SNES", 16, 0.3, 40_000),
    _es(HARMONICS, "SNES", 16, 0.3, 40_000, settings=", mirrored=true", words=", mirrored"),
    _es(HARMONICS, "SNES", 16, 0.3, 40_000, settings=REPEATS, words=", ≤ 4 looks"),
    _es(HARMONICS, "SNES", 16, 0.3, 40_000, episode=(4, 12), words=", 4 + 12 trials"),
    _es(HARMONICS, "DiscoveredES", 32, 0.3, 40_000),
    _es(HARMONICS, "CMA_ES", 16, 0.3, 40_000),
    _es(HARMONICS, "CMA_ES", 16, 0.3, 40_000, settings=", mirrored=true", words=", mirrored"),
    _es(HARMONICS, "CMA_ES", 16, 0.3, 40_000, settings=REPEATS, words=", ≤ 4 looks"),
    _es(HARMONICS, "Sep_CMA_ES", 16, 0.6, 40_000),
    _es(HARMONICS, "OpenES", 16, 0.3, 40_000, settings=", learning_rate=0.3", words=", step .3"),
    _es(HARMONICS, "PGPE", 16, 0.3, 40_000, settings=", learning_rate=3.0", words=", step 3"),
    _es(
        HARMONICS,
        *("SNES", 16, 0.3, 40_000),
        learner=f"{KERNEL}, a bad animal",
        habits=BAD_ANIMAL,
    ),
    _es(NETWORK, "DiscoveredES", 32, 0.3, 120_000),
    _es(NETWORK, "DiscoveredES", 32, 0.3, 120_000, settings=", mirrored=true", words=", mirrored"),
    _es(NETWORK, "DiscoveredES", 32, 0.3, 120_000, settings=REPEATS, words=", ≤ 4 looks"),
    _es(NETWORK, "SNES", 32, 0.1, 120_000),
    _es(NETWORK, "Sep_CMA_ES", 32, 0.1, 120_000),
    _es(NETWORK, "OpenES", 32, 0.1, 120_000, settings=", learning_rate=0.1", words=", step .1"),
    _es(NETWORK, "PGPE", 32, 0.1, 120_000, settings=", learning_rate=1.0", words=", step 1"),
    _es(NETWORK, "CMA_ES", 32, 0.1, 60_000),  # most of its time goes into eigenvectors
)
PUBLISHED = Case(
    "kernel ridge, K = 20",
    "DiscoveredES (λ 64, σ 0.3), as published: variance term, 30 + 100 trials",
    NETWORK,
    "fig8_network",
    (
        *('labeller.output="linear"', "learner.width=20", "objective.distribution.weight=1.0"),
        *("episode.train=30", "episode.test=100", "stages.generations=640"),
    ),
)

CASES: tuple[Case, ...] = (*TWIN, *ITERATED, *ES, PUBLISHED)
