"""Figure 4B: a function that kernel regression generalises and linear regression can't."""

from matplotlib.figure import Figure

from sims.figures.claims import Claim, degree_share, neglected_over_chosen
from sims.figures.evidence import Evidence, Settings, Variant, reproduction
from sims.figures.maps import pairs

SETTINGS = Settings(
    name="fig4b",
    variants=(
        Variant("20 features", "fig4b"),
        Variant("100 features", "fig4b", ("learner.width=100",)),
    ),
    claims=(
        Claim(
            "linear over kernel error, 20 features",
            "20 features",
            neglected_over_chosen(),
            at_least=15,
        ),
        Claim("second-order share, 20 features", "20 features", degree_share(2, 1)),
        Claim(
            "linear over kernel error, 100 features",
            "100 features",
            neglected_over_chosen(),
            at_least=100,
        ),
        Claim("second-order share, 100 features", "100 features", degree_share(2, 1)),
    ),
)
PANELS = (("20 features", 1), ("100 features", 1))


def plot(evidence: Evidence) -> Figure:
    """Draw what the first seed found."""
    return pairs(evidence, PANELS, "Figure 4B: kernel learner against linear learner")


REPRODUCTION = reproduction(SETTINGS, plot)
