"""CSV and Parquet: what is read back is what the store holds."""

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from export_samples import WORDS, flat_columns

from controller.analysis.source import open_source
from controller.export import content
from controller.export.formats import export

FLAT = ("csv", "parquet")


def read_flat(path, dtypes):
    if path.suffix == ".parquet":
        return {name: column.to_numpy() for name, column in pq.read_table(path).to_pandas().items()}
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    cells = {str(name): table[name].replace("", "nan").to_numpy(str) for name in table}
    return {name: texts.astype(dtypes.get(name, str)) for name, texts in cells.items()}


def check_equal(folder, tables, kind):
    for name, columns in tables.items():
        wanted = flat_columns(columns)
        found = read_flat(folder / f"{name}.{kind}", {n: v.dtype for n, v in wanted.items()})
        assert set(wanted) <= set(found), name
        for column, values in wanted.items():
            assert found[column].dtype == values.dtype, (name, column)
            np.testing.assert_array_equal(found[column], values, err_msg=f"{name}.{column}")


@pytest.mark.parametrize("kind", FLAT)
def test_every_column_of_a_dry_run_reads_back_equal(run, tmp_path, kind):
    made = export(run, kind, tmp_path / "out")
    assert run.tables["trials"].rows > 0
    check_equal(made, run.tables, kind)


@pytest.mark.parametrize("kind", FLAT)
def test_every_column_of_each_session_reads_back_equal(rig, tmp_path, kind):
    made = export(rig, kind, tmp_path / "out")
    assert not (made / f"trials.{kind}").exists()  # no generation is complete
    for session in rig.sessions:
        check_equal(made / "sessions" / session.name, session.tables, kind)


@pytest.mark.parametrize("kind", FLAT)
def test_a_table_that_is_read_in_many_pieces_is_the_same(run, tmp_path, kind, monkeypatch):
    monkeypatch.setattr(content, "PIECE_ROWS", 100)
    check_equal(export(run, kind, tmp_path / "out"), run.tables, kind)


def test_the_words_of_events_are_there_whatever_is_in_them(rig, tmp_path):
    one = rig.sessions[0].name
    made = export(rig, "csv", tmp_path / "csv") / "sessions" / one / "events.csv"
    assert tuple(pd.read_csv(made, keep_default_na=False)["words"]) == WORDS
    made = export(rig, "parquet", tmp_path / "parquet") / "sessions" / one / "events.parquet"
    assert tuple(pq.read_table(made)["words"].to_pylist()) == WORDS


def test_units_and_codes_are_in_a_file_beside_the_tables_and_in_parquet_fields(rig, tmp_path):
    made = export(rig, "parquet", tmp_path / "out", session="s1")
    said = json.loads((made / "sessions" / "s1" / "columns.json").read_text("utf-8"))
    assert said["origin"] == "emulated"
    assert "EMULATED" in said["answers_are_from"]
    columns = said["tables"]["trials"]
    assert columns["t_ns"]["units"] == "ns"
    assert columns["phase"]["flags"]["1"] == "test"
    assert {"x_0", "x_1"} <= set(columns)
    schema = pq.read_schema(made / "sessions" / "s1" / "trials.parquet")
    assert schema.field("t_ns").metadata[b"units"] == b"ns"
    assert json.loads(schema.field("phase").metadata[b"flags"])["1"] == "test"
    assert json.loads(schema.metadata[b"biasloop"])["header"]["subject"] == "m1"
    assert not (made / "sessions" / "s0").exists()


def test_a_session_alone_is_exported_from_its_own_folder(rig, tmp_path):
    source = open_source(rig.sessions[1].folder)
    made = export(source, "csv", tmp_path / "out")
    check_equal(made / "sessions" / "s1", source.sessions[0].tables, "csv")
