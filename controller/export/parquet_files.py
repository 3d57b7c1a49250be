"""Parquet: a file for each table, with units and meanings in the metadata of its fields."""

import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from controller.export.content import ExportColumn, ExportTable, Part
from controller.export.csv_files import write_meanings
from controller.export.flat import WORDS, flat_names, flat_piece, meaning, provenance, words_in
from controller.export.subject import SubjectFacts


def write(parts: Sequence[Part], folder: Path, facts: SubjectFacts) -> None:
    """Write each part's tables; those of sessions into folders of their own."""
    del facts  # only NWB asks for them
    for part in parts:
        inside = folder if part.kind == "experiment" else folder / "sessions" / part.name
        inside.mkdir(parents=True, exist_ok=True)
        for table in part.tables.values():
            _write_table(part, table, inside / f"{table.name}.parquet")
        write_meanings(part, inside)


def _write_table(part: Part, table: ExportTable, path: Path) -> None:
    words = words_in(part, table)
    schema = _schema(part, table, with_words=words is not None)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for first, end in table.pieces():
            piece = flat_piece(table, first, end, words)
            arrays = [pa.array(piece[one.name], type=one.type) for one in schema]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def _schema(part: Part, table: ExportTable, *, with_words: bool) -> pa.Schema:
    fields = [
        pa.field(name, pa.from_numpy_dtype(column.dtype), nullable=False, metadata=_texts(column))
        for column in table.columns
        for name in flat_names(column)
    ]
    if with_words:
        fields.append(pa.field(WORDS, pa.string(), nullable=False))
    about = {"biasloop": json.dumps(provenance(part), ensure_ascii=False)}
    return pa.schema(fields, metadata=about)


def _texts(column: ExportColumn) -> dict[str, str]:
    return {
        key: said if isinstance(said, str) else json.dumps(said)
        for key, said in meaning(column).items()
    }
