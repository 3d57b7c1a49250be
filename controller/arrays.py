"""Pytrees as named arrays and back, so that states are stored without pickle."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def to_arrays(tree: Any) -> dict[str, np.ndarray]:
    """Return every leaf under its path; random keys as their raw numbers."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {jax.tree_util.keystr(path): _plain(leaf) for path, leaf in leaves}


def from_arrays(template: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """Return a tree like `template` with its leaves taken from `arrays`.

    Raises:
        ValueError: a leaf is missing or has another shape or type than the template's.
    """

    def fill(path: tuple[Any, ...], leaf: Any) -> Any:
        name = jax.tree_util.keystr(path)
        if name not in arrays:
            raise ValueError(f"stored state has no {name}; it has {', '.join(sorted(arrays))}")
        expected = _plain(leaf)
        got = arrays[name]
        if got.shape != expected.shape or got.dtype != expected.dtype:
            raise ValueError(
                f"stored state {name}: expected {expected.dtype}{expected.shape}, "
                f"got {got.dtype}{got.shape}"
            )
        if _is_key(leaf):
            return jax.random.wrap_key_data(jnp.asarray(got))
        return jnp.asarray(got)

    return jax.tree_util.tree_map_with_path(fill, template)


def _plain(leaf: Any) -> np.ndarray:
    return np.asarray(jax.random.key_data(leaf) if _is_key(leaf) else leaf)


def _is_key(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
