"""Figure 3C: the kernel learner's functions by eigenvalue, three of first order, then second."""

from collections.abc import Iterable

from matplotlib.figure import Figure

from sims.figures.claims import Arm, Claim, largest_cosine, mean_degree_share
from sims.figures.evidence import Evidence, Settings, Variant, reproduction
from sims.figures.maps import pairs

FIRST, SECOND = (1, 2, 3), (4, 5, 6)


def gap_in_error(arm: Arm) -> float:
    """Least g/Var of stages 4-6 over the largest of 1-3: above 1 they are in the right order."""
    return min(_errors(arm, SECOND)) / max(_errors(arm, FIRST))


def _errors(arm: Arm, stages: Iterable[int]) -> list[float]:
    return [arm.found[stage - 1].held_out.median for stage in stages]


SETTINGS = Settings(
    name="fig3c",
    variants=(Variant("kernel", "fig3c"),),
    claims=(
        Claim(
            "mean first-order share of stages 1-3",
            "kernel",
            mean_degree_share(1, *FIRST),
            stages=FIRST,
            at_least=0.98,
        ),
        Claim(
            "mean second-order share of stages 4-6",
            "kernel",
            mean_degree_share(2, *SECOND),
            stages=SECOND,
            at_least=0.95,
        ),
        Claim(
            "least g/Var of 4-6 over largest of 1-3",
            "kernel",
            gap_in_error,
            stages=SECOND,
            at_least=1.0,
        ),
        Claim(
            "largest cosine between functions",
            "kernel",
            largest_cosine(*FIRST, *SECOND),
            stages=SECOND,
            at_most=0.05,
        ),
    ),
)


def plot(evidence: Evidence) -> Figure:
    """Draw what the first seed found."""
    panels = tuple(("kernel", stage) for stage in (*FIRST, *SECOND))
    return pairs(evidence, panels, "Figure 3C: kernel learner, six functions")


REPRODUCTION = reproduction(SETTINGS, plot)
