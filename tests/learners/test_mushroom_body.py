import jax
import jax.numpy as jnp
import numpy as np
import pytest

from learners.connectivity import second_input_chances
from learners.descent import Network
from learners.mushroom_body import MushroomBody
from protocols.registry import settings_for
from protocols.spaces.sphere import Sphere

SPACE = Sphere(dimensions=5)
POINTS = np.asarray(SPACE.reference(16))
MANY = 20_000
"""Kenyon cells, for frequencies within about .01."""
KINDS = [
    MushroomBody(),
    MushroomBody(claws=3),
    MushroomBody(connectivity="biased"),
    MushroomBody(connectivity="grouped"),
    MushroomBody(connectivity="grouped", excitatory=True),
]


def wired(learner: MushroomBody, key: int = 0) -> np.ndarray:
    """Connections, one row for each input and one column for each cell."""
    return np.asarray(learner.wire(5, key=jax.random.key(key)))


def pairs(present: np.ndarray) -> np.ndarray:
    """How often each pair of inputs shares a cell of two claws, over all cells."""
    together = present @ present.T / present.shape[1]
    return together - np.diag(np.diag(together))


class TestConnectivity:
    @pytest.mark.parametrize("learner", KINDS, ids=repr)
    def test_every_cell_has_exactly_its_claws(self, learner):
        present = wired(learner)
        assert present.shape == (5, 150)
        assert set(np.unique(present)) == {0.0, 1.0}
        assert np.array_equal(present.sum(axis=0), np.full(150, learner.claws))

    def test_random_inputs_and_pairs_are_all_alike(self):
        present = wired(MushroomBody(kenyon_cells=MANY))
        np.testing.assert_allclose(present.mean(axis=1), 0.4, atol=0.015)
        expected = 0.1 * (1 - np.eye(5))
        np.testing.assert_allclose(pairs(present), expected, atol=0.01)

    def test_biased_inputs_are_those_of_draws_without_replacement(self):
        chances = np.array([0.6, 0.1, 0.1, 0.1, 0.1])
        second = chances[None] / (1 - chances[:, None]) * (1 - np.eye(5))
        drawn = chances[:, None] * second  # first (row), then second (column)
        present = wired(MushroomBody(kenyon_cells=MANY, connectivity="biased"))
        np.testing.assert_allclose(pairs(present), drawn + drawn.T, atol=0.01)

    def test_grouped_pairs_are_those_of_the_published_chances(self):
        second = np.array(
            [
                [0, 0.85, 0.05, 0.05, 0.05],
                [0.85, 0, 0.05, 0.05, 0.05],
                [0.1, 0.1, 0, 0.4, 0.4],
                [0.1, 0.1, 0.4, 0, 0.4],
                [0.1, 0.1, 0.4, 0.4, 0],
            ]
        )
        np.testing.assert_allclose(second_input_chances((2, 3), (0.85, 0.8)), second, atol=1e-12)
        present = wired(MushroomBody(kenyon_cells=MANY, connectivity="grouped"))
        np.testing.assert_allclose(pairs(present), (second + second.T) / 5, atol=0.01)

    def test_second_inputs_of_any_groups_are_certain_to_exist(self):
        for sizes, within in (((1, 2), (0.0, 0.5)), ((4,), (1.0,)), ((2, 2, 3), (0.1, 0.2, 0.3))):
            chances = second_input_chances(sizes, within)
            np.testing.assert_allclose(chances.sum(axis=1), 1.0)
            assert np.all(np.diag(chances) == 0)

    def test_every_fly_has_its_own_wiring_unless_it_is_fixed(self):
        assert not np.array_equal(wired(MushroomBody(), 1), wired(MushroomBody(), 2))
        fixed = [MushroomBody(wiring="fixed", wiring_seed=seed) for seed in (3, 3, 4)]
        first, again, other = (wired(learner, key) for key, learner in enumerate(fixed))
        assert np.array_equal(first, again)
        assert not np.array_equal(first, other)

    @pytest.mark.parametrize("learner", KINDS, ids=repr)
    def test_its_draw_compiles_and_maps_over_keys(self, learner):
        keys = jax.random.split(jax.random.key(0), 3)
        drawn = jax.jit(jax.vmap(lambda key: learner.wire(5, key=key)))(keys)
        for present, key in zip(drawn, keys, strict=True):
            assert np.array_equal(present, learner.wire(5, key=key))

    def test_a_given_matrix_is_used_as_it_is(self):
        rows = ((1, 0, 0, 0, 0), (0, 1, 1, 1, 0))
        learner = MushroomBody(connectivity="given", kenyon_cells=2, matrix=rows)
        learner.check(POINTS)
        assert np.array_equal(wired(learner), np.array(rows).T)

    @pytest.mark.parametrize("suffix", ["npy", "csv"])
    def test_a_matrix_file_is_read_relative_to_where_one_is(self, suffix, tmp_path, monkeypatch):
        rows = np.array([[1, 0, 0, 0, 1], [0, 1, 0, 0, 0], [1, 1, 1, 1, 1]])
        if suffix == "npy":
            np.save(tmp_path / "wiring.npy", rows)
        else:
            np.savetxt(tmp_path / "wiring.csv", rows, delimiter=",", fmt="%d")
        monkeypatch.chdir(tmp_path)
        model = settings_for(MushroomBody)
        values = {"kenyon_cells": 3, "connectivity": "given", "matrix_file": f"wiring.{suffix}"}
        learner = model.model_validate({"kind": "mushroom_body", **values}).build()
        monkeypatch.chdir("/")
        learner.check(POINTS)
        assert np.array_equal(wired(learner), rows.T)


class TestTraining:
    X = SPACE.sample(20, key=jax.random.key(1))
    Z = jnp.tanh(2 * X[:, 0] - X[:, 3])

    def trained(self, **settings) -> tuple[Network, Network]:
        """A fly before and after its training."""
        learner, key = MushroomBody(learning_rate=0.5, **settings), jax.random.key(2)
        before = learner.initial(5, key=jax.random.fold_in(key, 0))
        return before, learner.train(self.X, self.Z, key=key)[0]

    @pytest.mark.parametrize("optimiser", ["sgd", "momentum", "adam"])
    @pytest.mark.parametrize("excitatory", [False, True])
    def test_absent_weights_stay_exactly_zero_and_present_ones_learn(self, optimiser, excitatory):
        before, after = self.trained(optimiser=optimiser, excitatory=excitatory)
        present = np.asarray(before.fixed["present"], bool)
        assert np.array_equal(after.fixed["present"], before.fixed["present"])
        assert np.all(np.asarray(after.trained["input"])[~present] == 0)
        moved = np.asarray(after.trained["input"] != before.trained["input"])
        assert moved[present].mean() > 0.5

    def test_excitatory_weights_are_never_below_zero_and_some_reach_it(self):
        before, after = self.trained(excitatory=True)
        assert np.all(np.asarray(before.trained["input"]) >= 0)
        assert np.all(np.asarray(after.trained["input"]) >= 0)
        present = np.asarray(before.fixed["present"], bool)
        assert np.any(np.asarray(after.trained["input"])[present] == 0)

    def test_weights_of_either_sign_start_within_their_bounds(self):
        before, _ = self.trained(initial_scale=0.5)
        into = np.asarray(before.trained["input"])
        assert into.min() < -0.2
        assert into.max() > 0.2
        assert np.abs(into).max() <= 0.5 / 5**0.5
        assert np.abs(np.asarray(before.trained["readout"])).max() <= 0.5 / 150**0.5

    def test_only_the_readout_learns_where_only_it_may(self):
        before, after = self.trained(training="readout")
        assert set(before.trained) == {"readout", "offset"}
        assert np.array_equal(after.fixed["input"], before.fixed["input"])
        assert not np.array_equal(after.trained["readout"], before.trained["readout"])

    @pytest.mark.parametrize("training", ["both", "readout"])
    @pytest.mark.parametrize("excitatory", [False, True])
    @pytest.mark.parametrize("connectivity", ["random", "grouped"])
    def test_its_derivative_is_that_of_central_differences(
        self, training, excitatory, connectivity
    ):
        learner = MushroomBody(
            training=training, excitatory=excitatory, connectivity=connectivity, kenyon_cells=40
        )
        with jax.enable_x64(True):
            x, x_test = jnp.asarray(POINTS[:10]), jnp.asarray(POINTS[10:])
            z, direction = jnp.tanh(2 * x[:, 0]), jnp.cos(jnp.arange(10.0))

            def answers(labels: jax.Array) -> jax.Array:
                return learner.fit_predict(x, labels, x_test, key=jax.random.key(5))

            _, derivative = jax.jvp(answers, (z,), (direction,))
            _, pull = jax.vjp(answers, z)
            step = 1e-7  # short, so that no Kenyon cell crosses its threshold on the way
            ahead, behind = (answers(z + s * direction) for s in (step, -step))
            assert derivative.dtype == np.float64
            np.testing.assert_allclose(derivative, (ahead - behind) / (2 * step), atol=1e-7)
            np.testing.assert_allclose(
                pull(derivative)[0] @ direction, derivative @ derivative, rtol=1e-9
            )


def given(*rows, cells: int = 2) -> MushroomBody:
    return MushroomBody(connectivity="given", kenyon_cells=cells, matrix=rows)


ROW = (1, 1, 0, 0, 0)


@pytest.mark.parametrize(
    ("learner", "message"),
    [
        (MushroomBody(claws=6), r"6 different inputs of the 5 features.*use at most 5"),
        (
            MushroomBody(connectivity="biased", input_preference=(1.0, 2.0)),
            r"input_preference: expected 5 weights.*got 2",
        ),
        (
            MushroomBody(connectivity="biased", input_preference=(1.0, 0.0, 0.0, 0.0, 0.0)),
            r"at least 2 weights above 0, got 1",
        ),
        (
            MushroomBody(connectivity="grouped", claws=3),
            r"claws: grouped connectivity is defined for 2, got 3; use claws = 2",
        ),
        (
            MushroomBody(connectivity="grouped", groups=(2, 2)),
            r"add up to the 5 features.*\[2, 2\], which add up to 4",
        ),
        (
            MushroomBody(connectivity="grouped", within_group=(0.5,)),
            r"within_group: expected 2 probabilities.*got 1",
        ),
        (
            MushroomBody(connectivity="grouped", groups=(1, 4)),
            r"group 1 is a single input.*expected 0, got 0.85",
        ),
        (
            MushroomBody(connectivity="grouped", groups=(5,), within_group=(0.8,)),
            r"group 1 holds all inputs.*expected 1, got 0.8",
        ),
        (MushroomBody(connectivity="given"), r"either `matrix` or `matrix_file`, got neither"),
        (given(ROW), r"expected 2 rows.*got 1;.*kenyon_cells = 1"),
        (given((1, 1), (0, 1)), r"expected 2 rows .* × 5 columns .*, got 2 × 2"),
        (given(*(((1, 1),) * 5)), r"got 5 × 2 \(is it transposed\?\)"),
        (given(ROW, (1, 1, 0)), r"rows of equal length"),
        (given(ROW, (0, 0, 0, 0, 0)), r"1 Kenyon cells have no input, the first in row 2"),
        (given(ROW, (0, 2, 0, 0, 0)), r"only 0 \(absent\) and 1 .*got 2 in row 2, column 2"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_can_not_be_wired_is_refused_with_what_would_do(learner, message):
    with pytest.raises(ValueError, match=message):
        learner.check(POINTS)


def test_a_matrix_and_a_matrix_file_at_once_are_refused():
    learner = MushroomBody(
        connectivity="given", kenyon_cells=1, matrix=(ROW,), matrix_file="wiring.npy"
    )
    with pytest.raises(ValueError, match="got both; remove one"):
        learner.check(POINTS)


class TestMatrixFiles:
    def refused(self, path) -> str:
        learner = MushroomBody(connectivity="given", kenyon_cells=2, matrix_file=str(path))
        with pytest.raises(ValueError, match="matrix_file: ") as caught:
            learner.check(POINTS)
        return str(caught.value)

    def test_a_missing_file_is_named(self, tmp_path):
        message = self.refused(tmp_path / "nowhere.csv")
        assert "nowhere.csv" in message
        assert "one row of 0 and 1 for each Kenyon cell" in message

    def test_another_kind_of_file_is_refused(self, tmp_path):
        assert "ends in .npy or .csv" in self.refused(tmp_path / "wiring.txt")

    def test_words_are_refused(self, tmp_path):
        (tmp_path / "wiring.csv").write_text("a,b\n", encoding="utf-8")
        assert "can't read" in self.refused(tmp_path / "wiring.csv")

    def test_a_missing_number_is_refused_with_its_place(self, tmp_path):
        np.save(tmp_path / "wiring.npy", np.array([[1, 1, 0, 0, 0], [1, np.nan, 0, 0, 0]]))
        assert "got nan in row 2, column 2" in self.refused(tmp_path / "wiring.npy")

    def test_a_row_of_numbers_is_not_a_matrix(self, tmp_path):
        np.save(tmp_path / "wiring.npy", np.ones(5))
        assert "got 5" in self.refused(tmp_path / "wiring.npy")
