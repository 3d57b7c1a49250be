"""Figure 2B: a linear learner on the disk finds linear labels easy."""

from matplotlib.figure import Figure

from sims.figures.claims import Claim, affine_fit, below_other_arm
from sims.figures.evidence import Evidence, Settings, Variant, reproduction
from sims.figures.maps import pairs

SETTINGS = Settings(
    name="fig2b",
    variants=(Variant("ridge", "fig2b"),),
    claims=(
        Claim("affine R²", "ridge", affine_fit(1), at_least=0.995),
        Claim(
            "control's g/Var over ours",
            "ridge",
            below_other_arm(1),
            at_least=10,
            compares_arms=True,
        ),
    ),
)


def plot(evidence: Evidence) -> Figure:
    """Draw what the first seed found."""
    return pairs(evidence, (("ridge", 1),), "Figure 2B: linear learner")


REPRODUCTION = reproduction(SETTINGS, plot)
