"""The found functions, each beside the one that its control found."""

import math
from functools import partial

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from controller.analysis.measures import function_values
from controller.analysis.plots.label_maps import COLOURS, LABEL, label_map, symmetric
from controller.analysis.plots.style import CONTROL, LEARNER, stage_title
from controller.analysis.summary import Analysis, FoundFunction, Stage
from controller.analysis.wording import finds, ratio

ROWS = 4
"""Up to this many stages are below each other, more also beside each other."""
CELL_WIDTH_IN = 3.3
TITLE_HEIGHT_IN = 0.75


def functions(analysis: Analysis) -> Figure:
    """Draw every stage's function: the learner's left, the control's right, one colour bar."""
    drawing, space = label_map(analysis.design.space), analysis.design.space
    stages = analysis.stages
    arms = 2 if any(stage.control is not None for stage in stages) else 1
    across = math.ceil(math.sqrt(len(stages) / ROWS))
    down = math.ceil(len(stages) / across)
    height = down * (CELL_WIDTH_IN * drawing.height + TITLE_HEIGHT_IN)
    layout = ConstrainedLayoutEngine(w_pad=0.08)
    figure = Figure(layout=layout, figsize=(CELL_WIDTH_IN * across * arms + 0.8, height))
    grid = figure.add_gridspec(down, across * arms)
    norm = symmetric(np.concatenate([found.values for s in stages for found in _found(s)]))
    for index, stage in enumerate(stages):
        row, column = index % down, index // down * arms
        for arm, found in zip((LEARNER, CONTROL), _found(stage), strict=False):
            cell = grid[row, column + (arm is CONTROL)]
            axes = figure.add_subplot(cell, projection=drawing.projection)
            values = partial(function_values, space, analysis.design.labeller, found.theta)
            drawing.draw(axes, space, values, norm)
            name = f"{stage_title(stage.number, finished=stage.finished)} · {arm.label}"
            axes.set_title(f"{name}\n{_measures(found, analysis.basis.word)}")
    scale = ScalarMappable(norm, COLOURS)
    figure.colorbar(scale, ax=figure.axes, label=LABEL, shrink=max(1 / down, 0.4), aspect=25)
    return figure


def _found(stage: Stage) -> tuple[FoundFunction, ...]:
    return (stage.found,) if stage.control is None else (stage.found, stage.control)


def _measures(found: FoundFunction, word: str) -> str:
    return f"{finds(found.share, word)} · g/Var {ratio(found.held_out.median)}"
