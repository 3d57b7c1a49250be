"""The table fits a terminal and says what the numbers mean."""

import io

import pytest
from rich.console import Console

from controller.analysis.summary import summary
from controller.analysis.table import table
from controller.analysis.verdict import verdict
from controller.analysis.wording import finds, ratio


def shown(record):
    console = Console(width=80, file=io.StringIO())
    console.print(table(record))
    return console.file.getvalue()


def test_no_line_is_longer_than_80_columns_and_nothing_is_cut(record):
    text = shown(record)
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80
    assert "…" not in text


def test_every_stage_has_its_numbers_its_control_and_its_verdict(record):
    text = shown(record)
    flowing = " ".join(text.split())
    for stage in record["stages"]:
        best = max(stage["share"], key=stage["share"].get)
        assert f"degree {best}: {100 * stage['share'][best]:.0f} %" in text
        assert ratio(stage["g_over_var"]) in text
        assert f"{stage['trials']:,}" in text
        assert verdict(stage).words in flowing
    assert text.count("control ") >= 2
    assert f"{record['trials_total']:,} trials" in flowing


def test_stages_with_the_same_verdict_share_a_line(record):
    first = record["stages"][0]
    text = shown(record | {"stages": [first | {"stage": number} for number in (1, 2, 3)]})
    assert "stages 1 to 3: " in text


def test_a_stage_that_is_not_finished_is_marked(stopped):
    text = shown(summary(stopped))
    assert "2*" in text
    assert "* not finished" in text


def test_a_run_without_control_says_so(record):
    alone = [stage | {"control": None, "g_over_var": 0.1} for stage in record["stages"]]
    text = shown(record | {"stages": alone})
    assert "no control was run" in text


def test_a_constant_function_is_written_without_numbers(constant):
    text = shown(summary(constant))
    assert "zero everywhere" in text
    assert "nothing was found" in text
    assert "nan" not in text.lower()


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0386, "0.039"), (0.0802, "0.080"), (1.0, "1.0"), (9.99, "10"), (12.3, "12.3"),
     (1234.0, "1.23e+03"), (None, "–"), (float("inf"), "–")],
)  # fmt: skip
def test_errors_are_written_with_two_digits(value, text):
    assert ratio(value) == text


def test_the_second_degree_is_left_out_where_it_is_nothing():
    assert finds({0: 0.001, 1: 0.999}, "degree") == "degree 1: 100 %"
    assert finds({"1": 0.3, "2": 0.7}, "frequency") == "frequency 2: 70 %, 1: 30 %"
