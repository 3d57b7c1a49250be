"""Every learner in the loop, by every kind of strategy, from a document."""

import jax
import numpy as np
import pytest

from controller.document import LEARNERS, STRATEGIES, root_key
from controller.engine import Engine
from controller.position import first_position, situation
from controller.statuses import Status

SPHERE = ('space={kind="sphere"}', 'labeller={kind="harmonics", degree=2}')
CIRCLE = ('space={kind="circle"}', 'labeller={kind="harmonics", degree=2}')
SQUARE = ('space={kind="sphere", dimensions=16}', 'labeller={kind="mlp", hidden=[4]}')
LEARNER = {
    "conv_net": ('{kind="conv_net", channels=2, kernel=3, steps=4}', SQUARE),
    "delta_rule": ('{kind="delta_rule"}', SPHERE),
    "dot_product_kernel": ('{kind="dot_product_kernel"}', SPHERE),
    "mushroom_body": ('{kind="mushroom_body", kenyon_cells=20, steps=4}', SPHERE),
    "random_features": ('{kind="random_features", width=7}', SPHERE),
    "relu_net": ('{kind="relu_net", hidden=[6], steps=4}', SPHERE),
    "ridge": ('{kind="ridge"}', SPHERE),
    "spiking_net": ('{kind="spiking_net", steps=3}', CIRCLE),
}
STRATEGY = {
    "es": '{kind="es", algorithm="SNES", population=4}',
    "gradient": '{kind="gradient", population=2}',
    "iterated": '{kind="iterated", population=2}',
    "random": '{kind="random", population=4}',
    "twin": '{kind="twin", population=2, twins=["spectrum"], steps=3, capacity=8}',
}


def test_every_learner_and_every_strategy_is_tried():
    assert set(LEARNER) == set(LEARNERS)
    assert set(STRATEGY) == set(STRATEGIES)


@pytest.mark.parametrize("strategy", STRATEGY)
@pytest.mark.parametrize("learner", LEARNER)
def test_a_generation_is_asked_answered_and_told(small, learner, strategy):
    settings, where = LEARNER[learner]
    if strategy in {"iterated", "twin"} and where is SQUARE:
        pytest.skip("needs a linear labeller")
    experiment = small(
        *where,
        f"learner={settings}",
        f"strategy={STRATEGY[strategy]}",
        'objective.orthogonality="penalty"',
        "episode.common_stimuli=false",
        "stages.count=1",
    ).value
    engine, root = Engine(experiment.design(), block=2), root_key(experiment)
    position = first_position(engine, root, 1)
    state, record, done = engine.run(situation(position, root), position.state, 0, 2)
    assert int(done) == 2
    assert np.all(np.asarray(record.status) == Status.DONE)
    assert np.all(np.isfinite(np.asarray(record.answers)))
    assert np.ptp(np.asarray(record.answers)) > 0
    moved = jax.tree.map(
        lambda new, old: not np.array_equal(new, old),
        engine.design.strategy.recommended(state.strategy),
        engine.design.strategy.recommended(position.state.strategy),
    )
    # before a twin is trusted, what it recommends is where it began
    assert moved or strategy in {"random", "twin"}
