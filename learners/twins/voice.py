"""How a belief becomes an answer: gain, bias, noise, lapses, and whether answers are yes or no."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from learners.twins.base import Belief, History, log_normal

ANYTHING = 0.5  # density of an answer from -1 to 1 that has nothing to do with the stimulus
BEYOND = 1e-3  # the same outside
LEAST_NOISE = 1e-2
SURE = 1e-3  # least probability of an answer of yes or no


class Voice(eqx.Module):
    """Parameters of the answers, unbounded."""

    log_gain: Float[Array, ""]
    bias: Float[Array, ""]
    log_noise: Float[Array, ""]
    """Of the standard deviation."""
    lapse: Float[Array, ""]
    """Logit of the part of the trials in which anything is answered."""

    @classmethod
    def start(cls) -> "Voice":
        """Return what is expected before any answer."""
        return cls(jnp.array(0.0), jnp.array(0.0), jnp.array(-1.0), jnp.array(-3.0))

    def log_prior(self) -> Float[Array, ""]:
        """Return the logarithm of the prior density, up to a constant."""
        return (
            log_normal(self.log_gain, 0.0, 0.3)
            + log_normal(self.bias, 0.0, 0.3)
            + log_normal(self.log_noise, -1.0, 1.5)
            + log_normal(self.lapse, -3.0, 1.5)
        )

    def log_likelihood(
        self, belief: Belief, answer: Float[Array, "*trial"], binary: Bool[Array, ""]
    ) -> Float[Array, "*trial"]:
        """Return the logarithm of the density of each answer, or of its probability if binary."""
        said = self.said(belief.mean)
        lapse = jax.nn.sigmoid(self.lapse)
        gain = jnp.exp(self.log_gain)
        noise = jnp.sqrt((LEAST_NOISE + jnp.exp(self.log_noise)) ** 2 + gain**2 * belief.variance)
        normal = jax.scipy.stats.norm.logpdf(answer, said, noise)
        anything = jnp.where(jnp.abs(answer) <= 1, ANYTHING, BEYOND)
        graded = jnp.logaddexp(jnp.log1p(-lapse) + normal, jnp.log(lapse * anything))
        yes = (1 - lapse) * (1 + _within(said)) / 2 + lapse / 2
        coin = jnp.log(jnp.where(answer > 0, yes, 1 - yes))
        return jnp.where(binary, coin, graded)

    def said(self, belief: Float[Array, "*trial"]) -> Float[Array, "*trial"]:
        """Return the mean answer to a belief, lapses apart."""
        return jnp.exp(self.log_gain) * belief + self.bias


def _within(said: Float[Array, "*trial"]) -> Float[Array, "*trial"]:
    """Keep answers inside (-1, 1), with a slope everywhere, so that a fit can come back in."""
    edge = 1 - 2 * SURE
    return edge * (0.98 * jnp.clip(said, -1, 1) + 0.02 * jnp.tanh(said))


def all_binary(history: History) -> Bool[Array, ""]:
    """Whether there are no other answers than 1 and -1."""
    yes_or_no = jnp.abs(history.answers) == 1
    return jnp.all(yes_or_no | ~history.happened[:, None])
