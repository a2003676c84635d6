"""A record's fields by whatever name, what it knows beside its text, its id, and the same document twice."""

import json
from pathlib import Path
from typing import Any

import pytest

from extractor.sources import BadRecord, Fields, Gauge, Sourced, read
from extractor.sources.fields import arxiv_of, doi_of, people, year_of


def read_all(
    folder: Path, *records: object, fields: Fields | None = None, gauge: Gauge | None = None
) -> list[Sourced | BadRecord]:
    path = folder / "in.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return list(read([str(path)], fields, gauge=gauge))


def source(folder: Path, **record: object) -> dict[str, Any]:
    [found] = read_all(folder, {"id": "a", "abstract": "A."} | record)
    assert isinstance(found, Sourced)
    return dict(found.document.source)


KNOWN: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "nothing": ({}, {}),
    "a DOI as an address": ({"DOI": "https://doi.org/10.1000/ABC.(1)"}, {"doi": "10.1000/abc.(1)"}),
    "a DOI in the address": ({"url": "https://doi.org/10.1000/x"}, {"doi": "10.1000/x", "url": "https://doi.org/10.1000/x"}),
    "no DOI": ({"doi": "none"}, {}),
    "arXiv": ({"arxiv_id": "2312.00270v1"}, {"arxiv_id": "2312.00270v1"}),
    "arXiv in the DOI": ({"doi": "10.48550/arXiv.2312.00270"}, {"doi": "10.48550/arxiv.2312.00270", "arxiv_id": "2312.00270"}),
    "arXiv in the address": (
        {"link": "http://arxiv.org/abs/cs/0312270v2"},
        {"arxiv_id": "cs/0312270v2", "url": "http://arxiv.org/abs/cs/0312270v2"},
    ),
    "an address elsewhere": ({"url": "https://a.example/2312.00270"}, {"url": "https://a.example/2312.00270"}),
    "arXiv without its last digit": ({"arxiv_id": "2312.0027"}, {}),
    "arXiv of four digits": ({"arxiv_id": "0704.0001"}, {"arxiv_id": "0704.0001"}),
    "PMID": ({"pmid": 12345678}, {"pmid": "12345678"}),
    "a year": ({"year": 2024}, {"year": 2024}),
    "names in one word": ({"pubYear": 2024, "journalTitle": "J"}, {"year": 2024, "venue": "J"}),
    "a date": ({"Publication Date": "2024-02-01"}, {"year": 2024}),
    "no year": ({"year": 2.5}, {}),
    "authors in a list": ({"authors": ["A. Tern", {"name": "Gull, B."}]}, {"authors": ["A. Tern", "B. Gull"]}),
    "venue and categories": (
        {"journal": "J", "categories": "cs.LG stat.ML"},
        {"venue": "J", "categories": ["cs.LG", "stat.ML"]},
    ),
    "what is not what it should be": ({"doi": {}, "authors": 7, "venue": True, "categories": {"a": 1}}, {}),
    "what no file can hold": ({"venue": "a\0", "authors": ["b\ud800", "C"]}, {"authors": ["C"]}),
}


@pytest.mark.parametrize(("record", "expected"), KNOWN.values(), ids=KNOWN.keys())
def test_what_a_record_knows(record: dict[str, object], expected: dict[str, object], tmp_path: Path) -> None:
    assert source(tmp_path, **record) == expected


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Müller, Zoë; Dvořák, Jan", ["Zoë Müller", "Jan Dvořák"]),
        ("Zoë Müller and Jan Dvořák", ["Zoë Müller", "Jan Dvořák"]),
        ("C. Balázs, E. L. Berger, P. M. Nadolsky", ["C. Balázs", "E. L. Berger", "P. M. Nadolsky"]),
        ("Zoë Müller, Jan Dvořák and Ada Tern", ["Zoë Müller", "Jan Dvořák", "Ada Tern"]),
        ("Müller, Zoë and Dvořák, Jan", ["Zoë Müller", "Jan Dvořák"]),
        ("Müller, Zoë", ["Zoë Müller"]),
        ("King, Jr., Martin", ["Martin King, Jr."]),
        ("The Bird Group", ["The Bird Group"]),
        ("", []),
    ],
)
def test_names_of_people(text: str, names: list[str]) -> None:
    assert people(text) == names


def test_small_readers() -> None:
    assert [doi_of(text) for text in ("doi:10.1000/x.", "<10.1000/y>", None, "10.1/x")] == [
        "10.1000/x",
        "10.1000/y",
        None,
        None,
    ]
    assert [arxiv_of(text) for text in ("arXiv:2312.00270", "2312.00270", "in arXiv, 2312.00270")] == ["2312.00270", None, None]
    assert [year_of(text) for text in ("12024", "c. 1999/2000", "20240201")] == [None, 1999, None]


def test_an_id_is_the_records_own_or_doi_or_arxiv_or_pmid_or_its_number(tmp_path: Path) -> None:
    ids = {"doi": "10.1000/x", "arxiv": "2312.00270", "pmid": "7"}
    records: list[dict[str, str]] = [
        {"id": "own"} | ids,
        ids | {"doi": "10.1000/z"},
        {"arxiv": "2312.00271", "pmid": "7"},
        {"pmid": "7"},
        {},
    ]
    found = read_all(tmp_path, *({"abstract": "A."} | record for record in records))
    assert [one.document.id for one in found if isinstance(one, Sourced)] == [
        "own",
        "10.1000/z",
        "2312.00271",
        "PMID:7",
        "in#5",
    ]


REPEATED: dict[str, tuple[list[dict[str, str]], list[str]]] = {
    "id and text": ([{"id": "a", "abstract": "A."}, {"id": "a", "abstract": "A."}], ["a", "repeated"]),
    "id and another text": ([{"id": "a", "abstract": "A."}, {"id": "a", "abstract": "B."}], ["a", "two records have the id"]),
    "id and another title": (
        [{"id": "a", "title": "T", "abstract": "A."}, {"id": "a", "title": "U", "abstract": "A."}],
        ["a", "two records have the id"],
    ),
    "text alone": ([{"id": "a", "abstract": "A."}, {"id": "b", "abstract": "A."}], ["a", "b"]),
    "DOI in another form": (
        [{"id": "a", "abstract": "A.", "doi": "10.1000/X"}, {"id": "b", "abstract": "B.", "doi": "doi.org/10.1000/x"}],
        ["a", "repeated"],
    ),
    "DOI for an id": (
        [{"abstract": "A.", "doi": "10.1000/x"}, {"abstract": "B.", "doi": "10.1000/x"}],
        ["10.1000/x", "repeated"],
    ),
    "id, DOI and another text": (
        [{"id": "a", "abstract": "A.", "doi": "10.1000/x"}, {"id": "a", "abstract": "B.", "doi": "10.1000/x"}],
        ["a", "two records have the id"],
    ),
}


@pytest.mark.parametrize(("records", "expected"), REPEATED.values(), ids=REPEATED.keys())
def test_the_same_document_twice_is_read_once(records: list[dict[str, str]], expected: list[str], tmp_path: Path) -> None:
    gauge = Gauge()
    found = read_all(tmp_path, *records, gauge=gauge)
    said = [one.document.id if isinstance(one, Sourced) else one.cause.partition(' "')[0] for one in found]
    assert said + ["repeated"] * gauge.repeated == expected


NAMED: dict[str, tuple[str, dict[str, object], tuple[str, str, str]]] = {
    "dots": ("title=a.t,abstract=a.b.c", {"a": {"t": "T", "b": {"c": "A."}}}, ("in#1", "T", "A.")),
    "a name with a dot": ("abstract=a.b", {"a.b": "A.", "a": {"b": "no"}}, ("in#1", "", "A.")),
    "a list of one": ("title=t,abstract=a.b", {"t": ["T"], "a": [{"b": ["A."]}]}, ("in#1", "T", "A.")),
    "an id inside": ("id=a.id", {"a": {"id": 7}, "abstract": "A."}, ("7", "", "A.")),
}


@pytest.mark.parametrize(("mapping", "record", "expected"), NAMED.values(), ids=NAMED.keys())
def test_fields_are_found_by_dotted_names(mapping: str, record: object, expected: tuple[str, str, str], tmp_path: Path) -> None:
    [found] = read_all(tmp_path, record, fields=Fields.parse(mapping))
    assert isinstance(found, Sourced)
    assert (found.document.id, found.document.title, found.document.abstract) == expected


def test_a_missing_field_is_told_with_the_fields_that_are_there(tmp_path: Path) -> None:
    record = {"id": "a", "title": "T", "body": "B", "empty": "", **{f"more{n}": 1 for n in range(20)}}
    [found] = read_all(tmp_path, record, fields=Fields.parse("abstract=text.body"))
    assert isinstance(found, BadRecord)
    assert found.fix.startswith(
        'Give the record a field "text.body", or map another field to the abstract; it has id, title, body, more0,'
    )
    assert found.fix.endswith("more8, ....")


def test_kept_fields_stand_in_the_source_by_their_names(tmp_path: Path) -> None:
    record = {"id": "a", "abstract": "A.", "n": 2.50, "one": [{"x": [1, "b"]}], "none": None, "bad": "a\ud800"}
    [found] = read_all(tmp_path, record, fields=Fields(keep=("n", "one.x", "none", "bad", "absent")))
    assert isinstance(found, Sourced)
    assert dict(found.document.source) == {"n": 2.5, "one.x": [1, "b"]}
