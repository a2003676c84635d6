"""From reader to writer: many portions of an input under way, in bounded memory, in order or as they come."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from typing import Any, Generic, TypeAlias, TypeVar

from extractor.documents import Document
from extractor.errors import BudgetError, JobError
from extractor.jobs.progress import Watch
from extractor.jobs.stopping import Stop
from extractor.sources import BadRecord, Sourced

Item: TypeAlias = Sourced | BadRecord
T = TypeVar("T")


class Flow(Generic[T]):
    """A job with many portions of the input under way. One task reads and starts them, one writes what comes of them.

    `is_done` says what needs no work, `work` makes an outcome of a portion, `settle` writes it down; up to `window` portions
    are begun and not written.
    """

    def __init__(
        self,
        portions: AsyncIterator[list[Item]],
        is_done: Callable[[Document], bool],
        work: Callable[[list[Item]], Coroutine[Any, Any, T]],
        settle: Callable[[T], None],
        watch: Watch,
        window: int,
        *,
        in_order: bool,
    ) -> None:
        self._portions, self._is_done, self._work, self._write_down = portions, is_done, work, settle
        self._watch = watch
        self._room = asyncio.Semaphore(window)
        self._in_order = in_order
        # What waits to be written: begun portions in the order of the input, or those that are done. None is the end.
        self._queue: asyncio.Queue[asyncio.Task[T] | None] = asyncio.Queue()
        self._running: set[asyncio.Task[T]] = set()
        self._sizes: dict[asyncio.Task[T], int] = {}  # how many documents are in what is not written
        self._head: asyncio.Task[T] | None = None
        self._reader: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._trouble: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self, stop: Stop) -> bool:
        """Run the job to its end or its trouble; whether the whole input was worked off."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()

        def drain() -> int:  # from a signal's handler, which has to wake the loop up
            loop.call_soon_threadsafe(self._drain)
            return sum(self._sizes[task] for task in self._running)

        def halt() -> None:
            if task is not None:
                loop.call_soon_threadsafe(task.cancel)

        with stop.flow(drain, halt):
            if not stop.asked:
                await self._run()
        return self._watch.read_through

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
            except JobError:
                return  # the trouble is known
            self._head = None
            self._room.release()
            self._settle(task, outcome)

    def _settle(self, task: asyncio.Task[T], outcome: T) -> None:
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
                self._settle(task, task.result())
