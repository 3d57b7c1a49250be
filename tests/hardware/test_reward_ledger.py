import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from hardware.interface import Pulsed
from hardware.reward_ledger import Entry, LedgerError, RewardLedger, Served, Total

ROOT = Path(__file__).parents[2]
PULSE = Pulsed("valve_left", id=1, start_us=1000, width_us=40_000, cut=False)


def test_the_same_pulse_read_twice_counts_once(tmp_path):
    with RewardLedger(tmp_path / "rewards.sqlite") as ledger:
        assert ledger.record("a1", 7, Entry(PULSE, 4.0, 10))
        assert not ledger.record("a1", 7, Entry(PULSE, 4.0, 20))
        assert ledger.totals() == {"valve_left": Total(1, 40_000, 4.0)}


def test_the_same_number_in_another_boot_or_device_is_another_pulse(tmp_path):
    with RewardLedger(tmp_path / "rewards.sqlite") as ledger:
        assert ledger.record("a1", 7, Entry(PULSE, 4.0, 10))
        assert ledger.record("a1", 8, Entry(PULSE, 4.0, 20))
        assert ledger.record("b2", 7, Entry(PULSE, None, 30))
        assert ledger.totals() == {"valve_left": Total(3, 120_000, 8.0)}
        assert ledger.of_boot("a1", 8) == {"valve_left": Total(1, 40_000, 4.0)}


def test_totals_are_by_line_from_a_moment_on(tmp_path):
    with RewardLedger(tmp_path / "rewards.sqlite") as ledger:
        ledger.record("a1", 7, Entry(PULSE, 4.0, 10))
        ledger.record("a1", 7, Entry(replace(PULSE, id=2, line="puff"), None, 20))
        ledger.record("a1", 7, Entry(replace(PULSE, id=3), 4.0, 20))
        assert ledger.totals(20) == {
            "valve_left": Total(1, 40_000, 4.0),
            "puff": Total(1, 40_000, 0.0),
        }
        assert ledger.totals(21) == {}


def test_another_pulse_under_a_number_that_is_taken_is_an_error(tmp_path):
    with RewardLedger(tmp_path / "rewards.sqlite") as ledger:
        ledger.record("a1", 7, Entry(PULSE, 4.0, 10))
        with pytest.raises(LedgerError, match="give the device a new id"):
            ledger.record("a1", 7, Entry(replace(PULSE, width_us=50_000), 5.0, 20))
        assert ledger.totals() == {"valve_left": Total(1, 40_000, 4.0)}


def test_it_goes_on_after_a_restart(tmp_path):
    path = tmp_path / "rewards.sqlite"
    for boot in (1, 2):
        with RewardLedger(path) as ledger:
            ledger.record("a1", boot, Entry(PULSE, 4.0, boot))
    with RewardLedger(path) as ledger:
        assert ledger.totals()["valve_left"].pulses == 2


def test_every_acknowledged_pulse_survives_a_kill(tmp_path):
    path = tmp_path / "rewards.sqlite"
    code = """
        import sys
        from pathlib import Path
        from hardware.interface import Pulsed
        from hardware.reward_ledger import Entry, RewardLedger
        ledger = RewardLedger(Path(sys.argv[1]))
        for number in range(1, 10**6):
            pulse = Pulsed("valve_left", number, number, 10, False)
            ledger.record("a1", 7, Entry(pulse, 1.0, number))
            print(number, flush=True)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(path)]
    acknowledged = 0
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    ) as process:
        for line in process.stdout:
            acknowledged = int(line)
            if acknowledged == 100:
                process.send_signal(signal.SIGKILL)
    with RewardLedger(path) as ledger:
        kept = ledger.totals()["valve_left"].pulses
        assert kept in (acknowledged, acknowledged + 1)
        assert not ledger.record(
            "a1", 7, Entry(Pulsed("valve_left", 100, 100, 10, False), 1.0, 100)
        )


@pytest.mark.parametrize("content", [b"not a database at all" * 99, None])
def test_a_file_of_another_program_is_refused_and_left_alone(tmp_path, content):
    path = tmp_path / "other.sqlite"
    if content is None:
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE mice (name)")
        connection.close()
        content = path.read_bytes()
    else:
        path.write_bytes(content)
    with pytest.raises(LedgerError, match=r"other\.sqlite"):
        RewardLedger(path)
    assert path.read_bytes() == content


def test_a_folder_that_does_not_exist_is_an_error_that_names_it(tmp_path):
    with pytest.raises(LedgerError, match="none"):
        RewardLedger(tmp_path / "none" / "rewards.sqlite")


def test_a_pulse_that_cannot_be_written_is_an_error(tmp_path):
    path = tmp_path / "rewards.sqlite"
    with RewardLedger(path) as ledger:
        blocker = sqlite3.connect(path, isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerError, match="no other program has the file open"):
            ledger.record("a1", 7, Entry(PULSE, 4.0, 10))
        blocker.close()
        assert ledger.record("a1", 7, Entry(PULSE, 4.0, 10))


def test_it_knows_whom_a_device_served_last_in_each_of_its_lives(tmp_path):
    with RewardLedger(tmp_path / "rewards.sqlite") as ledger:
        assert ledger.served("a1", 7) is None
        ledger.serve("a1", 7, "m1", 10)
        ledger.serve("a1", 8, "m2", 20)
        assert ledger.served("a1", 7) == Served("m1", 10)
        ledger.serve("a1", 7, "m3", 30)
    with RewardLedger(tmp_path / "rewards.sqlite") as ledger:
        assert ledger.served("a1", 7) == Served("m3", 30)
        assert ledger.served("a1", 8) == Served("m2", 20)
        assert ledger.served("b2", 7) is None


def test_the_last_sign_of_a_subject_is_its_last_pulse(tmp_path):
    with RewardLedger(tmp_path / "rewards.sqlite") as ledger:
        ledger.serve("a1", 7, "m1", 10)
        ledger.record("a1", 7, Entry(PULSE, 4.0, 15, "m1"))
        ledger.record("a1", 8, Entry(PULSE, 4.0, 99, "m1"))
        assert ledger.served("a1", 7) == Served("m1", 15)


def test_pulses_are_counted_by_kind_whatever_their_line_is_called(tmp_path):
    with RewardLedger(tmp_path / "rewards.sqlite") as ledger:
        for number, (line, kind) in enumerate([("air", "puff"), ("cheek", "puff"), ("led", "led")]):
            pulse = replace(PULSE, id=number + 1, line=line)
            ledger.record("a1", 7, Entry(pulse, None, 10 * number, "m1", kind))
        assert ledger.pulses("puff", 0, "m1") == 2
        assert ledger.pulses("puff", 10, "m1") == 1
        assert ledger.pulses("puff", 0, "m2") == 0


def test_several_pulses_are_kept_all_or_none(tmp_path):
    one, other = Entry(PULSE, 4.0, 10), Entry(replace(PULSE, id=2), 4.0, 10)
    clash = Entry(replace(PULSE, id=1, width_us=1), 4.0, 10)
    with RewardLedger(tmp_path / "rewards.sqlite") as ledger:
        assert ledger.record_all("a1", 7, [one]) == 1
        with pytest.raises(LedgerError, match="give the device a new id"):
            ledger.record_all("a1", 7, [other, clash])
        assert not ledger.holds("a1", 7, 2)
        assert ledger.record_all("a1", 7, [one, other]) == 1


def test_whether_a_pulse_was_cut_makes_it_no_other_pulse(tmp_path):
    with RewardLedger(tmp_path / "rewards.sqlite") as ledger:
        assert ledger.record("a1", 7, Entry(PULSE, 4.0, 10))
        assert not ledger.record("a1", 7, Entry(replace(PULSE, cut=True), 4.0, 20))


def test_made_up_numbers_stay_below_those_of_a_device(tmp_path):
    with RewardLedger(tmp_path / "rewards.sqlite") as ledger:
        assert ledger.lowest_id("a1", 7) == 0
        ledger.record("a1", 7, Entry(replace(PULSE, id=5), 4.0, 10))
        assert ledger.lowest_id("a1", 7) == 0
        ledger.record("a1", 7, Entry(replace(PULSE, id=-3), 4.0, 10))
        assert ledger.lowest_id("a1", 7) == -3
        assert ledger.lowest_id("a1", 8) == 0


def test_two_processes_may_begin_a_ledger_at_the_same_time(tmp_path):
    code = """
        import sys
        from pathlib import Path
        from hardware.reward_ledger import RewardLedger
        print("ready", flush=True)
        sys.stdin.readline()
        for number in range(30):
            RewardLedger(Path(sys.argv[1]) / f"{number}.sqlite").close()
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    both = [
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for _ in range(2)
    ]
    for one in both:
        assert one.stdout.readline() == "ready\n"
    for one in both:
        one.stdin.write("go\n")
        one.stdin.flush()
    ended = [(one.communicate(timeout=60)[1], one.returncode) for one in both]
    assert ended == [("", 0), ("", 0)]
