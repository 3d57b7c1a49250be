"""One generation, as a pure function: ask, label, evaluate, score, tell."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Integer, PRNGKeyArray

from controller.design import Design, Record, Situation
from controller.labellers.base import AbstractLinearLabeller
from controller.objective import FreeTerms
from controller.statuses import Status
from controller.strategies import guard
from controller.strategies.base import Evaluations, Shown, State
from learners.habits import Lessons, Moment
from protocols.episode import Episode
from protocols.keys import Purpose, derive

MAX_ATTEMPTS = 3


class RunState(eqx.Module):
    """What goes from one generation to the next."""

    strategy: State
    lessons: Lessons
    """What was taught last, as far as it matters to the learners' habits."""


class _Labelled(eqx.Module):
    """A generation's functions at all the points where they are needed."""

    stimuli: Float[Array, "*slot trial"]
    reference: Float[Array, "*slot point"]


class _Judged(eqx.Module):
    """What the learners' part of a slot's fitness depends on; or its derivative in that."""

    labels: Float[Array, "*slot trial"]
    power: Float[Array, "*slot"]


class _Answered(eqx.Module):
    """Answers of a generation, and what the gradient strategy needs besides."""

    answers: Float[Array, "*slot learner test"]
    slope: _Judged | None


def generation(
    design: Design,
    situation: Situation,
    state: RunState,
    index: Int[Array, ""],
    recorded: Float[Array, "slot learner test"],
) -> tuple[RunState, Record]:
    """Run one generation.

    Args:
        design: what the run is made of.
        situation: stage, earlier functions, and who answers.
        state: the strategy's state before the ask, and the episodes before.
        index: number of the generation within its stage.
        recorded: the answers to use when the situation says that the learner isn't asked.

    Returns:
        The state after the tell (unchanged when a slot could not be done), and the record, whose
        `status` says which slots are done.
    """
    theta, asked = design.strategy.ask(state.strategy)
    place = derive(situation.root, situation.stage, index)
    stimuli = _stimuli(design, place)
    labelled, pull = _labelled(design, situation, theta, stimuli)
    lessons = _lessons(design, state.lessons, labelled.stimuli, stimuli)
    free, pull_free = _free_terms(design, situation, labelled.reference)

    answered, attempts = _answers(
        design,
        situation,
        place,
        labels=labelled.stimuli,
        power=free.power,
        x=stimuli,
        lessons=lessons,
        moments=_moments(design, situation, index),
        recorded=recorded,
    )
    labels = labelled.stimuli
    error, error_se = jax.vmap(design.objective.generalisation_errors)(
        labels[:, design.n_train :], answered.answers, free.power
    )
    combined = design.panel.combined(error)
    fitness = design.objective.fitness(combined, free, situation.learner_weight)
    gradient = None
    if answered.slope is not None:
        weights = _weights_of_terms(design, situation, free, answered.slope.power)
        gradient = pull(_Labelled(answered.slope.labels, pull_free(weights)))
    done = jnp.isfinite(fitness) & ~_open_slots(answered)
    if gradient is not None:
        done &= jnp.all(jnp.isfinite(gradient), axis=1)
    status = jnp.where(done, Status.DONE, Status.FAILED).astype(jnp.uint8)

    evaluations = Evaluations(
        theta=theta,
        fitness=fitness,
        status=status,
        labels=labels[:, design.n_train :],
        answers=answered.answers[:, 0],
        error=combined,
        error_se=error_se[:, 0],
        gradient=gradient,
        shown=_shown(design, situation, stimuli, labels) if design.strategy.needs_shown else None,
    )
    told = guard.tell(design.strategy, asked, evaluations)
    all_done = jnp.all(done)
    after = RunState(told, _latest(lessons, design.panel.habits.depth))
    state = jax.tree.map(lambda new, old: jnp.where(all_done, new, old), after, state)
    record = Record(
        stimuli=stimuli,
        labels=labels,
        answers=answered.answers,
        error=jnp.where(situation.learner_weight > 0, error, jnp.nan),
        error_se=jnp.where(situation.learner_weight > 0, error_se, jnp.nan),
        power=free.power,
        distribution=free.distribution,
        orthogonality=free.orthogonality,
        fitness=fitness,
        attempts=attempts,
        status=status,
        theta=jax.vmap(lambda t: project(design, situation.earlier, t))(theta),
        recommended=project(design, situation.earlier, design.strategy.recommended(state.strategy)),
    )
    return state, record


class Proposal(eqx.Module):
    """What a generation asks, before anybody has answered."""

    stimuli: Float[Array, "set trial feature"]
    """Of one set for all slots, or of one for each."""
    labels: Float[Array, "slot trial"]


def propose(
    design: Design, situation: Situation, state: RunState, index: Int[Array, ""]
) -> Proposal:
    """Return what `generation` will ask of its learners.

    For learners that take days to answer: `generation` is then run on the recorded answers.
    """
    theta, _ = design.strategy.ask(state.strategy)
    place = derive(situation.root, situation.stage, index)
    stimuli = _stimuli(design, place)
    labelled, _ = _labelled(design, situation, theta, stimuli)
    return Proposal(stimuli, labelled.stimuli)


def episode_key(place: PRNGKeyArray, slot: Array, attempt: Array) -> PRNGKeyArray:
    """Return the key of one episode, from that of its generation."""
    return derive(place, slot, Purpose.LEARNER, attempt)


def project(
    design: Design, earlier: Float[Array, "stage theta"], theta: Float[Array, " theta"]
) -> Float[Array, " theta"]:
    """Take from θ its part along earlier stages, where the labeller is linear and it is asked."""
    if not design.projection:
        return theta
    basis: list[Array] = []
    for row in earlier:  # Gram-Schmidt; rows of zeros stay zero
        for direction in basis:
            row = row - (row @ direction) * direction  # noqa: PLW2901
        basis.append(row / (jnp.linalg.norm(row) + 1e-20))
    for _ in range(2):  # the second pass removes what rounding left
        for direction in basis:
            theta = theta - (theta @ direction) * direction
    return theta


def initial_state(design: Design, root: PRNGKeyArray, stage: Int[Array, ""]) -> RunState:
    """Return the state before the first generation of a stage."""
    key = derive(root, stage, Purpose.STRATEGY)
    mean = design.labeller.initial(design.space, key=derive(root, stage, Purpose.INITIAL_MEAN))
    depth = design.panel.habits.depth
    untaught = Lessons(
        x=jnp.zeros((depth, design.n_train, design.space.dim)),
        z=jnp.zeros((depth, design.n_train)),
    )
    trials = (design.n_train, design.n_test)
    return RunState(design.strategy.init(mean, key=key, trials=trials), untaught)


def next_state(
    design: Design,
    root: PRNGKeyArray,
    stage: Int[Array, ""],
    ended: RunState,
    found: Float[Array, " theta"],
) -> RunState:
    """Return the state before a later stage, with what the strategy knows from those before."""
    fresh = initial_state(design, root, stage)
    return RunState(design.strategy.carried(fresh.strategy, ended.strategy, found), fresh.lessons)


def _lessons(
    design: Design,
    before: Lessons,
    labels: Float[Array, "slot trial"],
    stimuli: Float[Array, "set trial feature"],
) -> Lessons:
    """Return what was taught before, and what every slot of this generation teaches, in order."""
    if not design.panel.habits.depth:
        return before
    n, slots = design.n_train, design.strategy.population
    x = jnp.broadcast_to(stimuli[:, :n], (slots, n, stimuli.shape[-1]))
    z = jax.lax.stop_gradient(labels[:, :n])
    return Lessons(jnp.concatenate([before.x, x]), jnp.concatenate([before.z, z]))


def _latest(lessons: Lessons, depth: int) -> Lessons:
    return Lessons(lessons.x[len(lessons.x) - depth :], lessons.z[len(lessons.z) - depth :])


def _before(lessons: Lessons, slot: Array, depth: int) -> Lessons:
    """Return the episodes before that of a slot: those before the generation, then other slots'."""
    return jax.tree.map(lambda a: jax.lax.dynamic_slice_in_dim(a, slot, depth), lessons)


def _moments(design: Design, situation: Situation, index: Array) -> Moment | None:
    """Return when every slot's episode is, for habits that change slowly."""
    if not design.panel.habits.drift:
        return None
    slots = design.strategy.population
    key = derive(situation.root, situation.stage, Purpose.DRIFT)
    return jax.vmap(lambda slot: Moment(index * slots + slot, key))(jnp.arange(slots))


def _stimuli(design: Design, place: PRNGKeyArray) -> Float[Array, "set trial feature"]:
    count = design.n_train + design.n_test
    slots = 1 if design.common_stimuli else design.strategy.population
    keys = jax.vmap(lambda slot: derive(place, slot, Purpose.STIMULI))(jnp.arange(slots))
    return jax.vmap(lambda key: design.space.sample(count, key=key))(keys)


def _stimuli_axis(design: Design) -> int | None:
    return None if design.common_stimuli else 0


def _shown(
    design: Design,
    situation: Situation,
    stimuli: Float[Array, "set trial feature"],
    labels: Float[Array, "slot trial"],
) -> Shown:
    """Put what every slot was shown into the labeller's terms."""
    labeller, n = design.labeller, design.n_train
    if not isinstance(labeller, AbstractLinearLabeller):
        raise TypeError("the document lets only linear labellers here")
    basis = jax.vmap(lambda x: labeller.basis(design.space, x))(stimuli)
    basis = jnp.broadcast_to(basis, (design.strategy.population, *basis.shape[1:]))
    return Shown(
        train=basis[:, :n],
        train_labels=labels[:, :n],
        test=basis[:, n:],
        degrees=jnp.asarray(labeller.degrees(design.space), jnp.int32),
        earlier=situation.earlier,
    )


def _per_slot(design: Design, stimuli: Float[Array, "set trial feature"]) -> Array:
    return stimuli[0] if design.common_stimuli else stimuli


def _labelled(
    design: Design,
    situation: Situation,
    theta: Float[Array, "slot theta"],
    stimuli: Float[Array, "set trial feature"],
) -> tuple[_Labelled, Callable[[_Labelled], Float[Array, "slot theta"]]]:
    """Evaluate every candidate's function once, at its stimuli and at the reference points.

    Returns:
        The labels, and the map that takes derivatives in them back to derivatives in θ.
    """
    count = stimuli.shape[1]
    reference = _reference(design)

    def one(theta: Array, x: Array) -> _Labelled:
        points = jnp.concatenate([x, reference])
        labels = _label_one(design, situation, theta, points)
        return _Labelled(labels[:count], labels[count:])

    def everyone(theta: Array) -> _Labelled:
        axes = (0, _stimuli_axis(design))
        return jax.vmap(one, in_axes=axes)(theta, _per_slot(design, stimuli))

    labelled, pull = jax.vjp(everyone, theta)
    return labelled, lambda slope: pull(slope)[0]


def _label_one(design: Design, situation: Situation, theta: Array, x: Array) -> Array:
    theta = project(design, situation.earlier, theta)
    return design.labeller.labels(design.space, theta, x)


def _reference(design: Design) -> Float[Array, "point feature"]:
    return jnp.asarray(design.space.reference(design.reference_points), jnp.float32)


def _free_terms(
    design: Design, situation: Situation, labels: Float[Array, "slot point"]
) -> tuple[FreeTerms, Callable[[FreeTerms], Float[Array, "slot point"]]]:
    """Compute the terms that need no learner, and the map back to derivatives in the labels."""
    points = _reference(design)
    earlier = jax.vmap(lambda t: design.labeller.labels(design.space, t, points))(situation.earlier)
    earlier = jnp.where(jnp.any(situation.earlier != 0, axis=1)[:, None], earlier, 0.0)
    free, pull = jax.vjp(jax.vmap(lambda z: design.objective.free_terms(z, earlier)), labels)
    return free, lambda slope: pull(slope)[0]


def _weights_of_terms(
    design: Design, situation: Situation, free: FreeTerms, power_slope: Float[Array, " slot"]
) -> FreeTerms:
    """Return the derivative of each slot's fitness in its free terms."""

    def total(free: FreeTerms) -> Array:
        no_error = jnp.zeros_like(free.power)
        return jnp.sum(design.objective.fitness(no_error, free, situation.learner_weight))

    weights = jax.grad(total)(free)
    return eqx.tree_at(lambda terms: terms.power, weights, weights.power + power_slope)


def _ask_learners(
    design: Design,
    situation: Situation,
    key: PRNGKeyArray,
    *,
    at: _Judged,
    x: Array,
    before: Lessons,
    moment: Moment | None,
) -> _Answered:
    """Run one slot's episodes; with their slope in the labels where the strategy needs that."""
    n = design.n_train

    def weighted(judged: _Judged) -> tuple[Array, Array]:
        z, power = judged.labels, judged.power
        # the test labels stay here: neither learner nor rig may see them
        episode = Episode(train_x=x[:n], train_z=z[:n], test_x=x[n:])
        answers = design.panel.answers(episode, before, key=key, moment=moment)
        errors, _ = design.objective.generalisation_errors(z[n:], answers, power)
        weight = design.objective.error_weight * situation.learner_weight
        return weight * design.panel.combined(errors), answers

    if design.strategy.needs_gradient:
        slope, answers = jax.grad(weighted, has_aux=True)(at)
        return _Answered(answers, slope)
    return _Answered(weighted(at)[1], None)


def _answers(
    design: Design,
    situation: Situation,
    place: PRNGKeyArray,
    *,
    labels: Float[Array, "slot trial"],
    power: Float[Array, " slot"],
    x: Float[Array, "set trial feature"],
    lessons: Lessons,
    moments: Moment | None,
    recorded: Float[Array, "slot learner test"],
) -> tuple[_Answered, Integer[Array, " slot"]]:
    """Ask the learners until every slot has finite answers, at most MAX_ATTEMPTS times.

    Missing is not bad: a slot whose answer isn't finite is run again with another key, and when
    that never helps the generation isn't told.
    """
    slots = jnp.arange(design.strategy.population)

    def evaluate(attempt: Array) -> _Answered:
        keys = jax.vmap(lambda slot: episode_key(place, slot, attempt))(slots)
        before = jax.vmap(lambda slot: _before(lessons, slot, design.panel.habits.depth))(slots)
        return jax.vmap(
            lambda key, at, x, before, moment: _ask_learners(
                design, situation, key, at=at, x=x, before=before, moment=moment
            ),
            in_axes=(0, 0, _stimuli_axis(design), 0, 0),
        )(keys, _Judged(labels, power), _per_slot(design, x), before, moments)

    def going(carry: tuple[_Answered, Array, Array, Array]) -> Array:
        _, missing, _, attempt = carry
        return jnp.any(missing) & (attempt < MAX_ATTEMPTS)

    def body(carry: tuple[_Answered, Array, Array, Array]) -> tuple[_Answered, Array, Array, Array]:
        answered, missing, attempts, attempt = carry
        fresh = evaluate(attempt)
        answered = jax.tree.map(
            lambda new, old: jnp.where(_beside(missing, new), new, old), fresh, answered
        )
        attempts = attempts + missing.astype(jnp.uint8)
        return answered, missing & _open_slots(answered), attempts, attempt + 1

    flat = _Judged(jnp.zeros_like(labels), jnp.zeros_like(power))
    start = _Answered(recorded, flat if design.strategy.needs_gradient else None)
    missing = jnp.broadcast_to(situation.use_learner, slots.shape)
    attempts = jnp.zeros(slots.shape, jnp.uint8)
    answered, _, attempts, _ = jax.lax.while_loop(
        going, body, (start, missing, attempts, jnp.int32(0))
    )
    return answered, attempts


def _open_slots(answered: _Answered) -> Bool[Array, " slot"]:
    """Return which slots have an answer, or a slope, that isn't finite."""
    finite = jnp.all(jnp.isfinite(answered.answers), axis=(1, 2))
    if answered.slope is not None:
        finite &= jnp.all(jnp.isfinite(answered.slope.labels), axis=1)
        finite &= jnp.isfinite(answered.slope.power)
    return ~finite


def _beside(per_slot: Array, array: Array) -> Array:
    """Shape an array of one value a slot so that it broadcasts over the slots of another."""
    return per_slot.reshape(-1, *(1,) * (array.ndim - 1))
