"""Figure 7F: with grouped, excitatory connectivity, labels depend on the means of the groups."""

import numpy as np
from jaxtyping import Float64
from matplotlib.figure import Figure

from sims.figures.claims import Arm, Claim
from sims.figures.evidence import Evidence, Settings, Variant, reproduction
from sims.figures.fig7e import GROUPS
from sims.figures.input_panels import on_plane
from sims.figures.input_weights import group_means, group_means_fit

SETTINGS = Settings(
    name="fig7f",
    variants=(
        Variant("groups, excitatory", "fig7_excitatory"),
        Variant("groups, signs free", "fig7_grouped"),
        Variant("no groups, excitatory", "fig7_excitatory", ('learner.connectivity="random"',)),
    ),
    claims=(
        Claim(
            "R² of the two group means",
            "groups, excitatory",
            group_means_fit(GROUPS),
            at_least=0.97,
            every_seed=True,
        ),
        Claim(
            "R² of the two group means, signs free", "groups, signs free", group_means_fit(GROUPS)
        ),
        Claim(
            "R² of the two group means, no groups", "no groups, excitatory", group_means_fit(GROUPS)
        ),
    ),
)


def plot(evidence: Evidence) -> Figure:
    """Draw what the first seed found."""
    title = "Figure 7F: groups, excitatory inputs"
    return on_plane(evidence, "groups, excitatory", by_group_means, title)


def by_group_means(arm: Arm) -> tuple[Float64[np.ndarray, "point 2"], tuple[str, str]]:
    """Place stimuli by the mean activity of each group."""
    return group_means(arm.basis.points, GROUPS), ("mean of inputs 1, 2", "mean of inputs 3, 4, 5")


REPRODUCTION = reproduction(SETTINGS, plot)
