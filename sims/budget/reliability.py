"""Whether one evaluation says anything: test and retest of the same candidates.

The same candidates are evaluated again and again, each time with other stimuli and another draw of
the learner, in the document's own episodes and with its habits. The reliability is the share of the
variance between results that is between candidates, the rest being noise (intraclass correlation;
Shrout & Fleiss 1979, Psychol. Bull. 86:420; mean squares B between candidates, W within them, E
within them without the repeats' own effect, over k repeats):

    stimuli of their own      ICC(1,1) = (B - W) / (B + (k - 1) W)
    stimuli in common         ICC(3,1) = (B - E) / (B + (k - 1) E)

With common stimuli a hard draw is hard for all candidates, and does no harm.

*Candidates.* What has to be told apart is what a search meets on its way. With a linear labeller
they are mixtures, from a random start to one of the learner's easiest functions in even steps of
their shares. Of a network's weights no such way is known: there they are the first generation's,
around the start.

*Results.* Fitness is taken by its rank within a repeat, as evolution strategies take it: single
wild errors would decide the plain variance. What a candidate's label power says about its rank is
taken out first, because no learner is needed for that: with binary answers 9 tenths of the fitness'
"reliable" variance are label power. For strategies that use every answer it is the reliability of
what comes back: of one generation's answers about one function, smoothed on the labeller's
functions, by the same formula summed over coefficients.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float64, Integer, PRNGKeyArray
from scipy.stats import rankdata

from controller.design import Design, Record
from controller.engine import Engine
from controller.labellers.base import AbstractLinearLabeller
from controller.position import first_position, situation
from controller.strategies.iterated import Iterated
from protocols.keys import Purpose, derive
from sims.budget.ease import Ease
from sims.budget.errors import SimulationError
from sims.budget.probe import Probe

ENOUGH = 0.2
STARTS = 8
CANDIDATES = 16
REPEATS = 8


@dataclass(frozen=True, slots=True)
class Reliability:
    """What one evaluation is worth; 1: all, 0: nothing."""

    fitness: float
    """Of one candidate's fitness, from one episode."""
    answers: float | None
    """Of one generation's smoothed answers about one function; None without a linear labeller."""
    decides: float
    """The one of both that the document's strategy lives on."""
    starts: int
    """Searches that were begun …"""
    candidates: int
    """… candidates of each …"""
    repeats: int
    """… and evaluations of each candidate."""

    @property
    def is_enough(self) -> bool:
        """Whether a search with it makes sense."""
        return self.decides >= ENOUGH


def reliability(design: Design, ease: Ease, *, key: PRNGKeyArray) -> Reliability:
    """Measure it for one learner.

    Args:
        design: the document's, with that learner.
        ease: what that learner finds easiest.
        key: decides candidates, stimuli and learners.

    Raises:
        SimulationError: the learner's answers aren't finite.
    """
    strategy, linear = design.strategy, isinstance(design.labeller, AbstractLinearLabeller)
    count = CANDIDATES if linear else strategy.population
    together = strategy.population if strategy.needs_shown else 1
    probe = Probe(population=count * together, together=together)
    engine = Engine(replace(design, strategy=probe, projection=False), block=REPEATS + 1)
    fitness, answers = [], []
    for start in range(STARTS):
        root = jax.random.fold_in(key, start)
        mixed = linear and ease.is_distinct(0)
        theta = _on_the_way(design, ease, count, root) if mixed else _first(design, count, root)
        record, orders = _asked(engine, probe, theta, root)
        fitness.append(_own_ranks(record, orders))
        if linear:
            answers.append(_smoothed(design, record, orders))
    of_fitness = intraclass(fitness, common=design.common_stimuli)
    of_answers = intraclass(answers, common=False) if linear else None
    decides = of_answers if strategy.needs_shown and of_answers is not None else of_fitness
    return Reliability(of_fitness, of_answers, decides, STARTS, count, REPEATS)


def intraclass(
    results: Iterable[Float64[np.ndarray, "candidate repeat value"]], *, common: bool
) -> float:
    """Return the intraclass correlation, pooled over starts and summed over values.

    Args:
        results: of each start.
        common: whether what all candidates share in a repeat counts as no noise.
    """
    between = within = 0.0
    repeats = 1
    for table in results:
        candidates, repeats, _ = table.shape
        means = table.mean(axis=1, keepdims=True)
        rest, freedom = table - means, candidates * (repeats - 1)
        if common:
            rest, freedom = rest - rest.mean(axis=0), freedom - (repeats - 1)
        between += repeats * float(np.sum((means - means.mean(axis=0)) ** 2)) / (candidates - 1)
        within += float(np.sum(rest**2)) / freedom
    total = between + (repeats - 1) * within
    return (between - within) / total if total > 0 else 0.0


def _on_the_way(
    design: Design, ease: Ease, count: int, root: PRNGKeyArray
) -> Float[Array, "candidate theta"]:
    """Mix a random start with one of the easiest functions: shares of it from 0 to 1."""
    draws = [derive(root, number, Purpose.INITIAL_MEAN) for number in range(count)]
    starts = jnp.stack([design.labeller.initial(design.space, key=key) for key in draws])
    size = jnp.linalg.norm(starts, axis=1, keepdims=True)
    easiest = jnp.asarray(ease.functions[:, : ease.group(0)], jnp.float32)
    inside = jax.random.normal(derive(root, Purpose.ASK), (count, easiest.shape[1])) @ easiest.T
    inside = inside / jnp.linalg.norm(inside, axis=1, keepdims=True)
    share = jnp.linspace(0.0, 1.0, count)[:, None]
    return size * (jnp.sqrt(1 - share) * starts / size + jnp.sqrt(share) * inside)


def _first(design: Design, count: int, root: PRNGKeyArray) -> Float[Array, "candidate theta"]:
    """Return the first candidates of a search, or as many starts where those are all alike."""
    strategy = design.strategy
    if count != strategy.population or strategy.needs_shown:
        draws = [derive(root, number, Purpose.INITIAL_MEAN) for number in range(count)]
        return jnp.stack([design.labeller.initial(design.space, key=key) for key in draws])
    mean = design.labeller.initial(design.space, key=derive(root, Purpose.INITIAL_MEAN))
    trials = (design.n_train, design.n_test)
    return strategy.ask(strategy.init(mean, key=derive(root, Purpose.ASK), trials=trials))[0]


def _asked(
    engine: Engine, probe: Probe, theta: Float[Array, "candidate theta"], root: PRNGKeyArray
) -> tuple[Record, Integer[np.ndarray, "repeat candidate"]]:
    """Return the evaluations, and which candidate was where; the first ones only set the scene."""
    position = first_position(engine, root, 1)
    asking = probe.asking(position.state.strategy, theta)
    position = replace(position, state=replace(position.state, strategy=asking))
    count = REPEATS + 1
    _, record, done = engine.run(situation(position, root), position.state, 0, count)
    if int(done) < count:
        raise SimulationError("the learner's answers are not finite")
    orders = [probe.order({**asking, "generation": jnp.int32(g)}) for g in range(1, count)]
    return jax.tree.map(lambda array: np.asarray(array)[1:], record), np.stack(orders)


def _by_candidate(
    array: Float[np.ndarray, "repeat slot *rest"], orders: Integer[np.ndarray, "repeat candidate"]
) -> Float[np.ndarray, "candidate repeat together *rest"]:
    repeats, candidates = orders.shape
    slots = array.reshape(repeats, candidates, -1, *array.shape[2:])
    return np.stack([slots[r][np.argsort(orders[r])] for r in range(repeats)], axis=1)


def _own_ranks(
    record: Record, orders: Integer[np.ndarray, "repeat candidate"]
) -> Float64[np.ndarray, "candidate repeat 1"]:
    """Return the fitness' ranks, without what the label power says about them."""
    fitness, power = (
        _by_candidate(np.asarray(a), orders)[:, :, 0] for a in (record.fitness, record.power)
    )
    ranks = rankdata(fitness, axis=0)
    known = rankdata(power[:, 0])
    known = known - known.mean()
    means = ranks.mean(axis=1)
    slope = (known @ means) / max(float(known @ known), 1e-12)
    return (ranks - slope * known[:, None])[:, :, None]


def _smoothed(
    design: Design, record: Record, orders: Integer[np.ndarray, "repeat candidate"]
) -> Float64[np.ndarray, "candidate repeat theta"]:
    """Put each candidate's answers of a generation into the labeller's functions.

    As iterated learning does, with its default ridge, but from this one generation alone.
    """
    labeller = design.labeller
    if not isinstance(labeller, AbstractLinearLabeller):
        raise TypeError("only asked of linear labellers")
    answers = np.asarray(record.answers)[:, :, 0]
    tests = jnp.asarray(record.stimuli[:, :, design.n_train :])
    basis = np.asarray(labeller.basis(design.space, tests.reshape(-1, tests.shape[-1])))
    basis = basis.reshape(*tests.shape[:-1], -1)
    basis = np.broadcast_to(basis, (*answers.shape, basis.shape[-1]))
    said, rows = _by_candidate(answers, orders), _by_candidate(basis, orders)
    said = said.reshape(*said.shape[:2], -1)
    rows = rows.reshape(*said.shape, -1)
    rows = np.concatenate([np.ones((*said.shape, 1)), rows], axis=3)
    pull = Iterated().ridge * np.eye(rows.shape[3])
    gram = np.einsum("crti,crtj->crij", rows, rows) + pull
    moment = np.einsum("crti,crt->cri", rows, said)
    return np.linalg.solve(gram, moment[..., None])[:, :, 1:, 0]
