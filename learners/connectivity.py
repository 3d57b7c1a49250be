"""Which inputs each hidden unit is wired to: 0/1 matrices, drawn or read.

All drawing is traceable: it can be compiled, and mapped over keys.
"""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float64, PRNGKeyArray


def preferring(
    weights: Float64[np.ndarray, " input"], claws: int, cells: int, *, key: PRNGKeyArray
) -> Float[Array, "input cell"]:
    """Wire every cell to `claws` different inputs, drawn one after the other by weight.

    Args:
        weights: relative chance of each input, renormalised over those not yet drawn.
        claws: connections of a cell.
        cells: number of cells.
        key: decides the draw.
    """
    # The largest of log-weights with Gumbel noise are such a draw (Gumbel top-k; Vieira 2014).
    chances = jnp.log(jnp.asarray(weights, jnp.float32))
    rank = chances + jax.random.gumbel(key, (cells, len(weights)), jnp.float32)
    _, chosen = jax.lax.top_k(rank, claws)
    return jnp.sum(jax.nn.one_hot(chosen, len(weights)), axis=1).T


def grouped(
    second: Float64[np.ndarray, "input input"], cells: int, *, key: PRNGKeyArray
) -> Float[Array, "input cell"]:
    """Wire every cell to two inputs: any one, then another that depends on it.

    Args:
        second: chance of each second input (column) after a first one (row).
        cells: number of cells.
        key: decides the draw.
    """
    first_key, second_key = jax.random.split(key)
    inputs = len(second)
    first = jax.random.randint(first_key, (cells,), 0, inputs)
    chances = jnp.log(jnp.asarray(second, jnp.float32))
    other = jax.random.categorical(second_key, chances[first])
    return (jax.nn.one_hot(first, inputs) + jax.nn.one_hot(other, inputs)).T


def second_input_chances(
    sizes: tuple[int, ...], within: tuple[float, ...]
) -> Float64[np.ndarray, "input input"]:
    """Return the chance of each second input (column) after a first one (row).

    Inside the first one's group, `within` is shared equally by the others; outside, the rest is.
    Groups of 2 and 3 with .85 and .8: .85 and .05 three times, or .4 twice and .1 twice (App. E of
    Dorrell et al. 2023).
    """
    group = np.repeat(np.arange(len(sizes)), sizes)
    same = group[:, None] == group[None]
    inside = same & ~np.eye(len(group), dtype=bool)
    stay = np.asarray(within, np.float64)[group][:, None]
    counts = np.maximum(inside.sum(axis=1, keepdims=True), 1)
    outside = np.maximum((~same).sum(axis=1, keepdims=True), 1)
    return np.where(inside, stay / counts, np.where(same, 0.0, (1 - stay) / outside))


def check_preference(weights: tuple[float, ...], claws: int, inputs: int) -> None:
    """Raise ValueError if these weights can't give every cell its connections."""
    if len(weights) != inputs:
        raise ValueError(
            f"input_preference: expected {inputs} weights, one for each feature of a stimulus, "
            f"got {len(weights)}"
        )
    positive = sum(weight > 0 for weight in weights)
    if positive < claws:
        raise ValueError(
            f"input_preference: {claws} claws need at least {claws} weights above 0, got "
            f"{positive}; raise some of them, or use claws = {max(positive, 1)}"
        )


def check_groups(
    sizes: tuple[int, ...], within: tuple[float, ...], claws: int, inputs: int
) -> None:
    """Raise ValueError if cells with two claws can't be wired by these groups."""
    if claws != 2:
        raise ValueError(
            f"claws: grouped connectivity is defined for 2, got {claws}; use claws = 2, or "
            "connectivity = 'given' with a matrix of your own"
        )
    if sum(sizes) != inputs:
        raise ValueError(
            f"groups: sizes must add up to the {inputs} features of a stimulus, "
            f"got {list(sizes)}, which add up to {sum(sizes)}"
        )
    if len(within) != len(sizes):
        raise ValueError(
            f"within_group: expected {len(sizes)} probabilities, one for each group, "
            f"got {len(within)}"
        )
    for number, (size, stay) in enumerate(zip(sizes, within, strict=True), start=1):
        if size == 1 and stay > 0:
            raise ValueError(
                f"within_group: group {number} is a single input, which has no other to connect "
                f"to; expected 0, got {stay:g}"
            )
        if size == inputs and stay < 1:
            raise ValueError(
                f"within_group: group {number} holds all inputs, so a second one can't lie "
                f"outside; expected 1, got {stay:g}"
            )


def read_matrix(path: Path) -> Float64[np.ndarray, "..."]:
    """Read what is meant to be cells × inputs, from a `.npy` or a `.csv` file without a header.

    Raises:
        ValueError: it can't be read, or holds something other than numbers.
    """
    if path.suffix not in _READERS:
        raise ValueError(f"matrix_file: expected a name that ends in .npy or .csv, got {path}")
    try:
        return np.asarray(_READERS[path.suffix](path), np.float64)
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(
            f"matrix_file: can't read {path}: {error}; it must hold one row of 0 and 1 for each "
            "Kenyon cell, with one column for each input"
        ) from error


_READERS = {
    ".npy": lambda path: np.load(path, allow_pickle=False),
    ".csv": lambda path: np.loadtxt(path, delimiter=",", ndmin=2),
}


def check_matrix(matrix: Float64[np.ndarray, "..."], cells: int, inputs: int, field: str) -> None:
    """Raise ValueError if this isn't a 0/1 matrix of cells × inputs with a claw on every cell."""
    if matrix.ndim == 2 and matrix.shape[0] != cells and matrix.shape[1] == inputs:
        raise ValueError(
            f"{field}: expected {cells} rows, one for each Kenyon cell, got {matrix.shape[0]}; "
            f"add or remove rows, or use kenyon_cells = {matrix.shape[0]}"
        )
    if matrix.shape != (cells, inputs):
        shape = " × ".join(str(length) for length in matrix.shape)
        turned = " (is it transposed?)" if matrix.shape == (inputs, cells) else ""
        raise ValueError(
            f"{field}: expected {cells} rows (Kenyon cells) × {inputs} columns (features of a "
            f"stimulus), got {shape}{turned}"
        )
    wrong = np.argwhere((matrix != 0) & (matrix != 1))  # NaN is neither
    if len(wrong):
        row, column = wrong[0]
        raise ValueError(
            f"{field}: expected only 0 (absent) and 1 (present), got {matrix[row, column]:g} in "
            f"row {row + 1}, column {column + 1}"
        )
    unconnected = np.flatnonzero(matrix.sum(axis=1) == 0)
    if len(unconnected):
        raise ValueError(
            f"{field}: {len(unconnected)} Kenyon cells have no input, the first in row "
            f"{unconnected[0] + 1}; give each at least one, or remove them"
        )
