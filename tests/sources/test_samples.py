"""Each format: a sample as its makers write it gives the papers of `papers.jsonl`; damage costs the damaged records alone."""

from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from extractor.sources import BadRecord, Sourced, read
from extractor.sources.formats import FORMATS
from extractor.sources.reading import recognise
from tests.sources.support import BINARY, IDS, KNOWN, PAPERS, SAMPLES, TABLE, WRITTEN


def sourced(path: Path) -> list[Sourced | BadRecord]:
    return list(read([str(path)]))


def check(found: list[Sourced | BadRecord], ids: list[str], known: tuple[str, ...]) -> None:
    """Compare title, abstract and source with those of the same papers as JSON Lines."""
    documents = [one.document for one in found if isinstance(one, Sourced)]
    assert [document.id.replace(".malformed#", "#") for document in documents] == ids
    assert [(one.title, one.abstract) for one in documents] == [(paper["title"], paper["abstract"]) for paper in PAPERS]
    for document, paper in zip(documents, PAPERS, strict=True):
        source: dict[str, Any] = dict(document.source)
        assert {name: source.get(name) for name in known} == {name: paper[name] for name in known}


FORMAT_OF = {name: known for name, (known, _, _) in WRITTEN.items()} | {"texts/tern.txt": "one abstract"}


@pytest.mark.parametrize("name", FORMAT_OF)
def test_a_sample_is_recognised_by_its_content_alone(name: str) -> None:
    known = recognise("unknown", (SAMPLES / name).read_bytes()[: 1 << 16], named=True)
    assert getattr(known, "name", known) == FORMAT_OF[name]


@pytest.mark.parametrize("name", WRITTEN)
def test_a_sample_gives_the_papers_as_they_are_in_json_lines(name: str) -> None:
    _, ids, known = WRITTEN[name]
    found = sourced(SAMPLES / name)
    assert [one.cause for one in found if isinstance(one, BadRecord)] == []
    check(found, ids, known)


@pytest.mark.parametrize("name", ["papers.nbib", "pubmed.xml"])
def test_what_pubmed_gives_has_its_number(name: str) -> None:
    found = [one.document.source.get("pmid") for one in sourced(SAMPLES / name) if isinstance(one, Sourced)]
    assert found == ["38000001", "38000002"]


def test_a_folder_of_texts_gives_a_paper_a_file() -> None:
    documents = {one.document.id: one.document for one in sourced(SAMPLES / "texts") if isinstance(one, Sourced)}
    assert {id: (one.title, one.abstract) for id, one in documents.items()} == {
        f"{paper['id']}#1": (paper["title"], paper["abstract"]) for paper in PAPERS
    }


MALFORMED: dict[str, list[tuple[int | None, str]]] = {
    "papers.malformed.csv": [
        (3, "a quotation mark inside a field or one that is not closed"),
        (4, "9 columns, and the header has 8"),
    ],
    "papers.malformed.tsv": [(3, "9 columns, and the header has 8"), (4, "no abstract")],
    "papers.malformed.bib": [(9, "the entry is not closed"), (14, 'no comma after the field "title"')],
    "papers.malformed.ris": [(14, "the record has no end: no line ER"), (19, "no abstract")],
    "papers.malformed.enw": [(11, "text outside a record"), (14, "no abstract")],
    "papers.malformed.wos.txt": [(19, "the record has no end: no line ER"), (24, "no abstract")],
    "papers.malformed.nbib": [(17, "text outside a record"), (20, "no abstract")],
    "pubmed.malformed.xml": [
        (22, "not closed, or longer than 1,000,000 bytes"),
        (24, "not XML: not well-formed (invalid token) (line 25)"),
    ],
    "arxiv.malformed.atom": [(22, "not XML: not well-formed (invalid token) (line 23)"), (25, "no abstract")],
    "jats.malformed.xml": [(22, "not XML: mismatched tag (line 23)"), (25, "no abstract")],
    "endnote.malformed.xml": [(2, "not XML: mismatched tag (line 2)"), (3, "no abstract")],
    "wos_table.malformed.txt": [(3, "19 columns, and the header has 18"), (4, "no abstract")],
    "openalex.malformed.json": [
        (None, 'the field "abstract_inverted_index" has two words in one place'),
        (None, "no abstract"),
    ],
    "crossref.malformed.json": [(None, 'the field "abstract" is a list, not a string'), (None, "no abstract")],
    "semantic_scholar.malformed.json": [(None, 'the field "abstract" is an object, not a string'), (None, "no abstract")],
    "daily_papers.malformed.json": [(None, 'the field "summary" is a number, not a string'), (None, "no abstract")],
    "arxiv_snapshot.malformed.jsonl": [(2, "not JSON: "), (3, "no abstract")],
    "papers.malformed.jsonl": [(2, "not JSON: "), (3, "a list, not an object"), (5, "no abstract")],
    "scrape.malformed.txt": [(7, "no abstract"), (9, "not UTF-8: byte 0xe9 at offset 40 of the record")],
}


def test_every_sample_has_a_damaged_twin() -> None:
    assert {name.replace(".malformed", "") for name in MALFORMED} == WRITTEN.keys()


@pytest.mark.parametrize("name", MALFORMED)
def test_damage_costs_the_damaged_records_alone(name: str) -> None:
    whole = name.replace(".malformed", "")
    found = sourced(SAMPLES / name)
    _, ids, known = WRITTEN[whole]
    check(found, ids, known)
    bad = [one for one in found if isinstance(one, BadRecord)]
    assert [one.cause[: len(cause)] for one, (_, cause) in zip(bad, MALFORMED[name], strict=True)] == [
        cause for _, cause in MALFORMED[name]
    ]
    assert [one.location.line for one in bad] == [
        line or one.location.line for one, (line, _) in zip(bad, MALFORMED[name], strict=True)
    ]
    assert all(one.fix.endswith(".") for one in bad)


def test_damaged_texts_cost_their_files_alone() -> None:
    found = sourced(SAMPLES / "texts.malformed")
    assert {one.document.id for one in found if isinstance(one, Sourced)} == {"tern#1", "gull#1"}
    assert {Path(one.location.path).name: one.cause for one in found if isinstance(one, BadRecord)} == {
        "auk.txt": "no abstract",
        "skua.txt": "not UTF-8: byte 0xe9 at offset 45 of the record",
    }


@pytest.mark.parametrize("name", BINARY)
def test_a_binary_table_gives_the_papers_as_they_are_in_json_lines(name: str, tmp_path: Path) -> None:
    BINARY[name](TABLE, tmp_path / "in")
    check(sourced(tmp_path / "in"), IDS["papers"], KNOWN)


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("damage", ["cut off", "garbled", "an abstract is null"])
def test_a_damaged_binary_table_is_a_bad_record_with_a_fix(name: str, damage: str, tmp_path: Path) -> None:
    path = tmp_path / "in"
    rows = TABLE.to_pylist()
    if damage == "an abstract is null":
        rows[0]["abstract"] = None
    BINARY[name](pa.Table.from_pylist(rows, TABLE.schema), path)
    data = path.read_bytes()
    if damage == "cut off":
        path.write_bytes(data[: len(data) // 2])
    elif damage == "garbled":
        path.write_bytes(data[:100] + bytes(len(data) - 100))
    found = sourced(path)
    bad = [one for one in found if isinstance(one, BadRecord)]
    assert len(bad) == 1
    assert bad[0].fix.endswith(".")
    if damage == "an abstract is null":
        assert bad[0].cause == "no abstract"
        assert [one.document.id for one in found if isinstance(one, Sourced)] == ["gull"]


@pytest.mark.parametrize("name", ["Parquet", "XLSX"])
def test_what_needs_random_access_is_refused_from_a_pipe(name: str, tmp_path: Path) -> None:
    BINARY[name](TABLE, tmp_path / "in")
    [bad] = read(["-"], stdin=BytesIO((tmp_path / "in").read_bytes()))
    assert isinstance(bad, BadRecord)
    assert bad.fix == "Save it to a file of its own, unpacked."


def test_every_format_has_a_sample() -> None:
    assert {known.name for known in FORMATS} == {*FORMAT_OF.values(), *BINARY} - {"Arrow stream"}


def test_an_abstract_in_several_fields_of_a_record_is_read_whole() -> None:
    ris = b"TY  - JOUR\nTI  - T\nAB  - It is small.\nAB  - It is 2x faster.\nER  - \n"
    [found] = read(["-"], stdin=BytesIO(ris))
    assert isinstance(found, Sourced)
    assert found.document.abstract == "It is small.\nIt is 2x faster."
