"""The table of formats: what decides which format a file has, and that everything which names formats asks the table."""

import gzip
import io
from pathlib import Path

import pytest

from extractor.errors import UsageError
from extractor.sources import BadRecord, Fields, Gauge, Sourced, read
from extractor.sources.fields import ALIASES
from extractor.sources.formats import FORMATS, named, slug
from extractor.sources.reading import recognise

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
RECORD = '{"id": "a", "abstract": "A."}'
PROSE = "A sentence of an abstract that says what was done and how well it went. " * 5
LONG = 100_000
"""More bytes than are looked at before the format is chosen."""


def test_suffixes_are_in_lower_case_and_each_belongs_to_one_format() -> None:
    suffixes = [suffix for known in FORMATS for suffix in known.suffixes]
    assert suffixes == [suffix.lower() for suffix in suffixes]
    assert all(suffix.startswith(".") for suffix in suffixes)
    assert len(set(suffixes)) == len(suffixes)


def test_the_page_on_formats_has_a_row_for_each() -> None:
    for known in FORMATS:
        row = next(line for line in PAGE.splitlines() if f"| `{slug(known.name)}` |" in line)
        assert row.startswith(f"| {known.name}")
        assert [suffix for suffix in known.suffixes if f"`{suffix}`" not in row] == []


def test_the_page_on_formats_names_every_field_that_is_read() -> None:
    for name, aliases in ALIASES.items():
        assert f"| {name} | {', '.join(f'`{alias}`' for alias in aliases)}" in PAGE


def test_names_are_told_apart_as_options() -> None:
    assert len({slug(known.name) for known in FORMATS}) == len(FORMATS)
    names = ["csv", ".JSONL", "PubMed XML", "pubmed-xml", "bib"]
    assert [named(name).name for name in names] == ["CSV", "JSON Lines", "PubMed XML", "PubMed XML", "BibTeX"]
    with pytest.raises(UsageError, match=r"There is no format docx\. Choose one of parquet, "):
        named("docx")


def test_the_readme_lists_the_formats() -> None:
    table = README.partition("| format | what is read |")[2].partition("\n\n")[0]
    assert [known.name for known in FORMATS if known.name not in table] == []


RECOGNISED = {
    "object on a line": (RECORD, "JSON Lines"),
    "two objects on two lines": (f"{RECORD}\n{RECORD}", "JSON Lines"),
    "object and spaces": (f"{RECORD}  \n", "JSON Lines"),
    "line longer than the head": ('{"abstract": "' + "x" * LONG, "JSON Lines"),
    "object over lines": ('{\n"abstract": "A."}', "JSON"),
    "two objects on a line, broken": ('{"id": 1}, {\n"id": 2}', "JSON"),
    "array": (f"[{RECORD}]", "JSON"),
    "array over lines": (f"[\n\n  {RECORD}]", "JSON"),
    "empty array": ("[ ]", "JSON"),
    "title in brackets": ("[Re] A Title", "plain text"),
    "array of strings": ('["a"]', "plain text"),
    "text": ("A Title", "plain text"),
    "nothing": ("", "plain text"),
    "an answer on a line": (f'{{"data": [{RECORD}]}}', "JSON"),
}


@pytest.mark.parametrize(("text", "name"), RECOGNISED.values(), ids=RECOGNISED.keys())
def test_what_is_recognised(text: str, name: str) -> None:
    known = recognise("in", text.encode(), named=True)
    assert getattr(known, "name", None) == name


def found(path: Path, text: str) -> list[str]:
    path.write_text(text)
    return [one.document.id if isinstance(one, Sourced) else one.cause for one in read([str(path)])]


DECIDED = {
    "content before the suffix": ("in.jsonl", f"[{RECORD}]", ["a"]),
    "suffix of an array": ("in.json", f"{RECORD}\n", ["a"]),
    "suffix in capitals": ("in.JSONL", f"broken\n{RECORD}", ["not JSON: Expecting value (line 1, column 1)", "a"]),
    "content of a text file": ("in.txt", f"{RECORD}\n", ["a"]),
    "content of an unknown suffix": ("in.data", f"[{RECORD}]", ["a"]),
    "content after a mark and space": ("in.txt", f"\ufeff\n {RECORD}\n", ["a"]),
    "plain text": ("in.txt", f"A Title\n{PROSE}", ["in#1"]),
}


@pytest.mark.parametrize(("name", "text", "expected"), DECIDED.values(), ids=DECIDED.keys())
def test_what_decides(name: str, text: str, expected: list[str], tmp_path: Path) -> None:
    assert found(tmp_path / name, text) == expected


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_is_read(encoding: str) -> None:
    other = RECORD.replace('"a"', '"ä"')
    found = read(["-"], stdin=io.BytesIO(f"\ufeff{RECORD}\n{other}\n".encode(encoding)))
    assert [one.document.id for one in found if isinstance(one, Sourced)] == ["a", "ä"]


REFUSED = {
    "a PDF": (b"%PDF-1.7\n%\xe2\xe3", "a PDF, not text"),
    "a web page": (b"<!DOCTYPE html>\n<html>", "a web page"),
    "other XML": (b'<?xml version="1.0"?>\n<svg></svg>', "not recognised"),
    "bytes": (bytes(range(256)), "not recognised"),
    "columns without a name that is known": (b"a,b,c\n1,2,3\n4,5,6\n", "not recognised"),
    "LaTeX": (b"\\documentclass{article}\n", "not recognised"),
    "a document": (b"PK\x03\x04" + b"." * 26 + b"[Content_Types].xml word/document.xml", "a text document, not plain text"),
    "an OpenDocument table": (
        b"PK\x03\x04" + b"." * 26 + b"mimetypeapplication/vnd.oasis.opendocument.spreadsheetPK",
        "an OpenDocument table",
    ),
    "gzip of gzip": (gzip.compress(gzip.compress(RECORD.encode())), "packed twice"),
    "compress": (b"\x1f\x9d\x90abc", "packed in a way that is not read"),
    "old Feather": (b"FEA1\0\0\0\0", "a Feather file of version 1"),
    "what PubMed shows": (
        b"1. J X. 2023 Dec 1;12(3):1-14.\n\nA title.\n\nTern A(1).\n\nIt is 2x faster.\n\nPMID: 38000001\n",
        "what PubMed shows as text, in which title, authors and abstract are not marked",
    ),
    "a mail of arXiv": (
        b"-" * 78 + b"\n\\\\\narXiv:2401.01234\nTitle: A Title\n\\\\\n  It is 2x faster.\n",
        "a listing that arXiv mails",
    ),
    "an archive": (b"PK\x03\x04" + b"." * 26 + b"notes.txt", "a ZIP archive"),
}


@pytest.mark.parametrize(("data", "cause"), REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.parametrize("name", ["in", "in.txt"])
def test_what_is_not_recognised_is_refused_in_one_line(data: bytes, cause: str, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    [bad] = read([str(tmp_path / name)])
    assert isinstance(bad, BadRecord)
    assert bad.cause == cause
    assert bad.fix.endswith(".")


def test_a_folder_passes_over_what_is_not_recognised_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(RECORD)
    (tmp_path / "notes.docx").write_bytes(REFUSED["a document"][0])
    (tmp_path / "README.md").write_text(f"A Title\n\n{PROSE}")
    for inputs in ([str(tmp_path)], [f"{tmp_path}/*"]):
        gauge = Gauge()
        assert [one.document.id for one in read(inputs, gauge=gauge) if isinstance(one, Sourced)] == ["a"]
        assert [Path(name).name for name in gauge.skipped] == ["README.md", "notes.docx"]
    assert [one.document.id for one in read([f"{tmp_path}/README.md"]) if isinstance(one, Sourced)] == ["README#1"]
    (tmp_path / "a.jsonl").unlink()
    with pytest.raises(UsageError, match=r"No file is recognised: .*README\.md, .*notes\.docx"):
        read([str(tmp_path)])


def test_a_format_that_is_named_is_believed(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("a,b,c\n1,T,A.\n")
    fields = Fields.parse("id=a,title=b,abstract=c")
    [found] = read([str(tmp_path / "in.txt")], fields, as_format="csv")
    assert isinstance(found, Sourced)
    assert (found.document.id, found.document.title, found.document.abstract) == ("1", "T", "A.")
