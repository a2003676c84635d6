"""`POST /v1/extract`: the records of the command line, and what is told of what is none."""

import asyncio
import json
import re
from typing import Any

import httpx
import pytest

from extractor import extract
from extractor.outputs.jsonl import to_line
from tests.cli.jobs import PAPERS
from tests.service.serving import DOCUMENT, Running, timeless

_SECONDS = re.compile(rb'"seconds":[0-9.e-]+')


def test_one_document_gets_its_record_byte_for_byte(rules: Running) -> None:
    answer = rules.ask("POST", "/v1/extract", json=DOCUMENT)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    wanted = to_line(extract(DOCUMENT["title"], DOCUMENT["abstract"], id="a"))
    assert _SECONDS.sub(b"", answer.content) == _SECONDS.sub(b"", wanted)


def test_several_come_in_their_order_and_what_fails_names_its_place(rules: Running) -> None:
    documents: list[Any] = [*PAPERS, {"id": "bad"}, DOCUMENT]
    answer = rules.ask("POST", "/v1/extract", json=documents).json()
    assert [record["id"] for record in answer["extractions"]] == [*(paper["id"] for paper in PAPERS), "a"]
    [failure] = answer["failures"]
    assert (failure["id"], failure["source"], failure["line"], failure["cause"]) == ("bad", "documents", 9, "no abstract")
    assert failure["fix"].startswith("Give the record a field")


def test_documents_of_many_clients_that_go_together_come_apart_again(rules: Running) -> None:
    """They share a way to the labeller, also where they have the same id, and where one has failed."""
    bodies = [{"id": "same", "title": f"Net{n}", "abstract": f"Net{n} is {n}.5x faster than Base."} for n in range(2, 40)]

    async def all_at_once() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=rules.url, trust_env=False, timeout=30) as client:
            asked = [client.post("/v1/extract", json=body) for body in bodies]
            asked += [client.post("/v1/extract", json=[body, {"id": "bad"}, body]) for body in bodies]
            return await asyncio.gather(*asked)

    answers = asyncio.run(all_at_once())
    alone, together = answers[: len(bodies)], answers[len(bodies) :]
    assert [answer.json()["claims"][0]["quantity"]["low"] for answer in alone] == [n + 0.5 for n in range(2, 40)]
    for n, answer in zip(range(2, 40), together, strict=True):
        told = answer.json()
        assert [record["claims"][0]["quantity"]["low"] for record in told["extractions"]] == [n + 0.5] * 2
        assert [failure["line"] for failure in told["failures"]] == [2]


@pytest.mark.parametrize(
    ("body", "status", "cause"),
    [
        pytest.param(b"", 422, "The body is not JSON in UTF-8", id="nothing"),
        pytest.param(b'{"title": ', 422, "The body is not JSON in UTF-8", id="cut off"),
        pytest.param(b"\xff\xfe{\x00}\x00", 422, "The body is not JSON in UTF-8", id="UTF-16"),
        pytest.param(b"[" * 100_000, 422, "The body is not JSON in UTF-8", id="nested"),
        pytest.param(b"[]", 422, "The body is neither a document nor an array of them", id="empty array"),
        pytest.param(b"[1]", 422, "The body is neither a document nor an array of them", id="numbers"),
        pytest.param(b'"text"', 422, "The body is neither a document nor an array of them", id="text"),
        pytest.param(b'{"title": "T"}', 422, "no abstract", id="no abstract"),
        pytest.param(b'{"data": [{"title": "T", "abstract": "A"}]}', 422, "no abstract", id="an envelope"),
        pytest.param(b'{"abstract": "\\ud800"}', 422, "half of a character", id="surrogate"),
        pytest.param(json.dumps({"abstract": "x" * 60_000}).encode(), 422, "more than the 50,000", id="a whole paper"),
        pytest.param(json.dumps([DOCUMENT] * 101).encode(), 413, "101 documents are more than 100", id="too many"),
        pytest.param(b" " * (8 << 20) + b"{}", 413, "larger than 8,388,608 bytes", id="too large"),
    ],
)
def test_what_is_no_document_is_told_with_a_fix(rules: Running, body: bytes, status: int, cause: str) -> None:
    answer = rules.ask("POST", "/v1/extract", content=body)
    assert (answer.status_code, set(answer.json())) == (status, {"cause", "fix"})
    assert cause in answer.json()["cause"]
    assert answer.json()["fix"]


def test_what_the_input_knows_passes_through(rules: Running) -> None:
    answer = rules.ask("POST", "/v1/extract", json={**DOCUMENT, "id": None, "doi": "10.1145/X1", "year": 2024})
    record = timeless(answer.content)
    assert (record["id"], record["source"]) == ("10.1145/x1", {"doi": "10.1145/x1", "year": 2024})
