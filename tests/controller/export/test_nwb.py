"""NWB: valid, readable by anybody, and every value as it is stored."""

import json
from datetime import UTC, datetime

import h5py
import numpy as np
import pynwb
import pytest
from export_samples import OFFSET_S, RATE, WORDS, make_session
from nwbinspector import Importance, inspect_nwbfile
from scipy.optimize import linprog

from controller.analysis.source import open_source
from controller.export.content import parts_of
from controller.export.errors import ExportError
from controller.export.formats import export
from controller.export.nwb import columns
from controller.export.nwb.clock import device_clock
from controller.export.nwb.columns import RENAMED, Slices
from controller.export.subject import SubjectFacts

PLACES = {
    "trials": "intervals/trials",
    "events": "events/{}_events",
    "edges": "events/edges",
    "pulses": "events/pulses",
}


def group_of(file, table, kind):
    return file[PLACES.get(table, f"scratch/{table}").format(kind)]


def check_equal(path, tables, kind):
    with h5py.File(path, "r") as file:
        for name, table in tables.items():
            if not table.rows:
                continue
            group = group_of(file, name, kind)
            for column in table:
                found = group[RENAMED.get((name, column), column)]
                assert found.dtype == table[column].dtype, (name, column)
                np.testing.assert_array_equal(found[:], table[column], err_msg=f"{name}.{column}")
                assert found.attrs["description"]


@pytest.fixture(scope="module")
def run_file(run, tmp_path_factory):
    out = tmp_path_factory.mktemp("nwb") / "run"
    (path,) = export(run, "nwb", out).iterdir()
    return path


@pytest.fixture(scope="module")
def rig_files(rig, tmp_path_factory):
    out = tmp_path_factory.mktemp("nwb") / "rig"
    facts = SubjectFacts("Mus musculus", "F", "P90D")
    return sorted(export(rig, "nwb", out, facts=facts).iterdir())


def test_every_column_of_a_dry_run_reads_back_equal(run, run_file):
    check_equal(run_file, run.tables, "run")


def test_every_column_of_each_session_reads_back_equal(rig, rig_files):
    assert [path.stem for path in rig_files] == [session.name for session in rig.sessions]
    for path, session in zip(rig_files, rig.sessions, strict=True):
        check_equal(path, session.tables, "session")


def test_files_are_valid_and_the_inspector_finds_nothing_critical(run_file, rig_files):
    for path in (run_file, rig_files[0]):
        assert not pynwb.validate(path=path)
        found = [one for one in inspect_nwbfile(nwbfile_path=path) if one is not None]
        worst = [
            one.message
            for one in found
            if one.importance in {Importance.ERROR, Importance.CRITICAL}
        ]
        assert worst == []
        assert found  # the inspector did look: nobody knows who experimented


def test_a_reader_sees_at_once_that_no_animal_was_there(run_file, rig_files):
    for path in (run_file, *rig_files):
        with pynwb.NWBHDF5IO(path, "r") as io:
            file = io.read()
            assert file.session_description.startswith("NO ANIMAL.")
            assert "simulated" in file.subject.description
    with pynwb.NWBHDF5IO(rig_files[0], "r") as io:
        file = io.read()
        assert "EMULATED" in file.session_description
        assert "EMULATED" in file.devices["bench-left"].description
        assert "uno-7" in file.devices["bench-left"].description


def test_a_file_knows_its_subject_its_start_its_document_and_the_whole_header(rig, rig_files):
    with pynwb.NWBHDF5IO(rig_files[1], "r") as io:
        file = io.read()
        assert file.session_start_time == datetime.fromtimestamp(10**9, UTC)
        subject = file.subject
        assert (subject.subject_id, subject.weight, subject.species) == (
            "m1",
            "24.5 g",
            "Mus musculus",
        )
        assert (subject.sex, subject.age) == ("F", "P90D")
        assert file.protocol == (rig.sessions[1].folder / "experiment.toml").read_text("utf-8")
        header = json.loads(file.notes)["biasloop"] | {
            "rig_document": file.data_collection,
            "versions": dict(map(tuple, file.was_generated_by[:])),
        }
        assert header == dict(rig.sessions[1].header)
        assert list(file.events["session_events"]["annotation"][:]) == list(WORDS)
        meanings = file.trials.meanings_tables["phase_meanings"]
        assert dict(zip(meanings["value"][:], meanings["meaning"][:], strict=True))[1] == "test"


def test_identifiers_stay_and_differ_between_sessions(rig, rig_files, tmp_path):
    again = sorted(export(rig, "nwb", tmp_path / "again").iterdir())
    names = []
    for path in (*rig_files, *again):
        with h5py.File(path, "r") as file:
            names.append(file["identifier"].asstr()[()])
    assert names[:2] == names[2:]
    assert len(set(names)) == 2


def test_device_times_become_session_times_up_to_the_links_delay(rig, rig_files):
    for path, session in zip(rig_files, rig.sessions, strict=True):
        with h5py.File(path, "r") as file:
            for name in ("edges", "pulses"):
                true_s = OFFSET_S + RATE * session.tables[name]["t_device_us"] / 1e6
                late_s = file[f"events/{name}/timestamp"][:] - true_s
                np.testing.assert_allclose(late_s, 0.001, atol=1e-5)  # the shortest delay
            trials = file["intervals/trials"]
            start, stop = trials["start_time"][:], trials["stop_time"][:]
            go = session.tables["trials"]["t_device_us"]
            known = go >= 0
            true_s = OFFSET_S + RATE * go[known] / 1e6
            np.testing.assert_allclose(start[known] - true_s, 0.001, atol=1e-5)
            np.testing.assert_array_equal(start[1:][~known[1:]], stop[:-1][~known[1:]])
            np.testing.assert_array_equal(stop, session.tables["trials"]["t_ns"] / 1e9)
            assert (start < stop).all()
            assert (np.diff(start) >= 0).all()


def test_the_clock_is_the_closest_line_below_all_trials(rig):
    """Compared with linear programming, which knows nothing of hulls."""
    for part in parts_of(rig):
        clock = device_clock(part)
        assert clock is not None
        pulses, trials = (rig.sessions[int(part.name[1])].tables[n] for n in ("pulses", "trials"))
        device_s = (pulses["t_device_us"] + pulses["width_us"]) / 1e6  # the last of each trial
        stored_s = trials["t_ns"] / 1e9
        found = linprog(
            [-len(device_s), -device_s.sum()],
            A_ub=np.stack([np.ones_like(device_s), device_s], axis=1),
            b_ub=stored_s,
            bounds=[(None, None)] * 2,
        )
        assert (clock.offset_s, clock.rate) == pytest.approx(found.x, abs=1e-6)
        late = stored_s - clock.seconds(device_s * 1e6)
        assert late.min() > -1e-9


def test_trials_of_a_run_lie_between_the_moments_of_their_generations(run, run_file):
    with h5py.File(run_file, "r") as file:
        start = file["intervals/trials/start_time"][:]
        stop = file["intervals/trials/stop_time"][:]
    trials, candidates, generations = (
        run.tables[name] for name in ("trials", "candidates", "generations")
    )
    assert (start < stop).all()
    np.testing.assert_allclose(start[1:], stop[:-1])
    key = ("arm", "stage", "generation")
    moment = {
        place: t_ns / 1e9
        for *place_, t_ns in zip(*(generations[n].tolist() for n in (*key, "t_ns")), strict=True)
        for place in [tuple(place_)]
    }
    of = [tuple(row) for row in np.stack([candidates[n] for n in key], axis=1).tolist()]
    stored = np.array([moment[of[row]] for row in trials["candidate"]])
    assert (stop <= stored + 1e-9).all()
    last = np.flatnonzero(np.append(np.diff(stored) > 0, True))
    np.testing.assert_allclose(stop[last], stored[last])


def test_a_session_of_a_clock_that_runs_ahead_gets_a_date_that_has_come(tmp_path):
    ahead = 5 * 10**18  # in 2128
    make_session(tmp_path / "s", 3, trials=3, created_ns=ahead)
    (path,) = export(open_source(tmp_path / "s"), "nwb", tmp_path / "out").iterdir()
    with pynwb.NWBHDF5IO(path, "r") as io:
        file = io.read()
        assert file.session_start_time <= datetime.now(UTC)
        assert "Its clock said 2128-06-11" in file.session_description


def test_a_device_that_never_told_of_a_trial_keeps_its_own_times(tmp_path):
    make_session(tmp_path / "s", 3, trials=0)
    source = open_source(tmp_path / "s")
    with pytest.raises(ExportError, match="no rows yet"):
        parts_of(source)
    (part,) = parts_of(source, "s")
    assert device_clock(part) is None


def test_columns_are_read_in_pieces_and_never_whole(monkeypatch):
    monkeypatch.setattr(columns, "PIECE_ROWS", 1000)
    monkeypatch.setattr(columns, "CHUNK_BYTES", 2400)
    values, asked = np.arange(20_500 * 3, dtype=np.float64).reshape(-1, 3), []

    def read(first, end):
        asked.append(end - first)
        return values[first:end]

    pieces = list(Slices(read, values.shape, values.dtype))
    np.testing.assert_array_equal(np.concatenate([piece.data for piece in pieces]), values)
    assert max(asked) <= 1000
    assert sum(asked) == len(values)


@pytest.mark.parametrize(
    "wrong",
    [{"species": "mouse"}, {"sex": "f"}, {"age": "90"}, {"age": "P90D/x"}, {"age": "P"}],
)
def test_what_nwb_would_not_take_of_a_subject_is_refused_before_anything_is_read(wrong):
    (name, value) = next(iter(wrong.items()))
    with pytest.raises(ExportError, match=f"--{name}: expected .*{value}"):
        SubjectFacts(**wrong)
