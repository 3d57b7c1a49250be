"""What a store's learner was taught and answered, as the models take it."""

from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Int

from controller.analysis.summary import AnalysisError, columns
from controller.arms import LEARNER_ARM
from controller.document import Experiment
from controller.labellers.base import AbstractLinearLabeller
from controller.runs import frozen_document
from controller.statuses import Status
from controller.store import PHASES, read, status
from learners.twins.base import History

TEST = PHASES.index("test")


class FitError(AnalysisError):
    """A store's answers can't be fitted as asked; the message says what would do."""


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers of one learner, and where they come from."""

    folder: Path
    experiment: Experiment
    origin: str
    """Who answered, as the store is stamped."""
    history: History
    """Its functions are the labeller's; there are none where the labeller isn't linear."""
    rows: Int[np.ndarray, " episode"]
    """The episodes' rows in the table of candidates."""
    left_out: int
    """Later episodes that weren't read, because of `most`."""
    unanswered: int
    """Episodes that lack an answer, and were left out."""

    @property
    def episodes(self) -> int:
        """How many there are."""
        return len(self.rows)

    @property
    def trials(self) -> int:
        """Training and test trials of these episodes, each counted once."""
        history = self.history
        return self.episodes * (history.labels.shape[1] + history.answers.shape[1])


def read_answers(folder: Path, *, learner: int = 0, most: int = 400) -> Answers:
    """Read what one learner of a store was taught and answered, all stages, in order.

    The order is that of the table: by stage, generation, slot. With sessions of several animals,
    in which slots are done side by side, that isn't the order in which each of them lived.

    Args:
        folder: the store.
        learner: its place in the document, chosen ones first.
        most: episodes that are read, the first ones, whose labels vary most.

    Raises:
        controller.store.StoreError: it can't be read.
        FitError: there is nothing to fit.
    """
    tables = read(folder)
    experiment = frozen_document((folder / "experiment.toml").read_text("utf-8"), folder).value
    learners = experiment.design().panel.learners
    if not 0 <= learner < len(learners):
        raise FitError(
            f"learner index: expected 0 to {len(learners) - 1} "
            f"({', '.join(one.kind for one in learners)}), got {learner}"
        )
    rows = _episodes(tables, learner)
    if not len(rows):
        raise FitError(
            f"{folder} holds no answers yet; go on with the experiment, or wait for its first "
            "finished generation"
        )
    parts = _parts(tables, rows[:most], experiment)
    whole = np.isfinite(parts["answers"]).all(axis=1)
    history = _history(experiment, {name: part[whole] for name, part in parts.items()})
    return Answers(
        folder=folder,
        experiment=experiment,
        origin=status(folder)["origin"],
        history=history,
        rows=rows[:most][whole],
        left_out=len(rows[most:]),
        unanswered=int(np.sum(~whole)),
    )


def _episodes(tables: xr.DataTree, learner: int) -> np.ndarray:
    candidates = columns(tables, "candidates")
    return np.flatnonzero(
        (candidates["arm"] == LEARNER_ARM)
        & (candidates["learner"] == learner)
        & (candidates["status"] == Status.DONE)
        & (candidates["trials"] > 0)
    )


def _parts(tables: xr.DataTree, rows: np.ndarray, experiment: Experiment) -> dict[str, np.ndarray]:
    """Return stimuli, labels and answers, a row an episode."""
    candidates, trials = columns(tables, "candidates"), columns(tables, "trials")
    n, m = experiment.episode.train, experiment.episode.test
    place = candidates["first_trial"][rows][:, None] + np.arange(n + m)
    phase = trials["phase"][place]
    if np.any((phase == TEST) != (np.arange(n + m) >= n)):
        raise FitError(
            f"expected episodes of {n} training and {m} test trials, as the document has it; "
            "the table of trials has others"
        )
    x = np.asarray(tables["stimuli"]["x"].values)[trials["stimulus"][place]]
    labels, answers = trials["label"][place], trials["answer"][place]
    return {
        "train_x": x[:, :n],
        "test_x": x[:, n:],
        "labels": labels[:, :n],
        "test_labels": labels[:, n:],
        "answers": answers[:, n:],
    }


def _history(experiment: Experiment, parts: dict[str, np.ndarray]) -> History:
    arrays = {name: jnp.asarray(part, jnp.float32) for name, part in parts.items()}
    space, labeller = experiment.space.build(), experiment.labeller.build()
    if isinstance(labeller, AbstractLinearLabeller):
        basis = jax.jit(lambda x: labeller.basis(space, x))
        degrees = labeller.degrees(space)
    else:
        basis, degrees = (lambda x: x[:, :0]), ()

    def functions(x: jax.Array) -> jax.Array:
        flat = x.reshape(-1, x.shape[-1])
        return basis(flat).reshape(*x.shape[:2], len(degrees))

    return History(
        train=functions(arrays["train_x"]),
        test=functions(arrays["test_x"]),
        happened=jnp.ones(len(arrays["answers"]), bool),
        degrees=jnp.asarray(degrees, jnp.int32),
        **arrays,
    )
