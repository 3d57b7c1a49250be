"""Which models can be fitted, by name: the baseline, the twins, and every circuit there is."""

from collections.abc import Sequence

import numpy as np

from controller.document import LEARNERS
from controller.fit.answers import Answers, FitError
from learners.base import AbstractLearner
from learners.twins.base import AbstractModel, AbstractTwin
from learners.twins.circuit import Circuit
from learners.twins.delta import Delta
from learners.twins.low_rank import LowRank
from learners.twins.proportional import Proportional
from learners.twins.spectrum import Spectrum

BASELINE = Proportional()
TWINS: dict[str, AbstractTwin] = {twin.kind: twin for twin in (Spectrum(), LowRank(), Delta())}
ANIMAL = "animal"


def names() -> tuple[str, ...]:
    """Return all that can be asked for; the baseline is always there."""
    return (*TWINS, *LEARNERS)


def default_names(answers: Answers, learner: int = 0) -> tuple[str, ...]:
    """Return the twins, and the circuit that answered where it was one.

    For an animal the document's learner is only a stand-in; circuits are fitted on request. Where
    the labeller isn't linear there are no twins.
    """
    twins = tuple(TWINS) if answers.history.train.shape[-1] else ()
    circuit = answers.experiment.design().panel.learners[learner].kind
    if answers.origin == ANIMAL and twins:
        return twins
    return (*twins, circuit)


def chosen(answers: Answers, wanted: Sequence[str], learner: int = 0) -> dict[str, AbstractModel]:
    """Return the baseline and these models, by name.

    A circuit of a kind that the document names has the document's settings; others their defaults.

    Raises:
        FitError: there is no such model, or it doesn't fit the document.
    """
    unknown = [name for name in wanted if name not in names() and name != BASELINE.kind]
    if unknown:
        raise FitError(
            f"no twin {unknown[0]!r}; there are {', '.join(TWINS)}, and the circuits "
            f"{', '.join(LEARNERS)}"
        )
    found: dict[str, AbstractModel] = {BASELINE.kind: BASELINE}
    for name in wanted:
        if name in LEARNERS:
            found[name] = Circuit(_circuit(answers, name, learner))
        elif name != BASELINE.kind:
            found[name] = _twin(answers, name)
    return found


def _twin(answers: Answers, name: str) -> AbstractTwin:
    if answers.history.train.shape[-1] == 0:
        raise FitError(
            f"{name} sees stimuli by a linear labeller's functions, and this document's labeller "
            f"is {answers.experiment.labeller.kind!r}; leave it out, or ask for circuits: "
            f"{', '.join(LEARNERS)}"
        )
    return TWINS[name]


def _circuit(answers: Answers, name: str, learner: int) -> AbstractLearner:
    own = answers.experiment.design().panel.learners
    order = (own[learner], *own)
    circuit = next((one for one in order if one.kind == name), None) or LEARNERS[name]()
    points = answers.experiment.space.build().reference(64)
    try:
        circuit.check(np.asarray(points))
    except ValueError as error:
        raise FitError(f"{name}: {error}; leave it out of --twins") from error
    return circuit
