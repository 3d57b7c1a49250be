"""Decoys: learners whose easiest function is known and isn't the smoothest, or isn't any."""

from matplotlib.figure import Figure

from sims.figures.claims import Claim, axis_share, degree_share
from sims.figures.evidence import Evidence, Settings, Variant, reproduction
from sims.figures.maps import pairs

# The method of figure 2C on the same learners: a network as labeller, gradients, uniform labels.
BY_GRADIENT = (
    'labeller={kind="mlp", hidden=[64, 64], output="linear"}',
    'strategy={kind="gradient", learning_rate=3e-3, decay_steps=2048}',
    "stages.generations=2048",
    "episode.test=30",
    'objective.error="mse"',
    'objective.orthogonality="penalty"',
    "objective.reference_points=64",
    "objective.distribution.weight=1.0",
    'log.theta="recommended"',
)
ISOTROPIC = ("learner.input_scale=[1.0, 1.0, 1.0]",)
AXIS = 2  # the third feature

SETTINGS = Settings(
    name="decoys",
    variants=(
        Variant("second order", "decoy_second_order"),
        Variant("second order, gradient", "decoy_second_order", BY_GRADIENT),
        Variant("axis", "decoy_axis"),
        Variant("axis, gradient", "decoy_axis", BY_GRADIENT),
        Variant("isotropic", "decoy_axis", ISOTROPIC),
        Variant("isotropic, gradient", "decoy_axis", (*BY_GRADIENT, *ISOTROPIC)),
    ),
    claims=(
        *(
            Claim(f"second-order share, {name}", name, degree_share(2, 1), at_least=0.95)
            for name in ("second order", "second order, gradient")
        ),
        *(
            Claim(f"share along the preferred axis, {name}", name, axis_share(AXIS), at_least=0.95)
            for name in ("axis", "axis, gradient")
        ),
        *(
            Claim(f"share along that axis, {name} learner", name, axis_share(AXIS))
            for name in ("isotropic", "isotropic, gradient")
        ),
    ),
)
PANELS = tuple((variant.name, 1) for variant in SETTINGS.variants)


def plot(evidence: Evidence) -> Figure:
    """Draw what the first seed found."""
    return pairs(evidence, PANELS, "Decoys")


REPRODUCTION = reproduction(SETTINGS, plot)
