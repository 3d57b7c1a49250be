"""The figures of a report: what each shows, in words, and how it is drawn."""

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from controller.analysis.figure_files import figure, pictures
from controller.analysis.record import Record
from controller.analysis.sections.base import Numbers
from controller.analysis.source import Source
from controller.report.svg import inlined


@dataclass(frozen=True, slots=True)
class Drawn:
    """One figure of a page."""

    section: str
    """Name of the section that it belongs to."""
    svg: Markup
    caption: str


def drawn(source: Source, record: Record, prefix: str) -> Iterator[Drawn]:
    """Yield the figures of a store, those of its functions first.

    Args:
        source: the store.
        record: its numbers.
        prefix: begins the ids of its figures in the page.
    """
    from controller.analysis.plots.style import style

    yield from _of_functions(source, record, prefix)
    for section, picture, numbers in pictures(record):
        with style():
            svg = inlined(
                figure(picture, numbers), f"{prefix}-{section}-{picture.name}", picture.title
            )
        yield Drawn(section, svg, picture.title)


def _of_functions(source: Source, record: Record, prefix: str) -> Iterator[Drawn]:
    from controller.analysis.sections.functions import analysed

    analysis = analysed(source) if "functions" in record else None
    if analysis is None:
        return
    from controller.analysis.plots.style import style
    from controller.analysis.report import FIGURES

    captions = _captions(record["functions"])
    for name, draw in FIGURES.items():
        with style():
            caption = captions.get(name, name)
            yield Drawn("functions", inlined(draw(analysis), f"{prefix}-{name}", caption), caption)


def _captions(numbers: Numbers) -> dict[str, str]:
    """Say what the figures of the functions show, with n and units."""
    stages, fresh = numbers["stages"], numbers["stages"][0]["fresh_learners"]
    judged = (
        f"the {fresh} episodes of its last generation"
        if numbers["origin"] == "animal"
        else f"{fresh} fresh learners"
    )
    beside = "" if stages[0]["control"] is None else ", beside the control's"
    episodes = sum(stage["episodes"] for stage in stages)
    return {
        "functions": (
            f"The function that each stage found{beside}: the label of every stimulus, without "
            f"unit. n = {len(stages)} stage{'s' * (len(stages) > 1)}; g/Var over {judged}."
        ),
        "shares": (
            f"How much of each found function{beside} lies in each {numbers['degree_is']}, in % "
            f"of its squared norm. n = {len(stages)} function{'s' * (len(stages) > 1)}."
        ),
        "progress": (
            "Fitness and its terms (without unit, lower is better) over the generations: the "
            f"median of each generation's candidates, and their range. n = {episodes:,} episodes, "
            f"{numbers['trials_total']:,} trials."
        ),
        "held_out": (
            f"Held-out error over label variance, g/Var (without unit; 1 is guessing the mean), "
            f"of each stage's function{beside}: median and quartiles, n = {judged}."
        ),
    }
