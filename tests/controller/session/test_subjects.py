"""Animals: nothing runs without limits, below its weight, or twice at the same time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from controller.session.errors import NotReady
from controller.session.subjects import DOCUMENT, WEIGHTS, add, check_name, find
from protocols.documents import DocumentError

ROOT = Path(__file__).parents[3]
NOON_NS = 1_772_452_800 * 10**9  # 2026-03-02 12:00 UTC


@pytest.fixture
def m1(tmp_path):
    add(tmp_path, "m1", 25.0)
    return find(tmp_path, "m1")


def change(subject, old, new):
    path = subject.folder / DOCUMENT
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


# names


@pytest.mark.parametrize("name", ["m1", "M-1.b_2", "7", "a" * 64])
def test_plain_names_are_taken(tmp_path, name):
    path = add(tmp_path, name, 25.0)
    assert path == tmp_path / "subjects" / name / DOCUMENT
    assert find(tmp_path, name).name == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../m1",
        "a/b",
        "a\\b",
        "/etc",
        ".hidden",
        "-m1",
        "m 1",
        "m1\n",
        "m1\0",
        "<b>m1</b>",
        "[red]m1",
        "m1;ls",
        "$(ls)",
        'm"1',
        "mäuschen",
        "a" * 65,
        "a" * 100_000,
    ],
)
def test_every_other_name_is_refused_and_nothing_is_made(tmp_path, name):
    for action in (
        lambda: check_name(name),
        lambda: add(tmp_path / "lab", name, 25.0),
        lambda: find(tmp_path / "lab", name),
    ):
        with pytest.raises(NotReady, match="expected a letter or digit, then letters") as caught:
            action()
        assert len(str(caught.value)) < 400
    assert list(tmp_path.iterdir()) == []


# limits


def test_a_new_subject_has_the_limits_of_the_template(m1):
    assert m1.limits.baseline_weight_g == 25.0
    assert m1.limits.water_max_ul >= m1.limits.water_min_ul > 0
    assert m1.limits.top_up == "by hand"


def test_a_subject_is_not_made_twice(tmp_path, m1):
    change(m1, "puffs_max = 60", "puffs_max = 5")
    with pytest.raises(NotReady, match="exists: edit it, or choose another name"):
        add(tmp_path, "m1", 30.0)
    assert find(tmp_path, "m1").limits.puffs_max == 5


@pytest.mark.parametrize("grams", [0.0, -25.0, float("nan"), float("inf")])
def test_a_subject_with_an_impossible_weight_is_not_made(tmp_path, grams):
    with pytest.raises(NotReady, match="can't be the weight of m1"):
        add(tmp_path, "m1", grams)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_can_not_be_made_is_an_error_with_a_remedy(tmp_path):
    (tmp_path / "subjects").write_text("a file is in the way")
    with pytest.raises(NotReady, match=r"can't be written.*check the folder"):
        add(tmp_path, "m1", 25.0)


@pytest.mark.usefixtures("m1")
def test_without_limits_nothing_runs_and_who_has_some_is_told(tmp_path):
    with pytest.raises(NotReady, match=r"no limits for subject m2 .*subject new m2.*: m1$"):
        find(tmp_path, "m2")
    with pytest.raises(NotReady, match="that there are: none"):
        find(tmp_path / "elsewhere", "m2")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("water_max_ul = 2000.0", "", ["water_max_ul"]),
        ("puffs_max = 60", "puffs_max = 2.5", ["puffs_max", "toml:15:"]),
        ("puffs_max = 60", "puffs_max = -1", ["puffs_max", "-1"]),
        ("min_weight_fraction = 0.8", "min_weight_fraction = 1.5", ["min_weight_fraction"]),
        ("min_weight_fraction = 0.8", "min_weight_fraction = nan", ["min_weight_fraction"]),
        ("water_max_ul = 2000.0", "water_max_ul = 700.0", ["water_min_ul", "water_max_ul", "700"]),
        ('top_up = "by hand"', 'top_up = "somehow"', ["top_up", "valve"]),
        ("minutes_max = 90.0", "minutes_max = 90.0\nminuets = 3", ["minuets"]),
        ('name = "m1"', 'name = "m/1"', ["name"]),
        ("puffs_max = 60", "puffs_max = ", ["toml:15:"]),
    ],
)
def test_a_wrong_document_is_refused_with_file_line_and_field(tmp_path, m1, old, new, words):
    change(m1, old, new)
    with pytest.raises(DocumentError) as caught:
        find(tmp_path, "m1")
    for word in (DOCUMENT, *words):
        assert word in str(caught.value)


def test_a_document_about_another_animal_is_refused(tmp_path, m1):
    change(m1, 'name = "m1"', 'name = "m2"')
    with pytest.raises(NotReady, match="is about 'm2', its folder is 'm1': rename one"):
        find(tmp_path, "m1")


# weights


def test_a_weight_is_written_down_with_its_time(m1):
    m1.weigh(24.5, NOON_NS)
    m1.weigh(20.0, NOON_NS + 10**9)
    lines = (m1.folder / WEIGHTS).read_text().splitlines()
    assert lines == ["2026-03-02T12:00:00+00:00\t24.5", "2026-03-02T12:00:01+00:00\t20"]


def test_a_weight_that_is_too_low_is_refused_but_written_down(m1):
    with pytest.raises(NotReady, match=r"m1 weighs 19.99 g, less than 20 g \(80% of 25 g\)"):
        m1.weigh(19.99, NOON_NS)
    assert (m1.folder / WEIGHTS).read_text().endswith("\t19.99\n")


@pytest.mark.parametrize("grams", [0.0, -1.0, 250.0, 24500.0, float("nan"), float("inf")])
def test_what_can_be_no_weight_is_refused_and_not_written_down(m1, grams):
    with pytest.raises(NotReady, match="weigh it again"):
        m1.weigh(grams, NOON_NS)
    assert not (m1.folder / WEIGHTS).exists()


def test_a_weight_that_can_not_be_written_down_keeps_the_session_from_beginning(m1):
    (m1.folder / WEIGHTS).mkdir()
    with pytest.raises(NotReady, match=r"weights\.tsv can't be written.*disk's space"):
        m1.weigh(24.0, NOON_NS)


# one session at a time


HOLD = """
import sys
from pathlib import Path
from controller.session.subjects import find
lock = find(Path(sys.argv[1]), "m1").hold()
print("held", flush=True)
sys.stdin.read()
"""


def test_a_subject_is_in_one_session_at_a_time(tmp_path, m1):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    ) as other:
        assert other.stdout.readline() == "held\n"
        words = f"m1 is in another session already, that of process {other.pid}: end that one"
        with pytest.raises(NotReady, match=words):
            m1.hold()
        other.kill()  # the system lets go for it
        other.wait()
        lock = m1.hold()
    with pytest.raises(NotReady, match=f"process {os.getpid()}"):
        m1.hold()
    lock.release()
    m1.hold().release()


def test_another_animal_can_be_held_meanwhile(tmp_path, m1):
    add(tmp_path, "m2", 25.0)
    first, second = m1.hold(), find(tmp_path, "m2").hold()
    first.release()
    second.release()
