"""Figure 2C: kernel regression on the sphere finds a first-order harmonic easy."""

from matplotlib.figure import Figure

from sims.figures.claims import Claim, below_other_arm, degree_share
from sims.figures.evidence import Evidence, Settings, Variant, reproduction
from sims.figures.maps import pairs

SETTINGS = Settings(
    name="fig2c",
    variants=(Variant("kernel", "fig2c"),),
    claims=(
        Claim("first-order share", "kernel", degree_share(1, 1), at_least=0.99),
        Claim(
            "control's g/Var over ours",
            "kernel",
            below_other_arm(1),
            at_least=10,
            compares_arms=True,
        ),
    ),
)


def plot(evidence: Evidence) -> Figure:
    """Draw what the first seed found."""
    return pairs(evidence, (("kernel", 1),), "Figure 2C: kernel learner")


REPRODUCTION = reproduction(SETTINGS, plot)
