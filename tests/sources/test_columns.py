"""Binary tables: numbers, dates and records in their columns, several sheets, columns that nobody mapped."""

from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
from pyarrow import parquet

from extractor.sources import BadRecord, Fields, Sourced, read

INDEX = {"Fast": [0], "and": [1], "small.": [2]}


def rows(path: Path, columns: dict[str, Any], fields: Fields | None = None) -> list[Sourced | BadRecord]:
    parquet.write_table(pa.table(columns), path)
    return list(read([str(path)], fields))


@pytest.mark.parametrize("ids", [[7, 8], [7.0, 8.0], ["7", "8"]], ids=["integers", "floats", "texts"])
def test_an_id_may_be_a_number(ids: list[object], tmp_path: Path) -> None:
    found = rows(tmp_path / "in", {"id": ids, "abstract": ["A.", "B."]})
    assert [one.document.id for one in found if isinstance(one, Sourced)] == ["7", "8"]


def test_a_number_that_has_lost_digits_is_no_id(tmp_path: Path) -> None:
    [bad] = rows(tmp_path / "in", {"id": [2312.0027], "abstract": ["A."]})
    assert isinstance(bad, BadRecord)
    assert bad.cause == 'the field "id" is a number, not a string'


def test_bytes_are_said_to_be_bytes(tmp_path: Path) -> None:
    [bad] = rows(tmp_path / "in", {"abstract": [b"A."]})
    assert isinstance(bad, BadRecord)
    assert bad.cause == 'the field "abstract" is bytes, not a string'


def test_a_date_has_a_year(tmp_path: Path) -> None:
    [found] = rows(tmp_path / "in", {"abstract": ["A."], "published": [date(2023, 5, 1)]})
    assert isinstance(found, Sourced)
    assert found.document.source["year"] == 2023


def test_a_table_without_an_abstract_is_told_with_all_its_columns(tmp_path: Path) -> None:
    columns = {"doi": ["10.1000/x"], "paper": [{"title": "T", "abstract": "A."}], "n": [1]}
    [bad] = rows(tmp_path / "in", columns)
    assert isinstance(bad, BadRecord)
    assert bad.fix.endswith("it has doi, paper, n.")
    [found] = rows(tmp_path / "in", columns, Fields.parse("title=paper.title,abstract=paper.abstract"))
    assert isinstance(found, Sourced)
    assert (found.document.title, found.document.abstract) == ("T", "A.")


INDEXES = {
    "JSON": pa.array(['{"Fast": [0], "and": [1], "small.": [2]}']),
    "pairs": pa.array([list(INDEX.items())], pa.map_(pa.string(), pa.list_(pa.int64()))),
    "a record": pa.array([INDEX]),
}


@pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES.keys())
def test_an_inverted_index_may_be_json_pairs_or_a_record(index: pa.Array, tmp_path: Path) -> None:
    [found] = rows(tmp_path / "in", {"id": ["W1"], "title": ["T"], "abstract_inverted_index": index})
    assert isinstance(found, Sourced)
    assert found.document.abstract == "Fast and small."


def test_an_inverted_index_that_is_none_says_how_one_is_written(tmp_path: Path) -> None:
    [bad] = rows(tmp_path / "in", {"id": ["W1"], "title": ["T"], "abstract_inverted_index": ["Fast and small."]})
    assert isinstance(bad, BadRecord)
    assert bad.fix == 'Write it as {"word": [0, 7], ...}.'


def test_every_sheet_with_a_header_is_read(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["Notes"])
    for year in (2022, 2023):
        sheet = book.create_sheet(str(year))
        sheet.append(["ID", "Abstract", "Abstract", "Year"])
        sheet.append([f"a{year}", None, f"A {year}.", date(year, 5, 1)])
    book.save(tmp_path / "in.xlsx")
    found = [one.document for one in read([str(tmp_path / "in.xlsx")]) if isinstance(one, Sourced)]
    assert [(one.id, one.abstract, one.source["year"]) for one in found] == [
        ("a2022", "A 2022.", 2022),
        ("a2023", "A 2023.", 2023),
    ]
