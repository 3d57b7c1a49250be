"""An animal's store is read without any circuit, and nothing emulated can be taken for it."""

import io

import numpy as np
import pytest
from rich.console import Console

from controller.analysis.summary import analyse, columns, summary
from controller.analysis.table import table
from controller.analysis.verdict import Verdict, verdict
from controller.loop import DryRun
from controller.runs import create


def shown(record):
    console = Console(width=80, file=io.StringIO())
    console.print(table(record))
    return console.file.getvalue()


def recorded(document, folder, origin):
    """A store whose answers are stamped as somebody's."""
    with create(document, folder, control=True, origin=origin) as store:
        assert DryRun(document.value, store).run()
    return analyse(folder)


@pytest.fixture(scope="module")
def animal(small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("animal") / "run"
    return recorded(small("stages.generations=4", "stages.count=1"), folder, "animal")


def test_its_error_is_that_of_its_own_last_generation(animal):
    candidates = columns(animal.tables, "candidates")
    own = (candidates["arm"] == 0) & (candidates["generation"] == 3)
    (stage,) = animal.stages
    assert stage.found.held_out.median == pytest.approx(np.median(candidates["error"][own]))
    assert stage.found.held_out.learners == own.sum() == 6


def test_the_control_was_never_asked_of_it(animal):
    (stage,) = summary(animal)["stages"]
    assert stage["control"]["g_over_var"] is None
    assert stage["control"]["fresh_learners"] == 0


def test_a_function_that_the_control_shows_too_is_no_evidence(animal):
    (stage,) = summary(animal)["stages"]
    good = stage | {"g_over_var": 0.1}
    assert verdict(good | {"control": stage["control"] | {"share": good["share"]}}) is (
        Verdict.CONTROL_SAME
    )
    other = dict.fromkeys(good["share"], 0.0) | {"3": 1.0}
    assert verdict(good | {"control": stage["control"] | {"share": other}}) is (
        Verdict.CONTROL_NOT_ASKED
    )


@pytest.mark.parametrize(
    ("origin", "words"),
    [
        ("animal", "an animal"),
        ("emulated", "on an EMULATED rig"),
        ("simavr", "on an EMULATED board"),
    ],
)
def test_the_table_says_who_was_asked(animal, origin, words):
    text = shown(summary(animal) | {"origin": origin})
    assert words in text
    assert ("last generation's 6 episodes" in " ".join(text.split())) == (origin == "animal")
