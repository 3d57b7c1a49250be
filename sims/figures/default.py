"""The library's default experiment: three first-order harmonics of a kernel learner."""

from matplotlib.figure import Figure

from sims.figures.claims import Claim, degree_share
from sims.figures.evidence import Evidence, Settings, Variant, reproduction
from sims.figures.maps import pairs

STAGES = (1, 2, 3)
SETTINGS = Settings(
    name="default",
    variants=(Variant("default", "default"),),
    claims=tuple(
        Claim(
            f"first-order share, stage {stage}",
            "default",
            degree_share(1, stage),
            stages=(stage,),
            at_least=0.95,
        )
        for stage in STAGES
    ),
)


def plot(evidence: Evidence) -> Figure:
    """Draw what the first seed found."""
    return pairs(
        evidence, tuple(("default", stage) for stage in STAGES), "Default document: kernel learner"
    )


REPRODUCTION = reproduction(SETTINGS, plot)
