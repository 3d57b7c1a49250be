"""Figure 7B: a fly with random sparse connectivity finds labels along one input easy.

Both layers have to learn for that. If only the readout does, the error is quadratic in the labels,
and, over flies with random wiring, alike for all directions: inputs can be swapped and turned
round. Cells that see all inputs know of no axes in any case. Both are rows for comparison.
"""

from matplotlib.figure import Figure

from sims.figures.claims import Claim
from sims.figures.evidence import Evidence, Settings, Variant, reproduction
from sims.figures.input_panels import by_input
from sims.figures.input_weights import largest_share

SETTINGS = Settings(
    name="fig7b",
    variants=(
        Variant("2 claws", "fig7_random"),
        Variant("all inputs", "fig7_random", ("learner.claws=5",)),
        Variant("readout learns", "fig7_random", ('learner.training="readout"',)),
    ),
    claims=(
        Claim("largest share of w² on one input", "2 claws", largest_share, at_least=0.95),
        Claim("largest share of w², every cell sees all inputs", "all inputs", largest_share),
        Claim("largest share of w², only the readout learns", "readout learns", largest_share),
    ),
)


def plot(evidence: Evidence) -> Figure:
    """Draw what the first seed found."""
    return by_input(evidence, "2 claws", "Figure 7B: two random inputs for each Kenyon cell")


REPRODUCTION = reproduction(SETTINGS, plot)
