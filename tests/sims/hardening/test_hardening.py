"""Every part in a short form, and with something broken on purpose: a part that can't fail is none.

What needs a board or takes long in any form is tested where it belongs: kills and sessions in
`tests/controller`, the damaged line in `tests/hardware`.
"""

import os
import random
import sqlite3
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from hardware.wire import Frame, WireError, unframe, unstuff
from sims.hardening import disk, line_torture, power_cuts, session_torture, store_kills
from sims.hardening.base_stores import as_killed
from sims.hardening.command import PARTS
from sims.hardening.part import AbstractPart, Conditions, LeftOutError
from sims.hardening.parts import documents
from sims.hardening.parts.documents import Documents
from sims.hardening.parts.firmware import Firmware
from sims.hardening.parts.power import Power
from sims.hardening.parts.queue import Queue
from sims.hardening.parts.stores import Stores
from sims.hardening.parts.wire import Wire
from sims.hardening.promises import BrokenPromiseError
from sims.hardening.running import Outcome, Wanted, run
from sims.hardening.store_kills import torture
from sims.hardening.store_readers import READERS, kept
from sims.hardening.store_samples import new
from sims.hardening.syscalls import possible


def outcome(part: AbstractPart, tries: int, seed: int = 1, **wanted: object) -> Outcome:
    return run(part, Wanted(seed, short=True, tries=tries, **wanted))  # type: ignore[arg-type]


def told(found: Outcome) -> list[str]:
    return [one.failure for one in found.kept]


def test_every_part_says_what_it_tries_and_how_often():
    for name, part in PARTS.items():
        assert part.kind == name
        assert part.a_try
        assert part.promise
        assert 0 < part.short <= part.tries


# wire


def test_damaged_frames_are_refused_or_as_they_were_sent():
    found = outcome(Wire(), 1500)
    assert told(found) == []
    assert found.ended["whole"] > 100
    assert found.ended["refused"] > 1000


def test_a_decoder_that_ignores_the_checksum_is_caught():
    def careless(data: bytes) -> Frame:
        body = unstuff(data)
        if len(body) < 4:
            raise WireError("short")
        return Frame(body[0], body[1], body[2:-2])

    assert outcome(Wire(careless), 300).failures > 10


def test_a_decoder_that_crashes_is_caught_and_its_try_can_be_repeated_alone():
    def fragile(data: bytes) -> Frame:
        if data[:1] == b"\xff":
            raise IndexError("no such byte")
        return unframe(data)

    found = outcome(Wire(fragile), 3000)
    assert "IndexError" in found.kept[0].failure
    again = outcome(Wire(fragile), 3000, only=found.kept[0].number)
    assert told(again) == [found.kept[0].failure]


# documents


def test_documents_with_mistakes_work_or_are_refused_with_their_place():
    found = outcome(Documents(), 60)
    assert told(found) == []
    assert found.ended["refused"] > 20


def test_a_reader_of_documents_that_crashes_is_caught_with_the_least_document():
    def careless(path: Path) -> None:
        text = path.read_bytes()
        if b"true" in text:
            raise KeyError("true")

    found = outcome(Documents({"protocol": careless, "rig": careless}), 150)
    assert found.failures > 2
    assert all("KeyError" in one.failure for one in found.kept)
    assert all(one.evidence["document.toml"].count(b"\n") == 0 for one in found.kept)


def test_a_document_that_takes_for_ever_is_broken_off(tmp_path, monkeypatch):
    monkeypatch.setattr(documents, "LIMIT_S", 0.3)

    def slow(_: Path) -> None:
        while True:
            sum(range(1000))

    ended, failure = documents.attempt(slow, tmp_path / "d.toml", b"")
    assert ended == "failed"
    assert "more than 0.3 s" in failure


@pytest.mark.skipif(not documents.STATM.exists(), reason="Linux counts memory")
def test_a_document_that_takes_too_much_memory_is_refused_it(tmp_path, monkeypatch):
    monkeypatch.setattr(documents, "LIMIT_GB", 0.2)
    assert documents.attempt(lambda _: np.zeros(10**8, np.uint8), tmp_path / "d", b"")[1] == ""
    ended, failure = documents.attempt(lambda _: np.zeros(10**9, np.uint8), tmp_path / "d", b"")
    assert (ended, failure) == ("failed", "took more than 0.2 GB")


@pytest.mark.skipif(not documents.STATM.exists(), reason="Linux counts memory")
def test_what_is_kept_of_documents_is_told(monkeypatch):
    monkeypatch.setattr(documents, "LIMIT_GB", 0.2)
    kept = []

    def keeps(_: Path) -> None:
        kept.append(np.ones(10**8, np.uint8))

    found = outcome(Documents({"protocol": keeps, "rig": keeps}), 4)
    assert told(found) == ["0.3 GB are kept of all that were validated"]


# firmware


@pytest.mark.needs("gcc", "make", "avr-gcc", "avr-g++")
def test_the_firmwares_core_keeps_its_promises():
    assert told(outcome(Firmware(), 1)) == []


def test_a_core_that_breaks_one_is_caught(tmp_path):
    program = tmp_path / "fuzz"
    program.write_text("#!/bin/sh\necho 'an output stayed on' >&2\nexit 3\n")
    program.chmod(0o755)
    part = Firmware(lambda: program)
    (failure,) = told(run_anyway(part, 1))
    assert "an output stayed on" in failure


def run_anyway(part: AbstractPart, tries: int) -> Outcome:
    """Run a part, whatever programs are there."""
    found = Outcome(part)
    for one in part.run(Conditions(1, tries, Path(os.devnull), short=True)):
        found.add(one)
    return found


# stores


def small_stores(folder: Path) -> list[Path]:
    folder.mkdir()
    made = []
    for kind in ("experiment", "session"):
        with new(folder / kind, 9, kind=kind):
            pass
        made += [folder / kind, as_killed(folder / kind, folder / f"killed-{kind}")]
    return made


PLAIN = {name: READERS[name] for name in ("read", "status", "open", "history", "repair")}


def test_damaged_stores_are_read_as_they_were_or_refused():
    # without a hash in their headers nothing tells that a document is another one
    found = outcome(Stores(PLAIN, small_stores), 36)
    rest = [one.failure for one in found.kept if "experiment.toml" not in one.failure]
    assert rest == []
    assert found.ended["the same numbers"] > 8
    assert found.ended["refused"] > 4


def test_a_reader_of_stores_that_believes_everything_is_caught():
    def believing(folder: Path) -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in folder.rglob("zarr.json")}

    found = outcome(Stores({"believing": believing}, one_store), 10)
    assert found.failures > 1


def test_a_payload_that_damage_has_made_a_number_is_no_frame(tmp_path):
    with sqlite3.connect(tmp_path / "journal.sqlite") as connection:
        connection.execute("CREATE TABLE frames (seq INTEGER PRIMARY KEY, payload)")
        connection.execute("INSERT INTO frames VALUES (1, x'00'), (2, 9000000000000000)")
    connection.close()
    assert list(kept(tmp_path)) == [1]


def test_a_reader_of_stores_that_eats_frames_is_caught():
    def hungry(folder: Path) -> dict[str, bytes]:
        (folder / "journal.sqlite").unlink(missing_ok=True)
        return {}

    found = outcome(Stores({"hungry": hungry}, one_store), 4)
    assert any("of the journal are lost" in failure for failure in told(found))


def one_store(folder: Path) -> list[Path]:
    with new(folder / "s", 5):
        pass
    return [folder / "s"]


# power, kills


needs_tracing = pytest.mark.skipif(bool(possible()), reason=possible())


@needs_tracing
def test_power_cuts_lose_nothing_acknowledged():
    found = outcome(Power(), 8)
    assert told(found) == []
    if found.left_out:
        pytest.skip(found.left_out)
    assert found.ended["all there"] == 4


@needs_tracing
def test_a_disk_that_forgets_what_was_synced_is_caught(tmp_path, monkeypatch):
    try:
        recording = power_cuts.record(tmp_path, kind="session", live=True)
    except LeftOutError as error:
        pytest.skip(str(error))
    monkeypatch.setattr(disk._File, "sync", lambda self: None)
    tries = list(power_cuts.cuts(recording, tmp_path, random.Random(1), 6))
    assert sum(bool(one.failure) for one in tries) > 1


def test_a_store_that_loses_a_frame_in_a_kill_is_caught(tmp_path, monkeypatch):
    status = store_kills.status
    monkeypatch.setattr(
        store_kills,
        "status",
        lambda folder: {**(found := status(folder)), "last_seq": found["last_seq"] - 1},
    )
    tries = list(torture(tmp_path / "s", 3, random.Random(1), live=True, kind="experiment"))
    assert "are stored" in tries[-1].failure


# sessions, line


def test_a_session_that_loses_an_acknowledged_trial_is_caught(tmp_path, monkeypatch):
    whole = session_torture.told

    def lossy(folder: Path):
        found = whole(folder)
        return type(found)(found.trials[:-1], found.events, found.pulses, found.boot_id)

    monkeypatch.setattr(session_torture, "told", lossy)
    tries = list(session_torture.torture(tmp_path, random.Random(3), 4))
    assert any("acknowledged trial is lost" in one.failure for one in tries)


def pin(line: str, width_us: float) -> SimpleNamespace:
    return SimpleNamespace(line=line, width_us=width_us, end_cycle=1)


@pytest.mark.parametrize(
    ("pins", "complaint"),
    [
        ([pin("led", 1000), pin("led", 1000)], "for Counter"),
        ([pin("led", 9000)], "too long"),
        ([pin("led", 1500)], "other widths"),
    ],
)
def test_a_pulse_unasked_too_long_or_told_otherwise_is_caught(pins, complaint):
    board = SimpleNamespace(wait_us=lambda _: None, on=lambda: pins)
    book = line_torture.Book(Counter(led=1), Counter(led=1))
    book.pulsed = [SimpleNamespace(id=1, line="led", width_us=1000)]
    with pytest.raises(BrokenPromiseError, match=complaint):
        line_torture.judge(board, 0, book)


# queue


MACHINE = """
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

class Machine(RuleBasedStateMachine):
    @rule(number=st.integers(0, 100))
    def count(self, number):
        assert number {promise}
"""


@pytest.mark.parametrize(("promise", "failures"), [("< 101", 0), ("< 77", 1)])
def test_a_machine_that_finds_something_fails_with_its_shortest_history(
    tmp_path, promise, failures
):
    path = tmp_path / "test_machine.py"
    path.write_text(MACHINE.format(promise=promise))
    found = outcome(Queue(path), 1)
    assert found.failures == failures
    assert not failures or "count(number=77)" in told(found)[0]
