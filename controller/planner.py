"""The planner: puts generations into an experiment's queue, and tells them once they are answered.

What it tells is what the compiled loop would have told: the generation is run on the recorded
answers, so that a replay derives the same proposals from the store.
"""

import contextlib
import time
from dataclasses import replace
from pathlib import Path
from typing import Self

import jax
import jax.numpy as jnp
import numpy as np

from controller.arms import LEARNER_ARM
from controller.cost_warning import cost_warning
from controller.document import Experiment, root_key
from controller.engine import Engine
from controller.loop import DryRun, LoopError, block_size
from controller.position import (
    Position,
    after_stage,
    first_position,
    position_arrays,
    position_from,
    situation,
)
from controller.recording import Recorder
from controller.runs import create, frozen_document
from controller.session.errors import NotReady
from controller.session.planning import FINISHED, STATE, Opening, Plan
from controller.session.queue import Queue, Result
from controller.statuses import Status
from controller.store import NotAStore, Store, StoreLocked, status
from protocols.assignment import Assignment
from protocols.documents import Document
from protocols.keys import Purpose, derive

COVERING = 64
PATIENCE_S = 5.0  # for another session's planner that is telling


class Planner:
    """One experiment's planner; several may serve the same experiment from several sessions."""

    def __init__(self, folder: Path, *, hold: bool = False) -> None:
        """Open an experiment that exists.

        Args:
            folder: of the experiment.
            hold: whether to keep the store open for oneself, as an emulated run does.

        Raises:
            controller.store.StoreError: it can't be read.
            NotReady: it has no session.
        """
        text = (folder / "experiment.toml").read_text("utf-8")
        self.document: Document[Experiment] = frozen_document(text, folder)
        self.experiment = self.document.value
        check_askable(self.experiment)
        self.design = self.experiment.design()
        self.root = root_key(self.experiment)
        self.engine = Engine(self.design, block=block_size(self.design))
        self._seeds = jax.jit(
            jax.vmap(
                lambda place, slot: jax.random.bits(derive(place, slot, Purpose.SCHEDULE)),
                in_axes=(None, 0),
            )
        )
        self._folder, self._hold = folder, hold
        self._store: Store | None = None
        self._position: Position | None = None
        self._proposed: tuple[int, int] | None = None
        self.queue = Queue(folder, durable=status(folder)["live"])

    @classmethod
    def begin(cls, opening: Opening, document: Document[Experiment] | None, **options) -> Self:
        """Open an experiment, or begin it.

        Raises:
            NotReady: there is none and no document, or it is another one.
        """
        folder = opening.folder
        if not (folder / "journal.sqlite").exists():
            if document is None:
                raise NotReady(f"{folder} holds no experiment, and no document was given")
            check_askable(document.value)
            live = opening.origin in {"animal", "simavr"}
            create(
                document, folder, control=opening.control, origin=opening.origin, live=live
            ).close("interrupted")
        else:
            _check_same(folder, opening, document)
        return cls(folder, **options)

    @property
    def plan(self) -> Plan:
        """What sessions have to know."""
        session = self.experiment.session
        if session is None:
            raise NotReady("no [session]")
        points = np.asarray(self.design.space.reference(COVERING), float)
        return Plan(
            name=self.experiment.name,
            session=session.model_dump(),
            n_train=self.design.n_train,
            n_test=self.design.n_test,
            dim=self.design.space.dim,
            slots=self.design.strategy.population,
            reference=tuple(map(tuple, points.tolist())),
            document_text=self.document.text,
            document_sha256=self.document.sha256,
            warning=cost_warning(self.experiment),
        )

    def nudge(self) -> None:
        """Tell what is answered, and put the next generation into the queue."""
        while self._advance():
            pass

    def close(self) -> None:
        """Let go of store and queue."""
        if self._store is not None:
            self._release(_standing(self._store))
        self.queue.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _advance(self) -> bool:
        """Take one step; whether there may be another at once."""
        if self.queue.read(STATE) == FINISHED:
            return False
        position = self._position or self._where()
        if position.arm != LEARNER_ARM:
            self._finish()
            return False
        results = self.queue.results(
            position.stage, position.generation, self.design.strategy.population
        )
        if results is None:
            self._position = position
            place = (position.stage, position.generation)
            if self._proposed != place:
                self.queue.propose(self._assignments(position))
                self.queue.forget_before(*place)
                self._proposed = place
            return False
        self._tell(results)
        return True

    def _where(self) -> Position:
        """Return the stored position; another session's planner may have told meanwhile."""
        with self._opened() as store:
            return self._stored_position(store)

    def _stored_position(self, store: Store) -> Position:
        arrays = store.state("position")
        stages = self.experiment.stages.count
        if arrays is None:
            return first_position(self.engine, self.root, stages)
        if self.design.space.sha256 != store.header["stimuli_sha256"]:
            raise LoopError(
                "the stimuli are not those that this experiment began with (their hash differs); "
                "put the first file back, or start a new one"
            )
        return position_from(arrays, self.engine, self.root, stages)

    def _assignments(self, position: Position) -> list[Assignment]:
        where = situation(position, self.root)
        asked = self.engine.propose(where, position.state, position.generation)
        stimuli, labels = np.asarray(asked.stimuli), np.asarray(asked.labels)
        n = self.design.n_train
        place = derive(self.root, jnp.int32(position.stage), jnp.int32(position.generation))
        slots = self.design.strategy.population
        seeds = np.asarray(self._seeds(place, jnp.arange(slots))).tolist()
        assignments = []
        for slot, seed in enumerate(seeds):
            x = stimuli[min(slot, len(stimuli) - 1)]
            assignments.append(
                # the test labels stay here: no session and no rig may see them
                Assignment(
                    position.stage,
                    position.generation,
                    slot,
                    attempt=0,
                    train_x=x[:n],
                    train_z=labels[slot, :n],
                    test_x=x[n:],
                    seed=seed,
                )
            )
        return assignments

    def _tell(self, results: list[Result]) -> None:
        with self._opened() as store:
            position = self._stored_position(store)
            asked = self._position or position
            if (position.stage, position.generation) != (asked.stage, asked.generation):
                self._position = position  # another session's planner was quicker
                return
            self._position = self._told(store, position, results)

    def _told(self, store: Store, position: Position, results: list[Result]) -> Position:
        recorder = Recorder(self.experiment, self.design, store)
        answers = np.stack([result.answers for result in results])[None, :, None, :]
        padding = ((0, self.engine.block - 1), (0, 0), (0, 0), (0, 0))
        state, record, done = self.engine.run(
            situation(position, self.root, ask_learner=False),
            position.state,
            position.generation,
            1,
            jnp.asarray(np.pad(answers, padding)),
        )
        if not int(done):
            slots = np.flatnonzero(np.asarray(record.status[0]) != Status.DONE)
            raise LoopError(
                f"generation {position.generation + 1} of stage {position.stage + 1} can't be "
                f"told: slot(s) {', '.join(str(s + 1) for s in slots[:5])} have no finite fitness"
            )
        attempts = np.array([[result.attempts for result in results]], np.uint8)
        frame = replace(recorder.block(position, record, 1), attempts=attempts)
        after = replace(position, generation=position.generation + 1, state=state)
        presented = self._presented(store) + sum(result.presentations for result in results)
        frames: list = [frame]
        over = after.generation == self.experiment.stages.generations
        if over or bool(self.engine.settled(state)):
            theta = record.recommended[0]
            frames += recorder.stage(after, np.asarray(theta), presented)
            after, presented = after_stage(after, self.engine, self.root, theta), 0
        store.append(
            frames,
            {
                "position": position_arrays(after),
                "presented": {"trials": np.array([presented], np.int64)},
            },
        )
        store.fold(every_s=1.0 if self._hold else 0.0)
        return after

    @staticmethod
    def _presented(store: Store) -> int:
        kept = store.state("presented")
        return 0 if kept is None else int(kept["trials"][0])

    def _finish(self) -> None:
        """Run the search without a learner, which costs no trial, and end the experiment."""
        with self._opened() as store:
            if not DryRun(self.experiment, store).run():
                return
        self.queue.write(STATE, FINISHED)

    @contextlib.contextmanager
    def _opened(self):
        """Yield the store, held or opened for this moment."""
        if self._store is None:
            self._store = _patiently(self._folder)
        try:
            yield self._store
        except BaseException:
            self._release("failed")
            raise
        if not self._hold and self._store is not None:
            self._release(_standing(self._store))

    def _release(self, exit_status: str) -> None:
        store, self._store = self._store, None
        if store is not None:
            store.close(exit_status)


def _standing(store: Store) -> str:
    """Return the exit status of a store that is let go of; another planner may have ended it."""
    arrays = store.state("position")
    arms = 2 if store.header["control"] else 1
    over = arrays is not None and int(arrays["place"][0]) == arms
    return "finished" if over else "interrupted"


def check_askable(experiment: Experiment) -> None:
    """Refuse an experiment that no animal can be asked.

    Raises:
        NotReady: says what to change in the document.
    """
    if experiment.session is None:
        raise NotReady(
            "the protocol has no [session]: it doesn't say how an animal is asked; add one "
            "(`biasloop new PATH --from animal` shows how)"
        )
    if experiment.together or experiment.neglected is not None:
        raise NotReady(
            "together, neglected: an animal is one learner; leave the others out of the protocol"
        )
    if experiment.strategy.build().needs_gradient:
        raise NotReady(
            f"strategy {experiment.strategy.kind!r} needs the learner's gradient, which no animal "
            "gives; use 'es'"
        )


def _check_same(folder: Path, opening: Opening, document: Document[Experiment] | None) -> None:
    try:
        origin = status(folder)["origin"]
    except NotAStore as error:
        raise NotReady(str(error)) from error
    if origin != opening.origin:
        raise NotReady(
            f"the experiment in {folder} is {origin}, this rig is {opening.origin}: trials of both "
            "would be taken for each other; give another folder (--out)"
        )
    text = (folder / "experiment.toml").read_text("utf-8")
    if document is not None and document.text != text:
        raise NotReady(
            f"the experiment in {folder} was begun with another protocol; go on with "
            f"`{folder / 'experiment.toml'}`, or give another folder (--out)"
        )


def _patiently(folder: Path) -> Store:
    """Open a store, waiting for another session's planner that is telling."""
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            return Store.open(folder)
        except StoreLocked:
            if time.monotonic() > deadline_s:
                raise
