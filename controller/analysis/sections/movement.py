"""How far θ moves from generation to generation, and how far candidates lie apart."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float64, Int64

from controller.analysis.source import Columns

ROUNDING_DEG = 1e-4
"""A smaller angle is what storing θ in 32 bits leaves: nothing moved."""
BLOCK = 4096
"""Rows of θ that are in memory at a time."""


def thetas(
    table: Columns, rows: Int64[np.ndarray, " row"], name: str
) -> Iterator[Float64[np.ndarray, "row theta"]]:
    """Yield θ of ascending rows, no more than a block of them at a time."""
    for begin in range(0, len(rows), BLOCK):
        here = rows[begin : begin + BLOCK]
        first = int(here[0])
        yield table.part(name, first, int(here[-1]) + 1)[here - first].astype(np.float64)


def angles(
    table: Columns, rows: Int64[np.ndarray, " generation"]
) -> Float64[np.ndarray, " generation"]:
    """Return by how many degrees each recommendation differs from the one before; NaN: unknown."""
    found = [np.full(1, np.nan)]
    if "recommended" not in table:
        return np.full(len(rows), np.nan)
    last: Float64[np.ndarray, "row theta"] | None = None
    for block in thetas(table, rows, "recommended"):
        together = block if last is None else np.concatenate([last, block])
        found.append(_angle(together[:-1], together[1:]))
        last = block[-1:]
    return np.concatenate(found)


def turned(
    table: Columns, rows: Int64[np.ndarray, " generation"], generations: int
) -> float | None:
    """Return by how many degrees the last generations turned the recommendation in all."""
    if "recommended" not in table or len(rows) < 2:
        return None
    ends = rows[[max(0, len(rows) - 1 - generations), len(rows) - 1]]
    first, last = np.concatenate(list(thetas(table, ends, "recommended")))
    return float(_angle(first[None], last[None])[0])


def _angle(
    a: Float64[np.ndarray, "row theta"], b: Float64[np.ndarray, "row theta"]
) -> Float64[np.ndarray, " row"]:
    """Return the angle between vectors, degrees; NaN where one is zero."""
    norm_a, norm_b = (np.linalg.norm(one, axis=1, keepdims=True) for one in (a, b))
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = a / norm_a, b / norm_b
    # exact for small angles too, where a cosine has lost its digits
    apart, along = np.linalg.norm(a - b, axis=1), np.linalg.norm(a + b, axis=1)
    angle = np.degrees(2 * np.arctan2(apart, along))
    return np.where(angle < ROUNDING_DEG, 0.0, angle)


def spread(table: Columns, rows: Int64[np.ndarray, " slot"]) -> float | None:
    """Return how far candidates lie from their mean, in parts of their length; None: unknown.

    0: they are all the same; 1: they have nothing in common.
    """
    if "theta" not in table or len(rows) < 2:
        return None
    theta = np.concatenate(list(thetas(table, rows, "theta")))
    length = float(np.sqrt(np.mean(np.sum(theta**2, axis=1))))
    apart = float(np.sqrt(np.mean(np.sum((theta - theta.mean(axis=0)) ** 2, axis=1))))
    return apart / length if length > 0 else None
