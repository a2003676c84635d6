"""The actors of a job: started wherever the cluster has room, replaced when they are lost, stopped when the job is."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Self

from extractor._version import __version__
from extractor.errors import JobError, StoppedError
from extractor.jobs.job import Job
from extractor.jobs.ray.leases import Leases
from extractor.jobs.ray.shards import Report, Shard, Shards
from extractor.jobs.ray.worker import Done, Worker
from extractor.labelling.models import Chosen

_LOSSES = 10
"""Actors that one shard may lose before it is taken to be the cause."""
_GRACE = 10.0
"""Seconds that an actor has to write down what it has when it is to stop now."""
_ANSWER = 5.0
"""Seconds in which an actor says how far it is; one that takes longer is passed over until the next time."""
_THREADS = 4
"""An actor's: one for its shard, others for who asks it."""


class _Member:
    """One actor and what it is at."""

    def __init__(self, name: str, actor: Any) -> None:
        self.name, self.actor = name, actor
        self.shard: Shard | None = None


class Pool:
    """Up to so many actors, each for a `part` of a job. An async context manager; they end with it."""

    def __init__(self, ray: Any, part: Job, chosen: Chosen, shards: Shards, count: int) -> None:
        self._ray, self._part, self._chosen, self._shards, self._count = ray, part, chosen, shards, count
        self._free: asyncio.Queue[_Member | JobError] = asyncio.Queue()
        self._members: dict[str, _Member] = {}
        self._named = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._leases: Any = None
        self._stopping = False
        errors = ray.exceptions
        self._lost = errors.RayActorError, errors.OutOfMemoryError, errors.NodeDiedError
        """What Ray raises for an actor that is gone."""

    async def __aenter__(self) -> Self:
        if self._chosen.calls:
            limits = {model.endpoint.model: model.settings.limits for model in self._chosen.models}
            here = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
                self._ray.get_runtime_context().get_node_id(), soft=True
            )
            keeper = self._ray.remote(Leases).options(
                name=f"extractor limits of {self._shards.folder}",
                num_cpus=0,
                max_restarts=-1,
                max_task_retries=-1,
                max_pending_calls=-1,
                scheduling_strategy=here,
            )
            self._leases = keeper.remote(str(self._shards.leases), limits, self._part.model.max_cost, self._shards.spent)
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        for member in self._members.values():
            self._ray.kill(member.actor, no_restart=True)
        if self._leases is not None:
            self._ray.kill(self._leases, no_restart=True)

    async def run(self, shard: Shard) -> Done:
        """Have a shard done, again where an actor is lost on the way. Raises `JobError`."""
        place: Path | None = None
        items = None
        for _ in range(_LOSSES):
            if self._free.empty() and len(self._members) < self._count:
                self._start()
            member = await self._free.get()
            if isinstance(member, JobError):
                self._free.put_nowait(member)  # for the others
                raise member
            if self._stopping:
                self._free.put_nowait(member)
                raise StoppedError("the job was asked to stop", "Run the same command again.")
            member.shard = shard
            try:
                if place is None:
                    place, items = self._shards.begin(shard), self._ray.put([*shard])
                done: Done = await self._ended(member, shard, member.actor.run.remote(items, str(place)))
            except self._lost:
                self._lose(member)
                continue
            except self._ray.exceptions.RayTaskError:
                raise  # a bug, with its traceback
            except self._ray.exceptions.RayError as error:
                cause = f"Ray has failed at shard {shard.name} ({_first(error)})"
                raise JobError(cause, "Mend that, then run the same command again.") from None
            finally:
                member.shard = None
            self._free.put_nowait(member)
            return done
        cause = f"the process that works on shard {shard.name} ended, {_LOSSES} times"
        raise JobError(cause, "Look whether its machines lack memory, then run the same command again.")

    def stop(self) -> None:
        """Let no shard begin, and those under way stop after their calls."""
        self._stopping = True
        self._free.put_nowait(StoppedError("the job was asked to stop", "Run the same command again."))
        for member in self._members.values():
            member.actor.stop.remote()

    async def reports(self) -> list[tuple[Shard, Report | None, list[str]]]:
        """How far the shards under way are, and what their actors say."""
        busy = [(member, shard) for member in self._members.values() if (shard := member.shard) is not None]
        asked = [asyncio.wait_for(_answer(member.actor.report.remote()), _ANSWER) for member, _ in busy]
        told = await asyncio.gather(*asked, return_exceptions=True)
        return [
            (shard, *answer)
            for (member, shard), answer in zip(busy, told, strict=True)
            if not isinstance(answer, BaseException) and member.shard is shard
        ]

    async def spent(self) -> float:
        """US dollars that the job has cost, as the keeper of the limits knows; 0 without one, and where it does not answer."""
        if self._leases is None:
            return 0.0
        try:
            spent: float = await asyncio.wait_for(_answer(self._leases.spent.remote()), _ANSWER)
        except (TimeoutError, self._ray.exceptions.RayError):
            return 0.0
        return spent

    async def _ended(self, member: _Member, shard: Shard, running: Any) -> Any:
        """What an actor returns. One that is to be cancelled gets the time to write down what it has."""
        ending = asyncio.ensure_future(_answer(running))
        try:
            return await asyncio.shield(ending)
        except asyncio.CancelledError:
            for _ in range(2):
                member.actor.stop.remote()
            await asyncio.wait({ending}, timeout=_GRACE)
            if ending.done() and not ending.cancelled() and ending.exception() is None and (report := ending.result().report):
                self._shards.note(shard, report)
            raise

    def _start(self) -> None:
        self._named += 1
        name = f"worker-{self._named}"
        actor = self._ray.remote(Worker).options(num_cpus=1, max_restarts=0, max_concurrency=_THREADS)
        member = self._members[name] = _Member(name, actor.remote(name, self._part, self._leases))
        self._spawn(self._welcome(member))

    async def _welcome(self, member: _Member) -> None:
        """Give an actor work when it is up, and knows what the others know."""
        try:
            version, settings = await _answer(member.actor.ready.remote())
        except self._ray.exceptions.RayError as error:
            known = isinstance(error, self._lost) and not isinstance(getattr(error, "cause", None), Exception)
            if known and self._named <= self._count * _LOSSES:
                self._lose(member)
                self._start()  # a shard waits for it
            else:
                self._free.put_nowait(self._cannot_start(error))
            return
        if (version, settings) != (__version__, dict(self._chosen.settings)):
            same = "another prompt or server" if version == __version__ else f"extractor {version}, not {__version__}"
            self._free.put_nowait(JobError(f"a machine of the cluster has {same}", "Install the same on all of them."))
            return
        self._free.put_nowait(member)

    def _cannot_start(self, error: Any) -> JobError:
        errors, cause = self._ray.exceptions, _first(error)
        fix = f"Install extractor {__version__} on each machine of the cluster, and look into Ray's logs."
        if isinstance(error, errors.OutOfMemoryError):
            cause, fix = cause.partition(". ")[0], "Give the machines of the cluster more memory, or the job fewer --workers."
        elif isinstance(error, errors.RayTaskError):
            cause, fix = _first(getattr(error, "cause", None) or error), "Mend that there."
        return JobError(f"a worker does not start on a machine of the cluster ({cause})", fix)

    def _lose(self, member: _Member) -> None:
        """An actor is gone: what it had under way may be billed."""
        self._members.pop(member.name, None)
        self._ray.kill(member.actor, no_restart=True)  # it may only be out of reach
        if self._leases is not None:
            self._leases.gone.remote(member.name)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _answer(reference: Any) -> Any:
    return await reference


def _first(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
