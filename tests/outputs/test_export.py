"""Exports: what is written reads back as the tables that it was made of, in the programs that it is made for."""

import csv
import io
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from zipfile import ZipFile

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from extractor.errors import DataError, UsageError
from extractor.outputs import xlsx
from extractor.outputs.columns import TABLES
from extractor.outputs.export import FORMATS, export, guarded, unguarded
from extractor.outputs.tables import arrow_schema, read_table
from tests.outputs.support import EMPTY, RECORDS, TWO_DEVICES, write_job

Rows = list[dict[str, Any]]


@pytest.fixture
def job(tmp_path: Path) -> Path:
    return write_job(tmp_path / "job")


def _delimited(target: Path, table: str) -> Rows:
    [file] = target.glob(f"{table}.*")
    with file.open(encoding="utf-8", newline="") as lines:
        return [_typed(table, row) for row in csv.DictReader(lines, delimiter="\t" if file.suffix == ".tsv" else ",")]


def _typed(table: str, row: dict[str, str]) -> dict[str, Any]:
    read: dict[str, Callable[[str], Any]] = {
        "text": unguarded,
        "integer": int,
        "number": float,
        "boolean": lambda cell: cell == "true",
    }
    columns = {column.name: column for column in TABLES[table]}
    return {n: None if cell == "" and columns[n].null else read[columns[n].type](cell) for n, cell in row.items()}


def _by_pandas(target: Path, table: str) -> Rows:
    return pa.Table.from_pandas(pd.read_parquet(target / f"{table}.parquet"), arrow_schema(table)).to_pylist()  # type: ignore[no-any-return]


def _by_polars(target: Path, table: str) -> Rows:
    return pl.read_parquet(target / f"{table}.parquet").to_dicts()


def _by_duckdb(target: Path, table: str) -> Rows:
    with duckdb.connect(target, read_only=True) as database:
        return database.sql(f"SELECT * FROM {table}").arrow().read_all().to_pylist()  # type: ignore[no-any-return]  # noqa: S608


def _by_sqlite(target: Path, table: str) -> Rows:
    database = sqlite3.connect(target)
    try:
        cursor = database.execute(f"SELECT {', '.join(c.name for c in TABLES[table])} FROM {table} ORDER BY key")  # noqa: S608
        return [dict(zip((c.name for c in TABLES[table]), row, strict=True)) for row in cursor]
    finally:
        database.close()


_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def _by_excel(target: Path, table: str) -> Rows:
    """The cells of a sheet, read from its XML."""
    with ZipFile(target) as book:
        sheet = ElementTree.fromstring(book.read(f"xl/worksheets/sheet{[*TABLES].index(table) + 1}.xml"))  # noqa: S314 (its own)
    lines = [{_letters(cell): _cell(cell) for cell in row} for row in sheet.iter(f"{_MAIN}row")]
    header = lines[0]
    rows = [{name: line.get(letters) for letters, name in header.items()} for line in lines[1:]]
    empty = {column.name for column in TABLES[table] if column.type == "text" and not column.null}
    return [{n: "" if cell is None and n in empty else cell for n, cell in row.items()} for row in rows]


def _letters(cell: ElementTree.Element) -> str:
    return cell.attrib["r"].rstrip("0123456789")


def _cell(cell: ElementTree.Element) -> Any:
    if cell.attrib.get("t") == "inlineStr":
        text = "".join(part.text or "" for part in cell.iter(f"{_MAIN}t"))
        return text.replace("_x000B_", "\x0b").replace("_x0001_", "\x01")
    value = float(cell.findtext(f"{_MAIN}v") or "")
    return bool(value) if cell.attrib.get("t") == "b" else value


def _as_excel(rows: Rows) -> Rows:
    """Rows with numbers of 15 digits, which is what Excel keeps."""
    return [{n: float(f"{cell:.15g}") if isinstance(cell, float | int) else cell for n, cell in row.items()} for row in rows]


READERS = [
    pytest.param("csv", _delimited, id="csv"),
    pytest.param("tsv", _delimited, id="tsv"),
    pytest.param("parquet", _by_pandas, id="pandas"),
    pytest.param("parquet", _by_polars, id="polars"),
    pytest.param("duckdb", _by_duckdb, id="duckdb"),
    pytest.param("sqlite", _by_sqlite, id="sqlite"),
    pytest.param("xlsx", _by_excel, id="xlsx"),
]


@pytest.mark.parametrize(("name", "read"), READERS)
def test_what_is_written_reads_back(name: str, read: Callable[[Path, str], Rows], job: Path, tmp_path: Path) -> None:
    written = export([job], name, tmp_path / "out")
    assert all(file.exists() for file in written.files)
    for table in TABLES:
        expected = read_table(table, job).to_pylist()
        found = read(tmp_path / "out", table)
        assert (found == expected) if name != "xlsx" else (_as_excel(found) == _as_excel(expected))
        assert written.rows[table] == len(expected) > 0


@pytest.mark.parametrize("name", FORMATS)
def test_an_empty_job_gives_empty_tables(name: str, tmp_path: Path) -> None:
    written = export([write_job(tmp_path / "job", [], failures=())], name, tmp_path / "out")
    assert written.rows == dict.fromkeys(TABLES, 0)
    assert all(file.stat().st_size for file in written.files)


@pytest.mark.parametrize("name", FORMATS)
def test_a_target_is_whole_or_as_it_was(name: str, tmp_path: Path) -> None:
    good = write_job(tmp_path / "good")
    target = tmp_path / "out"
    before = {file: file.read_bytes() for file in export([good], name, target).files}
    bad = write_job(tmp_path / "bad", [TWO_DEVICES] * 5)
    with (bad / "extractions.jsonl").open("ab") as file:
        file.write(b"no record\n")
    with pytest.raises(DataError, match=r"extractions.jsonl:6"):
        export([bad], name, target)
    assert {file: file.read_bytes() for file in before} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad", "good", "out"]


@pytest.mark.parametrize("name", FORMATS)
def test_an_export_replaces_the_one_before(name: str, job: Path, tmp_path: Path) -> None:
    other = write_job(tmp_path / "other", [EMPTY], failures=())
    out, fresh = tmp_path / "out", tmp_path / "fresh"
    export([job], name, out)
    export([other], name, out)
    export([other], name, fresh)
    sizes = [
        [file.stat().st_size for file in sorted(p.iterdir() if p.is_dir() else [p])]
        for p in (tmp_path / "out", tmp_path / "fresh")
    ]
    assert sizes[0] == pytest.approx(sizes[1], abs=64)  # a workbook holds its time


def test_a_target_of_the_wrong_kind_and_a_format_that_does_not_exist(job: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is a file"):
        export([job], "csv", tmp_path / "file")
    with pytest.raises(UsageError, match="is a folder"):
        export([job], "sqlite", job)
    with pytest.raises(UsageError, match="no format 'ods'"):
        export([job], "ods", tmp_path / "out")
    with pytest.raises(UsageError, match="does not exist"):
        export([tmp_path / "nothing"], "csv", tmp_path / "deep" / "out")
    assert not (tmp_path / "deep").exists()


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("+cmd", "'+cmd"),
        ("-cmd|x", "'-cmd|x"),
        ("\t=1", "'\t=1"),
        ("＝1", "'＝1"),
        ("'=1", "''=1"),
        ("+14.0", "+14.0"),
        ("-3 %", "-3 %"),
        ("'quoted'", "'quoted'"),
        ("9.1x", "9.1x"),
        ("", ""),
    ],
)
def test_no_cell_is_taken_for_a_formula(cell: str, written: str) -> None:
    assert guarded(cell) == written
    assert unguarded(written) == cell


def test_numbers_are_not_guarded() -> None:
    assert [guarded(cell) for cell in (-1, -1.5, True, None)] == [-1, -1.5, True, None]


def test_sqlite_has_keys_and_full_text(job: Path, tmp_path: Path) -> None:
    export([job], "sqlite", tmp_path / "out.sqlite")
    database = sqlite3.connect(tmp_path / "out.sqlite")
    found = database.execute(
        "SELECT d.document, c.quantity FROM claims_fts JOIN claims c ON c.key = claims_fts.rowid"
        " JOIN documents d ON d.key = c.document_key WHERE claims_fts MATCH 'SlowNet AND raspberry'"
    ).fetchall()
    assert found == [(TWO_DEVICES.id, "2.3x")]
    assert database.execute(
        "SELECT document FROM documents_fts JOIN documents ON key = documents_fts.rowid WHERE documents_fts MATCH 'quick'"
    ).fetchall() == [(TWO_DEVICES.id,)]
    assert {row[2:5] for row in database.execute("PRAGMA foreign_key_list(claims)")} == {("documents", "document_key", "key")}
    assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    database.close()


def test_a_document_that_stands_in_a_job_twice_is_told(tmp_path: Path) -> None:
    job = write_job(tmp_path / "job", [EMPTY, EMPTY])
    with pytest.raises(DataError, match="stands in a job twice"):
        export([job], "sqlite", tmp_path / "out.sqlite")
    assert not (tmp_path / "out.sqlite").exists()


def _part(book: Path, name: str) -> str:
    with ZipFile(book) as parts:
        return parts.read(name).decode()


def test_a_workbook_has_a_frozen_header_a_filter_widths_and_links(job: Path, tmp_path: Path) -> None:
    export([job], "xlsx", tmp_path / "out.xlsx")
    claims = _part(tmp_path / "out.xlsx", "xl/worksheets/sheet2.xml")
    assert 'ySplit="1"' in claims
    assert 'state="frozen"' in claims
    assert "<autoFilter" in claims
    assert "<cols>" in claims
    links = _part(tmp_path / "out.xlsx", "xl/worksheets/_rels/sheet2.xml.rels")
    assert "https://doi.org/10.1/ab" in links
    assert "https://example.org/a?b=1&amp;c=2" in links
    assert "<f>" not in "".join(_part(tmp_path / "out.xlsx", f"xl/worksheets/sheet{n}.xml") for n in range(1, 5))


def test_a_sheet_that_is_full_goes_on_in_another(job: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "_SHEET_ROWS", 3)
    export([job], "xlsx", tmp_path / "out.xlsx")
    workbook = _part(tmp_path / "out.xlsx", "xl/workbook.xml")
    claims = sum(len(record.claims) for record in RECORDS)
    assert f'name="claims {-(-claims // 2)}"' in workbook
    assert f'name="claims {-(-claims // 2) + 1}"' not in workbook


def test_a_cell_that_is_longer_than_excel_allows_is_cut_and_says_so(tmp_path: Path) -> None:
    long = EMPTY.model_copy(update={"abstract": "a" * 40_000, "source": {"url": "https://x/" + "a" * 3000}})
    export([write_job(tmp_path / "job", [long])], "xlsx", tmp_path / "out.xlsx")
    documents = _part(tmp_path / "out.xlsx", "xl/worksheets/sheet1.xml")
    assert "a" * 32_766 + "…" in documents
    assert "a" * 32_767 not in documents
    assert "https://x/" in documents


def test_without_the_extra_csv_and_sqlite_work_and_the_others_say_what_to_install(
    job: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pyarrow", "pyarrow.parquet", "duckdb", "xlsxwriter"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    for name in ("csv", "tsv", "sqlite"):
        export([job], name, tmp_path / f"out.{name}")
    for name, package in (("parquet", "pyarrow"), ("duckdb", "pyarrow"), ("xlsx", "xlsxwriter")):
        with pytest.raises(UsageError, match=rf"{package} is not installed\. Install it with `pip install '\.\[tables\]'`"):
            export([job], name, tmp_path / f"out.{name}")
    assert len(list(tmp_path.iterdir())) == 4


def test_a_table_of_a_sheet_starts_with_its_header(job: Path, tmp_path: Path) -> None:
    export([job], "csv", tmp_path / "out")
    text = (tmp_path / "out" / "claims.csv").read_text(encoding="utf-8")
    assert next(csv.reader(io.StringIO(text))) == [column.name for column in TABLES["claims"]]
