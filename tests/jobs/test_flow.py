"""Every input record ends in exactly one of the two places, whatever happens to it."""

import asyncio
import io
import json
import threading
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from extractor.documents import Document
from extractor.errors import BudgetError, CallError, JobError, ProviderError, Spent
from extractor.jobs.flow import run_job
from extractor.jobs.job import Watch
from extractor.jobs.sinks import Streams
from extractor.labels import Labelled, Labels
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


async def turns(tens: str) -> None:
    """Give way to others that many times; never come back from `never`."""
    if tens == "never":
        await asyncio.Event().wait()
    for _ in range(10 * int(tens)):
        await asyncio.sleep(0)


class SlowLabeller:
    """Answers a document `name:n` after 10 n turns of the loop, with what `raises` has for it; `name:never` is not answered."""

    name = "slow"

    def __init__(self, raises: dict[str, Exception] | None = None) -> None:
        self.raises = raises or {}
        self.under_way = self.most_at_once = 0
        self.asked: list[str] = []
        self.cancelled: list[str] = []

    async def label(self, document: Document, mentions: Mentions) -> Labelled:  # noqa: ARG002 (the protocol's)
        self.asked.append(document.id)
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        try:
            await turns(document.id.partition(":")[2] or "0")
        except asyncio.CancelledError:
            self.cancelled.append(document.id)
            raise
        finally:
            self.under_way -= 1
        if error := self.raises.get(document.id):
            raise error
        return Labelled(NOTHING, Provenance(extractor="0", labeller=self.name, model=self.name, calls=1))


def run_many(
    items: Iterable[Sourced | BadRecord], labeller: SlowLabeller, window: int = 4, *, beside: bool = False
) -> tuple[list[str], list[str | None], Exception | None]:
    """What lands where, in its order, and what the job raises."""
    streams = Streams(extractions := io.BytesIO(), failures := io.BytesIO())
    raised: Exception | None = None
    try:
        asyncio.run(run_job(items, labeller, streams, window=window, beside=beside))
    except (JobError, OSError) as error:
        raised = error
    return (
        [Extraction.model_validate_json(line).id for line in extractions.getvalue().splitlines()],
        [Failure.model_validate_json(line).id for line in failures.getvalue().splitlines()],
        raised,
    )


def test_many_at_once_are_written_in_the_order_of_the_input() -> None:
    labeller = SlowLabeller({"d:1": CallError("no answer", "Try again.", Spent(calls=3))})
    items: list[Sourced | BadRecord] = [
        sourced("a:6"),
        sourced("b:0"),
        bad("c"),
        sourced("d:1"),
        sourced("e:3"),
        sourced("f:0"),
    ]
    assert run_many(items, labeller) == (["a:6", "b:0", "e:3", "f:0"], ["c", "d:1"], None)
    assert labeller.most_at_once > 1


def test_the_window_bounds_what_is_read_ahead_and_held() -> None:
    read: list[int] = []

    def items() -> Iterator[Sourced]:
        for n in range(50):
            read.append(n)
            yield sourced(f"{n}:{20 if n == 0 else 0}")

    class Watched(Streams):
        def add(self, record: Extraction) -> None:
            super().add(record)
            assert len(read) <= self.counts.documents + 6 + 1

    labeller = SlowLabeller()
    streams = Watched(io.BytesIO(), io.BytesIO())
    asyncio.run(run_job(items(), labeller, streams, window=6))
    assert streams.counts.documents == 50
    assert labeller.most_at_once <= 6


def test_a_trouble_of_the_whole_job_ends_it_at_once_and_keeps_what_is_done() -> None:
    labeller = SlowLabeller({"c:2": JobError("the key is wrong", "Set it.")})
    items = [sourced("a:never"), sourced("b:0"), sourced("c:2"), sourced("d:never"), sourced("e:0"), sourced("f:0")]
    done, failed, raised = run_many(items, labeller)
    assert (done, failed, str(raised)) == (["b:0"], [], "the key is wrong. Set it.")
    assert labeller.asked == ["a:never", "b:0", "c:2", "d:never"]
    assert sorted(labeller.cancelled) == ["a:never", "d:never"]


def test_a_job_at_its_cap_waits_for_the_calls_that_are_paid_for() -> None:
    labeller = SlowLabeller({"b:1": BudgetError("the cap is reached", "Raise it.")})
    done, failed, raised = run_many([sourced("a:9"), sourced("b:1"), sourced("c:6"), sourced("d:9"), sourced("e:0")], labeller)
    assert (done, failed, str(raised)) == (["a:9", "c:6", "d:9"], [], "the cap is reached. Raise it.")
    assert labeller.cancelled == []


def test_an_input_that_breaks_off_raises_when_all_before_it_is_written() -> None:
    def items() -> Iterator[Sourced]:
        yield from (sourced("a:5"), sourced("b:0"))
        raise OSError("the disk is gone")

    done, _, raised = run_many(items(), SlowLabeller())
    assert (done, str(raised)) == (["a:5", "b:0"], "the disk is gone")


def test_a_sink_that_breaks_ends_the_job() -> None:
    class Full(Streams):
        def add(self, record: Extraction) -> None:
            raise OSError(f"no room for {record.id}")

    labeller = SlowLabeller()
    with pytest.raises(OSError, match="no room for a:0"):
        asyncio.run(run_job([sourced("a:0"), sourced("b:never")], labeller, Full(io.BytesIO(), io.BytesIO()), window=2))
    assert labeller.cancelled == ["b:never"]


def test_a_cancelled_job_writes_what_is_done() -> None:
    streams, labeller = Streams(extractions := io.BytesIO(), io.BytesIO()), SlowLabeller()

    async def scene() -> None:
        job = asyncio.create_task(
            run_job([sourced("a:never"), sourced("b:0"), sourced("c:never")], labeller, streams, window=3)
        )
        await turns("10")
        assert (len(labeller.asked), labeller.under_way) == (3, 2)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job

    asyncio.run(scene())
    assert [json.loads(line)["id"] for line in extractions.getvalue().splitlines()] == ["b:0"]


def test_an_input_that_keeps_waiting_holds_nothing_back() -> None:
    """The second record comes only when the first is written, as a person at a pipe may do it."""
    written = threading.Event()

    def items() -> Iterator[Sourced]:
        yield sourced("a:1")
        assert written.wait(10)
        yield sourced("b:1")

    class Telling(Streams):
        def add(self, record: Extraction) -> None:
            super().add(record)
            written.set()

    streams = Telling(io.BytesIO(), io.BytesIO())
    asyncio.run(run_job(items(), SlowLabeller(), streams, window=4, beside=True))
    assert streams.counts.documents == 2


def test_what_a_waiting_input_raises_is_raised() -> None:
    def items() -> Iterator[Sourced]:
        yield sourced("a:0")
        raise OSError("the pipe broke")

    assert str(run_many(items(), SlowLabeller(), beside=True)[2]) == "the pipe broke"


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

    class Forgetful(Streams):
        def add(self, record: Extraction) -> None:
            written.append(weakref.ref(record))

    def items() -> Iterator[Sourced]:
        for read in range(20):
            assert len(written) == read
            assert sum(reference() is not None for reference in written) <= 1
            yield sourced(str(read))

    labeller = ScriptedLabeller(*[NOTHING] * 20)
    assert asyncio.run(run_job(items(), labeller, Forgetful(io.BytesIO(), io.BytesIO())))
    assert len(written) == 20


def test_a_stream_gets_each_record_at_once(tmp_path: Path) -> None:
    def items() -> Iterator[Sourced | BadRecord]:
        job: list[Sourced | BadRecord] = [sourced("a"), bad("b"), sourced("c")]
        for n, item in enumerate(job):
            assert [(tmp_path / name).read_bytes().count(b"\n") for name in ("extractions", "failures")] == [
                [0, 0],
                [1, 0],
                [1, 1],
            ][n]
            yield item

    with (tmp_path / "extractions").open("wb") as extractions, (tmp_path / "failures").open("wb") as failures:
        assert asyncio.run(run_job(items(), ScriptedLabeller(NOTHING, NOTHING), Streams(extractions, failures)))


def test_progress_hears_of_every_record() -> None:
    streams = Streams(io.BytesIO(), io.BytesIO())
    watch = Watch()
    heard: list[tuple[int, int]] = []

    def items() -> Iterator[Sourced | BadRecord]:
        job: list[Sourced | BadRecord] = [sourced("a"), bad("b"), sourced("c")]
        for item in job:
            yield item
            heard.append((watch.read, watch.settled))

    assert asyncio.run(run_job(items(), ScriptedLabeller(NOTHING, NOTHING), streams, watch))
    assert heard == [(1, 1), (2, 2), (3, 3)]
    assert watch.read_through
