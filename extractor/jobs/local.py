"""A job on this machine: every input record through the worker, in order, into exactly one of the sink's two places."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from pathlib import Path
from traceback import extract_tb
from typing import TypeAlias

from extractor.documents import Document
from extractor.errors import ExtractorError
from extractor.jobs.counts import Counts
from extractor.jobs.sinks import Sink
from extractor.labelling.base import Labeller
from extractor.llm.failures import BudgetError, CallError, JobError, Spent
from extractor.records import Extraction, Failure
from extractor.sources import BadRecord, Location, Sourced
from extractor.worker import extract_document

_Outcome: TypeAlias = Extraction | tuple[Failure, Spent | None]
_Items: TypeAlias = Iterable[Sourced | BadRecord] | AsyncIterable[Sourced | BadRecord]


async def run_job(
    items: _Items,
    labeller: Labeller,
    sink: Sink,
    progress: Callable[[Counts], None] = lambda _: None,
    window: int = 1,
) -> None:
    """Extract each document that the sink does not hold yet, up to `window` of them at once, written in the order of the input.

    A record that cannot be read and a document that a step fails on become failures and stop nothing. Raises `JobError`
    when no later document can fare better, and what reading the input and writing to the sink raise. However a job with a
    window ends, what is done by then is written.
    """
    if window > 1 or isinstance(items, AsyncIterable):
        await _Flow(items, labeller, sink, progress, window).run()
        return
    for item in items:
        if isinstance(item, BadRecord):
            _settle(sink, _bad(item))
        elif not sink.is_done(item.document):
            _settle(sink, await _attempt(item.document, item.location, labeller))
        progress(sink.counts)


class _Flow:
    """A job with many documents under way. One task reads and starts documents, one writes the outcomes in order."""

    def __init__(self, items: _Items, labeller: Labeller, sink: Sink, progress: Callable[[Counts], None], window: int) -> None:
        self._items, self._labeller, self._sink, self._progress = items, labeller, sink, progress
        self._room = asyncio.Semaphore(window)
        # What waits to be written, in the order of the input; None is the end.
        self._started: asyncio.Queue[asyncio.Future[_Outcome] | _Outcome | None] = asyncio.Queue()
        self._running: set[asyncio.Task[_Outcome]] = set()
        self._head: asyncio.Future[_Outcome] | None = None
        self._trouble: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Run the job to its end or its trouble."""
        reader, writer = asyncio.create_task(self._read()), asyncio.create_task(self._write())
        try:
            await asyncio.wait({writer, self._trouble}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (reader, writer):
                task.cancel()
            await asyncio.wait({reader, writer})
            broken = not writer.cancelled() and writer.exception() is not None
            await self._wind_up(write=not broken)
        for task in (writer, reader):
            if not task.cancelled():
                task.result()
        if self._trouble.done():
            self._trouble.result()

    async def _read(self) -> None:
        try:
            async for item in _each(self._items):
                if isinstance(item, Sourced) and self._sink.is_done(item.document):
                    self._progress(self._sink.counts)
                    continue
                await self._room.acquire()
                self._started.put_nowait(_bad(item) if isinstance(item, BadRecord) else self._start(item))
        finally:
            self._started.put_nowait(None)

    def _start(self, item: Sourced) -> asyncio.Task[_Outcome]:
        task = asyncio.create_task(self._extract(item))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _extract(self, item: Sourced) -> _Outcome:
        try:
            return await _attempt(item.document, item.location, self._labeller)
        except JobError as error:
            if not self._trouble.done():
                self._trouble.set_exception(error)
            # Here and not when the job wakes up: the place of this call goes to the next document at once. A job at its
            # cap lets the calls under way end, because they are paid for; in any other trouble they would meet the same.
            if not isinstance(error, BudgetError):
                self._cancel(self._running - {asyncio.current_task()})
            raise

    @staticmethod
    def _cancel(tasks: Iterable[asyncio.Future[_Outcome]]) -> None:
        for task in tasks:
            task.cancel()

    async def _write(self) -> None:
        while (entry := await self._started.get()) is not None:
            if isinstance(entry, asyncio.Future):
                self._head = entry
                try:
                    outcome = await asyncio.shield(entry)
                except JobError:
                    return  # the trouble is known
                self._head = None
            else:
                outcome = entry
            self._room.release()
            _settle(self._sink, outcome)
            self._progress(self._sink.counts)

    async def _wind_up(self, write: bool) -> None:
        """End what is under way, and write what is done: it was paid for."""
        left = [] if self._head is None else [self._head]
        while not self._started.empty():
            if isinstance(entry := self._started.get_nowait(), asyncio.Future):
                left.append(entry)
        trouble = self._trouble.exception() if self._trouble.done() else None
        if not isinstance(trouble, BudgetError):
            self._cancel(left)
        if left:
            await asyncio.wait(left)
        for task in left:
            if not task.cancelled() and task.exception() is None and write:
                _settle(self._sink, task.result())


async def _each(items: _Items) -> AsyncIterator[Sourced | BadRecord]:
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item
            await asyncio.sleep(0)  # calls under way get their turn between two records


def _settle(sink: Sink, outcome: _Outcome) -> None:
    if isinstance(outcome, Extraction):
        sink.add(outcome)
    else:
        sink.fail(*outcome)


async def _attempt(document: Document, location: Location, labeller: Labeller) -> _Outcome:
    if _encodable(document.id + document.text) != document.id + document.text:
        cause = "the record holds half of a surrogate pair, which is no character"
        return _failure(document.id, location, cause, "Take the \\ud800 to \\udfff out of it."), None
    try:
        return await extract_document(document, labeller)
    except JobError:
        raise
    except CallError as error:
        return _failure(document.id, location, error.cause, error.fix), error.spent
    except ExtractorError as error:
        return _failure(document.id, location, str(error), "Run the same command again: what failed is tried again."), None
    except Exception as error:  # noqa: BLE001 (a bug that one document shows must not cost the others)
        kind = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
        cause = f"{kind} at {_place(error)}"
        return _failure(document.id, location, cause, "This is a bug: report it with the abstract."), None


def _bad(item: BadRecord) -> tuple[Failure, None]:
    return _failure(item.id, item.location, item.cause, item.fix), None


def _failure(document: str | None, location: Location, cause: str, fix: str) -> Failure:
    return Failure(
        id=None if document is None else _encodable(document),
        source=_encodable(str(location.path)),
        line=location.line,
        cause=_encodable(cause),
        fix=_encodable(fix),
    )


def _encodable(text: str) -> str:
    """The text without lone surrogates, which file names and JSON escapes can hold and UTF-8 cannot."""
    return text.encode(errors="backslashreplace").decode()


def _place(error: Exception) -> str:
    """The innermost line of the package that an error passed through, as `extractor/module.py:123`."""
    home = Path(__file__).parents[1]
    places = [(Path(frame.filename), frame.lineno) for frame in extract_tb(error.__traceback__)]
    inside = [(path, line) for path, line in places if path.is_relative_to(home)]
    path, line = (inside or places)[-1]
    return f"{path.relative_to(home.parent) if inside else path.name}:{line}"
