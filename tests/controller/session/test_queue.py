"""Slots are proposed once, leased to one, brought back by whoever has them, and never lost."""

import os
import random
import sqlite3
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from controller.session.errors import LeaseLost, NothingToDo, SessionError
from controller.session.queue import QUEUE_NAME, Queue, Result
from controller.statuses import Status
from protocols.assignment import Assignment

HERE = Path(__file__).parent
HOUR_NS = 3600 * 10**9


def assignment(slot, generation=0, stage=0):
    rng = np.random.default_rng([stage, generation, slot])
    return Assignment(
        stage,
        generation,
        slot,
        attempt=0,
        train_x=rng.standard_normal((2, 3), np.float32),
        train_z=rng.standard_normal(2, np.float32),
        test_x=rng.standard_normal((4, 3), np.float32),
        seed=slot + 2**40,
    )


def generation(slots, number=0, stage=0):
    return [assignment(slot, number, stage) for slot in range(slots)]


def result(value=0.0):
    return Result(np.full(4, value, np.float32), 9, 1)


class Hands:
    """A clock that a test turns."""

    now_ns = 10**18

    def __call__(self):
        return self.now_ns


@pytest.fixture
def clock():
    return Hands()


@pytest.fixture
def queue(tmp_path, clock):
    with Queue(tmp_path, durable=False, now_ns=clock) as opened:
        yield opened


def place(lease):
    one = lease.assignment
    return one.stage, one.generation, one.slot


# proposing and leasing


def test_proposing_again_changes_nothing(queue):
    assert queue.propose(generation(3)) == 3
    lease = queue.lease("m1", "s1", 1.0)
    queue.finish(lease, result(0.5))
    before = queue.slots()
    assert queue.propose(generation(4)) == 1
    assert queue.slots()[:3] == before
    assert queue.slots()[3].status == Status.PROPOSED


def test_slots_are_leased_in_their_order(queue):
    queue.propose([*generation(2, 1), *generation(2, 0, stage=1), *generation(2, 0)[::-1]])
    leased = [place(queue.lease(f"m{number}", "s", 1.0)) for number in range(6)]
    assert leased == sorted(leased)


def test_an_episode_comes_out_as_it_was_put_in(queue):
    queue.propose(generation(1))
    got, put = queue.lease("m1", "s1", 1.0).assignment, assignment(0)
    for name in ("train_x", "train_z", "test_x"):
        assert getattr(got, name).tobytes() == getattr(put, name).tobytes()
        assert getattr(got, name).dtype == np.float32
    assert (got.seed, got.attempt) == (put.seed, 0)


def test_a_subject_takes_its_own_slot_up_again_and_learns_in_which_sessions_it_was(queue):
    queue.propose(generation(2))
    first = queue.lease("m1", "zebra", 1.0)
    assert first.earlier == ()
    assert queue.lease("m2", "other", 1.0).assignment.slot == 1
    second = queue.lease("m1", "ape", 1.0)
    third = queue.lease("m1", "bear", 1.0)
    again = queue.lease("m1", "bear", 1.0)
    assert place(first) == place(second) == place(third) == place(again)
    assert (second.earlier, third.earlier) == (("zebra",), ("zebra", "ape"))
    assert again.earlier == ("zebra", "ape")
    assert third.assignment.attempt == 0


def test_of_several_slots_of_its_own_a_subject_gets_the_first(queue):
    queue.propose(generation(4))
    with sqlite3.connect(queue.path) as connection:
        change = (
            "UPDATE slots SET status = 1, subject = 'm1', deadline_ns = 2e18 WHERE slot IN (3, 1)"
        )
        connection.execute(change)
    connection.close()
    assert queue.lease("m1", "s", 1.0).assignment.slot == 1


def test_an_earlier_session_has_lost_a_slot_that_was_taken_up_again(queue):
    queue.propose(generation(1))
    first = queue.lease("m1", "s1", 1.0)
    second = queue.lease("m1", "s2", 1.0)
    with pytest.raises(LeaseLost, match="slot 1 isn't m1's any more"):
        queue.finish(first, result())
    queue.finish(second, result())


# the end of a lease


def test_a_lease_that_is_over_frees_the_slot_for_a_new_attempt(queue, clock):
    queue.propose(generation(1))
    late = queue.lease("m1", "s1", 1.0)
    clock.now_ns += HOUR_NS
    with pytest.raises(NothingToDo, match=r"1 are leased \(slot 1 by m1\)"):
        queue.lease("m2", "s2", 1.0)
    clock.now_ns += 1
    lease = queue.lease("m2", "s2", 1.0)
    assert (lease.assignment.attempt, lease.earlier) == (1, ())
    with pytest.raises(LeaseLost):
        queue.finish(late, result(0.1))
    with pytest.raises(LeaseLost):
        queue.void(late, "late")
    queue.finish(lease, result(0.9))
    (got,) = queue.results(0, 0, 1)
    assert got.answers.tolist() == np.full(4, 0.9, np.float32).tolist()
    assert (got.attempts, got.presentations) == (2, 9)


def test_who_finishes_late_but_before_anybody_else_came_has_finished(queue, clock):
    queue.propose(generation(1))
    lease = queue.lease("m1", "s1", 1.0)
    clock.now_ns += 5 * HOUR_NS
    queue.finish(lease, result())
    assert queue.slots()[0].status == Status.DONE


def test_leasing_again_extends_the_time(queue, clock):
    queue.propose(generation(1))
    queue.lease("m1", "s1", 1.0)
    clock.now_ns += HOUR_NS // 2
    queue.lease("m1", "s2", 1.0)
    clock.now_ns += HOUR_NS * 3 // 4
    with pytest.raises(NothingToDo):
        queue.lease("m2", "s3", 1.0)


def test_sessions_of_an_attempt_that_is_over_are_no_earlier_ones(queue, clock):
    queue.propose(generation(1))
    queue.lease("m1", "s1", 1.0)
    clock.now_ns += 2 * HOUR_NS
    assert queue.lease("m1", "s2", 1.0).earlier == ()


def test_an_abandoned_animal_frees_its_slots(queue):
    queue.propose(generation(2))
    lost = queue.lease("m1", "s1", 1.0)
    queue.lease("m2", "s2", 1.0)
    assert queue.abandon("m1") == 1
    assert queue.abandon("m1") == 0
    opened = queue.slots()[0]
    assert (opened.status, opened.attempt) == (Status.PROPOSED, 1)
    assert (opened.subject, opened.session, opened.deadline_ns) == (None, None, None)
    assert place(queue.lease("m3", "s3", 1.0)) == (0, 0, 0)
    with pytest.raises(LeaseLost):
        queue.finish(lost, result())


def test_a_void_episode_is_open_again_and_counted(queue):
    queue.propose(generation(1))
    for voids in (1, 2, 3):
        lease = queue.lease("m1", "s1", 1.0)
        assert lease.assignment.attempt == voids - 1
        assert queue.void(lease, "asleep") == voids
        assert queue.slots()[0].status == Status.PROPOSED
        assert queue.results(0, 0, 1) is None
    with pytest.raises(LeaseLost):
        queue.void(lease, "asleep")


# a naive subject for each candidate


def test_a_naive_subject_gets_one_episode(queue):
    queue.propose(generation(3))
    lease = queue.lease("m1", "s1", 1.0, fresh=True)
    assert place(queue.lease("m1", "s2", 1.0, fresh=True)) == place(lease)  # its own goes on
    queue.finish(queue.lease("m1", "s2", 1.0, fresh=True), result())
    with pytest.raises(NothingToDo, match=r"m1 has begun an episode before.*2 slots wait"):
        queue.lease("m1", "s3", 1.0, fresh=True)
    assert queue.lease("m2", "s4", 1.0, fresh=True).assignment.slot == 1


@pytest.mark.parametrize("how", ["void", "abandoned", "over"])
def test_who_has_begun_an_episode_is_naive_no_more(queue, clock, how):
    queue.propose(generation(3))
    lease = queue.lease("m1", "s1", 1.0, fresh=True)
    if how == "void":
        queue.void(lease, "asleep")
    elif how == "abandoned":
        queue.abandon("m1")
    else:
        clock.now_ns += 2 * HOUR_NS
    with pytest.raises(NothingToDo, match="naive"):
        queue.lease("m1", "s2", 1.0, fresh=True)


# results


def test_results_come_when_all_are_there_and_in_slot_order(queue):
    queue.propose(generation(3))
    leases = [queue.lease(f"m{slot}", "s", 1.0) for slot in range(3)]
    for lease in (leases[2], leases[0], leases[1]):
        assert queue.results(0, 0, 3) is None
        queue.finish(lease, result(lease.assignment.slot))
    assert [one.answers[0] for one in queue.results(0, 0, 3)] == [0, 1, 2]
    assert queue.results(0, 0, 4) is None
    assert queue.results(0, 1, 3) is None


def test_nothing_to_do_says_when_the_planner_is_late(queue):
    with pytest.raises(NothingToDo, match="the planner hasn't proposed"):
        queue.lease("m1", "s", 1.0)


def test_what_was_told_is_never_asked_again_but_can_still_be_read(queue):
    queue.propose([*generation(2), *generation(2, 1)])
    queue.finish(queue.lease("m1", "s", 1.0), result(0.25))
    queue.lease("m2", "s", 1.0)
    queue.forget_before(0, 1)
    assert place(queue.lease("m3", "s", 1.0)) == (0, 1, 0)
    # a planner that was slower finds out that it was told
    assert [one.answers[0] for one in queue.results(0, 0, 1)] == [0.25]
    assert queue.propose(generation(1)) == 0


def test_notes_are_kept_and_replaced(queue):
    assert queue.read("state") is None
    queue.write("state", "running")
    queue.write("state", "finished")
    assert queue.read("state") == "finished"


# several processes


def start(folder, subject):
    environment = {**os.environ, "PYTHONPATH": str(HERE.parents[2])}
    return subprocess.Popen(
        [sys.executable, HERE / "queue_worker.py", folder, subject],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    )


def go(*workers):
    for worker in workers:
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()


def test_two_processes_never_get_the_same_slot(tmp_path):
    with Queue(tmp_path) as queue:
        queue.propose(generation(200))
        workers = [start(tmp_path, name) for name in ("m1", "m2")]
        go(*workers)
        outputs = []
        for worker in workers:
            outputs.append(worker.communicate(timeout=120)[0].split())
            assert worker.returncode == 0
        leased = [
            int(slot)
            for words in outputs
            for what, slot in zip(words[::2], words[1::2], strict=True)
            if what == "leased"
        ]
        assert sorted(leased) == list(range(200))
        results = queue.results(0, 0, 200)
    assert [one.answers[0] for one in results] == list(range(200))


def test_processes_may_begin_a_queue_at_the_same_time(tmp_path):
    for number in range(20):
        (tmp_path / str(number)).mkdir()
    environment = {**os.environ, "PYTHONPATH": str(HERE.parents[2])}
    code = (
        "import sys; from pathlib import Path; from controller.session.queue import Queue\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "for number in range(20): Queue(Path(sys.argv[1]) / str(number)).close()"
    )
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", code, tmp_path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )
        for _ in range(2)
    ]
    go(*workers)
    for worker in workers:
        worker.communicate(timeout=60)
        assert worker.returncode == 0


@pytest.mark.parametrize("seed", range(3))
def test_a_kill_loses_nothing_and_leaves_the_queue_usable(tmp_path, seed):
    rng, done = random.Random(seed), set()
    with Queue(tmp_path) as queue:
        queue.propose(generation(400))
        for _ in range(3):
            worker = start(tmp_path, "m1")
            go(worker)
            worker.stdout.readline()
            time.sleep(rng.uniform(0, 0.05))
            worker.kill()
            words = worker.communicate()[0].split("\n")[:-1]
            done |= {int(line.split()[1]) for line in words if line.startswith("done")}
            states = {slot.slot: slot.status for slot in queue.slots()}
            assert all(states[slot] == Status.DONE for slot in done)
            assert sum(status == Status.LEASED for status in states.values()) <= 1
        lease = queue.lease("m1", "later", 1.0)
        queue.finish(lease, result())
        assert queue.propose(generation(401)) == 1


def test_an_interrupted_change_is_not_made_and_the_next_one_is(queue):
    queue.propose(generation(2))

    def interrupted(run, *_):
        raise KeyboardInterrupt

    queue._note, original = interrupted, queue._note
    with pytest.raises(KeyboardInterrupt):
        queue.lease("m1", "s1", 1.0)
    queue._note = original
    assert [slot.status for slot in queue.slots()] == [Status.PROPOSED] * 2
    assert queue.lease("m1", "s1", 1.0).assignment.slot == 0


# bad files


@pytest.mark.parametrize("content", ["no database", "of another program"])
def test_a_file_that_is_no_queue_is_refused_and_left_alone(tmp_path, content):
    path = tmp_path / QUEUE_NAME
    if content == "no database":
        path.write_bytes(b"not a database at all" * 99)
    else:
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE mice (name)")
        connection.close()
    before = path.read_bytes()
    with pytest.raises(SessionError, match=r"queue\.sqlite") as caught:
        Queue(tmp_path)
    assert type(caught.value) is SessionError
    assert path.read_bytes() == before


def test_a_missing_folder_is_an_error_that_names_it(tmp_path):
    with pytest.raises(SessionError, match=r"none.*check the folder"):
        Queue(tmp_path / "none")


def test_a_damaged_episode_is_an_error_with_a_remedy(queue):
    queue.propose(generation(1))
    connection = sqlite3.connect(queue.path)
    connection.execute("UPDATE slots SET episode = x'00112233'")
    connection.commit()
    connection.close()
    with pytest.raises(SessionError, match="restore it from a copy"):
        queue.lease("m1", "s1", 1.0)
    assert queue.slots()[0].status == Status.PROPOSED


def test_a_damaged_page_is_an_error_with_a_remedy(tmp_path):
    with Queue(tmp_path) as queue:
        queue.propose(generation(200))
    path = tmp_path / QUEUE_NAME
    data = bytearray(path.read_bytes())
    data[8192:] = os.urandom(len(data) - 8192)
    path.write_bytes(data)
    with pytest.raises(SessionError, match="restore it from a copy"), Queue(tmp_path) as queue:
        queue.slots()


@pytest.fixture
def mounted(tmp_path):
    """A small disk of its own."""
    point = tmp_path / "disk"
    point.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", point]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a disk")
    yield point
    subprocess.run(["umount", point], check=True)


def test_a_full_disk_is_an_error_with_a_remedy_and_space_is_all_it_needs(mounted):
    with Queue(mounted) as queue:
        queue.propose(generation(2))
        ballast = mounted / "ballast"
        with ballast.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))
        with pytest.raises(SessionError, match="the disk's space"):
            queue.propose(generation(400))
        ballast.unlink()
        assert queue.lease("m1", "s1", 1.0).assignment.slot == 0
        assert len(queue.slots()) == 2


def test_a_read_only_disk_is_an_error_with_a_remedy(mounted):
    with Queue(mounted) as queue:
        queue.propose(generation(2))
    subprocess.run(["mount", "-o", "remount,ro", mounted], check=True)
    with pytest.raises(SessionError, match="its permissions"), Queue(mounted) as queue:
        queue.lease("m1", "s1", 1.0)
