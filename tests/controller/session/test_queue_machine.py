"""Whatever sessions, rigs elsewhere and the planner do to a queue, in any order: as a model says.

The model is a dictionary. A rig's queue is a queue as well, with a model of its own; what it
says is taken over late, twice, or never.
"""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from session_world import assignments

from controller.session.errors import LeaseLost, NothingToDo
from controller.session.lending import adopt, lend, renew, standing, take_back
from controller.session.queue import Queue, Result
from controller.statuses import Status

HOUR_NS = 3600 * 10**9
SUBJECTS = st.sampled_from(["m1", "m2"])
SLOTS = 4
ELSEWHERE = ("done", "void", "void", "left", "report", "report", "late report", "home")


@dataclass
class Slot:
    """How a slot should stand."""

    attempt: int = 0
    status: Status = Status.PROPOSED
    subject: str | None = None
    session: str | None = None
    deadline_ns: int | None = None
    answer: float | None = None

    def open(self, *, again: bool = True) -> None:
        self.attempt += again
        self.status, self.subject, self.session = Status.PROPOSED, None, None
        self.deadline_ns = None


@dataclass
class Model:
    """What a queue should hold."""

    slots: dict = field(default_factory=dict)
    leased: list = field(default_factory=list)
    """Place, attempt and session of every lease, in their order."""
    voids: dict = field(default_factory=dict)

    def propose(self, places):
        new = [place for place in places if place not in self.slots]
        self.slots |= {place: Slot() for place in new}
        return len(new)

    def held_by(self, subject):
        return [
            place
            for place, one in sorted(self.slots.items())
            if one.status == Status.LEASED and one.subject == subject
        ]

    def opened(self):
        return [p for p, one in sorted(self.slots.items()) if one.status == Status.PROPOSED]

    def expire(self, now_ns):
        for one in self.slots.values():
            if one.status == Status.LEASED and one.deadline_ns < now_ns:
                one.open()

    def give(self, place, subject, session, deadline_ns):
        one = self.slots[place]
        one.status, one.subject, one.session = Status.LEASED, subject, session
        one.deadline_ns = deadline_ns

    def earlier(self, place, session):
        attempt = self.slots[place].attempt
        names = [s for p, a, s in self.leased if (p, a) == (place, attempt) and s != session]
        return tuple(dict.fromkeys(names))

    def has(self, place, attempt, subject, session):
        one = self.slots.get(place)
        return one is not None and (one.status, one.attempt, one.subject, one.session) == (
            *(Status.LEASED, attempt),
            *(subject, session),
        )

    def void(self, place):
        self.slots[place].open()
        self.voids[place] = self.voids.get(place, 0) + 1
        return self.voids[place]


@dataclass
class Far:
    """A rig elsewhere with a session."""

    queue: Queue
    model: Model
    subject: str
    session: str
    stale: list = field(default_factory=list)


def place_of(one):
    return one.stage, one.generation, one.slot


def result(answer):
    return Result(np.full(2, answer, np.float32), 7, 1)


class QueueMachine(RuleBasedStateMachine):
    """Sessions on the spot and elsewhere, and a planner, around one queue."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.now_ns, self.number, self.generation = 10**18, 0, 0
        self.model, self.leases, self.far = Model(), [], []
        self.made = []
        self.queue = self._opened("experiment")

    def teardown(self):
        for queue in (self.queue, *(one.queue for one in self.far)):
            queue.close()
        self.folder.cleanup()

    def _opened(self, name):
        path = Path(self.folder.name) / name
        path.mkdir(exist_ok=True)
        return Queue(path, durable=False, now_ns=lambda: self.now_ns)

    def _new(self):
        """Return a number that nothing had: a session's, or an answer."""
        self.number += 1
        return self.number

    # the planner

    @initialize()
    def begin(self):
        self.propose()

    @rule()
    def propose(self):
        """Put the generation in; it may be there already."""
        generation = self.generation
        made = assignments(SLOTS, generation)
        places = [place_of(one) for one in made]
        assert self.queue.propose(made) == self.model.propose(places)

    @rule()
    def tell(self):
        """A generation that is answered is told, and the next one begins."""
        results = self.queue.results(0, self.generation, SLOTS)
        slots = [self.model.slots.get((0, self.generation, slot)) for slot in range(SLOTS)]
        done = all(one is not None and one.status == Status.DONE for one in slots)
        assert (results is not None) == done
        if results is None:
            return
        assert [one.answers[0] for one in results] == [one.answer for one in slots]
        assert [one.attempts for one in results] == [one.attempt + 1 for one in slots]
        self.generation += 1
        self.queue.forget_before(0, self.generation)
        self.propose()

    # sessions on the spot

    @rule(subject=SUBJECTS, hours=st.sampled_from([0.5, 2.0]))
    def lease(self, subject, hours):
        session = f"s{self._new()}"
        self.model.expire(self.now_ns)
        free = [*self.model.held_by(subject), *self.model.opened()]
        if not free:
            with pytest.raises(NothingToDo):
                self.queue.lease(subject, session, hours)
            return
        lease = self.queue.lease(subject, session, hours)
        assert place_of(lease.assignment) == free[0]
        self.model.give(free[0], subject, session, self.now_ns + round(hours * HOUR_NS))
        assert lease.assignment.attempt == self.model.slots[free[0]].attempt
        assert lease.earlier == self.model.earlier(free[0], session)
        self.model.leased.append((free[0], lease.assignment.attempt, session))
        self.leases.append(lease)

    @precondition(lambda self: self.leases)
    @rule(data=st.data())
    def finish(self, data):
        lease = data.draw(st.sampled_from(self.leases))
        answer = self._new()
        if self._ours(lease):
            self.queue.finish(lease, result(answer))
            one = self.model.slots[place_of(lease.assignment)]
            one.status, one.deadline_ns, one.answer = Status.DONE, None, answer
        else:
            with pytest.raises(LeaseLost):
                self.queue.finish(lease, result(answer))

    @precondition(lambda self: self.leases)
    @rule(data=st.data())
    def void(self, data):
        lease = data.draw(st.sampled_from(self.leases))
        if self._ours(lease):
            voids = self.queue.void(lease, "asleep")
            assert voids == self.model.void(place_of(lease.assignment))
        else:
            with pytest.raises(LeaseLost):
                self.queue.void(lease, "asleep")

    def _ours(self, lease):
        one = lease.assignment
        return self.model.has(place_of(one), one.attempt, lease.subject, lease.session)

    @rule(subject=SUBJECTS, seldom=st.integers(0, 3))
    def drop(self, subject, seldom):
        if seldom:
            return
        held = self.model.held_by(subject)
        assert self.queue.abandon(subject) == len(held)
        for place in held:
            self.model.slots[place].open()

    @rule(minutes=st.sampled_from([1, 45, 150]))
    def wait(self, minutes):
        self.now_ns += minutes * 60 * 10**9

    @rule()
    def reopen(self):
        self.queue.close()
        self.queue = self._opened("experiment")

    # sessions elsewhere

    @precondition(lambda self: len(self.far) < 3)
    @rule(subject=SUBJECTS, most=st.integers(1, 4), hours=st.sampled_from([0.5, 2.0, 20.0, 20.0]))
    def send(self, subject, most, hours):
        session = f"far{self._new()}"
        lent = lend(self.queue, subject, session, hours, most)
        self.model.expire(self.now_ns)
        begun = self.model.held_by(subject)
        expected = [*begun, *self.model.opened()[: max(0, most - len(begun))]]
        assert [place_of(one.assignment) for one in lent] == expected
        far = Far(self._opened(session), Model(), subject, session)
        for one, place in zip(lent, expected, strict=True):
            self.model.give(place, subject, session, self.now_ns + round(hours * HOUR_NS))
            assert one.assignment.attempt == self.model.slots[place].attempt
            earlier = self.model.earlier(place, session)
            assert (one.earlier, one.begun) == (earlier, bool(earlier))
            far.model.slots[place] = Slot(self.model.slots[place].attempt)
            if one.begun:
                far.model.give(place, subject, earlier[-1], 2**62)
            far.model.leased += [(place, one.assignment.attempt, name) for name in earlier]
            far.model.voids[place] = self.model.voids.get(place, 0)
        assert adopt(far.queue, lent, subject) == len(lent)
        assert adopt(far.queue, lent, subject) == 0
        self.far.append(far)

    @precondition(lambda self: self.far)
    @rule(which=st.integers(0, 2), actions=st.lists(st.sampled_from(ELSEWHERE), min_size=2))
    def elsewhere(self, which, actions):
        """A session on a rig goes on, and now and then somebody hears of it."""
        for action in actions:
            far = self.far[which % len(self.far)]
            match action:
                case "report" | "late report":
                    self._report(far, late=action == "late report")
                case "home":
                    self._come_home(far)
                    return
                case ending:
                    self._run_elsewhere(far, ending)

    def _run_elsewhere(self, far, ending):
        free = [*far.model.held_by(far.subject), *far.model.opened()]
        try:
            lease = far.queue.lease(far.subject, far.session, 1000.0)
        except NothingToDo:
            assert not free
            return
        place, attempt = place_of(lease.assignment), lease.assignment.attempt
        assert place == free[0]
        assert lease.earlier == far.model.earlier(place, far.session)
        far.model.give(place, far.subject, far.session, 2**62)
        far.model.leased.append((place, attempt, far.session))
        if ending == "done":
            answer = self._new()
            far.queue.finish(lease, result(answer))
            far.model.slots[place].status, far.model.slots[place].answer = Status.DONE, answer
        elif ending == "void":
            assert far.queue.void(lease, "asleep") == far.model.void(place)

    def _report(self, far, *, late):
        """What a rig says is taken over, or what it said before: late, and twice."""
        far.stale.append((standing(far.queue, far.session), self._copied(far)))
        standings, model = far.stale[0 if late else -1]
        back = take_back(self.queue, far.subject, far.session, standings, over=False)
        self._taken_over(far, model, back)

    def _come_home(self, far):
        standings = standing(far.queue, far.session)
        for _ in range(2):  # whoever brings it home may be killed and do it again
            back = take_back(self.queue, far.subject, far.session, standings, over=True)
        far.queue.close()
        self.far.remove(far)
        assert back.told == 0
        self._taken_over(far, far.model, None)
        for place, one in self.model.slots.items():
            if one.status != Status.LEASED or one.session != far.session:
                continue
            local = far.model.slots.get(place)
            begun = local is not None and (local.status, local.session) == (
                *(Status.LEASED, far.session),
            )
            earlier = self.model.earlier(place, far.session)
            if not begun and earlier:
                one.session = earlier[-1]
            elif not begun:
                one.open(again=False)

    @precondition(lambda self: self.model.slots)
    @rule(subject=SUBJECTS, hours=st.sampled_from([0.5, 20.0]), begin=st.booleans())
    def send_in_vain(self, subject, hours, begin):
        """What a rig never began is as it was before."""
        if begin:
            self.lease(subject, 20.0)
        if len(self.far) < 3:
            self.send(subject, 2, hours)
            self._come_home(self.far[-1])

    @precondition(lambda self: self.far)
    @rule(which=st.integers(0, 2))
    def renew(self, which):
        far = self.far[which % len(self.far)]
        held = [
            one
            for one in self.model.slots.values()
            if one.status == Status.LEASED and one.session == far.session
        ]
        assert renew(self.queue, far.session, 2.0) == len(held)
        for one in held:
            one.deadline_ns = self.now_ns + 2 * HOUR_NS

    def _copied(self, far):
        copied = {
            place: (one.attempt, one.status, one.session, one.answer)
            for place, one in far.model.slots.items()
        }
        model = Model({}, list(far.model.leased), dict(far.model.voids))
        for place, (attempt, status, session, answer) in copied.items():
            model.slots[place] = Slot(attempt, status, far.subject, session, None, answer)
        return model

    def _taken_over(self, far, local, back):
        told, lost = 0, []
        for place, theirs in sorted(local.slots.items()):
            ours = self.model.slots.get(place)
            mine = ours is not None and (ours.subject, ours.session) == (far.subject, far.session)
            if mine and ours.status == Status.DONE:
                continue
            if not mine or ours.status != Status.LEASED:
                lost.append(place)
                continue
            if ours.attempt > theirs.attempt:
                continue
            voids = theirs.attempt - ours.attempt
            self.model.voids[place] = self.model.voids.get(place, 0) + voids
            ours.attempt = theirs.attempt
            for line in local.leased:
                if line[0] == place and line[2] == far.session and line not in self.model.leased:
                    self.model.leased.append(line)
            if theirs.status == Status.DONE:
                ours.status, ours.answer, ours.deadline_ns = Status.DONE, theirs.answer, None
                told += 1
        if back is not None:
            assert (back.told, list(back.lost)) == (told, lost)

    # always

    @invariant()
    def it_is_as_the_model_says(self):
        slots = {(one.stage, one.generation, one.slot): one for one in self.queue.slots()}
        assert slots.keys() == self.model.slots.keys()
        for place, model in self.model.slots.items():
            one = slots[place]
            assert (one.attempt, one.status) == (model.attempt, model.status)
            assert (one.subject, one.session) == (model.subject, model.session)
            assert one.deadline_ns == model.deadline_ns

    @invariant()
    def what_was_answered_stays(self):
        done = {p: one.answer for p, one in self.model.slots.items() if one.status == Status.DONE}
        for place, answer in self.made:
            assert done[place] == answer
        self.made = list(done.items())


def run(examples, steps):
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(
        QueueMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )


def test_a_queue_does_what_a_model_of_it_does():
    run(200, 50)


@pytest.mark.slow
def test_a_queue_does_what_a_model_of_it_does_for_long():
    run(1500, 80)
