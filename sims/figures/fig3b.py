"""Figure 3B: a linear learner has two linear functions, and a third that is hard."""

from matplotlib.figure import Figure

from sims.figures.claims import Claim, affine_fit, error_ratio
from sims.figures.evidence import Evidence, Settings, Variant, reproduction
from sims.figures.maps import pairs

SETTINGS = Settings(
    name="fig3b",
    variants=(Variant("ridge", "fig3b"),),
    claims=(
        Claim("affine R², stage 1", "ridge", affine_fit(1), at_least=0.99),
        Claim("affine R², stage 2", "ridge", affine_fit(2), stages=(2,), at_least=0.99),
        Claim(
            "g/Var of stage 3 over stage 1", "ridge", error_ratio(3, to=1), stages=(3,), at_least=50
        ),
    ),
)


def plot(evidence: Evidence) -> Figure:
    """Draw what the first seed found."""
    return pairs(
        evidence, tuple(("ridge", stage) for stage in (1, 2, 3)), "Figure 3B: linear learner"
    )


REPRODUCTION = reproduction(SETTINGS, plot)
