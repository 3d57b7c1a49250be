import string
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from annotated_types import Ge, Gt, Lt, MinLen
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from protocols.documents import Document, DocumentError, Problem, load, parse, write
from protocols.documents.canonical import inline
from protocols.documents.lines import lines_of


class Base(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Ridge(Base):
    """Its kind and one of its fields share a name, as in the real one."""

    kind: Literal["ridge"]
    ridge: Annotated[float, Gt(0)] = 1e-3
    width: Annotated[int, Ge(1)]
    layer: Literal["redrawn", "fixed"] = "redrawn"
    eigenvalues: Annotated[tuple[Annotated[float, Ge(0)], ...], MinLen(2)] = (0.5, 1.0)

    @model_validator(mode="after")
    def _check_width(self) -> "Ridge":
        if self.width > 1000 and self.layer == "redrawn":
            raise ValueError("a width above 1000 needs layer = 'fixed'")
        return self


class Table(Base):
    kind: Literal["table"]
    rows: tuple[tuple[float, float], ...] = ()
    size: int | None = None


class Stage(Base):
    trials: Annotated[int, Ge(1), Lt(100)] = 10
    learner: Annotated[Ridge | Table, Field(discriminator="kind")] | None = None


class Experiment(Base):
    seed: int
    name: Annotated[str, StringConstraints(min_length=1, max_length=9)] = "first"
    shuffle: bool = True
    tempo: float | Literal["slow"] = "slow"
    weights: dict[str, float] = {}
    learner: Annotated[Ridge | Table, Field(discriminator="kind")]
    stages: tuple[Stage, ...] = ()


VALID = """\
# an experiment
seed = 3
tempo = 1.5

[learner]
kind = "ridge"
ridge = 1
width = 20
eigenvalues = [
  0.5,  # the constant
  1.0,
]

[weights]
"odd key" = 2.0
b = -1e-3

[[stages]]
trials = 5

[[stages]]
learner = { kind = "table", rows = [[1, 2], [3.5, 4]] }
"""


def read(text: str, *overrides: str) -> Document[Experiment]:
    return parse(text, Experiment, name="e.toml", overrides=overrides)


def complaint(text: str, *overrides: str) -> str:
    with pytest.raises(DocumentError) as caught:
        read(text, *overrides)
    return str(caught.value)


def edited(old: str, new: str) -> str:
    assert old in VALID
    return VALID.replace(old, new)


def test_a_valid_document_becomes_its_model():
    value = read(VALID).value
    assert value.learner == Ridge(kind="ridge", ridge=1.0, width=20, eigenvalues=(0.5, 1.0))
    assert isinstance(value.learner, Ridge)
    assert isinstance(value.learner.ridge, float)
    assert value.stages[1].learner == Table(kind="table", rows=((1.0, 2.0), (3.5, 4.0)))


def test_the_frozen_text_is_canonical_and_has_the_defaults():
    assert read("seed = 1\nlearner.kind = 'ridge'\nlearner.width = 2").text == (
        'seed = 1\nname = "first"\nshuffle = true\ntempo = "slow"\nstages = []\n\n'
        '[weights]\n\n[learner]\nkind = "ridge"\nridge = 0.001\nwidth = 2\n'
        'layer = "redrawn"\neigenvalues = [0.5, 1.0]\n'
    )


def test_the_frozen_text_is_read_back_to_the_same_value_text_and_hash():
    first = read(VALID, "learner.width=30")
    second = read(first.text)
    assert (second.value, second.text, second.sha256) == (first.value, first.text, first.sha256)


def test_the_hash_ignores_comments_layout_and_order():
    other = (
        'weights = {b = -0.001, "odd key" = 2}\ntempo = 1.5\nseed = 3\nstages = [{trials = 5},'
        '{learner = {rows = [[1.0, 2.0], [3.5, 4.0]], kind = "table"}}]\n'
        '[learner]\nwidth = 20\neigenvalues = [0.5, 1]\nridge = 1.0\nkind = "ridge"'
    )
    assert read(other).sha256 == read(VALID).sha256
    assert read(other, "seed=4").sha256 != read(VALID).sha256
    assert read(other, "weights.b=-1e-3").sha256 == read(VALID).sha256


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("ridge = 1\n", "ridge = -1\n", "7: learner.ridge: expected a number > 0, got -1"),
        ("ridge = 1\n", "ridge = true\n", "7: learner.ridge: expected a number > 0, got true"),
        ("ridge = 1\n", "ridge = inf\n", "7: learner.ridge: expected a finite number, got inf"),
        ("ridge = 1\n", "ridge = nan\n", "7: learner.ridge: expected a finite number, got nan"),
        ("width = 20", "width = true", "8: learner.width: expected a whole number >= 1, got true"),
        ("width = 20", "width = 2.0", "8: learner.width: expected a whole number >= 1, got 2.0"),
        ("width = 20", "width = 0", "8: learner.width: expected a whole number >= 1, got 0"),
        ("width = 20", "", "5: learner.width: missing; give a whole number >= 1"),
        ("seed = 3", "", "1: seed: missing; give a whole number"),
        (
            "ridge = 1\n",
            "rigde = 1\n",
            (
                "7: learner.rigde: unknown key 'rigde'; did you mean 'ridge'? "
                "allowed: kind, ridge, width, layer, eigenvalues"
            ),
        ),
        (
            "seed = 3",
            "seed = 3\nzebra = 3",
            (
                "3: zebra: unknown key 'zebra'; "
                "allowed: seed, name, shuffle, tempo, weights, learner, stages"
            ),
        ),
        (
            '"ridge"',
            '"rige"',
            "6: learner.kind: unknown kind 'rige'; did you mean 'ridge'? allowed: ridge, table",
        ),
        ('"ridge"', "[3]", "6: learner.kind: expected text, got [3]; allowed: ridge, table"),
        ('kind = "ridge"', "", "5: learner: has no 'kind'; add one, allowed: ridge, table"),
        (
            "width = 20",
            "width = 20\nlayer = 'fixd'",
            '9: learner.layer: expected "redrawn" or "fixed", got "fixd"; did you mean "fixed"?',
        ),
        ("width = 20", "width = 2000", "5: learner: a width above 1000 needs layer = 'fixed'"),
        ("  1.0,\n", '  "x",\n', '11: learner.eigenvalues.1: expected a number >= 0, got "x"'),
        (
            "  1.0,\n",
            "",
            (
                "9: learner.eigenvalues: expected a list of at least 2 values, "
                "each a number >= 0, got [0.5]"
            ),
        ),
        ("seed = 3", "seed = 3\nname = ''", '3: name: expected text of 1 to 9 characters, got ""'),
        ("seed = 3", "seed = 3\nname = 3", "3: name: expected text of 1 to 9 characters, got 3"),
        ("seed = 3", "seed = 3\nshuffle = 1", "3: shuffle: expected true or false, got 1"),
        ("tempo = 1.5", "tempo = 'fast'", '3: tempo: expected a number or "slow", got "fast"'),
        ("b = -1e-3", "b = 'x'", '16: weights.b: expected a number, got "x"'),
        ("= 2.0", "= 'x'", '15: weights."odd key": expected a number, got "x"'),
        (
            "trials = 5",
            "trials = 100",
            "19: stages.0.trials: expected a whole number >= 1 and < 100, got 100",
        ),
        ("[3.5, 4]", "[3.5]", "22: stages.1.learner.rows.1.1: missing; give a number"),
        (
            "[3.5, 4]",
            "7",
            "22: stages.1.learner.rows.1: expected a list of 2 values: a number, a number, got 7",
        ),
        (
            "{ kind =",
            "{ kinds = 1, kind =",
            (
                "22: stages.1.learner.kinds: unknown key 'kinds'; did you mean 'kind'? "
                "allowed: kind, rows, size"
            ),
        ),
        (
            VALID[VALID.index("[weights]") :],
            "[stages]\n",
            "14: stages: expected a list of values, each a table, got {}",
        ),
        (
            VALID[VALID.index("[learner]") : VALID.index("[weights]")],
            "learner = 3\n",
            '5: learner: expected a table with kind = "ridge" or "table", got 3',
        ),
    ],
)
def test_a_mistake_names_file_line_field_what_came_and_what_is_allowed(
    old: str, new: str, message: str
):
    assert complaint(edited(old, new)) == f"e.toml:{message}"


def test_all_mistakes_come_at_once_sorted_by_line_overrides_last():
    text = "shuffle = 0\n[[stages]]\ntrials = 0\n[learner]\nkind = 'ridge'\nridge = 0\n"
    assert complaint(text, "name=", "learner.wdth=3").splitlines() == [
        "e.toml:1: seed: missing; give a whole number",
        "e.toml:1: shuffle: expected true or false, got 0",
        "e.toml:3: stages.0.trials: expected a whole number >= 1 and < 100, got 0",
        "e.toml:4: learner.width: missing; give a whole number >= 1 (after --set learner.wdth)",
        "e.toml:6: learner.ridge: expected a number > 0, got 0",
        (
            "--set learner.wdth: unknown key 'wdth'; did you mean 'width'? "
            "allowed: kind, ridge, width, layer, eigenvalues"
        ),
        '--set name: expected text of 1 to 9 characters, got ""',
    ]


def test_problems_are_data_too():
    with pytest.raises(DocumentError) as caught:
        read(edited("ridge = 1\n", "ridge = -1\n"))
    assert caught.value.problems == (
        Problem("e.toml", 7, "learner.ridge", "expected a number > 0, got -1"),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a = b",
            (
                "1: column 5: not valid TOML: invalid value; text goes in quotes, true and false "
                "are written small, a number is 1 or 0.5"
            ),
        ),
        (
            "seed = 1\nseed = 2",
            (
                "2: column 9: not valid TOML: cannot overwrite a value; give each key and each "
                "table once"
            ),
        ),
        (
            "\n\na 3",
            (
                "3: column 3: not valid TOML: expected '=' after a key in a key/value pair; "
                "write key = value"
            ),
        ),
        (
            'a = "x\nb = 2',
            (
                "1: column 7: not valid TOML: illegal character '\\n'; close the text with its "
                "quotes, on the same line"
            ),
        ),
        (
            "a = [1,\n",
            (
                "2: column 1: not valid TOML: invalid value; text goes in quotes, true and "
                "false are written small, a number is 1 or 0.5"
            ),
        ),
        ("a" + ".a" * 5000 + " = 1", "1: tables or lists are nested too deeply"),
        ("a = " + "[" * 5000, "1: tables or lists are nested too deeply"),
        ("a = " + "[" * 250 + "]" * 250, "1: tables or lists are nested too deeply"),
        ("a = 0x" + "f" * 5000, "1: a whole number has too many digits"),
        ("", "1: the document is empty; it must at least have seed, learner"),
        ("# only a comment\n", "1: the document is empty; it must at least have seed, learner"),
    ],
)
def test_what_is_no_toml_is_told_with_line_column_and_remedy(text: str, message: str):
    assert complaint(text) == f"e.toml:{message}"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "learner.rigde=1",
            (
                "learner.rigde: unknown key 'rigde'; did you mean 'ridge'? "
                "allowed: kind, ridge, width, layer, eigenvalues"
            ),
        ),
        (
            "lerner.ridge=1",
            (
                "lerner.ridge: lerner: unknown key 'lerner'; did you mean 'learner'? "
                "allowed: seed, name, shuffle, tempo, weights, learner, stages"
            ),
        ),
        ("learner.ridge=-1", "learner.ridge: expected a number > 0, got -1"),
        ("learner.ridge=abc", 'learner.ridge: expected a number > 0, got "abc"'),
        (
            "learner.kind=rige",
            ("learner.kind: unknown kind 'rige'; did you mean 'ridge'? allowed: ridge, table"),
        ),
        ("learner={kind='ridge'}", "learner: learner.width: missing; give a whole number >= 1"),
        ("seed", "seed: expected path=value, such as learner.ridge=0.1; there is no '='"),
        ("=3", "=: expected keys joined by dots before the '=', such as learner.ridge=0.1"),
        ("a b=3", "a b: expected keys joined by dots before the '=', such as learner.ridge=0.1"),
        ("seed.x=1", "seed.x: seed is 3, no table, so it can't have a 'x'"),
        (
            "stages.2.trials=1",
            ("stages.2.trials: stages is a list; expected an index (0 to 1), got '2'"),
        ),
        ("stages.x=1", "stages.x: stages is a list; expected an index (0 to 1), got 'x'"),
        (
            "stages.0.learner.rows.0=[1,2]",
            (
                "stages.0.learner.rows.0: the document has no list "
                "with an element 0; set the whole list"
            ),
        ),
        ("name=\udcff", "'name=\\udcff': expected UTF-8 text"),
    ],
)
def test_a_wrong_override_is_told_by_its_path(override: str, message: str):
    assert complaint(VALID, override) == f"--set {message}"


def test_a_table_that_an_override_makes_wrong_names_its_line_and_the_override():
    assert complaint(VALID, "learner.width=2000") == (
        "e.toml:5: learner: a width above 1000 needs layer = 'fixed' (after --set learner.width)"
    )


def test_overrides_reach_tables_list_elements_and_text_without_quotes():
    document = read(
        VALID, "stages.0.trials=7", "name=second", "learner.eigenvalues.1 = 3", 'weights."x y"=1'
    )
    assert document.value.stages[0].trials == 7
    assert document.value.name == "second"
    assert document.value.learner == Ridge(
        kind="ridge", ridge=1.0, width=20, eigenvalues=(0.5, 3.0)
    )
    assert document.value.weights == {"odd key": 2.0, "b": -1e-3, "x y": 1.0}


def test_a_later_override_wins():
    assert read(VALID, "seed=5", "seed=6").value.seed == 6


def test_an_override_can_fill_an_empty_document():
    document = read("", "seed=1", "learner={kind='table'}")
    assert document.value == Experiment(seed=1, learner=Table(kind="table"))


def test_an_overrides_value_cannot_smuggle_in_another_key():
    assert complaint(VALID, "tempo=1\nseed = 9") == (
        '--set tempo: expected a number or "slow", got "1\\nseed = 9"'
    )


def test_a_file_is_read_with_bom_and_windows_line_ends(tmp_path: Path):
    path = tmp_path / "e.toml"
    path.write_bytes(b"\xef\xbb\xbf" + VALID.replace("\n", "\r\n").encode())
    document = load(path, Experiment, ["seed=4"])
    assert document == Document(
        read(VALID, "seed=4").value, read(VALID, "seed=4").text, document.sha256, path
    )
    path.write_bytes(path.read_bytes().replace(b"ridge = 1\r", b"ridge = 0\r"))
    with pytest.raises(DocumentError) as caught:
        load(path, Experiment)
    assert str(caught.value) == f"{path}:7: learner.ridge: expected a number > 0, got 0"


def test_a_missing_file_is_told_with_the_nearest_name(tmp_path: Path):
    (tmp_path / "sphere.toml").touch()
    for name, remedy in [
        ("shpere.toml", f"did you mean '{tmp_path / 'sphere.toml'}'?"),
        ("x", "check the path"),
        ("no/x.toml", "check the path"),
    ]:
        with pytest.raises(DocumentError) as caught:
            load(tmp_path / name, Experiment)
        assert str(caught.value) == f"{tmp_path / name}: no such file; {remedy}"


def test_a_folder_in_place_of_a_file_is_told(tmp_path: Path):
    (tmp_path / "experiment.toml").touch()
    with pytest.raises(DocumentError) as caught:
        load(tmp_path, Experiment)
    assert str(caught.value) == (
        f"{tmp_path}: expected a TOML file, got a folder; "
        f"did you mean '{tmp_path / 'experiment.toml'}'?"
    )


def test_a_file_that_is_no_utf8_is_told_with_line_and_byte(tmp_path: Path):
    path = tmp_path / "e.toml"
    path.write_bytes("seed = 1\nname = 'caf\xe9'".encode("latin-1"))
    with pytest.raises(DocumentError) as caught:
        load(path, Experiment)
    assert str(caught.value) == (
        f"{path}:2: expected UTF-8 text, got byte 0xe9; save the file as UTF-8"
    )


def test_lines_are_found_through_every_form_of_toml():
    text = '''\
a = """
[no.header]
x = 1 \\""" still text"""
b."c d".'e' = [ # ] not the end
  [1,
   2], { f = 3, g.h = "}" },
]
[[t]]
x = 1
[t.u]
y = \'\'\'
z = 2\'\'\'
[[t]]
x.y = 2020-01-01 07:00:00
[ t . v ]
[w.x]
[w]
'''
    tomllib.loads(text)
    assert lines_of(text) == {
        ("a",): 1,
        ("b",): 4, ("b", "c d"): 4, ("b", "c d", "e"): 4,
        ("b", "c d", "e", 0): 5, ("b", "c d", "e", 0, 0): 5, ("b", "c d", "e", 0, 1): 6,
        ("b", "c d", "e", 1): 6, ("b", "c d", "e", 1, "f"): 6,
        ("b", "c d", "e", 1, "g"): 6, ("b", "c d", "e", 1, "g", "h"): 6,
        ("t",): 8, ("t", 0): 8, ("t", 0, "x"): 9, ("t", 0, "u"): 10, ("t", 0, "u", "y"): 11,
        ("t", 1): 13, ("t", 1, "x"): 14, ("t", 1, "x", "y"): 14, ("t", 1, "v"): 15,
        ("w",): 17, ("w", "x"): 16,
    }  # fmt: skip


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALAR = TEXT | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.booleans()
VALUE = st.recursive(
    SCALAR, lambda v: st.lists(v, max_size=4) | st.dictionaries(TEXT, v, max_size=4), max_leaves=12
)
DATA = st.dictionaries(TEXT, VALUE, max_size=5)


@given(DATA)
@settings(max_examples=300, deadline=None)
def test_what_is_written_is_read_back(data: dict[str, Any]):
    assert tomllib.loads(write(data)) == data


@given(DATA)
@settings(max_examples=200, deadline=None)
def test_every_written_path_has_a_line(data: dict[str, Any]):
    lines = lines_of(write(data))
    assert set(_paths(data)) == set(lines)


def _paths(value: Any, where: tuple[str | int, ...] = ()):
    if where:
        yield where
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items if isinstance(value, dict | list) else ():
        yield from (
            _paths(inner, (*where, key)) if isinstance(inner, dict | list) else [(*where, key)]
        )


def test_none_cannot_be_written():
    with pytest.raises(TypeError, match=r"expected text, a number, .* got None"):
        write({"a": None})


FRAGMENT = st.sampled_from(
    [*string.punctuation, "\n", "\r\n", " ", '"""', "[[", "]]", "inf", "nan", "true", "0x", "1e9",
     "2020-01-01", "kind", "ridge", "[learner]", "\x00", "é", "\ufeff", "-1", "{}", "[]"]
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> str:
    text = VALID
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = start + draw(st.integers(0, 12))
        text = text[:start] + draw(FRAGMENT | st.just("") | TEXT) + text[end:]
    return text


@given(mutated())
@settings(max_examples=500, deadline=None)
def test_no_mutation_of_a_document_raises_anything_else(text: str):
    _survives(text)


@given(DATA, st.lists(st.text(max_size=20) | TEXT.map("learner.ridge={}".format)))
@settings(max_examples=300, deadline=None)
def test_no_data_and_no_override_raises_anything_else(data: dict[str, Any], overrides: list[str]):
    _survives(write(data), *overrides)


PATHS = st.sampled_from(
    ["seed", "tempo", "weights", "learner", "learner.kind", "learner.ridge", "learner.eigenvalues",
     "stages", "stages.0", "stages.1.learner", "stages.1.learner.rows.0", "name", "weights.b"]
)  # fmt: skip


@given(st.lists(st.tuples(PATHS, VALUE), max_size=3))
@settings(max_examples=300, deadline=None)
def test_no_value_in_any_place_raises_anything_else(values: list[tuple[str, Any]]):
    _survives(VALID, *(f"{path}={inline(value)}" for path, value in values))


def _survives(text: str, *overrides: str) -> None:
    try:
        document = read(text, *overrides)
    except DocumentError as error:
        problems = error.problems
    else:
        assert read(document.text) == document
        return
    lines = {problem.line for problem in problems}
    assert lines <= {None, *range(1, text.count("\n") + 2)}
    assert lines
