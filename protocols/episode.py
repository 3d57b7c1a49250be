"""An episode: what one learner is trained on, and what it is then asked."""

import equinox as eqx
from jaxtyping import Array, Float


class Episode(eqx.Module):
    """One evaluation of one candidate, as the learner sees it.

    The labels of the test stimuli are not here: they stay with the controller, so that neither a
    learner nor a rig can see them.
    """

    train_x: Float[Array, "*batch train feature"]
    """Training stimuli."""
    train_z: Float[Array, "*batch train"]
    """Their labels, in [-1, 1]."""
    test_x: Float[Array, "*batch test feature"]
    """Test stimuli, shown without feedback."""
