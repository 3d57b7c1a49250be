"""Pictures of what was found: our function beside its control's, on the stimulus space."""

from itertools import zip_longest

from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from controller.analysis.measures import function_values
from controller.analysis.plots.label_maps import COLOURS, LABEL, LabelMap, label_map
from controller.analysis.summary import FoundFunction
from sims.figures.evidence import Evidence, Run

WIDTH_IN = 3.1
Panel = tuple[str, int]
"""A variant and the number of its stage."""


def pairs(evidence: Evidence, panels: tuple[Panel, ...], title: str) -> Figure:
    """Draw one row a panel: found with the learner on the left, without on the right."""
    drawing = label_map(evidence.run(panels[0][0]).analysis.design.space)
    figure = Figure(figsize=(2 * WIDTH_IN + 0.9, len(panels) * (WIDTH_IN * drawing.height + 0.75)))
    cells = figure.subplots(
        len(panels), 2, squeeze=False, subplot_kw={"projection": drawing.projection}
    )
    norm = Normalize(-1, 1)
    for (variant, number), row in zip(panels, cells, strict=True):
        run = evidence.run(variant)
        stage = run.analysis.stages[number - 1]
        for axes, found, arm in zip(
            row, (stage.found, stage.control), ("ours", "control"), strict=True
        ):
            if found is not None:
                _draw(drawing, axes, run, found, norm)
                axes.set_title(f"{variant} · stage {number}\n{arm}: {_numbers(found)}")
    size = {"shrink": min(0.9, 1.6 / len(panels)), "aspect": 20}
    mappable = ScalarMappable(norm, COLOURS)
    figure.colorbar(mappable, ax=cells, label=LABEL, extend="both", **size)
    seed = evidence.run(panels[0][0]).seed
    seeds = len({run.seed for run in evidence.runs})
    figure.suptitle(f"{title} (seed {seed}, n = {seeds})\nlargest share of norm², and its degree")
    return figure


def _draw(drawing: LabelMap, axes: Axes, run: Run, found: FoundFunction, norm: Normalize) -> None:
    design = run.analysis.design
    drawing.draw(
        axes,
        design.space,
        lambda x: function_values(design.space, design.labeller, found.theta, x),
        norm,
    )


def _numbers(found: FoundFunction) -> str:
    degree = max(found.share, key=lambda d: found.share[d])
    return f"degree {degree}, {found.share[degree]:.3f} · g/Var {found.held_out.median:.2g}"


def seeds(evidence: Evidence, title: str, *, columns: int = 3) -> Figure:
    """Draw the first stage of every run, one panel a seed."""
    drawing = label_map(evidence.runs[0].analysis.design.space)
    rows = -(-len(evidence.runs) // columns)
    height = rows * (WIDTH_IN * drawing.height + 0.75)
    figure = Figure(figsize=(columns * WIDTH_IN + 0.9, height))
    cells = figure.subplots(
        rows, columns, squeeze=False, subplot_kw={"projection": drawing.projection}
    )
    norm = Normalize(-1, 1)
    for axes, run in zip_longest(cells.ravel(), evidence.runs):
        if run is None:
            axes.set_axis_off()
            continue
        found = run.analysis.stages[0].found
        _draw(drawing, axes, run, found, norm)
        axes.set_title(f"seed {run.seed}\n{_numbers(found)}")
    figure.colorbar(ScalarMappable(norm, COLOURS), ax=cells, label=LABEL, extend="both", aspect=30)
    figure.suptitle(f"{title} (n = {len(evidence.runs)})\nlargest share of norm², and its degree")
    return figure
