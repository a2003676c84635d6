"""Many documents through the worker: read, begun, ended and written down, in bounded memory, in order or as they come.

Every input record goes into exactly one of the sink's two places.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from traceback import extract_tb
from typing import Any, Generic, TypeAlias, TypeVar

from extractor.documents import Document
from extractor.errors import BudgetError, CallError, ExtractorError, JobError, Spent, StoppedError
from extractor.jobs.beside import read_beside
from extractor.jobs.job import Watch
from extractor.jobs.sinks import BulkSink, Portion, Sink
from extractor.labels import Labeller
from extractor.outputs.jsonl import to_line
from extractor.records import Extraction, Failure
from extractor.sources import BadRecord, Location, Sourced
from extractor.worker import STEPS, Work

Item: TypeAlias = Sourced | BadRecord
T = TypeVar("T")
_Outcome: TypeAlias = Extraction | tuple[Failure, Spent | None]
_TURNS = 10
"""Turns of the loop after a stop in which what only waited is gone."""
_TOGETHER, _MOST = 48_000, 64
"""Characters, those of 32 abstracts, and documents that are worked off together. A stop waits for them: 20 ms by rules."""


async def run_job(
    items: Iterable[Item],
    labeller: Labeller,
    sink: Sink,
    watch: Watch | None = None,
    window: int = 1,
    *,
    in_order: bool = True,
    beside: bool = False,
    stop: "Stop | None" = None,
    on_stop: Callable[[], None] = lambda: None,
) -> bool:
    """Extract each document that the sink does not hold yet, up to `window` of them at once.

    They are written in the order of the input, or else as they come; `beside` reads an input that may keep its reader waiting
    on a thread of its own. A record that cannot be read and a document that a step fails on become failures and stop nothing.
    `on_stop` is called when the job is asked to stop, so that nothing is waited for but what is under way.
    Returns whether the whole input was worked off; it was not when `stop` was asked on the way. Raises `JobError` when no later
    document can fare better, and what reading the input and writing to the sink raise. However a job with a window ends, what
    is done by then is written.
    """
    watch, stop = watch or Watch(), stop or Stop()
    write = partial(_write, sink)
    if window > 1 or beside:
        each = read_beside(items, 1) if beside else _each(items)
        flow = Flow(each, sink.is_done, partial(_one, labeller), write, watch, window, in_order=in_order)
        return await flow.run(stop, on_stop)
    for item in items:
        watch.read += 1
        if isinstance(item, Sourced) and sink.is_done(item.document):
            watch.skipped += 1
        else:
            outcome = await _one(labeller, [item])
            with stop.shielded():
                write(outcome)
            watch.settled += 1
        if stop.asked:
            return False
    watch.read_through = True
    return True


async def _each(items: Iterable[Item]) -> AsyncIterator[list[Item]]:
    for item in items:
        yield [item]
        await asyncio.sleep(0)  # calls under way get their turn between two records


def _write(sink: Sink, outcome: _Outcome) -> None:
    if isinstance(outcome, Extraction):
        sink.add(outcome)
    else:
        sink.fail(*outcome)


async def run_together(items: Iterable[Item], labeller: Labeller, sink: BulkSink, watch: Watch, stop: "Stop") -> bool:
    """Extract each document that the sink does not hold yet, and write down at once what some of them came to.

    For a labeller that never waits and an input that never keeps its reader waiting; else as `run_job`.
    """
    for portion in _portions(items, stop):
        new = [item for item in portion if isinstance(item, BadRecord) or not sink.is_done(item.document)]
        watch.read += len(portion)
        watch.skipped += len(portion) - len(new)
        done = await work_off(labeller, new)
        with stop.shielded():
            sink.take(done)
        watch.settled += len(new)
        if stop.asked:
            return False
    watch.read_through = True
    return True


def _portions(items: Iterable[Item], stop: "Stop") -> Iterator[list[Item]]:
    """Items in portions of as many characters as a few abstracts have. What was read before a stop, or before the input breaks,
    is one as well."""
    portion: list[Item] = []
    left = _TOGETHER
    try:
        for item in items:
            portion.append(item)
            left -= 0 if isinstance(item, BadRecord) else len(item.document.abstract)
            if left <= 0 or len(portion) >= _MOST or stop.asked:
                yield portion
                portion, left = [], _TOGETHER
    except Exception:
        if portion:
            yield portion
        raise
    if portion:
        yield portion


async def work_off(labeller: Labeller, items: Iterable[Item]) -> Portion:
    """Extract documents, all of them one step before any of them the next.

    One after the other they take 6% longer by rules: what a step needs is no longer near the processor when it is needed again.
    """
    portion = Portion()
    for outcome in await _outcomes(labeller, [*items]):
        if isinstance(outcome, Extraction):
            portion.lines.append((outcome.id, to_line(outcome)))
            portion.counts.add(outcome)
        else:
            portion.failures.append(outcome[0])
            portion.counts.fail(outcome[1])
    return portion


async def _one(labeller: Labeller, items: list[Item]) -> _Outcome:
    [outcome] = await _outcomes(labeller, items)
    return outcome


async def _outcomes(labeller: Labeller, items: list[Item]) -> list[_Outcome]:
    begun = [_begun(item) for item in items]
    for step in STEPS:
        for n, work in enumerate(begun):
            if isinstance(work, Work):
                try:
                    await step(work, labeller)
                except Exception as error:  # noqa: BLE001 (a bug that one document shows must not cost the others)
                    begun[n] = _failed(work.document, items[n].location, error)
    return [each.extraction if isinstance(each, Work) else each for each in begun]


def _begun(item: Item) -> "Work | tuple[Failure, Spent | None]":
    if isinstance(item, BadRecord):
        return failure(item.id, item.location, item.cause, item.fix), None
    document = item.document
    if _encodable(document.id + document.text) != document.id + document.text:
        cause = "the record holds half of a surrogate pair, which is not a character"
        return failure(document.id, item.location, cause, "Take the \\ud800 to \\udfff out of it."), None
    return Work(document)


def _failed(document: Document, location: Location, error: Exception) -> tuple[Failure, Spent | None]:
    """What came of a document that a step has failed on. Raises a `JobError`: no other document would fare better."""
    if isinstance(error, JobError):
        raise error
    if isinstance(error, CallError):
        return failure(document.id, location, error.cause, error.fix), error.spent
    if isinstance(error, ExtractorError):
        cause, fix = str(error), "Run the same command again: what failed is tried again."
    else:
        kind = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
        cause, fix = f"{kind} at {_raised_at(error)}", "This is a bug: report it with the abstract."
    return failure(document.id, location, cause, fix), None


def failure(document: str | None, location: Location, cause: str, fix: str) -> Failure:
    """An input record that gave no extraction, in words that can be written down."""
    return Failure(
        id=None if document is None else _encodable(document),
        source=_encodable(str(location.path)),
        line=location.line,
        cause=_encodable(cause),
        fix=_encodable(fix),
    )


def _encodable(text: str) -> str:
    """The text without lone surrogates, which file names and JSON escapes can hold and UTF-8 cannot."""
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


def _raised_at(error: Exception) -> str:
    """The innermost line of the package that an error passed through, as `extractor/module.py:123`."""
    home = Path(__file__).parents[1]
    frames = [(Path(frame.filename), frame.lineno) for frame in extract_tb(error.__traceback__)]
    inside = [(path, line) for path, line in frames if path.is_relative_to(home)]
    path, line = (inside or frames)[-1]
    return f"{path.relative_to(home.parent) if inside else path.name}:{line}"


class Flow(Generic[T]):
    """A job with many portions of the input under way. One task reads and starts them, one writes what comes of them.

    `is_done` says what needs no work, None that all does; `work` makes an outcome of a portion, `write` writes it down; up to
    `window` portions are begun and not written.
    """

    def __init__(
        self,
        portions: AsyncIterator[list[Item]],
        is_done: Callable[[Document], bool] | None,
        work: Callable[[list[Item]], Coroutine[Any, Any, T]],
        write: Callable[[T], None],
        watch: Watch,
        window: int,
        *,
        in_order: bool,
    ) -> None:
        self._portions, self._is_done, self._work, self._write_down = portions, is_done, work, write
        self._watch = watch
        self._room = asyncio.Semaphore(window)
        self._in_order = in_order
        # What waits to be written: begun portions in the order of the input, or those that are done. None is the end.
        self._queue: asyncio.Queue[asyncio.Task[T] | None] = asyncio.Queue()
        self._running: set[asyncio.Task[T]] = set()
        self._sizes: dict[asyncio.Task[T], int] = {}  # how many documents are in what is not written
        self._head: asyncio.Task[T] | None = None
        self._left = 0  # portions that the stop has left undone
        self._reader: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._trouble: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self, stop: "Stop", on_stop: Callable[[], None] = lambda: None) -> bool:
        """Run the job to its end or its trouble; whether the whole input was worked off. `on_stop`: see `run_job`."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()

        async def end() -> None:
            self._drain()
            on_stop()
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            stop.waits_for(sum(self._sizes[task] for task in self._running))

        def drain() -> None:  # from a signal's handler or another thread
            asyncio.run_coroutine_threadsafe(end(), loop)

        def halt() -> None:
            if task is not None:
                loop.call_soon_threadsafe(task.cancel)

        with stop.of(drain, halt):
            if not stop.asked:
                await self._run()
        return self._watch.read_through and not self._left

    def _drain(self) -> None:
        """Begin nothing more; what is under way goes on."""
        if self._reader is not None:
            self._reader.cancel()

    async def _run(self) -> None:
        self._reader, writer = asyncio.create_task(self._read()), asyncio.create_task(self._write())
        try:
            await asyncio.wait({writer, self._trouble}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (self._reader, writer):
                task.cancel()
            await asyncio.wait({self._reader, writer})
            broken = not writer.cancelled() and writer.exception() is not None
            await self._wind_up(write=not broken)
        for task in (writer, self._reader):
            if not task.cancelled():
                task.result()
        if self._trouble.done():
            self._trouble.result()

    async def _read(self) -> None:
        watch = self._watch
        try:
            async for portion in self._portions:
                new = portion
                if self._is_done is not None:
                    new = [item for item in portion if isinstance(item, BadRecord) or not self._is_done(item.document)]
                watch.skipped += len(portion) - len(new)
                watch.read += len(portion) - len(new)
                if new:
                    await self._room.acquire()
                    watch.read += len(new)
                    self._start(new)
            watch.read_through = True
        finally:
            self._ending = asyncio.create_task(self._end())

    async def _end(self) -> None:
        """Tell the writer of the end when it has come to it."""
        if not self._in_order:
            while self._running:
                await asyncio.wait(self._running)
        self._queue.put_nowait(None)

    def _start(self, portion: list[Item]) -> None:
        task = asyncio.create_task(self._attempt(portion))
        self._running.add(task)
        self._sizes[task] = len(portion)
        task.add_done_callback(self._done)
        if self._in_order:
            self._queue.put_nowait(task)

    def _done(self, task: asyncio.Task[T]) -> None:
        self._running.discard(task)
        if not self._in_order:
            self._queue.put_nowait(task)

    async def _attempt(self, portion: list[Item]) -> T:
        try:
            return await self._work(portion)
        except StoppedError:
            raise  # neither done nor failed; the others go on
        except JobError as error:
            if not self._trouble.done():
                self._trouble.set_exception(error)
            # Here and not when the job wakes up: the place of this call goes to the next document at once. A job at its
            # cap lets the calls under way end, because they are paid for; in any other trouble they would meet the same.
            if not isinstance(error, BudgetError):
                self._cancel(self._running - {asyncio.current_task()})
            raise

    @staticmethod
    def _cancel(tasks: Iterable[asyncio.Future[T]]) -> None:
        for task in tasks:
            task.cancel()

    async def _write(self) -> None:
        while (task := await self._queue.get()) is not None:
            self._head = task
            try:
                outcome = await asyncio.shield(task)
            except StoppedError:
                self._left += 1
            except JobError:
                return  # the trouble is known
            else:
                self._finish(task, outcome)
            self._head = None
            self._room.release()

    def _finish(self, task: asyncio.Task[T], outcome: T) -> None:
        self._write_down(outcome)
        self._watch.settled += self._sizes.pop(task)

    async def _wind_up(self, write: bool) -> None:
        """End what is under way, and write what is done: it was paid for."""
        left = [] if self._head is None else [self._head]
        while not self._queue.empty():
            if (task := self._queue.get_nowait()) is not None:
                left.append(task)
        left += [task for task in self._running if task not in left]
        trouble = self._trouble.exception() if self._trouble.done() else None
        if not isinstance(trouble, BudgetError):
            self._cancel(left)
        if left:
            await asyncio.wait(left)
        for task in left:
            if not task.cancelled() and task.exception() is None and write:
                self._finish(task, task.result())


class Stop:
    """Whether a job is asked to stop. `notice` is told in one line when that is going to take a while."""

    def __init__(self, notice: Callable[[str], None] = lambda _line: None) -> None:
        self._notice = notice
        self._flow: tuple[Callable[[], None], Callable[[], None]] | None = None
        self._shielded = False
        self.asked = False

    @contextmanager
    def of(self, drain: Callable[[], None], halt: Callable[[], None]) -> Iterator[None]:
        """What to call meanwhile, when asked for the first and for the second time."""
        self._flow = drain, halt
        try:
            yield
        finally:
            self._flow = None

    @contextmanager
    def shielded(self) -> Iterator[None]:
        """Only note the first asking meanwhile."""
        self._shielded = True
        try:
            yield
        finally:
            self._shielded = False

    def ask(self) -> bool:
        """Ask the job to stop. Whether it sees to that itself: else nothing is lost when it is interrupted where it is."""
        again, self.asked = self.asked, True
        if self._flow is None:
            return self._shielded and not again
        drain, halt = self._flow
        if again:
            halt()
        else:
            drain()
        return True

    def waits_for(self, documents: int) -> None:
        """Say how many documents are still under way, if any are."""
        if documents:
            self._notice(f"Stopping after the documents under way ({documents:,}); Ctrl-C again stops now.")
