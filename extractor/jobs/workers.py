"""Several processes for the rules, where one core does not do enough abstracts a second.

Each process has a pipe of its own and a thread of this process that waits for it, so one that is killed, stopped or hangs takes
nothing but its portion with it: the portion is done again, in halves, by the process that takes its place. A process whose
parent is gone finds its pipe closed and ends.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from queue import SimpleQueue
from typing import Any, Self

from extractor.errors import JobError
from extractor.jobs.beside import read_beside
from extractor.jobs.flow import Flow, Item, Stop, failure, work_off
from extractor.jobs.job import Watch
from extractor.jobs.sinks import BulkSink, Portion
from extractor.sources import BadRecord

PORTION = 32
"""Documents that a process gets at once: passing them on costs a two-hundredth of labelling them, and 50 ms are soon over."""
_AHEAD = 2
"""Portions begun for each process: one in work, one that waits for it to be free."""
_GRACE = 1.0
"""Seconds that a process has to end by itself after its pipe has closed, so that its exit code says why."""
_STARTS, _KILLS = 3, 20
"""Times that a process is started in vain before the job gives up: one that ends by itself, one that is killed meanwhile."""
_LOOK, _PATIENCE = 2.0, 60
"""Seconds of silence after which a process is looked at, and how often that is before it is taken to hang."""
_TRIES = 2
"""Times a document may be in a process that ends before it is taken to be the cause."""


WorkOff = Callable[[list[Item]], Coroutine[Any, Any, Portion]]
"""Has a portion of documents extracted, by whichever process."""


async def run_workers(
    items: Iterable[Item],
    workers: int,
    sink: BulkSink,
    watch: Watch,
    stop: Stop,
    *,
    in_order: bool = True,
    work_off: WorkOff | None = None,
) -> bool:
    """Extract each document that the sink does not hold yet, with the rules in so many processes; else as `run_job`.

    `work_off` has it done by processes that are shared with others, in place of some of the job's own.
    """
    async with Workers(workers) as pool:
        portions, window = read_beside(items, PORTION), _AHEAD * workers
        flow = Flow(portions, sink.is_done, work_off or pool.work_off, sink.take, watch, window, in_order=in_order)
        return await flow.run(stop)


class Workers:
    """Processes that label with the rules. An async context manager; they start when they are needed and end with it."""

    def __init__(self, count: int) -> None:
        self._threads = ThreadPoolExecutor(count, "extractor worker")
        self._free: SimpleQueue[_Worker] = SimpleQueue()
        self._all = [_Worker() for _ in range(count)]
        for worker in self._all:
            self._free.put(worker)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for worker in self._all:
            worker.end()
        self._threads.shutdown()

    async def work_off(self, items: list[Item]) -> Portion:
        """Extract a portion of documents. Raises `JobError` if no process can be started."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self.work, items)

    def work(self, items: list[Item]) -> Portion:
        """The same for a thread that waits for it. Raises `JobError`."""
        worker = self._free.get()  # there are as many as threads
        try:
            return worker.work_off(items)
        finally:
            self._free.put(worker)


class _Worker:
    """One process, started anew when it has ended. Used by one thread at a time; `end` may come from another."""

    changing = threading.Lock()  # of all: to wait for a process on two threads at once confuses multiprocessing

    def __init__(self) -> None:
        self.process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._ended = False

    def work_off(self, items: list[Item]) -> Portion:
        """Extract a portion, whatever becomes of the process meanwhile."""
        for _ in range(_TRIES if len(items) == 1 else 1):
            if (portion := self._try(items)) is not None:
                return portion
        if len(items) == 1:
            return _fatal(items[0])
        half = len(items) // 2
        portion, rest = self.work_off(items[:half]), self.work_off(items[half:])
        portion.lines += rest.lines
        portion.failures += rest.failures
        portion.counts.merge(rest.counts)
        return portion

    def end(self) -> None:
        """End the process, also in the middle of a portion, which then has no result."""
        with self.changing:
            self._ended = True
            if self.process is not None:
                self.process.kill()
                self.process.join()

    def _try(self, items: list[Item]) -> Portion | None:
        """What a portion comes to; None if the process ends on the way."""
        pipe = self._pipe or self._start()
        try:
            pipe.send(items)
            portion: Portion = self._received(pipe)
        except (EOFError, OSError):
            self._drop()
            return None
        return portion

    def _start(self) -> Connection:
        """Start a process and wait until it can work."""
        code = None
        for n in range(_KILLS):
            if code is not None and code >= 0 and n >= _STARTS:
                break
            with self.changing:
                if self._ended:
                    raise JobError("the job has ended", "")
                context = get_context("spawn")
                pipe, theirs = context.Pipe()
                self.process = context.Process(target=_serve, args=(theirs,), name="extractor worker", daemon=True)
                with theirs, _no_interrupts():
                    self.process.start()
            try:
                self._received(pipe)
            except (EOFError, OSError):
                code = self._drop()
            else:
                self._pipe = pipe
                return pipe
        fix = "Look for the reason above, free some memory, or run with --workers 1."
        raise JobError(f"a worker process does not start (exit code {code})", fix)

    def _received(self, pipe: Connection) -> Any:
        """What the process sends next. Raises `EOFError` for one that has ended, was stopped from outside or hangs."""
        for _ in range(_PATIENCE):
            if pipe.poll(_LOOK):
                return pipe.recv()
            if self.process is None or _is_stopped(self.process):
                break
        raise EOFError

    def _drop(self) -> int | None:
        """Clear away a process that has ended; its exit code."""
        with self.changing:
            self._pipe = None
            if self._ended:
                raise JobError("the job has ended", "")
            if self.process is None:
                return None
            self.process.join(_GRACE)
            self.process.kill()
            self.process.join()
            return self.process.exitcode


def _is_stopped(process: BaseProcess) -> bool:
    """Whether a process was stopped (SIGSTOP, a debugger), where the system tells."""
    if process.pid is None or not hasattr(os, "waitid"):
        return False
    with _Worker.changing, suppress(ChildProcessError):
        return os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT) is not None
    return False


def _serve(pipe: Connection) -> None:
    """What a process does: portions in, what they come to out, until the pipe is closed."""
    from extractor.labelling.rules import RulesLabeller

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # see `_no_interrupts`, which holds until here
    labeller = RulesLabeller()
    with suppress(EOFError, OSError), asyncio.Runner() as runner:
        pipe.send(None)
        while True:
            pipe.send(runner.get_loop().run_until_complete(work_off(labeller, pipe.recv())))


def _fatal(item: Item) -> Portion:
    name = item.id if isinstance(item, BadRecord) else item.document.id
    cause = "the process that worked on it ended, twice"
    fix = "Look whether the system lacks memory, then run the same command again; if it is always this one, report it."
    portion = Portion(failures=[failure(name, item.location, cause, fix)])
    portion.counts.fail()
    return portion


@contextmanager
def _no_interrupts() -> Iterator[None]:
    """Start a process that does not hear Ctrl-C: in a terminal all hear it, and what is under way is to be finished."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # the first process would start it, and it unblocks the signals
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
