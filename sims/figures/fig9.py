"""Figure 9: a ReLU network trained by gradient descent, and its six easiest functions."""

import numpy as np
from matplotlib.figure import Figure

from sims.figures.claims import Arm, Claim, degree_share, largest_cosine
from sims.figures.evidence import Evidence, Settings, Variant, reproduction
from sims.figures.maps import pairs

NET = "ReLU net"
FIRST, SECOND = (1, 2, 3), (4, 5, 6)
STAGES = (*FIRST, *SECOND)


def error_rank_correlation(arm: Arm) -> float:
    """Spearman correlation of a stage's held-out error with its number.

    Functions of one degree are equally easy, so their three errors come in any order: two sorted
    groups of three give .54 to 1. That is no proof, as chance often gives as much.
    """
    errors = [arm.found[stage - 1].held_out.median for stage in STAGES]
    ranks = np.argsort(np.argsort(errors))
    return float(np.corrcoef(STAGES, ranks)[0, 1])


def error_step(arm: Arm) -> float:
    """Least held-out error of the last three stages over the largest of the first three."""
    errors = [arm.found[stage - 1].held_out.median for stage in STAGES]
    return min(errors[3:]) / max(errors[:3])


SETTINGS = Settings(
    name="fig9",
    variants=(Variant(NET, "fig9"),),
    claims=(
        Claim(
            "least first-order share of stages 1-3",
            NET,
            degree_share(1, *FIRST),
            stages=FIRST,
            at_least=0.95,
        ),
        Claim(
            "least second-order share of stages 4-6",
            NET,
            degree_share(2, *SECOND),
            stages=SECOND,
            at_least=0.95,
        ),
        Claim(
            "least g/Var of stages 4-6 over largest of 1-3",
            NET,
            error_step,
            stages=STAGES,
            at_least=2,
        ),
        Claim(
            "rank correlation of g/Var with the stage",
            NET,
            error_rank_correlation,
            stages=STAGES,
        ),
        Claim(
            "largest cosine between functions",
            NET,
            largest_cosine(*STAGES),
            stages=STAGES,
            at_most=0.05,
        ),
    ),
)


def plot(evidence: Evidence) -> Figure:
    """Draw what the first seed found."""
    return pairs(
        evidence, tuple((NET, stage) for stage in STAGES), "Figure 9: ReLU net, gradient descent"
    )


REPRODUCTION = reproduction(SETTINGS, plot)
