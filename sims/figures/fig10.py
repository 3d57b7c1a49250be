"""Figure 10: other divergences of the label distribution lead to the same function."""

from matplotlib.figure import Figure

from sims.figures.claims import Claim, degree_share
from sims.figures.evidence import Evidence, Settings, Variant, reproduction
from sims.figures.maps import pairs

DIVERGENCES = ("wasserstein", "sinkhorn", "energy", "mmd", "variance")
SETTINGS = Settings(
    name="fig10",
    variants=tuple(
        Variant(kind, "fig2c", (f'objective.distribution={{kind="{kind}", weight=1.0}}',))
        for kind in DIVERGENCES
    ),
    claims=tuple(
        Claim(f"first-order share, {kind}", kind, degree_share(1, 1), at_least=0.98)
        for kind in DIVERGENCES
    ),
)


def plot(evidence: Evidence) -> Figure:
    """Draw what the first seed found."""
    return pairs(evidence, tuple((kind, 1) for kind in DIVERGENCES), "Figure 10: divergences")


REPRODUCTION = reproduction(SETTINGS, plot)
