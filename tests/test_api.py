"""What users import, and what it promises."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import extractor
from extractor import Document, Extraction, extract, extract_many
from extractor.errors import ProviderError, UsageError
from tests.labelling.model_server import ModelServer, labels, once_two_are_asked, unsure
from tests.llm.server import fails

TITLE = "FastNet: Quick Networks"
ABSTRACT = "FastNet is 2.3x faster than SlowNet."


def test_the_public_names() -> None:
    assert extractor.__all__ == [
        "Claim",
        "Document",
        "Extraction",
        "HardwareTarget",
        "extract",
        "extract_many",
        "read_claims",
        "read_extractions",
    ]
    assert all(getattr(extractor, name) for name in extractor.__all__)
    assert set(extractor.__all__) <= set(dir(extractor))


def test_a_name_that_is_not_there_is_missed_as_usual() -> None:
    with pytest.raises(AttributeError, match="'extractor' has no attribute 'nothing'"):
        extractor.nothing  # noqa: B018


def test_importing_loads_nothing_heavy() -> None:
    code = "import sys, extractor; print(*(m for m in ('pydantic', 'asyncio', 'typer', 'rich', 'pint') if m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split() == []


def test_one_abstract() -> None:
    record = extract(TITLE, ABSTRACT, id="mine")
    assert isinstance(record, Extraction)
    assert (record.id, record.title, record.abstract) == ("mine", TITLE, ABSTRACT)
    [claim] = record.claims
    assert (claim.kind, claim.comparison, claim.effect) == ("speedup", "change", "better")
    assert (claim.quantity.text, claim.quantity.low, claim.quantity.unit, claim.baseline) == ("2.3x", 2.3, "x", "SlowNet")
    assert record.provenance.model == "rules"


def test_many_documents_come_in_order_and_agree_with_one() -> None:
    documents = [Document(str(n), TITLE, f"FastNet is {n}x faster than SlowNet.") for n in range(2, 7)]
    records = list(extract_many(documents))
    assert [record.id for record in records] == [document.id for document in documents]
    assert [record.claims for record in records] == [extract(d.title, d.abstract).claims for d in documents]


def test_a_document_is_pulled_when_its_record_is_asked_for() -> None:
    pulled: list[int] = []

    def documents() -> Iterator[Document]:
        for n in range(1_000_000):
            pulled.append(n)
            yield Document(str(n), TITLE, ABSTRACT)

    records = extract_many(documents())
    assert pulled == []
    assert next(records).id == "0"
    assert next(records).id == "1"
    assert pulled == [0, 1]


def test_leaving_early_leaves_nothing_behind() -> None:
    before = threading.active_count()
    records = extract_many(Document(str(n), TITLE, ABSTRACT) for n in range(10))
    next(records)
    del records
    assert threading.active_count() == before


def test_it_works_where_a_loop_runs_already() -> None:
    async def cell() -> str:
        return extract(TITLE, ABSTRACT, id="notebook").id

    assert asyncio.run(cell()) == "notebook"


@pytest.mark.parametrize("model", ["", "gpt-9", "Rules"])
def test_an_unknown_model_is_an_error_with_its_fix(model: str) -> None:
    with pytest.raises(UsageError, match=f"no model '{model}'. Use 'rules'"):
        extract_many([], model=model)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    monkeypatch.setenv("EXTRACTOR_CACHE", str(tmp_path / "cache.sqlite3"))
    monkeypatch.setenv("EXTRACTOR_KEYS", str(tmp_path / "keys.toml"))
    with ModelServer() as running:
        yield running


def test_a_model_labels_one_abstract(server: ModelServer) -> None:
    record = extract(TITLE, ABSTRACT, model="openai/m", base_url=server.url)
    assert record.claims == unsure(extract(TITLE, ABSTRACT).claims)
    assert (record.provenance.model, record.provenance.calls) == ("openai/m", 1)
    assert extract(TITLE, ABSTRACT, model="openai/m", base_url=server.url).provenance.cached


def test_a_model_labels_many_at_once_lazily_and_in_order(server: ModelServer) -> None:
    pulled: list[int] = []

    def documents() -> Iterator[Document]:
        for n in range(2, 1_000_000):
            pulled.append(n)
            yield Document(str(n), TITLE, f"FastNet is {n}x faster than SlowNet.")

    server.server.acts = [once_two_are_asked(labels())]
    before = threading.active_count()
    records = extract_many(documents(), model="openai/m", base_url=server.url)
    assert pulled == []
    assert [next(records).id for _ in range(10)] == [str(n) for n in range(2, 12)]
    assert len(pulled) <= 10 + 128
    assert server.server.most_at_once > 1
    del records
    assert threading.active_count() == before


def test_a_model_that_gives_no_answer_raises(server: ModelServer) -> None:
    server.server.acts = [fails(401, "who are you?")]
    with pytest.raises(ProviderError, match="401: who are you"):
        extract(TITLE, ABSTRACT, model="openai/m", base_url=server.url)
