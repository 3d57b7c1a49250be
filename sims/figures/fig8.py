"""Figure 8: the kernel learner's easy functions without gradients, by evolution strategies."""

from matplotlib.figure import Figure

from sims.figures.claims import Claim, degree_share
from sims.figures.evidence import Evidence, Settings, Variant, reproduction
from sims.figures.maps import pairs

# The published form: only a term on their variance keeps labels apart. It leaves a constant free,
# so this learner is one that doesn't get constants for nothing (20 features).
VARIANCE_TERM = (
    'labeller.output="linear"',
    "learner.width=20",
    "episode.train=30",
    "episode.test=100",
    "objective.distribution.weight=1.0",
    "stages.generations=640",
)
FIRST, SECOND = (1, 2, 3), (4, 5, 6, 7, 8)

SETTINGS = Settings(
    name="fig8",
    variants=(
        Variant("521 weights", "fig8_network"),
        Variant("521 weights, variance term", "fig8_network", VARIANCE_TERM),
        Variant("15 harmonics", "fig8_harmonics"),
    ),
    claims=(
        *(
            Claim(f"first-order share, {name}", name, degree_share(1, 1), at_least=0.97)
            for name in ("521 weights", "521 weights, variance term")
        ),
        Claim(
            "least first-order share of stages 1-3, 15 harmonics",
            "15 harmonics",
            degree_share(1, *FIRST),
            stages=FIRST,
            at_least=0.95,
        ),
        Claim(
            "least second-order share of stages 4-8, 15 harmonics",
            "15 harmonics",
            degree_share(2, *SECOND),
            stages=SECOND,
            at_least=0.95,
        ),
    ),
)
PANELS = (
    ("521 weights", 1),
    ("521 weights, variance term", 1),
    *(("15 harmonics", stage) for stage in (1, 2, 3, 4)),
)


def plot(evidence: Evidence) -> Figure:
    """Draw what the first seed found."""
    return pairs(evidence, PANELS, "Figure 8: evolution strategies")


REPRODUCTION = reproduction(SETTINGS, plot)
