"""Section 6's second idea: a generative model that was fitted to recorded activity, as the input.

What is found on stimuli that the model draws has to hold for the recorded ones, which no search
has seen as such.
"""

from functools import lru_cache

import jax
import numpy as np
from matplotlib.figure import Figure

from controller.analysis.measures import function_values, held_out
from controller.design import Design
from controller.document import load_experiment
from protocols.spaces.odours import Odours
from sims.figures.claims import Arm, Claim, below_other_arm
from sims.figures.evidence import LIBRARY, Evidence, Settings, Variant, reproduction
from sims.figures.maps import pairs

MODEL = "Gaussian of the odours"
FRESH_SEED = 4711  # of held-out odours and learners, that no search has used


def first_direction_share(arm: Arm) -> float:
    """Share of the total squared norm along the direction of largest variance of the model."""
    points, weights, values = arm.basis.points, arm.basis.weights, arm.found[0].values
    centred = points - weights @ points
    _, directions = np.linalg.eigh(centred.T @ (weights[:, None] * centred))
    along = centred @ directions[:, -1]
    return float((weights @ (values * along)) ** 2 / (weights @ along**2 * (weights @ values**2)))


def error_on_recorded(arm: Arm) -> float:
    """Held-out error over power where fresh learners are trained and tested on recorded odours."""
    design, theta, odours = _design(), arm.found[0].theta, Odours()
    power = float(np.var(function_values(odours, design.labeller, theta, odours.rows)))
    learner, key = design.panel.learners[0], jax.random.key(FRESH_SEED)
    return held_out(
        odours, design.labeller, learner, theta, n_train=design.n_train, power=power, key=key
    ).median


@lru_cache
def _design() -> Design:
    return load_experiment(LIBRARY / "fitted.toml").value.design()


SETTINGS = Settings(
    name="idea_fitted",
    variants=(Variant(MODEL, "fitted"),),
    claims=(
        Claim(
            "share along the model's first principal axis",
            MODEL,
            first_direction_share,
            at_least=0.9,
        ),
        Claim(
            "control's g/Var over ours", MODEL, below_other_arm(1), at_least=5, compares_arms=True
        ),
        Claim("g/Var on the recorded odours", MODEL, error_on_recorded, at_most=0.2),
    ),
)


def plot(evidence: Evidence) -> Figure:
    """Draw what the first seed found."""
    title = "A model of odours as stimuli: labels that a fly finds easy"
    return pairs(evidence, ((MODEL, 1),), title)


REPRODUCTION = reproduction(SETTINGS, plot)
