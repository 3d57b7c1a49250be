"""Figure 7C: a fly finds labels along its over-connected input easy."""

from matplotlib.figure import Figure

from sims.figures.claims import Claim
from sims.figures.evidence import Evidence, Settings, Variant, reproduction
from sims.figures.input_panels import by_input
from sims.figures.input_weights import share_on

FIRST, FOURTH = 0, 3
FOURTH_PREFERRED = ("learner.input_preference=[0.1, 0.1, 0.1, 0.6, 0.1]",)

SETTINGS = Settings(
    name="fig7c",
    variants=(
        Variant("input 1 preferred", "fig7_biased"),
        Variant("input 4 preferred", "fig7_biased", FOURTH_PREFERRED),
        Variant("none preferred", "fig7_random"),
    ),
    claims=(
        Claim("share of w² on input 1", "input 1 preferred", share_on(FIRST), at_least=0.98),
        Claim(
            "share of w² on input 4, which is preferred instead",
            "input 4 preferred",
            share_on(FOURTH),
            at_least=0.98,
        ),
        Claim("share of w² on input 1, none preferred", "none preferred", share_on(FIRST)),
    ),
)


def plot(evidence: Evidence) -> Figure:
    """Draw what the first seed found."""
    return by_input(evidence, "input 1 preferred", "Figure 7C: input 1 is over-connected")


REPRODUCTION = reproduction(SETTINGS, plot)
