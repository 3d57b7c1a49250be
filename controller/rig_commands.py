"""`biasloop rig …`: check a rig, emulate one, begin a rig's document."""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from controller import rigs_commands
from controller.paths import rig_path

if TYPE_CHECKING:
    from hardware.display import Display
    from hardware.findings import Finding
    from hardware.rig_settings import RigSettings
    from hardware.simulated_board import SimulatedBoard

FAILED, INTERRUPTED = 1, 130
app = typer.Typer(help="Check a rig, or emulate one.", no_args_is_help=True)
app.command()(rigs_commands.serve)
RigDocument = Annotated[
    str, typer.Argument(metavar="RIG", help="A rig document (TOML), or the name of a ready one.")
]


@app.command()
def check(
    rig: RigDocument,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Also write what was found to this file.")
    ] = None,
    outputs: Annotated[
        bool, typer.Option(help="Switch every output on for a moment; no animal may be there.")
    ] = True,
    prompt: Annotated[
        bool | None,
        typer.Option(help="Ask to touch every input; by default where there is a terminal."),
    ] = None,
    store: Annotated[Path, typer.Option(help="Where sessions are stored.")] = Path("runs"),
) -> None:
    """Try every part of a rig, and say what to do about what isn't right."""
    from controller.places import places
    from hardware.findings import report

    if json_file is not None:
        _check_writable(json_file)
    settings, findings = _settings_and_findings(rig)
    ask = sys.stdin.isatty() if prompt is None else prompt
    try:
        findings += _tried(settings, outputs=outputs, prompt=typer.echo if ask else None)
    except KeyboardInterrupt as stopped:
        notes = "; ".join(getattr(stopped, "__notes__", ())) or "nothing was switched on yet"
        typer.echo(f"biasloop: stopped; {notes}", err=True)
        raise typer.Exit(INTERRUPTED) from None
    findings += places(store)
    _show(findings)
    if json_file is not None:
        _write(json_file, json.dumps(report(settings, findings), indent=2) + "\n")
    if _is_bad(findings, outputs=outputs):
        raise typer.Exit(FAILED)


@app.command()
def emulate(
    eeprom: Annotated[
        Path | None, typer.Option(help="File that keeps the board's id and count of starts.")
    ] = None,
) -> None:
    """Run a board's program on this computer, until Ctrl-C; its port is printed."""
    from hardware.simulated_board import SimulatedBoard

    with SimulatedBoard(eeprom=eeprom) as board:
        typer.echo(f"port {board.port}")
        typer.echo(f'in a rig document: port = "{board.port}"; Ctrl-C switches the board off')
        _until_stopped(board)


@app.command()
def calibrate(
    rig: RigDocument,
    line: Annotated[str, typer.Option(help="The valve.")],
    widths_ms: Annotated[
        list[float] | None, typer.Option("--width-ms", help="A pulse width; at least three.")
    ] = None,
    pulses: Annotated[int, typer.Option(min=1, help="Pulses in each weighing.")] = 100,
    days: Annotated[int, typer.Option(min=1, help="Days after which to weigh again.")] = 30,
) -> None:
    """Weigh what a valve delivers: asks for the weight of the drops of each width."""
    from controller.weighing import file_of, keep, weigh
    from hardware.rig import NativeRig
    from protocols.documents import load
    from protocols.rig_document import Rig

    path = rig_path(rig)
    document = load(path, Rig).value
    target = file_of(document.calibration, path)
    settings = document.model_copy(update={"calibration": None}).settings(path.parent)
    if line not in settings.valves:
        valves = ", ".join(settings.valves) or "none"
        raise typer.BadParameter(f"{line!r} is no valve of this rig; it has {valves}")
    widths_us = [round(width * 1000) for width in widths_ms or (20.0, 40.0, 80.0)]

    def grams(width_us: int) -> float:
        return typer.prompt(f"g of {pulses} pulses of {width_us / 1000:g} ms", type=float)

    with _port(settings) as port, NativeRig(settings, port) as opened:
        weighings = weigh(opened, line, widths_us, pulses, grams)
    calibration = keep(target, line, weighings, days)
    low, high = calibration.range_ul
    typer.echo(
        f"{target}: {line} gives {low:.3g} to {high:.3g} µl, R² {calibration.r2:.4f}, until "
        f"{calibration.expires}"
    )


@app.command()
def validate(rig: RigDocument) -> None:
    """Check a rig document; print it with every default written out."""
    from protocols.rig_document import load_rig

    document, _ = load_rig(rig_path(rig))
    typer.echo(document.text)
    typer.echo(f"# valid; sha256 {document.sha256[:16]}…")


@app.command()
def new(
    path: Annotated[Path, typer.Argument(help="Where the document is written.")] = Path("rig.toml"),
    source: Annotated[
        str, typer.Option("--from", help="Name of the ready document to begin with.")
    ] = "uno",
) -> None:
    """Write a commented rig document to begin with."""
    from protocols.rigs import ready

    documents = ready()
    if source not in documents:
        raise typer.BadParameter(f"no ready rig {source!r}; there are {', '.join(documents)}")
    if path.exists():
        raise typer.BadParameter(f"{path} exists; give another path or remove it")
    with path.open("x", encoding="utf-8") as file:
        file.write(documents[source].read_text("utf-8"))
    typer.echo(f"{path}: edit it, then `biasloop rig check {path}`")


def _check_writable(path: Path) -> None:
    """Refuse a file before a long check, not after it."""
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise typer.BadParameter(
            f"{path} can't be written; give a file in a folder that exists and is yours"
        )


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        typer.echo(
            f"biasloop: {path} can't be written ({error.strerror}); nothing is kept", err=True
        )
        raise typer.Exit(FAILED) from None


def _settings_and_findings(rig: str) -> "tuple[RigSettings, list[Finding]]":
    """Return a rig; without its calibrations, and with a finding, where they can't be read."""
    from hardware.findings import Finding, Level
    from hardware.interface import CalibrationError
    from protocols.documents import load
    from protocols.rig_document import Rig

    path = rig_path(rig)
    document, folder = load(path, Rig).value, path.resolve().parent
    try:
        return document.settings(folder), []
    except CalibrationError as error:
        without = document.model_copy(update={"calibration": None}).settings(folder)
        return without, [Finding("calibration", Level.FAIL, str(error), "see the message")]


def _tried(
    settings: "RigSettings", *, outputs: bool, prompt: Callable[[str], None] | None
) -> "list[Finding]":
    """Open what there is of a rig, and try it; what doesn't open is a finding as well."""
    from hardware.selftest import run

    with ExitStack() as opened:
        port = opened.enter_context(_port(settings))
        display, missing = _display(opened, settings)
        return [*missing, *run(settings, port, display=display, outputs=outputs, prompt=prompt)]


def _display(opened: ExitStack, settings: "RigSettings") -> "tuple[Display | None, list[Finding]]":
    """Open the screen of a rig that has one; without it the rest is still worth trying."""
    from hardware.display import Display
    from hardware.findings import Finding, Level
    from hardware.interface import DisplayError

    if settings.screen is None:
        return None, []
    try:
        return opened.enter_context(Display(settings.screen)), []
    except DisplayError as error:
        failed = Finding("screen", Level.FAIL, str(error), "see the message")
        rest = ("photodiode", "frames") if settings.photodiode else ("frames",)
        return None, [failed, *(Finding(name, Level.NOT_RUN, "") for name in rest)]


@contextmanager
def _port(settings: "RigSettings") -> Iterator[str]:
    """Yield the port, of an emulated board where the document asks for one."""
    from hardware.rig_settings import SIMAVR
    from hardware.simulated_board import SimulatedBoard

    if settings.port != SIMAVR:
        yield settings.port
        return
    with SimulatedBoard() as board:
        yield board.port


def _until_stopped(board: "SimulatedBoard") -> None:
    def stop(number: int, frame: object) -> None:
        del number, frame
        raise KeyboardInterrupt

    # SIGINT too: a shell that starts it in the background has it ignored
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        while True:
            board.cycle()
            signal.sigtimedwait((), 0.5)
    except KeyboardInterrupt:
        typer.echo("switched off")


def _is_bad(findings: "list[Finding]", *, outputs: bool) -> bool:
    """Whether something failed, or wasn't tried although nobody asked to leave it out."""
    from hardware.findings import Level

    bad = [one for one in findings if one.level in {Level.FAIL, Level.NOT_RUN}]
    return any(outputs or one.level == Level.FAIL or not one.measured for one in bad)


def _show(findings: list["Finding"]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    colours = {"PASS": "green", "WARN": "yellow", "FAIL": "bold red", "not run": "dim"}
    table = Table(box=None, pad_edge=False)
    for heading in ("", "check", "measured", "what to do"):
        table.add_column(heading, overflow="fold")
    for one in findings:
        words = map(escape, (one.name, one.measured, one.remedy))
        table.add_row(f"[{colours[one.level]}]{one.level}[/]", *words)
    Console().print(table)
    counts = {level: sum(one.level == level for one in findings) for level in colours}
    typer.echo(", ".join(f"{count} {level}" for level, count in counts.items() if count))
