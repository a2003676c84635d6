"""One labeller for many clients: each has its turn, however much another has asked for."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from typing import Literal

from extractor.errors import ExtractorError, JobError
from extractor.jobs.flow import Item
from extractor.jobs.job import Counts
from extractor.jobs.sinks import Portion
from extractor.sources.base import Location

Key = tuple[str, Literal["extracts", "jobs"]]
"""A client, and the way it asks: its jobs' portions wait apart from what is to be answered at once."""


class CrowdedError(ExtractorError):
    """A client has so much waiting that it has to come back later."""


@dataclass(frozen=True, slots=True, eq=False)
class _Ask:
    """A portion that waits. `whole` ones are worked off by themselves, others may share a way to the labeller."""

    items: list[Item]
    whole: bool
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Portion]


class Turns:
    """Has portions worked off by `work`, on so many threads, the clients in turn. May be asked from any event loop.

    Small portions go together, up to `most` documents, so that many clients with one document each cost little more than one
    with many.
    """

    def __init__(self, work: Callable[[list[Item]], Portion], threads: int, *, most: int, waiting: int) -> None:
        self._work, self._most, self._room = work, most, waiting
        self._queues: dict[Key, deque[_Ask]] = {}  # the next one to have its turn first
        self._changed = threading.Condition()
        self._closed = False
        self._threads = [threading.Thread(target=self._run, name="extractor turns", daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def put(self, key: Key, portions: Sequence[list[Item]], *, whole: bool = True) -> list[asyncio.Future[Portion]]:
        """Have portions worked off when their turn has come; to be called on the loop that waits for what they come to.

        Raises `CrowdedError` if too many documents wait that may share a way, and `JobError` when all is over. The futures
        raise what `work` raises; one that is cancelled is not begun.
        """
        loop = asyncio.get_running_loop()
        asks = [_Ask(items, whole, loop, loop.create_future()) for items in portions]
        with self._changed:
            if self._closed:
                raise _over()
            queue = self._queues.get(key, deque())
            waiting, more = (sum(len(ask.items) for ask in each) for each in (queue, asks))
            if waiting and not whole and waiting + more > self._room:
                raise CrowdedError(f"{waiting:,} documents of this client wait already")
            queue.extend(asks)
            self._queues[key] = queue
            self._changed.notify(len(asks))
        return [ask.future for ask in asks]

    def waiting(self) -> dict[str, int]:
        """Documents that wait for their turn, by what they were sent for."""
        waiting = {"extracts": 0, "jobs": 0}
        with self._changed:
            for (_, way), queue in self._queues.items():
                waiting[way] += sum(len(ask.items) for ask in queue)
        return waiting

    def close(self) -> None:
        """Begin nothing more. What waits is told so."""
        with self._changed:
            self._closed = True
            left = [ask for queue in self._queues.values() for ask in queue]
            self._queues.clear()
            self._changed.notify_all()
        _tell([(ask, _over()) for ask in left])

    def _run(self) -> None:
        while asks := self._take():
            try:
                done = [(asks[0], self._work(asks[0].items))] if len(asks) == 1 else self._together(asks)
            except Exception as error:  # noqa: BLE001 (whoever waits is told, and the next have their turn)
                _tell([(ask, error) for ask in asks])
            else:
                _tell(done)

    def _take(self) -> list[_Ask]:
        """The portions whose turn it is; none when all is over."""
        with self._changed:
            taken: list[_Ask] = []
            while not taken and not self._closed:
                if not self._queues:
                    self._changed.wait()
                taken = self._next()
            return taken

    def _next(self) -> list[_Ask]:
        """The next portion of the client whose turn it is, and those that may go with it; none where all were cancelled."""
        taken: list[_Ask] = []
        room, more = self._most, True
        while more and room > 0:
            more = False
            for key in [*self._queues]:
                ask = self._queues[key][0]
                if taken and (ask.whole or len(ask.items) > room):
                    continue
                self._drop(key)
                more = True
                if ask.future.cancelled():
                    continue
                taken.append(ask)
                room = 0 if ask.whole else room - len(ask.items)
                if room <= 0:
                    break
        return taken

    def _drop(self, key: Key) -> None:
        """Take the first portion out of a queue, which is then behind all others."""
        queue = self._queues.pop(key)
        queue.popleft()
        if queue:
            self._queues[key] = queue

    def _together(self, asks: list[_Ask]) -> list[tuple[_Ask, Portion]]:
        """Work several portions off as one, and give each what is its own."""
        items = [item for ask in asks for item in ask.items]
        numbered = [replace(item, location=Location(item.location.path, n)) for n, item in enumerate(items)]
        portion = self._work(numbered)
        failures = {failure.line: failure for failure in portion.failures}
        lines = iter(portion.lines)
        places = count()
        done = []
        for ask in asks:
            mine = Portion(counts=Counts(documents=len(ask.items)))
            for item in ask.items:
                if (failure := failures.get(next(places))) is None:
                    mine.lines.append(next(lines))
                else:
                    mine.counts.failed += 1
                    mine.failures.append(failure.model_copy(update={"line": item.location.line}))
            done.append((ask, mine))
        return done


def _over() -> JobError:
    return JobError("the service has ended", "Start it again.")


def _tell(done: Sequence[tuple[_Ask, Portion | Exception]]) -> None:
    """Tell those who wait, each on its loop, which may be gone by now."""

    def tell(mine: list[tuple[_Ask, Portion | Exception]]) -> None:
        for ask, result in mine:
            if ask.future.done():
                continue
            if isinstance(result, Portion):
                ask.future.set_result(result)
            else:
                ask.future.set_exception(result)

    for loop in {ask.loop for ask, _ in done}:
        with suppress(RuntimeError):  # closed: its job has ended
            loop.call_soon_threadsafe(tell, [each for each in done if each[0].loop is loop])
