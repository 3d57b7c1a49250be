"""What an analysis leaves behind: four figures and `summary.json`."""

import json
from collections.abc import Callable
from pathlib import Path

from matplotlib.figure import Figure

from controller.analysis.figure_files import save
from controller.analysis.plots.functions import functions
from controller.analysis.plots.held_out import held_out
from controller.analysis.plots.progress import progress
from controller.analysis.plots.shares import shares
from controller.analysis.plots.style import style
from controller.analysis.summary import Analysis, AnalysisError, summary
from controller.analysis.whole_file import whole_file

FIGURES: dict[str, Callable[[Analysis], Figure]] = {
    "functions": functions,
    "shares": shares,
    "progress": progress,
    "held_out": held_out,
}


class ReportError(AnalysisError):
    """The folder for figures and summary can't be written."""


def write(analysis: Analysis, folder: Path | None = None) -> list[Path]:
    """Write the figures (PNG and SVG) and `summary.json`; each file is whole or not there.

    Args:
        analysis: the store, read.
        folder: where the files go, made if need be; `analysis/` in the store by default.

    Returns:
        The files, the summary first.

    Raises:
        ReportError: the folder can't be made or written.
    """
    folder = analysis.folder / "analysis" if folder is None else folder
    text = json.dumps(summary(analysis), indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        paths = [whole_file(folder / "summary.json", lambda path: path.write_text(text, "utf-8"))]
        for name, draw in FIGURES.items():
            paths += _figure(folder, name, draw, analysis)
    except OSError as error:
        raise ReportError(
            f"{folder} can't be written: {error}; name another folder with `--out DIR`"
        ) from error
    return paths


def _figure(
    folder: Path, name: str, draw: Callable[[Analysis], Figure], analysis: Analysis
) -> list[Path]:
    with style():
        return save(draw(analysis), folder, name)
