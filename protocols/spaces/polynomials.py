"""Orthonormal polynomials on any set of weighted points, grouped by degree.

The space of polynomials of degree ≤ l that are orthogonal to all those of degree < l doesn't
depend on the co-ordinates. On the interval it holds the Legendre polynomial of degree l, on the
disk the Zernike polynomials of degree l, on a sphere the harmonics of degree l.
"""

import itertools

import numpy as np
from jaxtyping import Float64, Int


def graded_polynomials(
    points: Float64[np.ndarray, "point feature"],
    weights: Float64[np.ndarray, " point"],
    max_degree: int,
) -> tuple[Float64[np.ndarray, "point function"], Int[np.ndarray, " function"]]:
    """Build polynomials orthonormal under `weights`, degree by degree.

    Returns:
        Their values at `points` and their degrees; degrees in which the points leave no new
        polynomial (few points, or points on a surface) have fewer or none.
    """
    root = np.sqrt(weights)[:, None]
    basis = root / np.linalg.norm(root)  # the constant
    degrees = [0]
    for degree in range(1, max_degree + 1):
        columns = itertools.combinations_with_replacement(range(points.shape[1]), degree)
        new = root * np.stack([np.prod(points[:, list(c)], axis=1) for c in columns], axis=1)
        scale = np.linalg.norm(new, axis=0)
        new = new[:, scale > 0] / scale[scale > 0]
        for _ in range(2):  # twice is enough to reach machine precision
            new = new - basis @ (basis.T @ new)
        left, singular, _ = np.linalg.svd(new, full_matrices=False)
        fresh = left[:, singular > 1e-8]
        basis = np.concatenate([basis, fresh], axis=1)
        degrees += [degree] * fresh.shape[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.where(root > 0, basis / root, 0.0)
    return values, np.array(degrees)
