"""What an actor does: one shard after the other, each as a job with a folder of its own."""

import socket
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from extractor._version import __version__
from extractor.documents import shortened
from extractor.errors import ExtractorError, UsageError
from extractor.jobs.flow import Item, Stop
from extractor.jobs.job import Job
from extractor.jobs.journal import InUseError, Journal
from extractor.jobs.ray.leases import Act, Answers, Lease
from extractor.jobs.ray.shards import PLAN, Report
from extractor.jobs.runner import Runner
from extractor.labelling.models import choose
from extractor.outputs.export import export
from extractor.outputs.jsonl import EXTRACTIONS
from extractor.outputs.tables import package
from extractor.records import Extraction
from extractor.sources import Sourced

_PATIENCE = 60.0
"""Seconds that the process which a lost actor was has to let go of its shard."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a run of a shard came to. `error` is what stopped it, or kept it from running at all."""

    report: Report | None
    whole: bool
    changed: int = 0
    error: ExtractorError | OSError | None = None
    said: list[str] = field(default_factory=list)


class Worker:
    """Does shards of a job. `stop` and `report` are called while one is under way, on another thread.

    `leases` is the actor that keeps the limits, None for the rules, which have none.
    """

    def __init__(self, name: str, job: Job, leases: Any) -> None:
        self._job = job
        self._said: list[str] = []
        self._lease = None

        async def send(holder: str, number: int, acts: list[Act]) -> Answers:
            answers: Answers = await leases.ask.remote(holder, number, acts)
            return answers

        if leases is not None:
            self._lease = Lease(name, send, job.model.max_cost)
        self._stopped = 0
        self._runner: Runner | None = None
        self._journal: Journal | None = None

    def ready(self) -> tuple[str, dict[str, Any]]:
        """The version of the package and what a model's answers depend on, which must be the same everywhere.

        Raises `UsageError` where something is not installed that the job needs.
        """
        if self._job.parquet:
            package("pyarrow.parquet")
        return __version__, dict(choose(self._job.model).settings)

    def run(self, items: Sequence[Item], place: str) -> Done:
        """Do a shard, or what is left of it."""
        folder = Path(place)
        try:
            _refuse_strangers(folder, items)
            runner = Runner(self._job, self._said.append, items=items, terms=self._lease)
            runner.stop = Stop()  # the driver says what it waits for
            self._runner = runner
            for _ in range(self._stopped):
                runner.stop.ask()
            return self._run(runner, folder)
        except (ExtractorError, OSError) as error:
            return Done(self._told(), whole=False, error=error, said=self._taken())
        finally:
            self._runner = self._journal = None

    def _run(self, runner: Runner, folder: Path) -> Done:
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                outcome = runner.run(folder, watching=self._watching)
            except InUseError:
                if time.monotonic() > until:
                    raise
                time.sleep(1.0)
            else:
                whole = outcome.stopped is None and not outcome.interrupted
                if whole and self._job.parquet:
                    export([folder], "parquet", folder, named=str(folder.parents[1]))
                return Done(self._told(), whole, outcome.changed, outcome.stopped, self._taken())

    def stop(self) -> None:
        """Stop: the first time after the calls under way, the second time now."""
        self._stopped += 1
        if self._runner is not None:
            self._runner.stop.ask()

    def report(self) -> tuple[Report | None, list[str]]:
        """How far the shard is, and what was said since the last report."""
        return self._told(), self._taken()

    def _watching(self, journal: Journal) -> AbstractContextManager[None]:
        self._journal = journal
        return nullcontext()

    def _told(self) -> Report | None:
        journal = self._journal
        if journal is None:
            return None
        return Report(journal.counts, journal.spent, 0 if journal.watch is None else journal.watch.settled)

    def _taken(self) -> list[str]:
        said, self._said[:] = list(self._said), []
        return said


def _refuse_strangers(folder: Path, items: Sequence[Item]) -> None:
    """Raise `UsageError` if the folder is not the driver's, or has records of documents that belong to another shard now."""
    if not (folder / PLAN).exists():
        raise UsageError(f"{socket.gethostname()} does not see {folder}. Name a folder with -o that all machines see.")
    file = folder / EXTRACTIONS
    if not file.exists():
        return
    ids = {item.document.id if isinstance(item, Sourced) else item.id for item in items}
    with file.open("rb") as lines:
        for line in lines:
            try:
                record = Extraction.model_validate_json(line)
            except ValidationError:
                continue  # the journal drops it
            if record.id not in ids:
                cause = f'the records of the input have moved since the job began: "{shortened(record.id)}" was in {folder}'
                raise UsageError(f"{cause}. Give it as it was, with what is new at its end, or choose another folder with -o.")
