"""Section 6's first idea: recorded activity as the input, here of a fly's 24 odour receptors.

What varies most among odours, their first principal component, is what a mushroom body finds easy.
"""

from matplotlib.figure import Figure

from sims.figures.claims import Claim, below_other_arm, degree_share
from sims.figures.evidence import Evidence, Settings, Variant, reproduction
from sims.figures.maps import pairs

FLY = "110 odours"

SETTINGS = Settings(
    name="idea_odours",
    variants=(Variant(FLY, "odours"),),
    claims=(
        Claim(
            "share of the odours' first principal component", FLY, degree_share(1, 1), at_least=0.9
        ),
        Claim("control's g/Var over ours", FLY, below_other_arm(1), at_least=5, compares_arms=True),
    ),
)


def plot(evidence: Evidence) -> Figure:
    """Draw what the first seed found."""
    return pairs(evidence, ((FLY, 1),), "Odours as stimuli: labels that a fly finds easy")


REPRODUCTION = reproduction(SETTINGS, plot)
