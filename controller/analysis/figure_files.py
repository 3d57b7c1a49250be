"""Sections' pictures as figures and as files."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.analysis.record import Record
from controller.analysis.sections import SECTIONS
from controller.analysis.sections.base import Numbers, Picture
from controller.analysis.whole_file import whole_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def pictures(record: Record) -> Iterator[tuple[str, Picture, Numbers]]:
    """Yield what can be drawn of a record: the section's name, the picture, the numbers."""
    for section in SECTIONS:
        numbers = record.get(section.name)
        if numbers is None:
            continue
        for picture in section.pictures:
            if picture.panels(numbers):
                yield section.name, picture, numbers


def figure(picture: Picture, numbers: Numbers) -> "Figure":
    """Draw a picture; call it, and save what it returns, inside `style()`."""
    from matplotlib.figure import Figure

    panels = picture.panels(numbers)
    across = min(picture.across, len(panels))
    down = math.ceil(len(panels) / across)
    width, height = picture.size_in
    drawn = Figure(figsize=(width * across, height * down))
    axes = drawn.subplots(down, across, squeeze=False).ravel()
    for one, panel in zip(axes, panels, strict=False):
        picture.draw(one, panel)
    for one in axes[len(panels) :]:
        one.set_axis_off()
    return drawn


def save(drawn: "Figure", folder: Path, name: str) -> list[Path]:
    """Write a figure as PNG and SVG; each file is whole or not there."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    # `savefig` draws everything once more for each file, only to lay it out
    drawn.set_dpi(mpl.rcParams["savefig.dpi"])
    png = whole_file(folder / f"{name}.png", FigureCanvasAgg(drawn).print_png)
    drawn.set_layout_engine("none")  # laid out by the first save
    svg = whole_file(
        folder / f"{name}.svg",
        lambda path: FigureCanvasSVG(drawn).print_svg(path, metadata={"Date": None}),
    )
    return [png, svg]


def write_pictures(record: Record, folder: Path) -> list[Path]:
    """Write every picture of a record, named by section and picture."""
    from controller.analysis.plots.style import style

    paths: list[Any] = []
    for section, picture, numbers in pictures(record):
        with style():
            paths += save(figure(picture, numbers), folder, f"{section}-{picture.name}")
    return paths
