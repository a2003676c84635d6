"""A service while it runs: what its addresses share."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, chdir, closing
from dataclasses import dataclass, field, replace

from starlette.requests import Request

from extractor.jobs.flow import Item
from extractor.jobs.sinks import Portion
from extractor.jobs.workers import WorkOff
from extractor.labelling.models import choose
from extractor.outputs.explorer import Explorer
from extractor.service.extracts import Extracts
from extractor.service.folders import Folders
from extractor.service.jobs import Jobs
from extractor.service.metrics import Metrics
from extractor.service.settings import Settings


@dataclass(slots=True)
class Service:
    """The labeller and the jobs. `ending` is set when the service is to end: nobody waits for news any more."""

    settings: Settings
    folders: Folders
    extracts: Extracts
    jobs: Jobs
    metrics: Metrics
    ending: asyncio.Event = field(default_factory=asyncio.Event)
    watchers: Counter[str] = field(default_factory=Counter)
    explorers: dict[str, Explorer] = field(default_factory=dict)

    def end(self) -> None:
        """Begin nothing more. To be called on the event loop."""
        self.ending.set()
        self.jobs.stop()


@asynccontextmanager
async def opened(settings: Settings, notice: Callable[[str], None]) -> AsyncIterator[Service]:
    """A service that takes up its jobs and leaves them so that the next goes on. Raises `UsageError`.

    The process is in the folder of the jobs meanwhile.
    """
    chosen = choose(settings.model, notice)
    if chosen.calls:  # what is not told has its usual value, of which jobs and extracts get their parts
        settings = replace(settings, model=replace(settings.model, concurrency=chosen.concurrency))
    async with Extracts(settings, notice) as extracts:

        def work_off(client: str) -> WorkOff:
            async def turn(items: list[Item]) -> Portion:
                [portion] = extracts.turns.put((client, "jobs"), [items])
                return await portion

            return turn

        settings.jobs.mkdir(parents=True, exist_ok=True)
        with chdir(settings.jobs), closing(Folders()) as folders:
            metrics = Metrics()
            jobs = Jobs(settings, folders, work_off, notice, metrics)
            metrics.watch("extractor_jobs", "Jobs by how far they are.", jobs.counts, "phase")
            metrics.watch("extractor_waiting", "Documents that wait for their turn.", extracts.turns.waiting, "via")
            await asyncio.to_thread(jobs.start)
            yield Service(settings, folders, extracts, jobs, metrics)
            await asyncio.to_thread(jobs.close)


def service_of(request: Request) -> Service:
    """The service that a request has come to."""
    service: Service = request.app.state.service
    return service


def client_of(request: Request) -> str:
    """Who asks, as the guard has found."""
    client: str = request.state.client
    return client
