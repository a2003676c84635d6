"""What others quote is scored like a record, and replies are asked for once."""

import json
from pathlib import Path

import pytest
from aiohttp import web

from extractor.documents import Document
from tests.benchmarks import tokens
from tests.benchmarks.environments import UnavailableError
from tests.benchmarks.tokens import record_of
from tests.labelling.model_server import ModelServer, labels
from tests.llm.server import Request

TEXT = Document("d", "Tern", "Tern is 2.3x faster than Gull and uses 40% less memory. It is 2.3x faster than Auk.")
SPEEDUP = {"quantity": "2.3x", "kind": "speedup", "comparison": "change", "baseline": "Gull"}


@pytest.mark.parametrize(
    ("claims", "places"),
    [
        ([SPEEDUP], ["2.3x@13"]),
        ([{**SPEEDUP, "quantity": "2.3x faster"}], ["2.3x@13"]),
        ([SPEEDUP, SPEEDUP], ["2.3x@13", "2.3x@67"]),
        ([{**SPEEDUP, "start": 67, "effect": "worse"}], ["2.3x@67"]),
        ([{**SPEEDUP, "start": 67}, {**SPEEDUP, "start": 67}], ["2.3x@67"]),
        ([{**SPEEDUP, "quantity": "9.9x"}], []),
        ([{**SPEEDUP, "quantity": ""}], []),
        ([{**SPEEDUP, "kind": "miracle"}], []),
        ([{**SPEEDUP, "comparison": None}], []),
    ],
    ids=["once", "with a word", "twice", "at a place", "one place twice", "nowhere", "empty", "no kind", "no comparison"],
)
def test_a_claim_that_quotes_its_quantity_is_the_mention_there(claims: list[dict[str, object]], places: list[str]) -> None:
    record = record_of(TEXT, claims)
    assert [f"{claim.quantity.text}@{claim.spans.quantity[0]}" for claim in record.claims] == places
    assert all((claim.quantity.low, claim.quantity.unit, claim.baseline) == (2.3, "x", "Gull") for claim in record.claims)


def test_a_reply_is_asked_for_once_and_then_played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def not_here(library: str) -> Path:
        raise UnavailableError(library, "it is not here")

    async def act(request: Request) -> web.StreamResponse:
        if request.path.endswith("/models"):
            return web.json_response({"data": [{"id": "tern"}]})
        return await labels()(request)

    monkeypatch.setattr(tokens, "interpreter", not_here)
    monkeypatch.setattr(tokens, "IDS", tokens.IDS[:3])
    path = tmp_path / "replies.json"
    with ModelServer(act) as server:
        asked = tokens.measure(server.url, path=path)
        requests = len(server.requests)
        assert requests == 4  # its name, and three abstracts
        assert tokens.measure(server.url, path=path) == asked
        assert len(server.requests) == requests + 1
    assert tokens.measure(path=path) == asked
    assert [row.what for row in asked.rows][3:] == ["output tokens", "output tokens a right claim"]
    assert asked.row("extractor", "output tokens").value == 30  # type: ignore[union-attr]
    assert [each.name for each in asked.skipped] == ["langextract", "instructor"]

    told = json.loads(path.read_text())
    told["replies"]["extractor"].popitem()
    path.write_text(json.dumps(told))
    assert "not what was recorded" in tokens.measure(path=path).skipped[0].why
    assert tokens.measure(path=tmp_path / "none.json").rows == ()
