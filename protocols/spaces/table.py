"""Stimuli from a file: rows of real vectors, for instance recorded responses or images."""

import functools
import hashlib
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import MinLen
from jaxtyping import Array, Float, Float64, PRNGKeyArray
from pydantic import AfterValidator

from protocols.spaces.base import AbstractSpace, GradedBasis, SpaceError
from protocols.spaces.polynomials import graded_polynomials

RELATIVE_TO: ContextVar[Path | None] = ContextVar("RELATIVE_TO", default=None)
"""Folder of the document that is being read; relative paths in it start there."""


def absolute(path: str) -> str:
    """Return the path from the root, so that a frozen document finds its table from anywhere."""
    return str(((RELATIVE_TO.get() or Path.cwd()) / path).resolve())


class Table(AbstractSpace):
    """The rows of a `.npy` or `.csv` file, each as likely as any other."""

    kind: ClassVar[str] = "table"
    path: Annotated[str, MinLen(1), AfterValidator(absolute)]
    """A `.npy` array (rows × features) or a `.csv` file of numbers, with or without a header;
    relative to the document."""
    standardise: bool = True
    """Whether every column is shifted to mean 0 and scaled to standard deviation 1."""

    @property
    def rows(self) -> Float64[np.ndarray, "row feature"]:
        """The stimuli, standardised if so asked."""
        return _standard(self.path) if self.standardise else load_table(self.path)

    @property
    def dim(self) -> int:
        """Number of columns."""
        return load_table(self.path).shape[1]

    @property
    def size(self) -> int | None:
        """Number of rows."""
        return load_table(self.path).shape[0]

    @property
    def sha256(self) -> str | None:
        """Hash of the numbers, by which a resumed run sees that the file is still the same."""
        return hashlib.sha256(load_table(self.path).tobytes()).hexdigest()

    def sample(self, n: int, *, key: PRNGKeyArray) -> Float[Array, "n feature"]:
        """Draw `n` different rows, so that test rows were never training rows."""
        rows = jnp.asarray(self.rows, jnp.float32)
        return rows[jax.random.choice(key, rows.shape[0], (n,), replace=False)]

    def reference(self, n: int) -> Float64[np.ndarray, "m feature"]:
        """Return every row, or every k-th row where there are more than `n`."""
        stride = max(1, len(self.rows) // n)
        return self.rows[::stride][:n] if stride > 1 else self.rows

    def graded_basis(self) -> GradedBasis:
        """Return the constant and the linear functions of the columns on all rows."""
        weights = np.full(len(self.rows), 1 / len(self.rows))
        values, degrees = graded_polynomials(self.rows, weights, 1)
        return GradedBasis(self.rows, weights, values, degrees, "degree", exact=True)


@functools.lru_cache(maxsize=4)
def load_table(path: str) -> Float64[np.ndarray, "row feature"]:
    """Read and check a table.

    Raises:
        SpaceError: no such file, another type of file, not numbers, not two-dimensional, NaN or
            infinity (with its row and column), or fewer than two rows.
    """
    file = Path(path)
    if not file.is_file():
        raise SpaceError(f"table {path}: no such file; give a .npy or .csv file")
    if file.suffix not in {".npy", ".csv"}:
        raise SpaceError(f"table {path}: expected a .npy or .csv file, got {file.suffix!r}")
    try:
        raw = np.load(file, allow_pickle=False) if file.suffix == ".npy" else _read_csv(file)
        rows = np.ascontiguousarray(raw, dtype=np.float64)
    except (ValueError, TypeError, EOFError, OSError) as error:
        raise SpaceError(f"table {path}: expected rows of numbers; {error}") from error
    if rows.ndim != 2 or rows.shape[0] < 2 or rows.shape[1] < 1:
        raise SpaceError(f"table {path}: expected rows × features, at least 2 × 1, got {raw.shape}")
    bad = np.argwhere(~np.isfinite(rows))
    if len(bad):
        row, column = bad[0]
        raise SpaceError(
            f"table {path}: {len(bad)} value(s) are not finite, the first in row {row + 1}, column "
            f"{column + 1}; remove or fill them"
        )
    rows.setflags(write=False)
    return rows


def _read_csv(file: Path) -> Float64[np.ndarray, "row feature"]:
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    rows = [line.split(",") for line in lines if line.strip()]
    if rows and not all(_is_number(cell) for cell in rows[0]):
        rows = rows[1:]
    widths = {len(row) for row in rows}
    if len(widths) > 1:
        raise ValueError(f"rows have {sorted(widths)} columns, expected one width")
    return np.array([[float(cell or "nan") for cell in row] for row in rows])


def _is_number(cell: str) -> bool:
    try:
        float(cell or "nan")
    except ValueError:
        return False
    return True


@functools.lru_cache(maxsize=4)
def _standard(path: str) -> Float64[np.ndarray, "row feature"]:
    rows = load_table(path)
    spread = rows.std(axis=0)
    return (rows - rows.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
