"""Figure 11: searching anew from other seeds, without orthogonality, finds first order only."""

from matplotlib.figure import Figure

from sims.figures.claims import Claim, degree_share
from sims.figures.evidence import Evidence, Settings, Variant, reproduction
from sims.figures.maps import seeds

SETTINGS = Settings(
    name="fig11",
    variants=(Variant("kernel", "fig2c"),),
    claims=(
        Claim("second-order share", "kernel", degree_share(2, 1), at_most=0.05, every_seed=True),
        Claim("first-order share", "kernel", degree_share(1, 1)),
    ),
)


def plot(evidence: Evidence) -> Figure:
    """Draw what every seed found."""
    return seeds(evidence, "Figure 11: the same search from other seeds")


REPRODUCTION = reproduction(SETTINGS, plot, seeds=tuple(range(10, 19)))
