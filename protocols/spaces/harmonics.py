"""Harmonics on circle and sphere, orthonormal under the uniform *probability* measure.

For the circle these are √2 cos kφ and √2 sin kφ, for the sphere the real spherical harmonics
times √(4π), so that every function has a mean square of 1.
"""

import functools
import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float64, Int
from scipy.special import sph_harm_y


def fourier(x: Float[Array, "point 2"], frequency: int) -> Float[Array, "point function"]:
    """Evaluate cos and sin of every frequency from 1 to `frequency` at unit vectors `x`.

    Returns:
        Columns cos φ, sin φ, cos 2φ, sin 2φ, … times √2.
    """
    angle = jnp.arctan2(x[:, 1], x[:, 0])[:, None] * jnp.arange(1, frequency + 1)
    waves = jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=-1)
    return math.sqrt(2) * waves.reshape(x.shape[0], 2 * frequency)


def spherical(x: Float[Array, "point 3"], degree: int) -> Float[Array, "point function"]:
    """Evaluate the real spherical harmonics of degree 1 to `degree` at unit vectors `x`.

    They are polynomials in x, which is how they are evaluated: no poles, any derivative.

    Returns:
        Columns in the order l = 1, 2, …, and m = -l … l within a degree.
    """
    powers = jnp.stack([x**k for k in range(degree + 1)])  # (power, point, 3)
    columns = []
    for l in range(1, degree + 1):
        exponents, coefficients = _polynomials(l)
        monomials = powers[exponents[:, 0], :, 0]
        monomials = monomials * powers[exponents[:, 1], :, 1] * powers[exponents[:, 2], :, 2]
        columns.append(monomials.T @ jnp.asarray(coefficients, x.dtype))
    return jnp.concatenate(columns, axis=1)


def spherical_reference(
    x: Float64[np.ndarray, "point 3"], degree: int
) -> Float64[np.ndarray, "point function"]:
    """Evaluate the same functions by SciPy, with the constant first (degrees 0 to `degree`)."""
    polar = np.arccos(np.clip(x[:, 2], -1, 1))
    azimuth = np.arctan2(x[:, 1], x[:, 0])
    columns = []
    for l in range(degree + 1):
        for m in range(-l, l + 1):
            value = sph_harm_y(l, abs(m), polar, azimuth)
            sign = math.sqrt(2) * (-1) ** m
            real = value.real if m == 0 else sign * (value.real if m > 0 else value.imag)
            columns.append(math.sqrt(4 * math.pi) * real)
    return np.stack(columns, axis=1)


def spherical_degrees(degree: int) -> Int[np.ndarray, " function"]:
    """Return the degree of each column of `spherical_reference`."""
    return np.concatenate([np.full(2 * l + 1, l) for l in range(degree + 1)])


@functools.cache
def _polynomials(l: int) -> tuple[Int[np.ndarray, "monomial 3"], Float64[np.ndarray, "monomial m"]]:
    """Coefficients of the degree-l harmonics on the homogeneous monomials of degree l."""
    exponents = np.array([(i, j, l - i - j) for i in range(l + 1) for j in range(l + 1 - i)])
    x = np.random.default_rng(l).normal(size=(8 * len(exponents), 3))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    monomials = np.prod(x[:, None, :] ** exponents[None], axis=2)
    target = spherical_reference(x, l)[:, -(2 * l + 1) :]
    return exponents, np.linalg.lstsq(monomials, target, rcond=None)[0]
