"""Draws the pictures of the documents from runs that it makes: `python -m sims.pictures`.

They are made anew when what they show has changed; the runs are of fixed seeds and take a minute.
"""

import contextlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

from controller import jax_cache
from controller.analysis.figure_files import figure, pictures
from controller.analysis.plots.functions import functions
from controller.analysis.plots.style import style
from controller.analysis.record import Record, describe
from controller.analysis.sections.functions import analysed
from controller.analysis.source import open_source
from controller.analysis.standing import SHOWN, standing

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
COLUMNS = 92
REHEARSAL = (
    *("dryrun", "animal", "--rig", "emulated", "--set", "stages.count=1"),
    *("--set", "session.schedule.anchors=2", "--behaviour", "lapses=0.1"),
)
WANTED = {"psychometric": "curves", "welfare": "water"}
"""Section to the picture that is shown of it."""
DPI = 110


def main() -> None:
    """Run what is shown, and draw it."""
    jax_cache.enable()
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as made, contextlib.chdir(made):
        runs = Path("runs")
        _biasloop("dryrun", "--set", "stages.generations=40", "--out", "runs/kernel")
        _biasloop(*REHEARSAL, "--out", "runs/rehearsal")
        _functions(runs / "kernel")
        record = describe(open_source(runs / "rehearsal"))
        _sections(record)
        _status(runs / "rehearsal")
        checked = _biasloop("rig", "check", "simavr", "--no-prompt")
        _terminal("rig_check", "biasloop rig check simavr", Text.from_ansi(checked))


def _biasloop(*arguments: str) -> str:
    command = [sys.executable, "-m", "controller.cli", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        sys.exit(f"biasloop {' '.join(arguments)} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def _functions(folder: Path) -> None:
    analysis = analysed(open_source(folder))
    if analysis is None:
        sys.exit(f"{folder} shows no function")
    with style():
        functions(analysis).savefig(FOLDER / "functions.png", dpi=DPI)


def _sections(record: Record) -> None:
    for section, picture, numbers in pictures(record):
        if picture.name == WANTED.get(section):
            with style():
                figure(picture, numbers).savefig(FOLDER / f"{section}.png", dpi=DPI)


def _status(folder: Path) -> None:
    shown = standing(describe(open_source(folder, live=True), SHOWN))
    _terminal("status", "biasloop status runs/rehearsal", shown)


def _terminal(name: str, command: str, shown: object) -> None:
    """Save what a terminal shows as a picture."""
    with Path("/dev/null").open("w") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere)
        console.print(f"$ {command}", markup=False, highlight=False)
        console.print(shown)
        text = console.export_svg(title="biasloop", unique_id=name)
    # the fonts that it would load from elsewhere aren't needed: any monospaced one does
    text = re.sub(r"\s*@font-face \{.*?\}", "", text, flags=re.DOTALL)
    (FOLDER / f"{name}.svg").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
