"""CSV: a file for each table, and `columns.json` with what the columns mean.

Numbers are written with as many digits as it takes to read them back equal; NaN is an empty field.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from controller.export.content import ExportTable, Part
from controller.export.flat import flat_piece, meanings, provenance, words_in
from controller.export.subject import SubjectFacts

MEANINGS = "columns.json"


def write(parts: Sequence[Part], folder: Path, facts: SubjectFacts) -> None:
    """Write each part's tables; those of sessions into folders of their own."""
    del facts  # only NWB asks for them
    for part in parts:
        inside = folder if part.kind == "experiment" else folder / "sessions" / part.name
        inside.mkdir(parents=True, exist_ok=True)
        for table in part.tables.values():
            _write_table(part, table, inside / f"{table.name}.csv")
        write_meanings(part, inside)


def write_meanings(part: Part, folder: Path) -> None:
    """Write what the columns mean, where the rows come from, and the protocol document."""
    said = {**provenance(part), "tables": meanings(part)}
    text = json.dumps(said, indent=2, ensure_ascii=False) + "\n"
    (folder / MEANINGS).write_text(text, "utf-8")
    if part.document:
        (folder / "experiment.toml").write_text(part.document, "utf-8")


def _write_table(part: Part, table: ExportTable, path: Path) -> None:
    words = words_in(part, table)
    with path.open("w", encoding="utf-8", newline="") as file:
        header = True
        for first, end in table.pieces() if table.rows else [(0, 0)]:
            piece = pd.DataFrame(flat_piece(table, first, end, words))
            piece.to_csv(file, index=False, header=header, lineterminator="\n")
            header = False
