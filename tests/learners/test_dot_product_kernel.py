import jax.numpy as jnp
import numpy as np
import pytest

from learners.dot_product_kernel import DotProductKernel, harmonics_of_degree
from protocols.spaces.circle import Circle
from protocols.spaces.disk import Disk
from protocols.spaces.sphere import Sphere


def test_the_number_of_harmonics_is_two_on_the_circle_and_2l_plus_1_on_the_sphere():
    assert [harmonics_of_degree(2, l) for l in range(5)] == [1, 2, 2, 2, 2]
    assert [harmonics_of_degree(3, l) for l in range(5)] == [1, 3, 5, 7, 9]
    assert [harmonics_of_degree(4, l) for l in range(4)] == [1, 4, 9, 16]


@pytest.mark.parametrize("space", [Circle(), Sphere()], ids=["circle", "sphere"])
def test_its_eigenfunctions_are_the_harmonics_with_the_given_eigenvalues(space):
    """∫ k(x, x') v(x') dp(x') = λ v(x): eq. 1."""
    eigenvalues = (0.1, 0.3, 1.0, 0.05)
    basis = space.graded_basis()
    keep = basis.degrees <= 3
    sample = np.arange(0, len(basis.points), 41)
    points = jnp.asarray(basis.points, jnp.float32)
    kernel = np.asarray(DotProductKernel(eigenvalues).kernel(points[sample], points), np.float64)
    integral = kernel @ (basis.weights[:, None] * basis.values[:, keep])
    expected = basis.values[sample][:, keep] * np.array(eigenvalues)[basis.degrees[keep]]
    np.testing.assert_allclose(integral, expected, atol=3e-5)


@pytest.mark.parametrize("points", [np.ones((4, 1)), Disk().reference(16)], ids=["line", "disk"])
def test_stimuli_that_are_not_unit_vectors_are_refused(points):
    with pytest.raises(ValueError, match=r"needs unit vectors.*use a circle or a sphere"):
        DotProductKernel().check(points)
