"""A page of what stores say: findings first, then what was found, then everything else."""

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from controller.analysis.finding import Finding
from controller.analysis.findings import findings, headline
from controller.analysis.sections import SECTIONS
from controller.analysis.sections.base import Cell, NumberTable
from controller.analysis.side_by_side.stores import Described, Unreadable
from controller.analysis.terminal import is_number, text
from controller.report.figures import Drawn, drawn

HERE = Path(__file__).parent
DOCUMENT = "experiment.toml"
LONGEST_WORD, LONGEST_LINE = 30, 36
"""Characters of a cell that aren't broken."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """What one section shows."""

    id: str
    title: str
    figures: Sequence[Drawn]
    tables: Sequence[NumberTable]


@dataclass(frozen=True, slots=True)
class Shown:
    """One store, as the page shows it."""

    id: str
    label: str
    headline: str
    findings: Sequence[Finding]
    chapters: Sequence[Chapter]
    document: str
    """The frozen protocol document as it is stored; empty where there is none."""
    versions: NumberTable
    numbers: str
    """The record as JSON, in base64."""
    numbers_kb: int


def page(stores: Sequence[Described], unreadable: Sequence[Unreadable] = ()) -> str:
    """Return the page of one store, or of several with the comparison first.

    Args:
        stores: at least one.
        unreadable: folders that were named and said nothing; the page names them.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(cell=text, is_number=is_number, numeric=numeric, kind=kind)
    count = len(stores) + len(unreadable)
    return environment.get_template("report.html.jinja").render(
        title=_title(stores, count),
        style=Markup((HERE / "style.css").read_text("utf-8")),  # noqa: S704  our own file
        several=count > 1,
        compared=_compared(stores) if count > 1 else None,
        stores=[_shown(store, f"s{number}") for number, store in enumerate(stores, 1)],
        unreadable=unreadable,
    )


def _title(stores: Sequence[Described], count: int) -> str:
    if count == 1:
        return stores[0].label
    read = f"{count}" if len(stores) == count else f"{len(stores)} of {count}"
    return f"{read} stores side by side"


def _shown(store: Described, prefix: str) -> Shown:
    record = store.record
    numbers = json.dumps(record, indent=1, allow_nan=False, ensure_ascii=False).encode()
    return Shown(
        id=prefix,
        label=store.label,
        headline=headline(record),
        findings=findings(record),
        chapters=list(_chapters(store, prefix)),
        document=_document(store.source.folder),
        versions=_versions(store),
        numbers=base64.b64encode(numbers).decode(),
        numbers_kb=-(-len(numbers) // 1000),
    )


def _chapters(store: Described, prefix: str) -> Iterator[Chapter]:
    figures = list(drawn(store.source, store.record, prefix))
    for section in SECTIONS:
        if (numbers := store.record.get(section.name)) is None:
            continue
        own = [one for one in figures if one.section == section.name]
        yield Chapter(f"{prefix}-{section.name}", section.title, own, list(section.tables(numbers)))


def _compared(stores: Sequence[Described]) -> Chapter:
    from controller.analysis.figure_files import figure
    from controller.analysis.plots.style import style
    from controller.analysis.side_by_side.compare import side_by_side, tables
    from controller.analysis.side_by_side.picture import PICTURE
    from controller.report.svg import inlined

    records = {store.label: store.record for store in stores}
    figures = []
    if PICTURE.panels(records):
        caption = f"{PICTURE.title} n = {len(stores)} stores."
        with style():
            svg = inlined(figure(PICTURE, records), "side", caption)
        figures.append(Drawn("side_by_side", svg, caption))
    return Chapter("side", "Side by side", figures, list(tables(side_by_side(records))))


def _versions(store: Described) -> NumberTable:
    origin = store.record["origin"]
    rows = [["Python", origin["python"]], *([*pair] for pair in origin["versions"].items())]
    return NumberTable("versions", ("software", "version"), rows)


def _document(folder: Path) -> str:
    try:
        return (folder / DOCUMENT).read_text("utf-8")
    except (OSError, ValueError):
        return ""


def numeric(table: NumberTable) -> list[bool]:
    """Say which columns are of numbers, which are aligned at their right end."""
    places = range(len(table.columns))
    return [all(row[at] is None or is_number(row[at]) for row in table.rows) for at in places]


def kind(cell: Cell) -> str:
    """Return how a cell is broken: short ones never, sentences at spaces, checksums anywhere."""
    words = cell.split() if isinstance(cell, str) else []
    if max(map(len, words), default=0) > LONGEST_WORD:
        return "checksum"
    return "sentence" if sum(map(len, words)) > LONGEST_LINE else "short"
