"""JSON Lines and JSON arrays: strings come out as they went in, and a damaged record costs that record alone."""

import io
import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor.sources import BadRecord, Fields, Sourced, read
from extractor.sources.fields import says_none

GOOD = {"id": "good", "title": "T", "abstract": "A."}


def read_bytes(data: bytes, suffix: str, folder: Path, fields: Fields | None = None) -> list[Sourced | BadRecord]:
    path = folder / f"in{suffix}"
    path.write_bytes(data)
    return list(read([str(path)], fields))


def bad(found: list[Sourced | BadRecord]) -> list[BadRecord]:
    return [one for one in found if isinstance(one, BadRecord)]


def triples(found: list[Sourced | BadRecord]) -> list[tuple[str, str, str]]:
    return [(one.document.id, one.document.title, one.document.abstract) for one in found if isinstance(one, Sourced)]


NAMES = {
    "usual": ({"id": "x", "title": "T", "abstract": "A"}, ("x", "T", "A")),
    "arxiv": ({"arxiv_id": "2312.00270v1", "title": "T", "summary": "A"}, ("2312.00270v1", "T", "A")),
    "no id": ({"title": "T", "abstract": "A"}, ("in#1", "T", "A")),
    "empty id": ({"id": "", "title": "T", "abstract": "A"}, ("in#1", "T", "A")),
    "number id": ({"id": 7, "title": "T", "abstract": "A"}, ("7", "T", "A")),
    "no title": ({"id": "x", "abstract": "A"}, ("x", "", "A")),
    "null title": ({"id": "x", "title": None, "abstract": "A"}, ("x", "", "A")),
    "null abstract, a summary": ({"id": "x", "title": "T", "abstract": None, "summary": "A"}, ("x", "T", "A")),
    "other fields": ({"id": "x", "title": "T", "abstract": "A", "authors": [{"name": "N"}], "year": 2.5}, ("x", "T", "A")),
    "white space": ({"id": "x", "title": " T\n", "abstract": " A\n\tB\u2028 "}, ("x", " T\n", " A\n\tB\u2028 ")),
    "brackets and quotes": ({"id": "x", "title": '"]},{["', "abstract": '\\"{[\\'}, ("x", '"]},{["', '\\"{[\\')),
}


@pytest.mark.parametrize(("record", "expected"), NAMES.values(), ids=NAMES.keys())
@pytest.mark.parametrize("suffix", [".jsonl", ".json"])
def test_fields(record: object, expected: tuple[str, str, str], suffix: str, tmp_path: Path) -> None:
    data = json.dumps([record] if suffix == ".json" else record)
    assert triples(read_bytes(data.encode(), suffix, tmp_path)) == [expected]


def test_a_decimal_id_keeps_its_last_zero(tmp_path: Path) -> None:
    assert triples(read_bytes(b'{"id": 2312.00270, "abstract": "A"}', ".jsonl", tmp_path)) == [("2312.00270", "", "A")]


def test_mapped_fields(tmp_path: Path) -> None:
    record = json.dumps({"key": "k", "headline": "H", "body": "B", "abstract": "not this"}).encode()
    fields = Fields.parse("title=headline, abstract=body,id=key")
    assert triples(read_bytes(record, ".jsonl", tmp_path, fields)) == [("k", "H", "B")]


ARRAYS = {
    "one line": "[{0}, {0}]",
    "no white space": "[{0},{0}]",
    "indented": "[\n  {0},\n  {0}\n]\n",
    "comma first": "[\n{0}\n,\n{0}\n]",
    "one comma too many": "[{0}, {0},]",
    "no comma": "[{0} {0}]",
    "byte order mark": "\ufeff \n[{0},{0}]",
    "objects one after another": "{0}\n{0}\n",
    "objects on one line": "{0}{0}",
}


@pytest.mark.parametrize("layout", ARRAYS.values(), ids=ARRAYS.keys())
@pytest.mark.parametrize("indent", [None, 0, 2])
def test_array_layouts(layout: str, indent: int | None, tmp_path: Path) -> None:
    record = json.dumps({"title": "T", "abstract": "A.", "authors": [{"name": "N"}, {"name": "M"}]}, indent=indent)
    found = read_bytes(layout.replace("{0}", record).encode(), ".json", tmp_path)
    assert triples(found) == [("in#1", "T", "A."), ("in#2", "T", "A.")]
    assert bad(found) == []


def test_an_element_is_located_by_the_line_it_starts_on(tmp_path: Path) -> None:
    found = read_bytes(json.dumps([GOOD | {"id": n} for n in "abc"], indent=1).encode(), ".json", tmp_path)
    assert [one.location.line for one in found] == [2, 7, 12]


DAMAGED = {
    "no abstract": (b'{"id": "x", "title": "T"}', "no abstract"),
    "blank abstract": (b'{"id": "x", "title": "T", "abstract": " \\n"}', "no abstract"),
    "missing comma": (b'{"title": "T" "abstract": "A"}', "not JSON"),
    "unclosed string": (b'{"title": "T, "abstract": "A"}', "not JSON"),
    "unclosed object": (b'{"title": "T", "abstract": "A"', "not JSON"),
    "cut off": (b'{"title": "T", "abstr', "not JSON"),
    "a bare word": (b"hello", "not JSON"),
    "a stray bracket": (b"}", "not JSON"),
    "not a number": (b'{"abstract": "A", "score": NaN}', "not JSON"),
    "deep nesting": (b'{"abstract": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "not JSON"),
    "a list": (b'["T", "A"]', "a list, not an object"),
    "a string": (b'"T"', "a string, not an object"),
    "a number": (b"17", "a number, not an object"),
    "null": (b"null", "null, not an object"),
    "abstract is a number": (b'{"abstract": 1.5}', 'the field "abstract" is a number, not a string'),
    "abstract is a list": (b'{"abstract": ["A", "B"]}', 'the field "abstract" is a list, not a string'),
    "title is an object": (b'{"title": {}, "abstract": "A"}', 'the field "title" is an object, not a string'),
    "id is true": (b'{"id": true, "abstract": "A"}', 'the field "id" is true or false, not a string'),
    "latin-1": (b'{"abstract": "caf\xe9"}', "not UTF-8: byte 0xe9 at offset 17"),
    "escaped NUL": (b'{"abstract": "a\\u0000b"}', "NUL"),
    "raw NUL": (b'{"abstract": "a\0b"}', "not JSON"),
    "unpaired surrogate": (b'{"abstract": "a\\ud800b"}', "unpaired surrogate U+D800"),
    "unpaired surrogate in the id": (b'{"id": "\\udc00", "abstract": "A"}', "unpaired surrogate U+DC00"),
    "5 MB": (b'{"abstract": "' + b"word " * 1_000_000 + b'"}', "longer than 1,000,000 bytes"),
}


@pytest.mark.parametrize(("record", "cause"), DAMAGED.values(), ids=DAMAGED.keys())
@pytest.mark.parametrize("suffix", [".jsonl", ".json"])
def test_a_damaged_record_is_reported_and_the_others_are_read(record: bytes, cause: str, suffix: str, tmp_path: Path) -> None:
    good = [json.dumps(GOOD | {"id": id}).encode() for id in ("before", "after", "last")]
    lines = [good[0], record, *good[1:]]
    data = b"\n".join(lines) if suffix == ".jsonl" else b"[\n" + b",\n".join(lines) + b"\n]"
    found = read_bytes(data, suffix, tmp_path)
    assert [id for id, *_ in triples(found)] == ["before", "after", "last"]
    (report,) = bad(found)
    assert report.location.line == (2 if suffix == ".jsonl" else 3)
    assert cause in report.cause
    assert report.fix.endswith(".")


def test_a_bad_record_is_named_by_its_own_id_if_it_can_be_read(tmp_path: Path) -> None:
    found = read_bytes(b'{"id": "x"}\n{"title": "T"}\n', ".jsonl", tmp_path)
    assert [one.id for one in bad(found)] == ["x", None]


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b'[{"id": "good", "abstract": "A."}', "the array has no end"),
        (b'[{"id": "good", "abstract": "A."}, {"title": "T', "not closed"),
        (b'[{"id": "good", "abstract": "A."}] {"abstract": "B"}', "text after the end"),
    ],
    ids=["no bracket", "inside a record", "beyond"],
)
def test_a_damaged_end_of_an_array_is_reported_once(data: bytes, cause: str, tmp_path: Path) -> None:
    found = read_bytes(data, ".json", tmp_path)
    assert [id for id, *_ in triples(found)] == ["good"]
    (report,) = bad(found)
    assert cause in report.cause


def test_an_empty_array_holds_no_record(tmp_path: Path) -> None:
    assert [one.cause for one in bad(read_bytes(b" [ ] ", ".json", tmp_path))] == ["holds no record"]


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
abstracts = texts.filter(lambda text: text.strip() and not says_none(text))
records = st.lists(st.fixed_dictionaries({"title": texts, "abstract": abstracts}), min_size=1, max_size=5)


@given(records=records, escaped=st.booleans(), indent=st.sampled_from([None, 0, 1, 4]))
def test_what_is_written_reads_back_equal(records: list[dict[str, str]], escaped: bool, indent: int | None) -> None:
    expected = [
        (f"stdin#{n}", one["title"] if one["title"].strip() else "", one["abstract"]) for n, one in enumerate(records, 1)
    ]
    lines = "\n".join(json.dumps(one, ensure_ascii=escaped) for one in records)
    array = json.dumps(records, ensure_ascii=escaped, indent=indent)
    for data in (lines, array):
        assert triples(list(read(["-"], stdin=io.BytesIO(data.encode())))) == expected


UNCLOSED = {
    "objects": b'{"title": "T", "abstract": "A."\n',
    "objects with lists": b'{"title": "T", "authors": [\n',
    "objects around good ones": b'{"authors": [\n{"abstract": "A."}\n',
    "a wrong bracket after a thousand": b'{"a": [\n' * 1000 + b"}\n",
}


@pytest.mark.parametrize("part", UNCLOSED.values(), ids=UNCLOSED.keys())
def test_records_that_are_not_closed_are_scanned_once(part: bytes) -> None:
    """1.2 MB take a second of processor time; a scan of a megabyte for each record would take an hour."""
    data = part * (1_200_000 // len(part))
    began, count = time.process_time(), 0
    for _ in read(["-"], stdin=io.BytesIO(data)):
        count += 1
        assert time.process_time() - began < 30
    assert count == data.count(b"{")


def test_good_records_between_unclosed_ones_are_read(tmp_path: Path) -> None:
    parts = [b'{"a": [', b'{"id": "x", "abstract": "A."}', b'{"b": {', b'{"c": [', b'{"id": "y", "abstract": "A."}', b'{"d": ']
    found = read_bytes(b"[\n" + b"\n".join(parts) + b"\n", ".json", tmp_path)
    assert [one.location.line for one in found] == [2, 3, 4, 5, 6, 7]
    assert [id for id, *_ in triples(found)] == ["x", "y"]
