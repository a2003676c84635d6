"""Exports: what is written reads back as the tables that it was made of, in the programs that it is made for."""

import csv
import io
import sqlite3
from pathlib import Path
from zipfile import ZipFile

import pytest

from extractor.errors import DataError, UsageError
from extractor.outputs import xlsx
from extractor.outputs.columns import TABLES
from extractor.outputs.export import FORMATS, export, guarded, unguarded
from extractor.outputs.tables import read_table
from tests.outputs.readers import READERS, as_read
from tests.outputs.support import EMPTY, RECORDS, TWO_DEVICES, write_job


@pytest.fixture
def job(tmp_path: Path) -> Path:
    return write_job(tmp_path / "job")


@pytest.mark.parametrize("reader", READERS)
def test_what_is_written_reads_back(reader: str, job: Path, tmp_path: Path) -> None:
    name, read = READERS[reader]
    written = export([job], name, tmp_path / "out")
    assert all(file.exists() for file in written.files)
    for table in TABLES:
        expected = read_table(table, job).to_pylist()
        assert as_read(reader, read(tmp_path / "out", table)) == as_read(reader, expected)
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
    assert "https://pubmed.ncbi.nlm.nih.gov/38000001" in links
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
    wide = EMPTY.model_copy(update={"abstract": "a" + "😀" * 20_000})
    export([write_job(tmp_path / "wide", [wide])], "xlsx", tmp_path / "wide.xlsx")
    assert f">a{'😀' * 16_382}…<" in _part(tmp_path / "wide.xlsx", "xl/worksheets/sheet1.xml")


def test_what_is_too_long_or_too_much_to_be_a_link_is_a_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "_LINKS", 1)
    urls = ["https://x/" + "[" * 700, "https://x/1", "https://x/2"]
    records = [EMPTY.model_copy(update={"id": str(n), "source": {"url": url}}) for n, url in enumerate(urls)]
    export([write_job(tmp_path / "job", records)], "xlsx", tmp_path / "out.xlsx")
    assert all(url in _part(tmp_path / "out.xlsx", "xl/worksheets/sheet1.xml") for url in urls)
    links = _part(tmp_path / "out.xlsx", "xl/worksheets/_rels/sheet1.xml.rels")
    assert [url for url in urls if f'"{url}"' in links] == ["https://x/1"]


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
