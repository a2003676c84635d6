"""An input that may keep its reader waiting, read on a thread beside the job."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")
_AHEAD = 2
"""Portions that are read before they are asked for."""
_PATIENCE = 0.05
"""Seconds that a portion waits to become full, where the input keeps the job waiting."""


async def read_beside(items: Iterable[T], size: int) -> AsyncIterator[list[T]]:
    """Portions of an input that is read on a thread, two ahead. One that the input keeps waiting comes before it is full."""
    reader = _Reader(items, size, asyncio.get_running_loop())
    try:
        while portion := await reader.portion():
            yield portion
    finally:
        reader.end()


class _Reader(Generic[T]):
    """Reads items on a daemon thread: a job that stops does not wait for a pipe that nobody writes to."""

    def __init__(self, items: Iterable[T], size: int, loop: asyncio.AbstractEventLoop) -> None:
        self._items, self._size, self._loop = items, size, loop
        self._changed = asyncio.Event()
        self._room = threading.Condition()
        self._read: list[T] = []
        self._over = False
        self._error: BaseException | None = None
        threading.Thread(target=self._run, name="extractor input", daemon=True).start()

    async def portion(self) -> list[T]:
        """The next items, at most a portion of them; none at the end. Raises what reading raises, after what came before it."""
        while True:
            self._changed.clear()
            if len(self._read) < self._size and not self._over:
                with suppress(TimeoutError):
                    # Not `wait_for`, which in Python 3.11 swallows a stop that comes in the same turn as what it waits for.
                    async with asyncio.timeout(_PATIENCE if self._read else None):
                        await self._changed.wait()
                    continue
            with self._room:
                portion, self._read = self._read[: self._size], self._read[self._size :]
                self._room.notify()
            if portion:
                return portion
            if self._error is not None:
                raise self._error
            if self._over:
                return []

    def end(self) -> None:
        """Read no more."""
        with self._room:
            self._over = True
            self._room.notify()

    def _run(self) -> None:
        try:
            for item in self._items:
                with self._room:
                    self._read.append(item)
                    full = len(self._read) % self._size == 0
                    first = len(self._read) == 1
                    self._room.wait_for(lambda: len(self._read) < _AHEAD * self._size or self._over)
                    if self._over:
                        return
                if full or first:
                    self._tell()
        except BaseException as error:  # noqa: BLE001 (it is raised where the items are asked for)
            self._error = error
        self._over = True
        self._tell()

    def _tell(self) -> None:
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._changed.set)
