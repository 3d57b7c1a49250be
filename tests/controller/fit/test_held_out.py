"""Held-out answers are never fitted, and their lessons are never forgotten."""

import jax
import jax.numpy as jnp
import numpy as np

from controller.fit.held_out import blocks, predict
from learners.twins.base import History
from learners.twins.fitting import Fitted, log_likelihoods
from learners.twins.proportional import Proportional
from learners.twins.spectrum import Spectrum

FOLDS, STEPS = 4, 3


def changed(history, episode):
    return History(**{**vars(history), "answers": history.answers.at[episode].set(0.7)})


def fold(prediction, number):
    return jax.tree.leaves(jax.tree.map(lambda leaf: np.asarray(leaf[number]), prediction.folds))


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_blocks_are_runs_of_neighbours():
    assert blocks(10, 3).tolist() == [0, 0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_a_held_out_answer_has_no_say_in_its_own_fit_and_has_one_in_the_others(decoy):
    model = Spectrum()
    before = predict(model, decoy.history, folds=FOLDS, steps=STEPS)
    after = predict(model, changed(decoy.history, 15), folds=FOLDS, steps=STEPS)  # second block
    assert same(fold(before, 1), fold(after, 1))
    for other in (0, 2, 3):
        assert not same(fold(before, other), fold(after, other))
    whole = [jax.tree.leaves(p.fitted) for p in (before, after)]
    assert not same(*whole)


def test_scores_are_those_of_the_fit_without_the_block_on_all_lessons(decoy):
    model = Spectrum()
    found = predict(model, decoy.history, folds=FOLDS, steps=STEPS)
    second = Fitted(
        *(
            jax.tree.map(lambda leaf: leaf[1], part)
            for part in (found.folds.model, found.folds.voice)
        )
    )
    whole = log_likelihoods(model, second, decoy.history)
    np.testing.assert_allclose(found.log_likelihood[10:20], whole[10:20], rtol=1e-4)
    # without the lessons of the block a belief that carries over is another one
    kept = Fitted({**second.model, "kept": jnp.array(0.0)}, second.voice)
    without = History(
        **{**vars(decoy.history), "happened": decoy.history.happened.at[10:20].set(False)}
    )
    here, there = (log_likelihoods(model, kept, h)[20] for h in (decoy.history, without))
    assert not np.allclose(here, there)


def test_parameters_that_answers_do_not_depend_on_are_not_counted(decoy):
    # a gain, an innate weight for each of eight functions, and the voice's four
    assert predict(Proportional(), decoy.history, folds=FOLDS, steps=1).parameters == 13
    # three degrees (0, 1, 2) of nine eigenvalues, the carry-over, and the voice's four
    assert predict(Spectrum(), decoy.history, folds=FOLDS, steps=1).parameters == 8
