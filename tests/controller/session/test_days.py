"""Three days, four animals, two rigs; one animal drops out, one rig is dead for a day.

The experiment ends, and says what it would have said without all that.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from animal_experiment import opening, small_document
from session_world import MORNING_NS, settings

from controller.planner import Planner
from controller.rehearsal import DAY_NS, Rehearsal, rehearse
from controller.replay import verify
from controller.session.alerts import Alerts, AlertsSection
from controller.session.clock import VirtualClock, day_of
from controller.session.controls import NoControls
from controller.session.planning import FINISHED, STATE
from controller.session.queue import Queue
from controller.session.start import Start, run_session
from controller.session.unlimited import unlimited
from controller.statuses import Status
from controller.store import read, status
from hardware.emulated import EmulatedRig
from hardware.interface import Disconnected
from learners.simulated_subject import Behaviour, SimulatedSubject
from protocols.mappings.colour import ColourMapping

TRIALS = 25  # of a session, so that episodes of 10 are left in the middle
ROUNDS = 2  # sessions of each animal on a day
HOUR_NS = DAY_NS // 24
SETTINGS = replace(settings(), name="bench", port="emulated")
NOT_COMPARED = {"candidates": {"attempts"}, "generations": {"t_ns"}, "stages": {"t_ns"}}
TABLES = ("trials", "candidates", "generations", "stages", "stimuli")


@pytest.fixture(scope="module")
def document():
    return small_document(
        f"session.trials={TRIALS}",
        "stages.generations=3",
        'session.plan={kind="conditioning", delay_s=0.1, window_s=2.0, full=20, interval_s=1.0}',
    )


class Bench:
    """One rig with its own planner, in a thread of its own, as another computer would be."""

    def __init__(self, folder, name, document):
        self.folder, self.name = folder, name
        self.pool = ThreadPoolExecutor(1, thread_name_prefix=name)
        self.now_ns = MORNING_NS
        self.dead = False
        self.ended = []
        self.pool.submit(self._open, document).result()

    def _open(self, document):
        self.planner = Planner.begin(opening(self.folder), document)
        self.planner.queue.close()
        self.planner.queue = Queue(self.folder, durable=False, now_ns=lambda: self.now_ns)
        self.planner.nudge()

    def close(self):
        self.pool.submit(self.planner.close).result()
        self.pool.shutdown()

    def day(self, animals, number, rounds=ROUNDS):
        """Let animals have their sessions, each several; a future."""
        return self.pool.submit(self._day, animals * rounds, number)

    def _day(self, animals, number):
        for animal in animals:
            self.now_ns = max(self.now_ns + HOUR_NS, MORNING_NS + number * DAY_NS)
            if self.planner.queue.read(STATE) == FINISHED:
                return
            try:
                self.ended.append((number, animal, self.session(animal).status))
            except Disconnected:
                self.ended.append((number, animal, "dead"))

    def session(self, animal):
        section = self.planner.experiment.session
        calibration = SETTINGS.calibrations["valve_left"]
        subject = SimulatedSubject(
            self.planner.experiment.learner.build(),
            section.plan.build(),
            section.feedback.build(),
            lambda pulsed: calibration.volume_ul(pulsed.width_us),
            Behaviour(),
        )
        rig = None

        def make_rig(rewards):
            nonlocal rig
            if self.dead:
                raise Disconnected("the cable is gnawed through")
            today = day_of(self.now_ns)
            rig = EmulatedRig(
                SETTINGS, subject, keep=rewards.keep, today=today, device_id=self.name
            )
            return rig

        return run_session(
            Start(
                experiment=self.folder,
                plan=self.planner.plan,
                settings=SETTINGS,
                mapping=ColourMapping(),
                rig_document="",
                lab=self.folder / f"lab {self.name}",
                limits=unlimited(animal),
                make_rig=make_rig,
                planning=self.planner,
                queue=self.planner.queue,
                controls=NoControls(),
                alerts=Alerts(AlertsSection(), lambda _: None),
                clock=VirtualClock(self.now_ns, lambda: 0 if rig is None else rig.now_us),
                origin="emulated",
                say=lambda _: None,
                observer=subject,
            )
        )


def three_days(folder, document):
    """Run it with everything that goes wrong; what happened, and how each slot was leased."""
    left, right = Bench(folder, "left", document), Bench(folder, "right", document)
    try:
        # m2 begins alone, so that it has an episode in hand when it drops out
        left.day(["m2"], 0, rounds=1).result()
        for running in (left.day(["m1"], 0), right.day(["m3", "m4"], 0)):
            running.result()
        half_done = left.pool.submit(left.planner.queue.abandon, "m2").result()
        right.dead = True
        for running in (left.day(["m1"], 1), right.day(["m3", "m4"], 1)):
            running.result()
        right.dead = False
        for running in (left.day(["m1"] * 6, 2), right.day(["m3", "m4"] * 3, 2)):
            running.result()
        over = left.pool.submit(left.planner.queue.read, STATE).result() == FINISHED
        return over, half_done, [*left.ended, *right.ended]
    finally:
        left.close()
        right.close()


def undisturbed(folder, document):
    """Run it with one animal that comes every day."""
    rehearsal = Rehearsal(
        folder, SETTINGS, ColourMapping(), "", Behaviour(), MORNING_NS, control=False
    )
    return rehearse(rehearsal, document)


def test_the_experiment_ends_and_says_what_it_would_have_said_without_all_that(document, tmp_path):
    over, half_done, ended = three_days(tmp_path / "disturbed", document)
    assert over
    assert half_done == 1
    assert [one for one in ended if one[2] == "dead"] == [
        (1, animal, "dead") for animal in ("m3", "m4") * ROUNDS
    ]
    assert {animal for _, animal, how in ended if how in {"trials", "no_slot"}} >= {"m1", "m3"}
    assert undisturbed(tmp_path / "plain", document)
    assert_same(tmp_path / "disturbed", tmp_path / "plain")


def assert_same(disturbed, plain):
    """Everything but times and attempts is equal, bit for bit; so are all proposals."""
    assert status(disturbed)["exit_status"] == status(plain)["exit_status"] == "finished"
    with read(disturbed) as ours, read(plain) as theirs:
        for table in TABLES:
            for column in theirs[table].data_vars:
                if column not in NOT_COMPARED.get(table, ()):
                    one, other = ours[table][column].to_numpy(), theirs[table][column].to_numpy()
                    assert one.dtype == other.dtype
                    assert one.tobytes() == other.tobytes(), (table, column)
        assert (ours["candidates"]["status"] == Status.DONE).all()
        attempts = ours["candidates"]["attempts"].to_numpy()
        assert attempts.max() > 1
        assert (theirs["candidates"]["attempts"] == 1).all()
        assert len(np.unique(ours["trials"]["answer"])) > 10
    for folder in (disturbed, plain):
        replayed = verify(folder)
        assert replayed.difference is None
        assert replayed.generations == 6
