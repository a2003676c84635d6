"""What a page is told of jobs: each claim once, by what is asked, in the columns of the tables, while the job runs too."""

import json
import math
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from extractor.errors import DataError, UsageError
from extractor.outputs.columns import TABLES
from extractor.outputs.explorer import Explorer, NotThereError, answers, index
from extractor.outputs.explorer.facets import FACETS
from extractor.outputs.jsonl import from_line, to_line
from extractor.outputs.tables import read_rows
from extractor.records import Extraction
from tests.outputs.explorer.jobs import FAST, NONE, ODD, RECORDS, SLOW, job, many, record

ALL = ["fast 0", "fast 1", "fast 2", "slow 0", "slow 1", "odd 0"]


@pytest.fixture
def explorer(tmp_path: Path) -> Explorer:
    return Explorer([job(tmp_path / "job")], tmp_path / "index.sqlite")


def claims(explorer: Explorer, query: str) -> list[str]:
    """The claims of an answer, by the word that names their document here."""
    names = {FAST.id: "fast", SLOW.id: "slow", ODD.id: "odd"}
    return [f"{names[row['document']]} {row['claim']}" for row in explorer.answer("rows", query)["rows"]]


def test_a_row_is_that_of_the_table(explorer: Explorer, tmp_path: Path) -> None:
    names = [column.name for column in TABLES["claims"]]
    table = [dict(zip(names, row, strict=True)) for _, rows in read_rows([tmp_path / "job"], ["claims"]) for row in rows]
    assert explorer.answer("rows", "")["rows"] == table
    assert len(table) == len(ALL)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param("", ALL, id="all"),
        pytest.param("kind=speedup&kind=speed", ["fast 0", "fast 1", "slow 0"], id="either key"),
        pytest.param("kind=speedup&year=2021", ["slow 0"], id="both facets"),
        pytest.param("hardware_category=edge", ["fast 0"], id="one of several categories"),
        pytest.param("hardware_category=mobile", ["fast 0", "fast 1"], id="another of them"),
        pytest.param("hardware_category=&kind=accuracy", ["slow 1", "odd 0"], id="not stated"),
        pytest.param("dataset=cifar10", ["fast 1", "slow 1"], id="names by their key"),
        pytest.param("factor=0-1", ["slow 0"], id="a band of factors"),
        pytest.param("factor=2-5", ["fast 0"], id="the band above"),
        pytest.param("q=TERN", ["fast 0", "fast 1", "fast 2", "slow 0", "slow 1"], id="a word in any case"),
        pytest.param("q=tern+gull+server", ["slow 0", "slow 1"], id="every word"),
        pytest.param("q=%22gulls+at%22", ["slow 0", "slow 1"], id="words in quotation marks"),
        pytest.param("q=value%3E70+year%3C2022", ["slow 1"], id="comparisons"),
        pytest.param("q=nothing%3E1", [], id="a word with a sign in it"),
        pytest.param("q=%25", ["slow 0", "slow 1", "odd 0"], id="a sign of LIKE is a sign"),
        pytest.param("unit=nowhere", [], id="a key that no claim has"),
        pytest.param("q=%F0%9F%90%A6", ["fast 0", "fast 1", "fast 2"], id="beyond the basic plane"),
        pytest.param("sort=factor", ["slow 0", "fast 0", "fast 1", "fast 2", "slow 1", "odd 0"], id="sorted, nulls last"),
        pytest.param("sort=-factor", ["fast 0", "slow 0", "fast 1", "fast 2", "slow 1", "odd 0"], id="down, nulls last"),
        pytest.param("sort=-subject&kind=speedup", ["fast 0", "slow 0"], id="case does not matter"),
        pytest.param("sort=title", ["odd 0", "slow 0", "slow 1", "fast 0", "fast 1", "fast 2"], id="by the document's title"),
        pytest.param("offset=1&limit=2", ["fast 1", "fast 2"], id="a page"),
        pytest.param("offset=99", [], id="beyond the end"),
    ],
)
def test_what_is_asked_is_what_comes(query: str, found: list[str], explorer: Explorer) -> None:
    assert claims(explorer, query) == found
    if "offset" not in query:
        assert explorer.answer("counts", query)["shown"] == len(found)


@pytest.mark.parametrize("query", ["", "kind=speedup", "kind=speedup&hardware_category=edge", "q=tern&year=2023", "effect="])
def test_each_count_is_what_choosing_it_gives(query: str, explorer: Explorer) -> None:
    counts = explorer.answer("counts", query)
    assert (counts["claims"], counts["documents"], counts["failures"]) == (len(ALL), len(RECORDS), 1)
    assert counts["empty"] == []
    assert counts["shown"] == len(claims(explorer, query))
    counted = 0
    for facet in FACETS:
        others = [part for part in query.split("&") if part and not part.startswith(f"{facet.name}=")]
        for key, _, number in counts["facets"][facet.name]:
            assert len(claims(explorer, "&".join([*others, urlencode({facet.name: key})]))) == number, (facet.name, key)
            counted += 1
    assert counted > 10


def test_columns_that_no_claim_has_are_named(tmp_path: Path) -> None:
    explorer = Explorer([job(tmp_path / "job", [ODD])], tmp_path / "index.sqlite")
    assert explorer.answer("counts", "kind=speed")["empty"] == ["factor", "hardware_category", "system", "year", "effect"]


def test_a_document_comes_with_all_that_is_known_of_it(explorer: Explorer) -> None:
    found = explorer.answer("document", f"document={FAST.id}")
    assert found["document"]["authors"] == "Ada B.; Cy D."
    assert [row["claim"] for row in found["claims"]] == [0, 1, 2]
    assert [(row["name"], row["category"]) for row in found["hardware"]] == [("Jetson board", "edge"), ("phone", "mobile")]
    assert found["rejected"] == [{"field": "claims[3].baseline", "value": "GPT-4", "reason": "not found in the text"}]
    assert explorer.answer("document", "document=odd+%231%2F2")["document"]["title"] == ODD.title
    assert explorer.answer("document", f"document={NONE.id}")["claims"] == []
    assert explorer.answer("failures", "")["rows"][0]["cause"] == "has no title"


def test_charts_say_what_the_claims_say(explorer: Explorer) -> None:
    charts = explorer.answer("charts", "")
    assert [(dot[0], dot[1], dot[5]) for dot in charts["factors"]["dots"]] == [
        ("edge; mobile", 2.5, "2.5x"),
        ("server", 0.25, "4x"),
    ]
    panels = {(panel["kind"], panel["unit"]): [dot[:2] for dot in panel["dots"]] for panel in charts["values"]}
    assert panels == {
        ("accuracy", "%"): [[2021, 71.0], [None, 71.0]],
        ("resource", "B"): [[2023, 12e6]],
        ("speed", "s"): [[2023, 0.04]],
    }
    assert charts["measured"] == {"metrics": [("slower", "slower")], "cells": [("server", "slower", 1)]}
    assert explorer.answer("charts", "kind=speed")["factors"] == {"of": 0, "dots": []}


def test_of_many_dots_some_are_chosen_evenly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "MOST_DOTS", 10)
    explorer = Explorer([job(tmp_path / "job", many(400))], tmp_path / "index.sqlite")
    factors = explorer.answer("charts", "")["factors"]
    assert (factors["of"], len(factors["dots"])) == (100, 10)
    assert {dot[0] for dot in factors["dots"]} == {"cpu", "gpu", "mobile", "edge", "fpga", "server"}


def test_a_running_job_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[bytes] = []

    def noted(line: bytes, model: type[Extraction], where: str) -> Extraction:
        read.append(line)
        return from_line(line, model, where)

    monkeypatch.setattr(index, "from_line", noted)
    file = job(tmp_path / "job", [FAST]) / "extractions.jsonl"
    explorer = Explorer([tmp_path / "job"], tmp_path / "index.sqlite")
    assert explorer.answer("counts", "")["claims"] == 3
    line = to_line(SLOW)
    with file.open("ab") as lines:
        lines.write(line[:40])
        lines.flush()
        assert explorer.answer("counts", "")["claims"] == 3
        lines.write(line[40:])
    counts = explorer.answer("counts", "")
    assert (counts["claims"], counts["read"]) == (5, 1.0)
    assert ("cifar10", "CIFAR-10", 2) in counts["facets"]["dataset"]
    assert read == [to_line(FAST), line]


@pytest.mark.parametrize("in_place", [True, False])
def test_a_job_that_starts_over_is_read_anew(in_place: bool, tmp_path: Path) -> None:
    file = job(tmp_path / "job", [FAST]) / "extractions.jsonl"
    explorer = Explorer([tmp_path / "job"], tmp_path / "index.sqlite")
    assert explorer.answer("counts", "")["claims"] == 3
    new = file if in_place else file.with_suffix(".new")
    new.write_bytes(to_line(SLOW) + to_line(ODD) + to_line(NONE) * 9)
    new.replace(file)
    assert explorer.answer("counts", "")["claims"] == 3
    assert claims(explorer, "") == ["slow 0", "slow 1", "odd 0"]
    assert Explorer([tmp_path / "job"], tmp_path / "index.sqlite").answer("counts", "")["documents"] == 11


def test_several_jobs_are_told_apart(tmp_path: Path) -> None:
    paths = [job(tmp_path / name, [FAST]) for name in ("one", "two")]
    explorer = Explorer(paths, tmp_path / "index.sqlite")
    assert [number for _, _, number in explorer.answer("counts", "")["facets"]["job"]] == [3, 3]
    second = explorer.answer("document", f"document={FAST.id}&job={paths[1]}")
    assert second["document"]["job"] == str(paths[1])


def test_numbers_beyond_a_double_are_left_out(tmp_path: Path) -> None:
    huge = record("huge", "Huge", "It takes 9 TB.", [("resource", "9 TB", 1.7e308, "TB", {})])
    explorer = Explorer([job(tmp_path / "job", [huge])], tmp_path / "index.sqlite")
    answers = [explorer.answer(name, "document=huge" if name == "document" else "") for name in ("rows", "charts", "document")]
    assert [json.dumps(answer, allow_nan=False) for answer in answers]
    assert math.isfinite(answers[0]["rows"][0]["low"])


@pytest.mark.parametrize(
    ("name", "query", "error", "message"),
    [
        ("nothing", "", UsageError, "Ask one of counts, rows"),
        ("rows", "colour=red", UsageError, "nothing called 'colour'"),
        ("rows", "sort=sentence", UsageError, "no column 'sentence' to sort by"),
        ("rows", "sort=factor%3B+DROP+TABLE+claims", UsageError, "no column"),
        ("rows", "limit=-1", UsageError, "limit is '-1'"),
        ("rows", "offset=99999999999999999999", UsageError, "offset is"),
        ("counts", "&".join(["kind=x"] * 501), UsageError, "more than 500"),
        ("document", "document=gone", NotThereError, "no document 'gone'"),
    ],
)
def test_what_cannot_be_asked_is_said(name: str, query: str, error: type[Exception], message: str, explorer: Explorer) -> None:
    with pytest.raises(error, match=message):
        explorer.answer(name, query)


def test_a_job_is_there_and_holds_records(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        Explorer([tmp_path / "nowhere"], tmp_path / "index.sqlite")
    (job(tmp_path / "job") / "extractions.jsonl").write_text("{}\n")
    with pytest.raises(DataError, match="at byte 0: not an extraction"):
        Explorer([tmp_path / "job"], tmp_path / "index.sqlite").answer("counts", "")


def test_a_query_is_a_parameter_and_never_sql(explorer: Explorer) -> None:
    attacks: list[dict[str, Any]] = [explorer.answer("counts", query) for query in ("q='", "kind=')--", "q=%00", "job=%22")]
    assert [attack["claims"] for attack in attacks] == [len(ALL)] * len(attacks)
