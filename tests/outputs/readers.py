"""Exports as other programs read them: each reader gives the rows of one table, with the types of its columns."""

import csv
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree
from zipfile import ZipFile

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa

from extractor.outputs.columns import TABLES, Column
from extractor.outputs.export import unguarded
from extractor.outputs.tables import arrow_schema

Rows = list[dict[str, Any]]
Reader = Callable[[Path, str], Rows]

_MAIN: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def _delimited(target: Path, table: str) -> Rows:
    """By Python's csv. A number has a type by the column that it stands in, as `docs/tables.md` says."""
    with _file(target, table).open(encoding="utf-8", newline="") as lines:
        read = csv.DictReader(lines, delimiter=_separator(target, table))
        return [{c.name: _typed(c, row[c.name]) for c in TABLES[table]} for row in read]


def _typed(column: Column, cell: str | None) -> Any:
    if not cell and column.null:
        return None
    read: dict[str, Callable[[str], Any]] = {
        "text": unguarded,
        "integer": int,
        "number": float,
        "boolean": {"true": True, "false": False}.__getitem__,
    }
    return read[column.type](cell or "")


def _file(target: Path, table: str) -> Path:
    [file] = target.glob(f"{table}.*")
    return file


def _separator(target: Path, table: str) -> str:
    return "\t" if _file(target, table).suffix == ".tsv" else ","


def _text_by_pandas(target: Path, table: str) -> Rows:
    types = {"text": "string", "integer": "Int64", "number": "float64", "boolean": "boolean"}
    columns = {column.name: types[column.type] for column in TABLES[table]}
    separator = _separator(target, table)
    frame = pd.read_csv(_file(target, table), sep=separator, dtype=columns, keep_default_na=False, na_values=[""])
    return _plain(table, frame.astype(object).where(frame.notna(), None).to_dict("records"))


def _text_by_polars(target: Path, table: str) -> Rows:
    types = {"text": pl.String(), "integer": pl.Int64(), "number": pl.Float64(), "boolean": pl.Boolean()}
    columns = {column.name: types[column.type] for column in TABLES[table]}
    return _plain(table, pl.read_csv(_file(target, table), separator=_separator(target, table), schema=columns).to_dicts())


def _plain(table: str, rows: Rows) -> Rows:
    """Rows without the marks that keep a cell from being a formula; an empty cell is null where its column can be."""
    columns = {column.name: column for column in TABLES[table]}
    return [
        {name: _typed(columns[name], cell) if cell is None or isinstance(cell, str) else cell for name, cell in row.items()}
        for row in rows
    ]


def _by_pandas(target: Path, table: str) -> Rows:
    frame = pd.read_parquet(target / f"{table}.parquet", dtype_backend="pyarrow")
    found = pa.Table.from_pandas(frame, preserve_index=False)
    return _of(found, table)


def _by_polars(target: Path, table: str) -> Rows:
    return _of(pl.read_parquet(target / f"{table}.parquet").to_arrow(compat_level=pl.CompatLevel.oldest()), table)


def _by_duckdb(target: Path, table: str) -> Rows:
    with duckdb.connect(target, read_only=True) as database:
        return _of(database.sql(f"SELECT * FROM {table}").arrow().read_all(), table)  # noqa: S608


def _of(found: pa.Table, table: str) -> Rows:
    """The rows of an Arrow table that has the columns and types that it should have."""
    large = {pa.large_string(): pa.string()}
    types = {field.name: large.get(field.type, field.type) for field in found.schema}
    assert types == {field.name: field.type for field in arrow_schema(table)}
    return found.to_pylist()  # type: ignore[no-any-return]


def _by_sqlite(target: Path, table: str) -> Rows:
    database = sqlite3.connect(target)
    try:
        cursor = database.execute(f"SELECT {', '.join(c.name for c in TABLES[table])} FROM {table} ORDER BY key")  # noqa: S608
        return [
            {c.name: bool(cell) if c.type == "boolean" else cell for c, cell in zip(TABLES[table], row, strict=True)}
            for row in cursor
        ]
    finally:
        database.close()


def _by_excel(target: Path, table: str) -> Rows:
    """The cells of a sheet, read from its XML. Excel has one type of number, and keeps 15 digits."""
    with ZipFile(target) as book:
        sheet = ElementTree.fromstring(book.read(f"xl/worksheets/sheet{[*TABLES].index(table) + 1}.xml"))  # noqa: S314 (its own)
    header, *lines = [{_letters(cell): _cell(cell) for cell in row} for row in sheet.iter(f"{_MAIN}row")]
    rows = [{name: line.get(letters) for letters, name in header.items()} for line in lines]
    columns = {column.name: column for column in TABLES[table]}
    return [{name: _from_excel(columns[name], cell) for name, cell in row.items()} for row in rows]


def _letters(cell: ElementTree.Element) -> str:
    return cell.attrib["r"].rstrip("0123456789")


def _cell(cell: ElementTree.Element) -> Any:
    if cell.attrib.get("t") == "inlineStr":
        text = "".join(part.text or "" for part in cell.iter(f"{_MAIN}t"))
        return text.replace("_x000B_", "\x0b").replace("_x0001_", "\x01")
    value = float(cell.findtext(f"{_MAIN}v") or "")
    return bool(value) if cell.attrib.get("t") == "b" else value


def _from_excel(column: Column, cell: Any) -> Any:
    if cell is None:
        return "" if column.type == "text" and not column.null else None
    return int(cell) if column.type == "integer" and cell.is_integer() else cell


READERS: Final[dict[str, tuple[str, Reader]]] = {
    "csv": ("csv", _delimited),
    "csv, pandas": ("csv", _text_by_pandas),
    "csv, polars": ("csv", _text_by_polars),
    "tsv": ("tsv", _delimited),
    "tsv, pandas": ("tsv", _text_by_pandas),
    "parquet, pandas": ("parquet", _by_pandas),
    "parquet, polars": ("parquet", _by_polars),
    "duckdb": ("duckdb", _by_duckdb),
    "sqlite": ("sqlite", _by_sqlite),
    "xlsx": ("xlsx", _by_excel),
}
"""The format that each reads, and the reader."""


def as_read(reader: str, rows: Rows) -> list[list[tuple[str, type, Any]]]:
    """Rows with the type of each cell, as they compare; of a workbook, with the 15 digits that Excel keeps."""
    of_excel = READERS[reader][0] == "xlsx"

    def compared(cell: Any) -> Any:
        return float(f"{cell:.15g}") if of_excel and isinstance(cell, float) else cell

    return [[(name, type(cell), compared(cell)) for name, cell in row.items()] for row in rows]
