"""An input that may keep its reader waiting (a pipe), read on a thread of its own while calls are under way."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable
from queue import SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")


class Ahead(Generic[T]):
    """The items of a blocking iterable, as an asynchronous one. One item is read when one is asked for, none ahead.

    The thread is a daemon: a job that stops does not wait for a pipe that nobody writes to.
    """

    def __init__(self, items: Iterable[T]) -> None:
        self._items = items
        self._asked: SimpleQueue[asyncio.Future[tuple[T] | None] | None] = SimpleQueue()

    async def __aiter__(self) -> AsyncIterator[T]:
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, args=(loop,), name="extractor input", daemon=True).start()
        try:
            while True:
                future: asyncio.Future[tuple[T] | None] = loop.create_future()
                self._asked.put(future)
                if (item := await future) is None:
                    return
                yield item[0]
        finally:
            self._asked.put(None)

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        items = iter(self._items)
        while (future := self._asked.get()) is not None:
            try:
                item = next(((item,) for item in items), None)
            except BaseException as error:  # noqa: BLE001 (it is raised where the item was asked for)
                _hand_over(loop, future, error)
            else:
                _hand_over(loop, future, item)


def _hand_over(
    loop: asyncio.AbstractEventLoop, future: "asyncio.Future[tuple[T] | None]", item: "tuple[T] | BaseException | None"
) -> None:
    def settle() -> None:
        if future.done():  # the job has stopped meanwhile
            return
        if isinstance(item, BaseException):
            future.set_exception(item)
        else:
            future.set_result(item)

    try:
        loop.call_soon_threadsafe(settle)
    except RuntimeError:  # the loop is closed
        return
