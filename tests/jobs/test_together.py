"""Documents that are worked off together: what one of them comes to has nothing to do with the others."""

import asyncio
import io
import json
from collections.abc import Iterable, Iterator
from itertools import count, islice

import pytest

from extractor.documents import Document
from extractor.errors import CallError, JobError, ProviderError
from extractor.jobs.flow import Item, Stop, run_job, run_together, work_off
from extractor.jobs.job import Watch
from extractor.jobs.sinks import Portion, Streams
from extractor.labelling.rules import RulesLabeller
from extractor.labels import Labelled
from extractor.sources import BadRecord, Location, Sourced
from extractor.spotting import Mentions, spot


class Listening(Streams):
    """Streams that remember how many documents they got at once."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), io.BytesIO())
        self.taken: list[int] = []

    def is_done(self, document: Document) -> bool:
        return document.id.startswith("done")

    def take(self, portion: Portion) -> None:
        super().take(portion)
        self.taken.append(portion.counts.documents)

    @property
    def ids(self) -> list[str]:
        assert isinstance(self.extractions, io.BytesIO)
        return [json.loads(line)["id"] for line in self.extractions.getvalue().splitlines()]


class Failing(RulesLabeller):
    """The rules, which raise an error for the documents that bear its name."""

    errors = (ValueError("a bug"), CallError("no answer", "Ask again."), ProviderError("refused", "Ask another."))

    async def label(self, document: Document, mentions: Mentions) -> Labelled:
        for error in (*self.errors, JobError("no key", "Give one.")):
            if document.id.startswith(type(error).__name__):
                raise error
        return await super().label(document, mentions)


def papers(*names: str, abstract: str = "FastNet is 2.5x faster than SlowNet.") -> Iterator[Sourced]:
    return (Sourced(Document(name, f"FastNet {name}", abstract), Location("in.jsonl", n)) for n, name in enumerate(names, 1))


def together(items: Iterable[Item], stop: Stop | None = None, watch: Watch | None = None) -> tuple[bool, Listening]:
    sink = Listening()
    return asyncio.run(run_together(items, Failing(), sink, watch or Watch(), stop or Stop())), sink


def test_each_document_comes_to_what_it_comes_to_alone() -> None:
    items: list[Item] = [
        *papers("a", "ValueError", "b", "CallError", "ProviderError"),
        BadRecord(Location("in", 9), None, "?", "!"),
    ]
    portion = asyncio.run(work_off(Failing(), items))
    alone = Streams(io.BytesIO(), io.BytesIO())
    asyncio.run(run_job(items, Failing(), alone))
    assert isinstance(alone.extractions, io.BytesIO)
    lines = [json.loads(line) for line in alone.extractions.getvalue().splitlines()]
    assert [name for name, _ in portion.lines] == ["a", "b"]
    for (_, line), expected in zip(portion.lines, lines, strict=True):
        seen = json.loads(line)
        assert seen["provenance"].pop("seconds") > 0 < expected["provenance"].pop("seconds")
        assert seen == expected
    assert isinstance(alone.failures, io.BytesIO)
    failures = [json.loads(line) for line in alone.failures.getvalue().splitlines()]
    assert [failure.model_dump(mode="json") for failure in portion.failures] == failures
    assert (portion.counts.documents, portion.counts.failed) == (6, 4)


def test_all_of_a_portion_take_a_step_before_any_takes_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []

    class Telling(RulesLabeller):
        async def label(self, document: Document, mentions: Mentions) -> Labelled:
            steps.append(f"label {document.title}")
            return await super().label(document, mentions)

    def telling(text: str) -> Mentions:
        steps.append(f"spot {text.partition(chr(10))[0]}")
        return spot(text)

    monkeypatch.setattr("extractor.worker.spot", telling)
    asyncio.run(work_off(Telling(), papers("a", "b")))
    assert steps == ["spot FastNet a", "spot FastNet b", "label FastNet a", "label FastNet b"]


def test_what_is_written_at_once_is_bounded_in_characters_and_documents() -> None:
    _, long = together(papers(*map(str, range(5)), abstract="It is fast. " * 2_000))
    assert long.taken == [2, 2, 1]
    _, short = together(papers(*map(str, range(100)), abstract="No."))
    assert short.taken == [64, 36]
    assert short.ids == [str(n) for n in range(100)]


def test_what_is_done_is_not_done_again_and_progress_counts_it() -> None:
    watch = Watch()
    through, sink = together([*papers("done", "a", "done too")], watch=watch)
    assert (through, sink.ids, sink.taken) == (True, ["a"], [1])
    assert (watch.read, watch.skipped, watch.settled, watch.read_through) == (3, 2, 1, True)


def test_a_stop_ends_after_the_documents_at_hand() -> None:
    stop, read = Stop(), count()

    def items() -> Iterator[Sourced]:
        for paper in papers(*map(str, range(100))):
            if next(read) == 3:
                stop.ask()
            yield paper

    through, sink = together(items(), stop)
    assert (through, sink.ids, next(read)) == (False, ["0", "1", "2", "3"], 4)


def test_what_was_read_before_the_input_breaks_is_written() -> None:
    def items() -> Iterator[Sourced]:
        yield from islice(papers("a", "b"), 2)
        raise RuntimeError("broken")

    sink = Listening()
    with pytest.raises(RuntimeError, match="broken"):
        asyncio.run(run_together(items(), Failing(), sink, Watch(), Stop()))
    assert sink.ids == ["a", "b"]


def test_trouble_of_the_job_ends_it() -> None:
    with pytest.raises(JobError, match="no key"):
        together(papers("a", "JobError"))
