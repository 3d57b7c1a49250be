"""The only way to tell a strategy: a complete, finite generation, in slot order."""

import numpy as np
from jax.core import Tracer

from controller.statuses import Status
from controller.strategies.base import AbstractStrategy, Evaluations, State, StrategyError


def tell(strategy: AbstractStrategy, state: State, evaluations: Evaluations) -> State:
    """Check a generation, then tell it.

    Inside a compiled loop only shapes can be checked here; that loop tells nothing before every
    slot is done and finite.

    Raises:
        StrategyError: a generation of another size, a slot that isn't done, a fitness that isn't
            finite, or a missing gradient.
    """
    slots = evaluations.theta.shape[0]
    if slots != strategy.population:
        raise StrategyError(
            f"a generation has {strategy.population} slots, this one {slots}; a missing slot is "
            "not a bad one: lease it again instead of telling the rest"
        )
    if strategy.needs_gradient and evaluations.gradient is None:
        raise StrategyError(f"strategy {strategy.kind!r} needs the gradient of the fitness")
    if not isinstance(evaluations.fitness, Tracer):
        _check_values(evaluations)
    return strategy.tell(state, evaluations)


def _check_values(evaluations: Evaluations) -> None:
    status = np.asarray(evaluations.status)
    open_slots = np.flatnonzero(status != Status.DONE)
    if len(open_slots):
        named = ", ".join(f"{i} ({Status(int(status[i])).name.lower()})" for i in open_slots[:5])
        raise StrategyError(
            f"{len(open_slots)} slot(s) are not done: {named}; run them again before telling"
        )
    wrong = np.flatnonzero(~np.isfinite(np.asarray(evaluations.fitness)))
    if len(wrong):
        raise StrategyError(
            f"the fitness of slot(s) {', '.join(map(str, wrong[:5]))} is not finite; a failed "
            "evaluation is run again, never scored"
        )
