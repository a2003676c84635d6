"""CSV and TSV: whatever separates, quotes and encodes them."""

import io
from collections.abc import Iterator

import pytest

from extractor.sources import BadRecord, Fields, Sourced, read

HEADER = ["ID", "Title", "Abstract"]


def found(data: bytes | str, as_format: str | None = None, fields: Fields | None = None) -> Iterator[Sourced | BadRecord]:
    raw = data.encode() if isinstance(data, str) else data
    return read(["-"], fields, io.BytesIO(raw), as_format=as_format)


def rows(data: bytes | str, as_format: str | None = None) -> list[tuple[str, ...] | str]:
    return [
        (one.document.id, one.document.title, one.document.abstract)
        if isinstance(one, Sourced)
        else f"{one.location.line}: {one.cause}"
        for one in found(data, as_format)
    ]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_dialects(separator: str, end: str, quote: str) -> None:
    lines = [HEADER, ["a", "T", "A."], ["b", "Ü", "B."]]
    data = end.join(separator.join(f"{quote}{cell}{quote}" for cell in line) for line in lines) + end
    assert rows(data) == [("a", "T", "A."), ("b", "Ü", "B.")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_encodings(encoding: str) -> None:
    assert rows("Title,Abstract\nZürich,It’s 2× faster.\n".encode(encoding)) == [("stdin#1", "Zürich", "It’s 2× faster.")]


def test_an_encoding_that_shows_late_is_found_and_a_damaged_one_is_told() -> None:
    late = b"title,abstract\n" + b"T,A.\n" * 20_000
    assert rows(late + "é,B.\n".encode("cp1252"))[-1] == ("stdin#20001", "é", "B.")
    utf_8 = "title,abstract\né,A.\n".encode()
    assert rows(utf_8 + b"\xe9,B.\nT,C.\n") == [
        ("stdin#1", "é", "A."),
        "3: not UTF-8: byte 0xe9 at offset 0 of the record",
        ("stdin#3", "T", "C."),
    ]


CELLS = {
    "line breaks": ('ID,Title,Abstract\na,"T\nU","A.\r\n\nB."\nb,V,C.\n', [("a", "T\nU", "A.\n\nB."), ("b", "V", "C.")]),
    "quotation marks": ('ID,Title,Abstract\na,"a ""b"" c",5" d\n', [("a", 'a "b" c', '5" d')]),
    "columns missing at the end": ("ID,Abstract,Title\na,A.\n", [("a", "", "A.")]),
    "empty columns at the end": ("ID,Title,Abstract,\na,T,A.,,\n", [("a", "T", "A.")]),
    "blank lines": ("ID,Title,Abstract\n\na,T,A.\n,,\n\nb,U,B.", [("a", "T", "A."), ("b", "U", "B.")]),
    "an unclosed quotation mark": (
        'ID,Title,Abstract\na,"T,A.\nb,U,B.\nc,"V",C.\n',
        ["2: a quotation mark inside a field or one that is not closed", ("b", "U", "B."), ("c", "V", "C.")],
    ),
    "one at the end": (
        'ID,Title,Abstract\na,T,A.\nb,"U,B.\nc,V,C.\n',
        [("a", "T", "A."), "3: a quotation mark inside a field or one that is not closed", ("c", "V", "C.")],
    ),
    "a NUL": ("ID,Title,Abstract\na,T,A\0.\nb,U,B.\n", ["2: the abstract holds a NUL character", ("b", "U", "B.")]),
    "quotation marks in TSV": ('ID\tTitle\tAbstract\na\t"T" b\tA.\nb\t"U\tB.\n', [("a", '"T" b', "A."), ("b", '"U', "B.")]),
    "lines above the header": ("Exported today\n\nID,Title,Abstract\na,T,A.\n", [("a", "T", "A.")]),
    "a line of Excel": ("sep=;\nID;Title;Abstract\na;T, U;A.\n", [("a", "T, U", "A.")]),
    "two columns with one name": ("ID,Title,Abstract,Title,Abstract\na,T,,U,B.\n", [("a", "T", "B.")]),
    "what says that there is no abstract": (
        "ID,Title,Abstract\na,T,[No abstract available]\nb,U,nan\nc,V,None of it.\n",
        ["2: no abstract", "3: no abstract", ("c", "V", "None of it.")],
    ),
    "lines of an old Macintosh": ('ID,Title,Abstract\ra,T,"A\nB."\rb,U,C.\r', [("a", "T", "A\nB."), ("b", "U", "C.")]),
    "a header in another case": ("id,TITLE,abstract_note\na,T,A.\n", [("a", "T", "A.")]),
}


@pytest.mark.parametrize(("data", "expected"), CELLS.values(), ids=CELLS.keys())
def test_cells(data: str, expected: list[object]) -> None:
    assert rows(data) == expected


def test_a_cell_that_is_called_abstract_makes_no_header() -> None:
    assert rows("ID,Title,Text\na,T,A.\nb,Abstract,B.\n", "csv") == ["1: no column abstract or summary"]


def test_a_record_that_is_too_long_costs_itself() -> None:
    long = "x" * 1_000_001
    data = f'ID,Title,Abstract\na,T,"{long}\n{long}"\nb,U,{long}\nc,V,{long[:900_000]}\n'
    assert [one if isinstance(one, str) else one[0] for one in rows(data)] == [
        "2: longer than 1,000,000 bytes",
        "3: longer than 1,000,000 bytes",
        "4: longer than 1,000,000 bytes",
        "c",
    ]


def test_a_header_without_an_abstract_is_told_with_the_columns_that_are_there() -> None:
    [bad] = found("key;headline;body\n1;T;A.\n", "csv")
    assert isinstance(bad, BadRecord)
    assert bad.cause == "no column abstract or summary"
    assert (
        bad.fix == "Name the columns in the first line, or map one with --fields abstract=NAME; there are key, headline, body."
    )
    long = "words " * 100
    [bad] = found(f"a,{long},b\n", "csv")
    assert isinstance(bad, BadRecord)
    assert len(bad.fix) < 200
    [good] = found("key;headline;body\n1;T;A.\n", "csv", Fields.parse("title=headline,abstract=body"))
    assert isinstance(good, Sourced)
    assert (good.document.id, good.document.title) == ("1", "T")
