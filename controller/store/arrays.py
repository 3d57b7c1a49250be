"""Do the arrays of a frame have the types and shapes that they must have?"""

from collections.abc import Mapping

import numpy as np

Spec = Mapping[str, tuple[str, tuple[str, ...]]]
"""Array name → (dtype, names of the dimensions)."""


def as_dtype(name: str, value: object, dtype: str) -> np.ndarray:
    """`value` as a C-ordered array of `dtype`; floats may be rounded, integers must fit.

    Raises:
        ValueError: values that the type can't hold.
    """
    given = np.asarray(value)
    wanted = np.dtype(dtype).newbyteorder("<")
    if given.dtype == wanted:
        return np.asarray(given, order="C")
    if given.dtype.kind not in ("fiub" if wanted.kind == "f" else "iub"):
        raise ValueError(f"{name}: expected {wanted.name}, got {given.dtype}")
    array = given.astype(wanted, order="C")
    if wanted.kind in "iu" and not np.array_equal(array, given):
        raise ValueError(f"{name}: some values do not fit in {wanted.name}")
    return array


def check_shapes(
    owner: str, spec: Spec, arrays: Mapping[str, np.ndarray | None], sizes: Mapping[str, int]
) -> None:
    """Compare each array that is given with its declared dimensions.

    Args:
        owner: the frame's name, for the message.
        spec: the declaration.
        arrays: None where an array is left out.
        sizes: the length of every dimension that the declaration names.

    Raises:
        ValueError: the first array whose shape differs.
    """
    for name, (dtype, dims) in spec.items():
        array = arrays[name]
        if array is None:
            continue
        if array.shape != tuple(sizes[dim] for dim in dims):
            wanted = ", ".join(f"{dim}={sizes[dim]}" for dim in dims)
            raise ValueError(
                f"{owner}.{name}: expected {dtype}[{wanted}], got the shape {array.shape}"
            )


def nan_mean(values: np.ndarray) -> np.ndarray:
    """Mean of the last axis over the numbers in it; NaN where there are none (no warning)."""
    missing = np.isnan(values)
    count = (~missing).sum(-1)
    total = np.where(missing, 0.0, values).sum(-1, dtype=np.float64)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)
