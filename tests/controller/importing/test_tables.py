"""Tables of somebody else's trials: what is in them arrives, and what is wrong is named by line."""

import gzip
import math

import numpy as np
import pytest

from controller.analysis.presented import presented
from controller.analysis.record import describe
from controller.analysis.source import PHASE, open_source
from controller.importing.errors import ImportTrialsError
from controller.importing.sessions import read_trials
from controller.importing.sources import trials_from
from controller.importing.stores import write_stores
from protocols.documents import DocumentError

MAP = """
name = "Töne"
feedback = true

[columns]
stimulus = ["lautstärke 1", "s2"]
answer = "choice"
side = "correct"
subject = "rat"
session = "day"
time = "t"
latency = "rt"
reward = "water"
feedback = "fed"

[answers]
L = -1.0
"rechts, oben" = 1.0

[units]
time = "s"
latency = "ms"
reward = "ml"
"""
HEADER = (
    "lautstärke 1",
    "s2",
    "choice",
    "correct",
    "rat",
    "day",
    "t",
    "rt",
    "water",
    "fed",
    "extra",
)
ROWS = (
    ("0.5", "-1e-3", "L", "L", "Ärmel", "1", "0.5", "250.5", "0.003", "1", ""),
    ("0.25", "2", "rechts, oben", "L", "Ärmel", "1", "2.000000001", "", "0", "1", 'say "hi"'),
    ("7", "8", "NA", "rechts, oben", "Ärmel", "2", "0", "NaN", "0", "0", "two\nlines"),
    ("0.5", "-1e-3", "L", "rechts, oben", "b/2", "1", "1", "1", "0", "no", "x"),
)


def csv_text(rows=ROWS, header=HEADER, separator=","):
    def quoted(cell):
        return '"' + cell.replace('"', '""') + '"' if set(cell) & set('",\n\t;') else cell

    return "".join(separator.join(map(quoted, row)) + "\r\n" for row in (header, *rows))


@pytest.fixture
def paths(tmp_path):
    """Return a function that writes a table and its mapping, and returns their paths."""

    def make(text=None, mapping=MAP, name="trials.csv"):
        table, document = tmp_path / name, tmp_path / "map.toml"
        data = (csv_text() if text is None else text).encode()
        table.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        document.write_text(mapping, "utf-8")
        return table, document

    return make


def edited(row, column, cell):
    rows = [list(one) for one in ROWS]
    rows[row][HEADER.index(column)] = cell
    return csv_text(rows)


@pytest.mark.parametrize(
    ("name", "separator", "more"),
    [
        ("trials.csv", ",", ""),
        ("trials.csv.gz", ",", ""),
        ("trials.tsv", "\t", ""),
        ("trials.TSV.gz", "\t", ""),
        ("trials.txt", ";", 'separator = ";"\n'),
    ],
)
def test_what_is_in_a_table_is_in_the_store(paths, tmp_path, name, separator, more):
    table, document = paths(csv_text(separator=separator), more + MAP, name)
    folder = write_stores(read_trials(table, document), tmp_path / "out")
    source = open_source(folder)
    assert (source.name, source.origin, source.exit_status) == ("Töne", "imported", "finished")
    assert source.problems == ()
    assert [session.subject for session in source.sessions] == ["Ärmel", "Ärmel", "b/2"]
    assert [session.header["session"] for session in source.sessions] == ["1", "2", "1"]
    assert source.header["source"]["rows"] == 4
    trials = presented(source)
    label, answer = trials.label.tolist(), trials.answer.tolist()
    assert label == [-1, -1, 1, 1]
    assert answer[:2] + answer[3:] == [-1, 1, -1]
    assert math.isnan(answer[2])
    assert trials.phase.tolist() == [
        PHASE[name] for name in ("training", "training", "test", "test")
    ]
    assert trials.session.tolist() == [0, 0, 1, 2]
    assert trials.index.tolist() == [0, 1, 0, 0]
    assert trials.t_ns.tolist() == [500_000_000, 2_000_000_001, 0, 1_000_000_000]
    np.testing.assert_array_equal(trials.latency_us, [250_500, np.nan, np.nan, 1000])
    x = np.concatenate([session.tables["trials"]["x"] for session in source.sessions])
    np.testing.assert_array_equal(x, np.float32([[0.5, -1e-3], [0.25, 2], [7, 8], [0.5, -1e-3]]))
    volumes = [session.tables["trials"]["volume_ul"].tolist() for session in source.sessions]
    assert volumes == [[3.0, 0.0], [0.0], [0.0]]


def test_an_imported_store_says_so_and_is_described(paths, tmp_path):
    folder = write_stores(read_trials(*paths()), tmp_path / "out")
    record = describe(open_source(folder))
    assert record["origin"]["origin"] == "imported"
    assert record["origin"]["subjects"] == ["b/2", "Ärmel"]
    assert "functions" not in record


def test_labels_may_be_numbers_or_follow_from_whether_the_answer_was_right(paths):
    rows = [("0.1", "1", "0.3", "1"), ("0.2", "-1", "-0.5", "0"), ("0.3", "", "0.5", "true")]
    text = csv_text(rows, ("x", "choice", "valence", "hit"))
    given = 'name = "n"\n[columns]\nstimulus = ["x"]\nanswer = "choice"\n'
    (one,) = read_trials(*paths(text, given + 'label = "valence"')).sessions
    np.testing.assert_array_equal(one.label, np.float32([0.3, -0.5, 0.5]))
    np.testing.assert_array_equal(one.answer, np.float32([1, -1, np.nan]))
    (one,) = read_trials(*paths(text, given + 'right = "hit"')).sessions
    np.testing.assert_array_equal(one.label, np.float32([1, 1, np.nan]))
    assert one.subject == "unknown"
    assert one.t_ns.tolist() == [-1, -1, -1]  # nobody wrote it down


def test_codes_match_as_numbers_too(paths):
    text = csv_text([("0.1", "2.0"), ("0.2", "1")], ("x", "choice"))
    mapping = (
        'name = "n"\n[columns]\nstimulus = ["x"]\nanswer = "choice"\n[answers]\n1 = -1\n2 = 1\n'
    )
    (one,) = read_trials(*paths(text, mapping)).sessions
    assert one.answer.tolist() == [1, -1]


def test_dates_make_sessions_of_days_in_their_order(paths, tmp_path):
    rows = [
        ("1", "1", "2026-03-03T09:00:00Z"),
        ("2", "1", "2026-03-03T11:00:00.5+01:00"),
        ("3", "-1", "2026-03-02T23:59:59"),
    ]
    mapping = """
name = "n"
[columns]
stimulus = ["x"]
answer = "choice"
time = "t"
[units]
time = "iso"
"""
    table, document = paths(csv_text(rows, ("x", "choice", "t")), mapping)
    source = open_source(write_stores(read_trials(table, document), tmp_path / "out"))
    assert [one.name[:18] for one in source.sessions] == [
        "2026-03-02T235959Z",
        "2026-03-03T090000Z",
    ]
    trials = presented(source)
    assert np.diff(trials.t_ns).tolist() == [(9 * 3600 + 1) * 10**9, 3_600_500_000_000]
    assert source.header["created_ns"] == trials.t_ns[0]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"choice"', '"choise"', r"map\.toml:7: columns\.answer: 'choise' is no column.*'choice'"),
        ('"s2"', '"S2"', r"map\.toml:6: columns\.stimulus\.1: 'S2' is no column.*'s2'"),
        ("answer =", "anwser =", r"map\.toml:7: .*did you mean 'answer'"),
        ('latency = "ms"', "", r"units\.latency is missing: the column 'rt'"),
        ('time = "s"', 'time = "sec"', r"map\.toml:21: units\.time: expected one of"),
        ("L = -1.0", "L = -2.0", r"map\.toml:17: answers\.L: expected a number >= -1"),
        ('side = "correct"', 'side = "correct"\nlabel = "s2"', "one of label, side and right"),
        ('name = "Töne"', "", "name: missing"),
    ],
)
def test_a_wrong_mapping_is_named_with_file_line_and_field(paths, old, new, words):
    assert old in MAP
    with pytest.raises(DocumentError, match=words):
        read_trials(*paths(mapping=MAP.replace(old, new, 1)))


@pytest.mark.parametrize(
    ("row", "column", "cell", "words"),
    [
        (0, "s2", "loud", "line 2: s2: expected a finite number .*'loud'"),
        (1, "s2", "nan", "line 3: s2: expected a finite number .*'nan'"),
        (1, "s2", "inf", "line 3: s2: expected a finite number .*'inf'"),
        (1, "s2", "1e39", "line 3: s2: .*3.4e38.*'1e39'"),
        (1, "s2", "", "line 3: s2: expected a finite number .*''"),
        (3, "choice", "R", r"line 6: choice: expected 'L', 'rechts, oben', got 'R'"),
        (1, "correct", "X", "line 3: correct: expected 'L'"),
        (1, "rt", "-3", "line 3: rt: expected a number that isn't negative"),
        (1, "t", "-3", "line 3: t: expected a time in s"),
        (1, "t", "1e30", "line 3: t: expected a time in s"),
        (1, "t", "", "line 3: t: expected a time in s"),
        (1, "t", "0.25", "line 3: expected a time that doesn't fall .*line 2"),
        (1, "fed", "maybe", "line 3: fed: expected 1 or 0"),
        (1, "rat", "", "line 3: rat: expected a subject, got an empty cell"),
        (1, "day", "", "line 3: day: expected a session, got an empty cell"),
    ],
)
def test_a_bad_cell_is_named_by_its_line_and_nothing_is_written(paths, row, column, cell, words):
    with pytest.raises(ImportTrialsError, match=words):
        read_trials(*paths(edited(row, column, cell)))


def test_all_bad_rows_are_counted_and_the_first_ones_shown(paths):
    rows = [("x", "1")] * 30
    mapping = 'name = "n"\n[columns]\nstimulus = ["x"]\nanswer = "choice"\n'
    with pytest.raises(ImportTrialsError) as caught:
        read_trials(*paths(csv_text(rows, ("x", "choice")), mapping))
    lines = str(caught.value).splitlines()
    assert lines[0].endswith("nothing was imported")
    assert "line 2:" in lines[1]
    assert lines[-1].endswith("… and 10 more")


def test_a_row_that_is_there_twice_is_named(paths):
    with pytest.raises(ImportTrialsError, match="line 3: the same as line 2"):
        read_trials(*paths(csv_text([ROWS[0], *ROWS])))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        (csv_text(()), "has a header and no trials"),
        (csv_text(header=("s2", *HEADER[1:])), "line 1: columns of the same name: 's2'"),
        (csv_text()[:-5] + "\n", "line 6: expected 11 cells"),
        (csv_text() + 'a,"b', "a quoted cell that isn't closed"),
        (csv_text(separator=";"), r"separator = \";\""),
    ],
)
def test_a_table_that_is_none_is_refused(paths, text, words):
    with pytest.raises(ImportTrialsError, match=words):
        read_trials(*paths(text))


def test_files_that_cant_be_read_say_what_was_expected(paths, tmp_path):
    table, document = paths()
    table.write_bytes(b"x,y\n\xff\xfe,1\n")
    with pytest.raises(ImportTrialsError, match=r"UTF-8, got the byte 0xff"):
        read_trials(table, document)
    packed, _ = paths(name="t.csv.gz")
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(ImportTrialsError, match=r"t\.csv\.gz can't be read"):
        read_trials(packed, document)
    with pytest.raises(
        ImportTrialsError, match=r"no such table, and no ready source.*did you mean 'rat'"
    ):
        trials_from("ratt", None)


def test_without_a_mapping_one_to_begin_with_is_shown(paths):
    table, _ = paths()
    with pytest.raises(ImportTrialsError) as caught:
        trials_from(str(table), None)
    assert "--map MAP.toml" in str(caught.value)
    assert 'stimulus = ["lautstärke 1"]' in str(caught.value)


def test_a_byte_order_mark_is_no_part_of_the_first_name(paths):
    trials = read_trials(*paths("\ufeff" + csv_text()))
    assert trials.count == 4


def test_an_existing_folder_is_refused_and_a_failed_import_leaves_nothing(
    paths, tmp_path, monkeypatch
):
    trials = read_trials(*paths())
    (tmp_path / "taken").mkdir()
    with pytest.raises(ImportTrialsError, match="is there already"):
        write_stores(trials, tmp_path / "taken")
    before = sorted(tmp_path.iterdir())

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("controller.importing.stores._append", full)
    with pytest.raises(ImportTrialsError, match="No space left"):
        write_stores(trials, tmp_path / "out")
    assert sorted(tmp_path.iterdir()) == before
