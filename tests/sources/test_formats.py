"""The table of formats: what decides which format a file has, and that everything which names formats asks the table."""

import io
from pathlib import Path

import pytest

from extractor.sources import BadRecord, Sourced, read
from extractor.sources.formats import FORMATS

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
RECORD = '{"id": "a", "abstract": "A."}'
PROSE = "A sentence of an abstract that says what was done and how well it went. " * 5
LONG = 100_000
"""More bytes than are looked at before the format is chosen."""


def test_suffixes_are_in_lower_case_and_each_belongs_to_one_format() -> None:
    suffixes = [suffix for known in FORMATS for suffix in known.suffixes]
    assert suffixes == [suffix.lower() for suffix in suffixes]
    assert all(suffix.startswith(".") for suffix in suffixes)
    assert len(set(suffixes)) == len(suffixes)


def test_the_last_format_recognises_every_file() -> None:
    assert [FORMATS[-1].recognises(head) for head in (b"", b"{", b"[{", b"\0\xff")] == [True] * 4


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
}


@pytest.mark.parametrize(("text", "name"), RECOGNISED.values(), ids=RECOGNISED.keys())
def test_what_is_recognised(text: str, name: str) -> None:
    assert next(known.name for known in FORMATS if known.recognises(text.encode())) == name


def found(path: Path, text: str) -> list[str]:
    path.write_text(text)
    return [one.document.id if isinstance(one, Sourced) else one.cause for one in read([str(path)])]


DECIDED = {
    "suffix, whatever the content": ("in.jsonl", f"[{RECORD}]", ["a list, not an object"]),
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
def test_an_encoding_that_is_not_read_is_one_fault_with_the_fix(encoding: str) -> None:
    [bad] = read(["-"], stdin=io.BytesIO(f"\ufeff{RECORD}\n{RECORD}".encode(encoding)))
    assert isinstance(bad, BadRecord)
    assert (bad.cause, bad.fix) == ("UTF-16, not UTF-8", "Convert the file to UTF-8.")
    assert str(bad.location) == "stdin:1"


def test_a_compressed_file_is_refused_with_the_command_that_unpacks_it(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"\x1f\x8b\x08\x00")
    [bad] = read([str(path)])
    assert isinstance(bad, BadRecord)
    assert (bad.cause, bad.fix) == ("compressed with gzip", "Unpack it and pipe it in: gzip -dc FILE | extractor run -")
