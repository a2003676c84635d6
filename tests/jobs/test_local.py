"""Every input record ends in exactly one of the two places, whatever happens to it."""

import asyncio
import io
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from extractor.documents import Document
from extractor.errors import ProviderError
from extractor.jobs.counts import Counts
from extractor.jobs.local import run_job
from extractor.jobs.sinks import Streams
from extractor.labelling.base import Labelled, Labels
from extractor.records import Extraction, Failure, Provenance
from extractor.sources import BadRecord, Location, Sourced
from extractor.spotting import Mentions

NOTHING = Labels(system=None, claims=(), not_claims=(), hardware=(), not_hardware=())


class ScriptedLabeller:
    """Answers with what is queued for it, and remembers what it was asked."""

    name = "scripted"

    def __init__(self, *answers: Labels | Exception) -> None:
        self.queue = list(answers)
        self.history: list[str] = []

    async def label(self, document: Document, mentions: Mentions) -> Labelled:  # noqa: ARG002 (the protocol's)
        self.history.append(document.id)
        answer = self.queue.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return Labelled(answer, Provenance(extractor="0", labeller=self.name, model=self.name, calls=1, cost_usd=0.25))


def sourced(name: str, line: int = 1) -> Sourced:
    return Sourced(Document(name, "A title", "An abstract."), Location("input.jsonl", line))


def bad(name: str | None, line: int = 1) -> BadRecord:
    return BadRecord(Location("input.jsonl", line), name, "there is no abstract", "Add one.")


def run(items: Iterable[Sourced | BadRecord], labeller: ScriptedLabeller) -> tuple[Streams, list[Extraction], list[Failure]]:
    streams = Streams(extractions := io.BytesIO(), failures := io.BytesIO())
    asyncio.run(run_job(items, labeller, streams))
    return (
        streams,
        [Extraction.model_validate_json(line) for line in extractions.getvalue().splitlines()],
        [Failure.model_validate_json(line) for line in failures.getvalue().splitlines()],
    )


def test_documents_are_labelled_one_by_one_in_the_order_of_the_input() -> None:
    labeller = ScriptedLabeller(NOTHING, NOTHING, NOTHING)
    _, extractions, failures = run([sourced("c"), sourced("a"), sourced("b")], labeller)
    assert labeller.history == [record.id for record in extractions] == ["c", "a", "b"]
    assert failures == []


def test_a_bad_record_is_a_failure_with_its_place() -> None:
    _, extractions, failures = run([sourced("a"), bad("b", 7), bad(None, 9), sourced("c")], ScriptedLabeller(NOTHING, NOTHING))
    assert [record.id for record in extractions] == ["a", "c"]
    assert failures == [
        Failure(id="b", source="input.jsonl", line=7, cause="there is no abstract", fix="Add one."),
        Failure(id=None, source="input.jsonl", line=9, cause="there is no abstract", fix="Add one."),
    ]


def test_a_provider_that_gives_up_costs_one_document() -> None:
    labeller = ScriptedLabeller(NOTHING, ProviderError("No answer in 60 s. Check the network."), NOTHING)
    _, extractions, [failure] = run([sourced("a"), sourced("b", 2), sourced("c")], labeller)
    assert [record.id for record in extractions] == ["a", "c"]
    assert (failure.id, failure.line, failure.cause) == ("b", 2, "No answer in 60 s. Check the network.")
    assert "again" in failure.fix


def test_a_bug_costs_one_document_and_names_its_class_and_line_but_not_its_text() -> None:
    labeller = ScriptedLabeller(ZeroDivisionError("secret of the model"), NOTHING)
    _, [extraction], [failure] = run([sourced("a"), sourced("b")], labeller)
    assert extraction.id == "b"
    assert failure.cause.startswith("ZeroDivisionError at extractor/worker.py:")
    assert "secret" not in failure.model_dump_json()


@pytest.mark.parametrize("name", ["\udcff.jsonl#1", "a\ud800"])
def test_what_utf_8_cannot_hold_does_not_stop_a_job(name: str) -> None:
    _, _, failures = run([bad(name), sourced(name)], ScriptedLabeller(NOTHING))
    assert len(failures) == 2
    assert all("\\ud" in (failure.id or "") for failure in failures)


def test_counts_add_up() -> None:
    labeller = ScriptedLabeller(NOTHING, ValueError(), NOTHING)
    streams, extractions, failures = run([sourced("a"), bad("b"), sourced("c"), sourced("d")], labeller)
    counts = streams.counts
    assert (counts.documents, counts.extracted, counts.failed) == (4, len(extractions), len(failures)) == (4, 2, 2)
    assert (counts.calls, counts.cost_usd) == (2, 0.5)


def test_the_cost_is_unknown_when_one_price_is() -> None:
    counts = Streams(io.BytesIO(), io.BytesIO()).counts
    for cost in (0.5, None, 0.5):
        provenance = Provenance(extractor="0", labeller="x", model="x", cost_usd=cost)
        counts.add(Extraction(id="1", title="", abstract="", system=None, claims=(), hardware=(), provenance=provenance))
    assert counts.cost_usd is None


def test_no_record_is_held_and_none_is_read_ahead() -> None:
    written: list[weakref.ref[Extraction]] = []
    read = 0

    class Forgetful(Streams):
        def add(self, record: Extraction) -> None:
            written.append(weakref.ref(record))

    def items() -> Iterator[Sourced]:
        nonlocal read
        for read in range(1, 21):
            yield sourced(str(read))

    def look(_: Counts) -> None:
        assert len(written) == read
        assert sum(reference() is not None for reference in written) <= 1

    labeller = ScriptedLabeller(*[NOTHING] * 20)
    asyncio.run(run_job(items(), labeller, Forgetful(io.BytesIO(), io.BytesIO()), look))
    assert read == 20


def test_a_stream_gets_each_record_at_once(tmp_path: Path) -> None:
    def look(counts: Counts) -> None:
        written = [(tmp_path / name).read_bytes().count(b"\n") for name in ("extractions", "failures")]
        assert written == [counts.extracted, counts.failed]

    with (tmp_path / "extractions").open("wb") as extractions, (tmp_path / "failures").open("wb") as failures:
        job: list[Sourced | BadRecord] = [sourced("a"), bad("b"), sourced("c")]
        asyncio.run(run_job(job, ScriptedLabeller(NOTHING, NOTHING), Streams(extractions, failures), look))


def test_progress_hears_of_every_record() -> None:
    heard: list[int] = []
    job = run_job(
        [sourced("a"), bad("b"), sourced("c")],
        ScriptedLabeller(NOTHING, NOTHING),
        Streams(io.BytesIO(), io.BytesIO()),
        lambda counts: heard.append(counts.documents),
    )
    asyncio.run(job)
    assert heard == [1, 2, 3]
