"""What a learner finds easiest, measured on the learner itself; and so what precision means.

For a circuit whose easiest functions no theory gives, they are measured. Many fresh copies of it,
without any habits, are each trained on every function of a basis with the document's number of
training trials. With r_j the residual of its answers to function j, which has power 1,

    E_ij = mean over episodes and test stimuli of r_i r_j.

For a learner that is linear in its labels (ridge and kernel regression) θᵀEθ / θᵀθ is g/Var of the
function θ, so that the eigenvectors of E with the smallest eigenvalues are its easiest functions
and the eigenvalues their g/Var. For others it is that of the learner linearised at the basis.

Eigenvalues within a factor of 2 are alike (as in `controller.analysis.verdict`): no search tells
such functions apart, nor should it. So they come in groups, and:

    the precision of the function found in stage k is the share of its variance that lies in the
    span of the groups up to the one which holds the k-th smallest eigenvalue.

The basis is the labeller's own where it is linear, so that 1 can be reached; otherwise the space's,
up to the degree that leaves at most 24 functions. The constant isn't in it.
"""

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float64, Int, Integer, PRNGKeyArray

from controller.analysis.verdict import SAME_ERROR_FACTOR
from controller.design import Design
from controller.labellers.base import AbstractLabeller, AbstractLinearLabeller
from learners.base import AbstractLearner
from protocols.spaces.base import AbstractSpace

EPISODES = 1024
BATCH = 128
HELD_OUT = 48
MOST_FUNCTIONS = 24
LABELS_AT_A_TIME = 64


@dataclass(frozen=True, slots=True)
class Ease:
    """A learner's functions, the easiest first."""

    g_over_var: Float64[np.ndarray, " function"]
    """Their held-out error over label power."""
    functions: Float64[np.ndarray, "basis function"]
    """They themselves, in the basis."""

    def group(self, stage: int) -> int:
        """Return how many functions are as easy as the one a stage (from 0) looks for, or easier.

        At most all of the basis, where there is nothing to be told apart.
        """
        end = self._end(0)
        while end <= min(stage, len(self.g_over_var) - 1):
            end = self._end(end)
        return end

    def groups(self) -> list[tuple[int, float]]:
        """Return every group: how many functions, and their median g/Var."""
        found, start = [], 0
        while start < len(self.g_over_var):
            end = self._end(start)
            found.append((end - start, float(np.median(self.g_over_var[start:end]))))
            start = end
        return found

    def is_distinct(self, stage: int) -> bool:
        """Say whether a stage has anything to find that others haven't."""
        return self.group(stage) < len(self.g_over_var)

    def _end(self, start: int) -> int:
        within = self.g_over_var <= SAME_ERROR_FACTOR * self.g_over_var[start]
        return max(start + 1, int(np.sum(within)))


@dataclass(frozen=True, slots=True)
class Terms:
    """A basis on weighted points, and how a labeller's functions are put into it."""

    points: Float64[np.ndarray, "point feature"]
    weights: Float64[np.ndarray, " point"]
    values: Float64[np.ndarray, "point basis"]

    def precision(
        self, design: Design, ease: Ease, stage: int, thetas: Float[np.ndarray, "generation theta"]
    ) -> Float64[np.ndarray, " generation"]:
        """Return the precision of each θ; NaN where the stage has nothing to find."""
        if not ease.is_distinct(stage):
            return np.full(len(thetas), np.nan)
        wanted = ease.functions[:, : ease.group(stage)]
        if isinstance(design.labeller, AbstractLinearLabeller):
            inside = np.asarray(thetas, np.float64)
            return _share(np.sum((inside @ wanted) ** 2, axis=1), np.sum(inside**2, axis=1))
        parts = [
            self._parts(design, wanted, thetas[i : i + LABELS_AT_A_TIME])
            for i in range(0, len(thetas), LABELS_AT_A_TIME)
        ]
        return np.concatenate(parts)

    def _parts(
        self, design: Design, wanted: np.ndarray, thetas: Float[np.ndarray, "generation theta"]
    ) -> Float64[np.ndarray, " generation"]:
        points = jnp.asarray(self.points, jnp.float32)
        labels = np.asarray(_labels(design.space, design.labeller, jnp.asarray(thetas), points))
        centred = labels - (labels @ self.weights)[:, None]
        inside = (centred * self.weights) @ self.values @ wanted
        return _share(np.sum(inside**2, axis=1), centred**2 @ self.weights)


def terms(design: Design) -> Terms:
    """Return the basis in which a design's functions are judged."""
    graded = design.space.graded_basis()
    labeller = design.labeller
    if isinstance(labeller, AbstractLinearLabeller):
        points = jnp.asarray(graded.points, jnp.float32)
        values = np.asarray(labeller.basis(design.space, points), np.float64)
        return Terms(graded.points, graded.weights, values)
    degrees = np.unique(graded.degrees[graded.degrees > 0])
    counts = np.cumsum([np.sum(graded.degrees == degree) for degree in degrees])
    last = degrees[max(0, int(np.sum(counts <= MOST_FUNCTIONS)) - 1)]
    chosen = (graded.degrees > 0) & (graded.degrees <= last)
    return Terms(graded.points, graded.weights, graded.values[:, chosen])


def ease(design: Design, basis: Terms, *, key: PRNGKeyArray, episodes: int = EPISODES) -> Ease:
    """Measure what the (first) learner of a design finds easy.

    Args:
        design: whose learner is asked, with its number of training trials.
        basis: from `terms`.
        key: decides stimuli and learners.
        episodes: fresh learners, each trained on every function of the basis.
    """
    spare = len(basis.points) - design.n_train
    matrix = _error_matrix(
        design.panel.chosen[0],
        jnp.asarray(basis.points, jnp.float32),
        jnp.asarray(basis.weights, jnp.float32),
        jnp.asarray(basis.values, jnp.float32),
        jax.random.split(key, episodes),
        n_train=design.n_train,
        n_test=min(HELD_OUT, spare),
    )
    values, vectors = np.linalg.eigh(np.asarray(matrix, np.float64))
    return Ease(np.maximum(values, 1e-12), vectors)


@eqx.filter_jit
def _error_matrix(
    learner: AbstractLearner,
    points: Float[Array, "point feature"],
    weights: Float[Array, " point"],
    values: Float[Array, "point basis"],
    keys: Array,
    *,
    n_train: int,
    n_test: int,
) -> Float[Array, "basis basis"]:
    peaks = jnp.max(jnp.abs(values), axis=0)  # labels are in [-1, 1], as a document's are

    def episode(key: PRNGKeyArray) -> Float[Array, "basis basis"]:
        stimuli, own = jax.random.split(key)
        rows = _drawn(stimuli, weights, n_train + n_test)
        x, labels = points[rows], values[rows] / peaks
        answers = jax.vmap(
            lambda z: learner.fit_predict(x[:n_train], z, x[n_train:], key=own),
            in_axes=1,
            out_axes=1,
        )(labels[:n_train])
        residuals = (labels[n_train:] - answers) * peaks
        return residuals.T @ residuals / n_test

    return jnp.mean(jax.lax.map(episode, keys, batch_size=BATCH), axis=0)


def _drawn(
    key: PRNGKeyArray, weights: Float[Array, " point"], count: int
) -> Integer[Array, " count"]:
    """Draw different points, each with its weight (Gumbel's trick)."""
    scores = jnp.log(weights) + jax.random.gumbel(key, weights.shape)
    rows: Int[Array, " count"] = jax.lax.top_k(scores, count)[1]
    return jax.random.permutation(key, rows)  # the first are no likelier than the others


@eqx.filter_jit
def _labels(
    space: AbstractSpace, labeller: AbstractLabeller, thetas: Array, points: Array
) -> Array:
    return jax.vmap(lambda theta: labeller.labels(space, theta, points))(thetas)


def _share(inside: np.ndarray, total: np.ndarray) -> Float64[np.ndarray, " generation"]:
    return np.divide(inside, total, out=np.zeros_like(inside), where=total > 0)
