"""Several processes: the same records in the same order, and none lost when processes die."""

import asyncio
import io
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from multiprocessing import Pipe, active_children, current_process
from multiprocessing.context import SpawnProcess

import pytest

from extractor import extract
from extractor.documents import Document
from extractor.errors import JobError
from extractor.jobs import workers
from extractor.jobs.flow import Item, Stop
from extractor.jobs.job import Watch
from extractor.jobs.sinks import Portion, Streams
from extractor.jobs.workers import PORTION, Workers, _Worker, run_workers
from extractor.outputs.jsonl import to_line
from extractor.sources import BadRecord, Location, Sourced


def paper(n: int) -> Sourced:
    document = Document(f"p{n}", f"FastNet {n}", f"FastNet is {n}.5x faster than SlowNet on a GPU.")
    return Sourced(document, Location("papers.jsonl", n))


def run(items: Iterator[Item], count: int = 2, *, in_order: bool = True, stop: Stop | None = None) -> tuple[Streams, bool]:
    streams = Streams(io.BytesIO(), io.BytesIO())
    whole = asyncio.run(run_workers(items, count, streams, Watch(), stop or Stop(), in_order=in_order))
    return streams, whole


def written(streams: Streams) -> tuple[list[str], list[str | None]]:
    assert isinstance(streams.extractions, io.BytesIO)
    assert isinstance(streams.failures, io.BytesIO)
    done, failed = (
        [json.loads(line)["id"] for line in s.getvalue().splitlines()] for s in (streams.extractions, streams.failures)
    )
    return done, failed


def fine(_worker: object, items: list[Item]) -> Portion:
    """In the place of a process."""
    ids = [item.document.id for item in items if isinstance(item, Sourced)]
    portion = Portion([(id, f'{{"id": "{id}"}}\n'.encode()) for id in ids])
    portion.counts.documents = len(portion.lines)
    return portion


def test_two_processes_write_what_one_would_in_the_order_of_the_input() -> None:
    def items() -> Iterator[Item]:
        for n in range(3 * PORTION + 5):
            if n == 7:
                yield BadRecord(Location("papers.jsonl", n), "bad", "no abstract", "Add one.")
            yield paper(n)

    streams, whole = run(items())
    assert whole
    assert written(streams) == ([f"p{n}" for n in range(3 * PORTION + 5)], ["bad"])
    counts = streams.counts
    assert (counts.documents, counts.failed, counts.claims["speedup"]) == (3 * PORTION + 6, 1, 3 * PORTION + 5)
    assert isinstance(streams.extractions, io.BytesIO)
    first = json.loads(streams.extractions.getvalue().splitlines()[0])
    wanted = json.loads(to_line(extract(paper(0).document.title, paper(0).document.abstract, id="p0")))
    assert [first[name] for name in ("claims", "hardware")] == [wanted[name] for name in ("claims", "hardware")]


def pids_of(pool: Workers) -> list[int]:
    return [worker.process.pid for worker in pool._all if worker.process is not None and worker.process.pid is not None]


def test_a_killed_process_costs_no_record(monkeypatch: pytest.MonkeyPatch) -> None:
    count = 4 * PORTION
    killed: list[int] = []
    really = workers._Worker._try

    def killing(worker: workers._Worker, items: list[Item]) -> Portion | None:
        if not killed and worker.process is not None and worker.process.pid is not None:
            killed.append(worker.process.pid)
            os.kill(killed[0], signal.SIGKILL)
        return really(worker, items)

    async def scene() -> tuple[list[str], list[int]]:
        async with Workers(1) as pool:
            await pool.work_off([paper(0)])  # it has started
            monkeypatch.setattr(workers._Worker, "_try", killing)
            work = [pool.work_off([paper(n + k) for k in range(PORTION)]) for n in range(0, count, PORTION)]
            portions = await asyncio.gather(*work)
            return [name for portion in portions for name, _ in portion.lines], [*killed, *pids_of(pool)]

    names, pids = asyncio.run(scene())
    assert names == [f"p{n}" for n in range(count)]
    assert len(set(pids)) == 2
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_document_that_ends_every_process_is_a_failure_and_the_only_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def deadly(worker: object, items: list[Item]) -> Portion | None:
        return None if any(isinstance(item, Sourced) and item.document.id == "p5" for item in items) else fine(worker, items)

    monkeypatch.setattr(workers._Worker, "_try", deadly)

    async def scene() -> Portion:
        async with Workers(1) as pool:
            return await pool.work_off([paper(n) for n in range(PORTION)])

    portion = asyncio.run(scene())
    assert [name for name, _ in portion.lines] == [f"p{n}" for n in range(PORTION) if n != 5]
    [failure] = portion.failures
    assert (failure.id, failure.line, failure.cause) == ("p5", 5, "the process that worked on it ended, twice")
    assert (portion.counts.documents, portion.counts.failed) == (PORTION, 1)


def test_processes_that_do_not_start_stop_the_job_with_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_serve", os._exit)  # cannot be called with a pipe: ends at once, with a traceback
    monkeypatch.setattr(workers, "_STARTS", 1)
    with pytest.raises(JobError, match=r"a worker process does not start \(exit code 1\)\. Look for the reason above"):
        run(iter([paper(1)]), 1)


def test_an_input_that_keeps_waiting_holds_nothing_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second document comes only when the first is written, as a person at a pipe may do it."""
    monkeypatch.setattr(workers._Worker, "_try", fine)
    seen = threading.Event()

    class Telling(Streams):
        def take(self, portion: Portion) -> None:
            super().take(portion)
            seen.set()

    def items() -> Iterator[Item]:
        yield paper(1)
        assert seen.wait(30)
        yield paper(2)

    streams = Telling(io.BytesIO(), io.BytesIO())
    assert asyncio.run(run_workers(items(), 1, streams, Watch(), Stop()))
    assert written(streams)[0] == ["p1", "p2"]


def test_what_the_input_raises_is_raised_when_all_before_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers._Worker, "_try", fine)
    streams = Streams(io.BytesIO(), io.BytesIO())

    def items() -> Iterator[Item]:
        yield from (paper(n) for n in range(PORTION + 1))
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        asyncio.run(run_workers(items(), 1, streams, Watch(), Stop()))
    assert streams.counts.documents == PORTION + 1


def test_a_job_that_is_asked_to_stop_writes_what_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers._Worker, "_try", fine)
    said: list[str] = []
    stop = Stop(said.append)
    endless = (paper(n) for n in range(1_000_000))
    threading.Timer(0.2, stop.ask).start()
    began = time.monotonic()
    streams, whole = run(endless, 1, stop=stop)
    assert not whole
    assert time.monotonic() - began < 30
    names, _ = written(streams)
    assert names == [f"p{n}" for n in range(len(names))]


def pids_of_workers() -> set[int]:
    return {child.pid for child in active_children() if child.pid is not None}


def test_a_process_that_is_killed_while_it_starts_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """More often than a process that ends by itself is started again."""
    begun: list[int] = []
    start = SpawnProcess.start

    def killed(process: SpawnProcess) -> None:
        start(process)
        assert process.pid is not None
        begun.append(process.pid)
        if len(begun) <= 5:
            os.kill(process.pid, signal.SIGKILL)

    monkeypatch.setattr(SpawnProcess, "start", killed)

    async def scene() -> Portion:
        async with Workers(1) as pool:
            return await pool.work_off([paper(1), paper(2)])

    assert [name for name, _ in asyncio.run(scene()).lines] == ["p1", "p2"]
    assert len(begun) == 6


@pytest.mark.skipif(not hasattr(os, "waitid"), reason="the system does not tell who is stopped")
def test_a_stopped_process_does_not_hold_an_ordered_job_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_LOOK", 0.2)
    monkeypatch.setattr(workers, "_PATIENCE", 100_000)
    stopped: list[int] = []
    before = pids_of_workers()

    async def scene() -> list[str]:
        async with Workers(2) as pool:
            await pool.work_off([paper(0)])
            stopped.extend(pids_of_workers() - before)
            for pid in stopped:
                os.kill(pid, signal.SIGSTOP)
            portions = await asyncio.gather(*(pool.work_off([paper(n), paper(n + 1)]) for n in (1, 3)))
            return [name for portion in portions for name, _ in portion.lines]

    assert asyncio.run(scene()) == ["p1", "p2", "p3", "p4"]
    assert not set(stopped) & pids_of_workers()


def test_a_process_that_says_nothing_is_taken_to_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_is_stopped", lambda _process: False)
    ours, theirs = Pipe()
    with ours, theirs:
        monkeypatch.setattr(workers, "_LOOK", 0.01)
        worker = _Worker()
        worker.process = current_process()
        with pytest.raises(EOFError):
            worker._received(ours)
        theirs.send("an answer")
        assert worker._received(ours) == "an answer"
