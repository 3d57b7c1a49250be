"""Figure 7E: with grouped connectivity, signs free, labels depend on inputs of one group.

One input lies inside one group, so that the sparse flies of figure 7B show the same; what the
groups add by themselves is little, as the paper says. Cells that see all inputs don't show it.
"""

import numpy as np
from jaxtyping import Float64
from matplotlib.figure import Figure

from sims.figures.claims import Arm, Claim
from sims.figures.evidence import Evidence, Settings, Variant, reproduction
from sims.figures.input_panels import on_plane
from sims.figures.input_weights import group_means_fit, input_weights, largest_group_share

GROUPS = ((0, 1), (2, 3, 4))
NO_GROUPS = ('learner.connectivity="random"', "learner.claws=5")

SETTINGS = Settings(
    name="fig7e",
    variants=(
        Variant("groups", "fig7_grouped"),
        Variant("all inputs", "fig7_grouped", NO_GROUPS),
    ),
    claims=(
        Claim("share of w² inside one group", "groups", largest_group_share(GROUPS), at_least=0.98),
        Claim(
            "share of w² inside one group, every cell sees all inputs",
            "all inputs",
            largest_group_share(GROUPS),
        ),
        Claim("R² of the two group means", "groups", group_means_fit(GROUPS)),
    ),
)


def plot(evidence: Evidence) -> Figure:
    """Draw what the first seed found."""
    return on_plane(evidence, "groups", heaviest_inputs, "Figure 7E: groups, signs free")


def heaviest_inputs(
    arm: Arm,
) -> tuple[Float64[np.ndarray, "point 2"], tuple[str, str]]:
    """Place stimuli by the two heaviest inputs of the group with the larger share of w²."""
    squared = input_weights(arm) ** 2
    group = max(GROUPS, key=lambda members: squared[list(members)].sum())
    a, b = sorted(sorted(group, key=lambda index: -squared[index])[:2])
    return arm.basis.points[:, [a, b]], (f"input {a + 1}", f"input {b + 1}")


REPRODUCTION = reproduction(SETTINGS, plot)
