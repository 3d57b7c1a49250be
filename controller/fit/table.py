"""A fit as tables for a terminal of 80 columns."""

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from controller.analysis.wording import ratio

Record = Mapping[str, Any]
MOST_SHARES = 2


def shown(fit: Record) -> Group:
    """Return what is printed of the record that `controller.fit.record` makes."""
    best = next(model for model in fit["models"] if model["name"] == fit["named"])
    parts: list[RenderableType] = [_models(fit), Text(_sentence(fit["verdict"]))]
    parts += [Text(), _parameters(best)]
    if best["easy_functions"]:
        parts += [_functions(best)]
    return Group(*parts, _residuals(fit), Text(_notes(fit), "dim"))


def _models(fit: Record) -> Table:
    table = _plain(f"{fit['experiment']} · {fit['trials']:,} trials of {fit['episodes']} episodes")
    table.add_column("")
    table.add_column("model")
    table.add_column("is")
    for header in ("parameters", "nats an answer", "below the best"):
        table.add_column(header, justify="right")
    for model in fit["models"]:
        own = model["name"] == fit["named"]
        same = model["name"] in fit["not_told_apart"]
        gap = "—" if model["name"] == fit["best"] else _with_error(model["below_best"])
        table.add_row(
            "▶" if own else "≈" if same else "",
            model["name"],
            model["is"],
            str(model["parameters_fitted"]),
            _with_error(model["held_out"]),
            gap,
            style="bold" if own else "",
        )
    return table


def _parameters(model: Record) -> Table:
    table = _plain(f"{model['name']}: parameters")
    table.add_column("parameter")
    table.add_column("value", justify="right")
    table.add_column("95 %", justify="right")
    for one in model["parameters"]:
        known = one["low"] is not None
        between = f"{one['low']:.3g} to {one['high']:.3g}" if known else "not known"
        table.add_row(one["name"], f"{one['value']:.3g}", between)
    return table


def _functions(model: Record) -> Table:
    table = _plain(f"{model['name']}: what it finds easy")
    table.add_column("function", justify="right")
    table.add_column("degrees")
    table.add_column("g/Var predicted", justify="right")
    for number, one in enumerate(model["easy_functions"], start=1):
        shares = sorted(one["share"].items(), key=lambda item: -(item[1] or 0))[:MOST_SHARES]
        degrees = ", ".join(f"{d}: {100 * s:.0f} %" for d, s in shares if s and s >= 0.005)
        error = ratio(one["g_over_var"])
        if one["low"] is not None:
            error += f" ({ratio(one['low'])}–{ratio(one['high'])})"
        table.add_row(str(number), degrees, error)
    return table


def _residuals(fit: Record) -> Table:
    table = _plain(f"{fit['residuals_of']}: what is left over")
    table.add_column("check")
    table.add_column("value", justify="right")
    table.add_column("means")
    for one in fit["residuals"]:
        value = _with_error({"nats": one["value"], "error": one["error"]}, digits=3)
        table.add_row(one["check"], value, one["means"])
    return table


def _notes(fit: Record) -> str:
    legend = (
        f"nats an answer: held-out log likelihood, {fit['blocks']} blocks of episodes, ± standard "
        "error over episodes. ▶ named: fewest parameters within one error of the best; "
        "≈ not told apart from it."
    )
    notes = [legend]
    if fit["episodes_left_out"]:
        notes.append(
            f"{fit['episodes_left_out']:,} later episodes were left out; `--episodes N` takes more."
        )
    if fit["episodes_unanswered"]:
        notes.append(f"{fit['episodes_unanswered']} episodes lack an answer and were left out.")
    return "\n".join(notes)


def _plain(title: str) -> Table:
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )


def _with_error(mean: Record, digits: int = 4) -> str:
    if mean["nats"] is None or mean["error"] is None:
        return "not finite"
    return f"{mean['nats']:.{digits}f} ± {mean['error']:.{digits}f}"


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."
