"""Wrong documents: each message names file, line, field, what came and what is allowed."""

import numpy as np
import pytest

from controller.document import load_experiment
from protocols.documents import DocumentError
from protocols.library import ready

DEFAULT = ready()["default"].read_text("utf-8")


def problems(tmp_path, text, *overrides):
    path = tmp_path / "p.toml"
    path.write_text(text, encoding="utf-8")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(DocumentError) as caught:
        load_experiment(path, overrides)
    assert sorted(tmp_path.iterdir()) == before  # nothing is made before a document is valid
    return str(caught.value)


def line_of(text, start):
    return next(i for i, line in enumerate(text.splitlines(), 1) if line.startswith(start))


@pytest.mark.parametrize(
    ("old", "new", "field", "message"),
    [
        ("degree = 3", "degree = 0", "labeller.degree", "got 0"),
        ("width = 100", 'width = "wide"', "learner.width", 'got "wide"'),
        ("width = 100", "widht = 100", "learner.widht", "did you mean 'width'"),
        ('kind = "sphere"', 'kind = "spere"', "space.kind", "did you mean 'sphere'"),
        ("seed = 0", "seed = -1", "seed", "got -1"),
        ("seed = 0", "seed = true", "seed", "got true"),
        ("test = 18", "test = 1", "episode.test", "got 1"),
        ('name = "kernel-on-sphere"', 'name = "a/b"', "name", 'got "a/b"'),
    ],
)
def test_a_wrong_field_is_named_with_its_line(tmp_path, old, new, field, message):
    text = DEFAULT.replace(old, new)
    assert text != DEFAULT
    said = problems(tmp_path, text)
    assert f"p.toml:{line_of(text, new)}: {field}:" in said
    assert message in said


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["strategy.algorithm=OpenES", "strategy.population=7"], "needs an even number, got 7"),
        (["strategy.population=1"], "expected at least 2 for SNES, got 1"),
        (["strategy.algorithm=SNESS"], "got 'SNESS'"),
        (["space.kind=disk", "space={kind='disk'}"], "use labeller kind 'mlp' there"),
        (["learner.input_scale=[1.0]"], "expected 3 numbers, one for each feature"),
        (["labeller={kind='mlp'}"], "'projection' needs a linear labeller"),
        (["stages.count=16"], "use at most 15 stages"),
        (
            [
                "space={kind='interval'}",
                "labeller={kind='mlp'}",
                "learner={kind='dot_product_kernel'}",
            ],
            "use a circle or a sphere",
        ),
        (["space={kind='table', path='none.npy'}", "labeller={kind='mlp'}"], "no such file"),
    ],
    ids=["odd", "one", "algorithm", "space", "scale", "projection", "stages", "kernel", "table"],
)
def test_parts_that_do_not_fit_each_other_are_refused(tmp_path, overrides, message):
    assert message in problems(tmp_path, DEFAULT, *overrides)


def test_all_mistakes_are_reported_at_once(tmp_path):
    text = DEFAULT.replace("width = 100", "width = 0").replace("count = 3", "count = 0")
    said = problems(tmp_path, text)
    assert "learner.width" in said
    assert "stages.count" in said


def test_malformed_toml_names_its_line(tmp_path):
    said = problems(tmp_path, DEFAULT.replace("[learner]", "[learner"))
    assert f"p.toml:{line_of(DEFAULT, '[learner]')}" in said


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("1,2\n3,nan\n5,6\n", "row 2, column 2"),
        ("1,2\n3\n5,6\n", "expected one width"),
        ("a,b\n1,x\n", "rows of numbers"),
        ("", "rows"),
    ],
    ids=["NaN", "ragged", "words", "empty"],
)
def test_a_bad_table_is_refused_with_the_place(tmp_path, content, message):
    (tmp_path / "t.csv").write_text(content)
    said = problems(
        tmp_path,
        DEFAULT,
        "space={kind='table', path='t.csv'}",
        "labeller={kind='mlp'}",
        "objective.orthogonality=penalty",
    )
    assert message in said


def test_a_table_needs_a_row_for_every_trial_of_an_episode(tmp_path):
    np.save(tmp_path / "t.npy", np.random.default_rng(0).normal(size=(20, 4)))
    said = problems(
        tmp_path,
        DEFAULT,
        "space={kind='table', path='t.npy'}",
        "labeller={kind='mlp'}",
        "objective.orthogonality=penalty",
    )
    assert "need 24 different stimuli, the table has 20 rows" in said


def test_the_path_of_a_table_is_relative_to_the_document_and_frozen_absolute(tmp_path):
    np.save(tmp_path / "t.npy", np.random.default_rng(0).normal(size=(50, 4)))
    (tmp_path / "p.toml").write_text(DEFAULT)
    document = load_experiment(
        tmp_path / "p.toml",
        (
            "space={kind='table', path='t.npy'}",
            "labeller={kind='mlp'}",
            "objective.orthogonality=penalty",
        ),
    )
    assert document.value.space.path == str(tmp_path / "t.npy")
    assert document.value.space.build().dim == 4


def test_a_frozen_document_reads_back_as_the_same_experiment():
    from controller.document import Experiment
    from protocols.documents import parse

    document = load_experiment(ready()["default"])
    again = parse(document.text, Experiment)
    assert again.value == document.value
    assert again.sha256 == document.sha256
