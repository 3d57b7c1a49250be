"""One generation, as a pure function: ask, label, evaluate, score, tell."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Integer, PRNGKeyArray

from controller.design import Design, Record, Situation
from controller.objective import FreeTerms
from controller.statuses import Status
from controller.strategies import guard
from controller.strategies.base import Evaluations, State
from protocols.episode import Episode
from protocols.keys import Purpose, derive

MAX_ATTEMPTS = 3


class _Answered(eqx.Module):
    """Answers of a generation, and what the gradient strategy needs besides."""

    answers: Float[Array, "*slot learner test"]
    gradient: Float[Array, "*slot theta"] | None


def generation(
    design: Design,
    situation: Situation,
    state: State,
    index: Int[Array, ""],
    recorded: Float[Array, "slot learner test"],
) -> tuple[State, Record]:
    """Run one generation.

    Args:
        design: what the run is made of.
        situation: stage, earlier functions, and who answers.
        state: the strategy's state before the ask.
        index: number of the generation within its stage.
        recorded: the answers to use when the situation says that the learner isn't asked.

    Returns:
        The strategy's state after the tell (unchanged when a slot could not be done), and the
        record, whose `status` says which slots are done.
    """
    theta, asked = design.strategy.ask(state)
    place = derive(situation.root, situation.stage, index)
    stimuli = _stimuli(design, place)
    labels = _label(design, situation, theta, stimuli)
    earlier = _reference_labels(design, situation.earlier)
    earlier = jnp.where(jnp.any(situation.earlier != 0, axis=1)[:, None], earlier, 0.0)
    free = jax.vmap(lambda t: _free(design, situation, t, earlier))(theta)

    answered, attempts = _answers(
        design, situation, place, theta=theta, stimuli=stimuli, recorded=recorded
    )
    error, error_se = jax.vmap(design.objective.generalisation_errors)(
        labels[:, design.n_train :], answered.answers, free.power
    )
    combined = design.panel.combined(error)
    fitness = design.objective.fitness(combined, free, situation.learner_weight)
    gradient = _total_gradient(design, situation, theta, earlier, answered)
    done = jnp.isfinite(fitness) & ~_open_slots(_Answered(answered.answers, gradient))
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
    )
    told = guard.tell(design.strategy, asked, evaluations)
    all_done = jnp.all(done)
    state = jax.tree.map(lambda new, old: jnp.where(all_done, new, old), told, state)
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
        recommended=project(design, situation.earlier, design.strategy.recommended(state)),
    )
    return state, record


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


def initial_state(design: Design, root: PRNGKeyArray, stage: Int[Array, ""]) -> State:
    """Return the strategy's state before the first generation of a stage."""
    key = derive(root, stage, Purpose.STRATEGY)
    mean = design.labeller.initial(design.space, key=derive(root, stage, Purpose.INITIAL_MEAN))
    return design.strategy.init(mean, key=key)


def _stimuli(design: Design, place: PRNGKeyArray) -> Float[Array, "set trial feature"]:
    count = design.n_train + design.n_test
    slots = 1 if design.common_stimuli else design.strategy.population
    keys = jax.vmap(lambda slot: derive(place, slot, Purpose.STIMULI))(jnp.arange(slots))
    return jax.vmap(lambda key: design.space.sample(count, key=key))(keys)


def _stimuli_axis(design: Design) -> int | None:
    return None if design.common_stimuli else 0


def _per_slot(design: Design, stimuli: Float[Array, "set trial feature"]) -> Array:
    return stimuli[0] if design.common_stimuli else stimuli


def _label_one(design: Design, situation: Situation, theta: Array, x: Array) -> Array:
    theta = project(design, situation.earlier, theta)
    return design.labeller.labels(design.space, theta, x)


def _label(
    design: Design,
    situation: Situation,
    theta: Float[Array, "slot theta"],
    stimuli: Float[Array, "set trial feature"],
) -> Float[Array, "slot trial"]:
    return jax.vmap(
        lambda t, x: _label_one(design, situation, t, x), in_axes=(0, _stimuli_axis(design))
    )(theta, _per_slot(design, stimuli))


def _reference(design: Design) -> Float[Array, "point feature"]:
    return jnp.asarray(design.space.reference(design.reference_points), jnp.float32)


def _reference_labels(
    design: Design, thetas: Float[Array, "stage theta"]
) -> Float[Array, "stage point"]:
    points = _reference(design)
    return jax.vmap(lambda t: design.labeller.labels(design.space, t, points))(thetas)


def _free(design: Design, situation: Situation, theta: Array, earlier: Array) -> FreeTerms:
    labels = _label_one(design, situation, theta, _reference(design))
    return design.objective.free_terms(labels, earlier)


def _episode(
    design: Design, situation: Situation, theta: Array, x: Array
) -> tuple[Episode, Float[Array, " test"]]:
    """Split a slot's stimuli; the test labels are returned beside the episode, not in it."""
    n = design.n_train
    labels = _label_one(design, situation, theta, x)
    return Episode(train_x=x[:n], train_z=labels[:n], test_x=x[n:]), labels[n:]


def _ask_learner(
    design: Design, situation: Situation, key: PRNGKeyArray, theta: Array, x: Array
) -> _Answered:
    """Run one episode; with its gradient where the strategy needs that."""
    if design.strategy.needs_gradient:
        of_theta = jax.grad(_weighted_error, argnums=3, has_aux=True)
        gradient, answers = of_theta(design, situation, key, theta, x)
        return _Answered(answers, gradient)
    episode, _ = _episode(design, situation, theta, x)
    return _Answered(design.panel.answers(episode, key=key), None)


def _weighted_error(
    design: Design, situation: Situation, key: PRNGKeyArray, theta: Array, x: Array
) -> tuple[Array, Array]:
    """Return the learner's part of the fitness, and the answers beside it."""
    episode, test_labels = _episode(design, situation, theta, x)
    answers = design.panel.answers(episode, key=key)
    power = jnp.var(_label_one(design, situation, theta, _reference(design)))
    errors, _ = design.objective.generalisation_errors(test_labels, answers, power)
    weight = design.objective.error_weight * situation.learner_weight
    return weight * design.panel.combined(errors), answers


def _answers(
    design: Design,
    situation: Situation,
    place: PRNGKeyArray,
    *,
    theta: Array,
    stimuli: Array,
    recorded: Array,
) -> tuple[_Answered, Integer[Array, " slot"]]:
    """Ask the learner until every slot has a finite answer, at most MAX_ATTEMPTS times.

    Missing is not bad: a slot whose answer isn't finite is run again with another key, and when
    that never helps the generation isn't told.
    """
    slots = jnp.arange(design.strategy.population)
    differentiate = design.strategy.needs_gradient

    def evaluate(attempt: Array) -> _Answered:
        keys = jax.vmap(lambda slot: episode_key(place, slot, attempt))(slots)
        return jax.vmap(
            lambda key, t, x: _ask_learner(design, situation, key, t, x),
            in_axes=(0, 0, _stimuli_axis(design)),
        )(keys, theta, _per_slot(design, stimuli))

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

    start = _Answered(recorded, jnp.zeros_like(theta) if differentiate else None)
    missing = jnp.broadcast_to(situation.use_learner, slots.shape)
    attempts = jnp.zeros(slots.shape, jnp.uint8)
    answered, _, attempts, _ = jax.lax.while_loop(
        going, body, (start, missing, attempts, jnp.int32(0))
    )
    return answered, attempts


def _open_slots(answered: _Answered) -> Bool[Array, " slot"]:
    """Return which slots have an answer, or a gradient, that isn't finite."""
    finite = jnp.all(jnp.isfinite(answered.answers), axis=(1, 2))
    if answered.gradient is not None:
        finite &= jnp.all(jnp.isfinite(answered.gradient), axis=1)
    return ~finite


def _beside(per_slot: Array, array: Array) -> Array:
    """Shape an array of one value a slot so that it broadcasts over the slots of another."""
    return per_slot.reshape(-1, *(1,) * (array.ndim - 1))


def _total_gradient(
    design: Design, situation: Situation, theta: Array, earlier: Array, answered: _Answered
) -> Float[Array, "slot theta"] | None:
    """Add the gradient of the free terms to that of the error."""
    if answered.gradient is None:
        return None

    def free_part(t: Array) -> Array:
        return design.objective.fitness(
            jnp.zeros(()), _free(design, situation, t, earlier), situation.learner_weight
        )

    return answered.gradient + jax.vmap(jax.grad(free_part))(theta)
