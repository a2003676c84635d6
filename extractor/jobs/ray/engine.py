"""Runs a job on a Ray cluster, for whoever asks: the input is read here, its shards are done by actors wherever there is room.

The driver reads because what a record is, which came before, and what is wrong with it hang together over the whole input, in
every format; the actors run the same `Runner` on a part of it.
"""

import asyncio
import io
import os
import re
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, redirect_stdout, suppress
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO

from extractor.errors import JobError, StoppedError, UsageError, install
from extractor.jobs.beside import read_beside
from extractor.jobs.flow import Flow, Item, Stop
from extractor.jobs.job import Job, Outcome, Watch
from extractor.jobs.ray.pool import Pool
from extractor.jobs.ray.shards import Report, Shard, Shards
from extractor.jobs.runner import Runner, ended
from extractor.jobs.sinks import Streams, Watched
from extractor.outputs.tables import package

_PIECE = 256
"""Records that are read at a time."""
_HEAD = 4096
"""Records by which the size of the input is judged."""
_LONGEST, _SHORTEST = 10_000, 32
"""Records of a shard, unless told: 16 MB of text that waits in memory; and what pays for a folder of its own."""
_SHARDS_A_WORKER = 4
"""So many at least, so that none has much left to do when the others are done."""
_BEAT = 1.0
_PATIENCE = 5.0
"""Seconds in which a cluster takes a connection."""
_MESSAGE = "(raylet)"
"""What a message of Ray begins with; its further lines are a log."""
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class RayRunner:
    """A job that can run on a cluster, as `Runner` has one for this machine. Raises `UsageError` for one that cannot."""

    def __init__(self, job: Job, notice: Callable[[str], None] = lambda _line: None, *, stdin: BinaryIO | None = None) -> None:
        if job.batch or job.retry_online:
            raise UsageError("Batches are done at the provider, so a cluster has nothing to do. Leave --engine or --batch out.")
        if job.address is not None:
            _refuse_unreachable(job.address)
        _imported()  # it takes over SIGTERM, which whoever runs the job takes back
        if job.parquet:
            package("pyarrow.parquet")
        self.job = job
        self.notice = notice
        self.stop = Stop()
        self._local = Runner(job, notice, stdin=stdin)
        self.chosen = self._local.chosen
        self._watch = Watch(self._local.gauge)
        self._changed = 0
        self._last = 0
        self._said: set[str] = set()

    def run(
        self,
        target: Path | Streams,
        *,
        fresh: bool = False,
        watching: Callable[[Watched], AbstractContextManager[None]] = lambda _shards: nullcontext(),
    ) -> Outcome:
        """Run the job into its folder, where it goes on if it was begun there.

        `fresh` drops what the folder holds of earlier runs; `watching` is entered while shards are done. Raises `UsageError`
        for a folder that is another job's or in use, and for a cluster that cannot be reached.
        """
        if isinstance(target, Streams):
            raise UsageError("A cluster needs a folder, which all its machines see. Name one with -o.")
        began, gauge = monotonic(), self._local.gauge
        shards = Shards(target.resolve(), self.job, self.chosen.settings, fresh, self._watch)
        with shards, cluster(self.job.address, self._hear) as ray:
            if shards.resumed:
                self.notice(f"{shards.resumed:,} done before")
            if shards.size is not None and self.job.shards not in (None, shards.asked):
                self.notice(
                    f"--shards {self.job.shards:,} changes nothing: the first run fixed {shards.size:,} records a shard."
                )
            with watching(shards):
                stopped, interrupted = ended(self._work_off(ray, shards))
            if stopped is None and not interrupted:
                try:
                    shards.end(self._last)
                except JobError as error:
                    stopped = error
            shards.stopped = None if stopped is None else str(stopped)
        seconds, counts, calls = monotonic() - began, shards.counts, self.chosen.calls
        outcome = Outcome(counts, seconds, stopped, interrupted, self._changed, calls=calls)
        return replace(outcome, skipped=tuple(gauge.skipped), repeated=gauge.repeated)

    async def _work_off(self, ray: Any, shards: Shards) -> bool:
        """Do the shards of the input; whether it was to the end."""
        count = self._workers(ray)
        part = replace(self.job, engine="local", workers=1)
        if self.chosen.calls:
            part = replace(part, model=replace(self.job.model, concurrency=max(1, self.chosen.concurrency // count)))
        async with Pool(ray, part, self.chosen, shards, count) as pool:

            def stop() -> None:
                self.notice("Stopping after the calls under way; Ctrl-C again stops now.")
                pool.stop()

            async def work(portion: list[Item]) -> tuple[Shard, Report]:
                if not isinstance(portion, Shard):
                    raise TypeError("a portion of the input that is not a shard")
                return portion, await self._do(pool, shards, portion)

            def write(done: tuple[Shard, Report]) -> None:
                shards.finish(*done)

            flow = Flow(self._shards(shards, count), None, work, write, self._watch, count + 1, in_order=False)
            beating = asyncio.create_task(self._beat(pool, shards))
            try:
                return await flow.run(self.stop, stop)
            finally:
                beating.cancel()
                shards.charge(await pool.spent())

    def _workers(self, ray: Any) -> int:
        """How many actors: as many as were asked for, or as the cluster has cores; for a model one for each call at most."""
        cores = int(ray.cluster_resources().get("CPU", 0))
        if not cores:
            raise UsageError(
                "The Ray cluster has no core (CPU) to work on. Add a machine, or give its head some with --num-cpus."
            )
        count = self.job.workers or cores
        return min(count, self.chosen.concurrency) if self.chosen.calls else count

    async def _do(self, pool: Pool, shards: Shards, shard: Shard) -> Report:
        """Have a shard done. Raises what stops it."""
        done = await pool.run(shard)
        self._hear(done.said)
        if done.report is not None:
            shards.note(shard, done.report)
        self._changed += done.changed
        if isinstance(done.error, Exception):
            raise done.error
        if not done.whole or done.report is None:
            raise StoppedError("the job was asked to stop", "Run the same command again.")
        return done.report

    async def _shards(self, shards: Shards, workers: int) -> AsyncIterator[list[Item]]:
        """The shards that are not whole, as they are read."""
        read: list[Item] = []
        async for piece in read_beside(self._local.items, _PIECE):
            read += piece
            if shards.size is None and len(read) >= _HEAD:
                shards.plan(self._size(len(read), workers, over=False))
            for shard in self._cut(read, shards, least=shards.size):
                yield shard
        if shards.size is None:
            shards.plan(self._size(len(read), workers, over=True))
        for shard in self._cut(read, shards, least=1):
            yield shard

    def _cut(self, read: list[Item], shards: Shards, least: int | None) -> Iterator[Shard]:
        """Take shards off what is read while that is so many records at `least`. Those that are whole are passed over."""
        while least is not None and len(read) >= least:
            shard, self._last = Shard(self._last, read[: shards.size]), self._last + 1
            del read[: shards.size]
            if shards.is_whole(shard):
                self._watch.read += len(shard)
                self._watch.skipped += len(shard)
            else:
                yield shard

    def _size(self, read: int, workers: int, *, over: bool) -> int:
        """How many records a shard gets, by those `read` so far, which are all if the input is `over`."""
        part = 1.0 if over else self._local.gauge.part()
        if part is None:
            return _LONGEST
        each = max(1, -(-round(read / max(part, 1e-9)) // (self.job.shards or _SHARDS_A_WORKER * workers)))
        return each if self.job.shards else min(max(each, _SHORTEST), _LONGEST)

    async def _beat(self, pool: Pool, shards: Shards) -> None:
        """Hear from the actors about once a second, and write down how far the job is."""
        while True:
            await asyncio.sleep(_BEAT)
            for shard, report, said in await pool.reports():
                self._hear(said)
                if report is not None:
                    shards.note(shard, report)
            shards.charge(await pool.spent())
            shards.refresh()

    def _hear(self, said: Iterable[str]) -> None:
        """Pass on what actors and Ray say, once where several say the same."""
        for line in said:
            if line not in self._said:
                self._said.add(line)
                self.notice(line)


def _imported() -> Any:
    """The module. Raises `UsageError` where it is not installed."""
    try:
        import ray
    except ImportError:
        raise UsageError(f"--engine ray needs ray, which is not installed. {install('ray')}, or leave --engine out.") from None
    return ray


def _refuse_unreachable(address: str) -> None:
    """Raise `UsageError` for the address of a cluster that nobody listens at; Ray would wait two minutes for it."""
    host, colon, port = address.rpartition(":")
    if not colon:
        return  # auto
    if "://" in address or not port.isdecimal():
        raise UsageError(
            f"The address {address} is not HOST:PORT. Give that of `ray start --head`, or auto on a machine of it."
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), _PATIENCE).close()
    except (OSError, OverflowError):
        raise UsageError(f"No Ray cluster answers at {address}. Start one with `ray start --head`.") from None


@contextmanager
def cluster(address: str | None, hear: Callable[[Iterable[str]], None]) -> Iterator[Any]:
    """Ray, connected to the cluster at an address, or to one of this machine's own, unless it is connected already.

    `hear` gets the lines that Ray would print meanwhile.
    """
    ray = _imported()
    with redirect_stdout(_Printed(hear)):
        if ray.is_initialized():
            yield ray
        else:
            with _connected(ray, address):
                yield ray


class _Printed(io.TextIOBase):
    """Standard output, but for what Ray's own threads print: of that the first sentence of each message goes elsewhere."""

    def __init__(self, hear: Callable[[Iterable[str]], None]) -> None:
        self._hear = hear
        self._rest = sys.stdout
        self._heard = threading.local()  # what hears it may print as well

    def write(self, text: str) -> int:
        if not threading.current_thread().name.startswith("ray_") or getattr(self._heard, "now", False):
            return self._rest.write(text)
        lines = [_COLOUR.sub("", line) for line in text.splitlines()]
        self._heard.now = True
        try:
            self._hear(f"Ray: {line.partition('. ')[0]}" for line in lines if line.startswith(_MESSAGE))
        finally:
            self._heard.now = False
        return len(text)

    def flush(self) -> None:
        self._rest.flush()


@contextmanager
def _connected(ray: Any, address: str | None) -> Iterator[None]:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would tell its makers
    own = {} if address else {"include_dashboard": False, "object_store_memory": 1 << 30}
    try:
        ray.init(address=address or "local", log_to_driver=False, logging_level="ERROR", **own)
    except Exception as error:  # noqa: BLE001 (Ray raises a bare Exception, too)
        cause = " ".join(str(error).split())
        if address:
            raise UsageError(f"No Ray cluster answers at {address}: {cause} Start one with `ray start --head`.") from None
        raise UsageError(f"Ray does not start here: {cause} Look into /tmp/ray/session_latest/logs.") from None
    try:
        yield
    finally:
        with suppress(Exception):
            ray.shutdown()
