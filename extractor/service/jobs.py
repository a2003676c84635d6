"""The jobs of a service: kept in folders, worked off by the runner on threads, each client in its turn.

A job that others wait for longer than its slice is asked to stop, as Ctrl-C would, and goes on when its turn comes again; each
slice is twice as long as the one before, since a job that goes on tries again what has failed.
"""

import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, Literal

from extractor.errors import DataError, ExtractorError, UsageError
from extractor.jobs.job import JOB, Counts
from extractor.jobs.journal import Journal
from extractor.jobs.runner import Runner
from extractor.jobs.state import state_of
from extractor.jobs.workers import WorkOff
from extractor.outputs.jsonl import read_failures
from extractor.records import Failure
from extractor.service.folders import Folders, Request
from extractor.service.metrics import Metrics
from extractor.service.settings import Settings
from extractor.service.turns import CrowdedError

_TICK = 0.5
"""Seconds between two looks at who waits for whom."""
_ENDING = 30.0
"""Seconds that a job has to end that is taken away."""
Phase = Literal["queued", "running", "over"]
EMPTY: Mapping[str, Any] = {
    "stopped": None,
    "done": 0,
    "failed": 0,
    "pending": None,
    "exactly": False,
    "batches": None,
    "in_flight": 0,
    "rate": None,
    "eta": None,
    "calls": 0,
    "input_tokens": 0,
    "output_tokens": 0,
    "cost_usd": 0.0,
    "spent_usd": 0.0,
    "seconds": 0.0,
    "started": None,
    "updated": None,
    "finished": None,
    "failures": [],
}
"""The state of a job whose turn has not come."""


@dataclass(slots=True, eq=False)
class Kept:
    """A job in memory. `stopped` says what keeps it from going on; `journal` is there while it runs."""

    id: str
    request: Request
    phase: Phase = "queued"
    stopped: str | None = None
    runner: Runner | None = None
    journal: Journal | None = None
    since: float = 0.0
    slices: int = 0
    counted: Counts = field(default_factory=Counts)

    @property
    def client(self) -> str:
        """Whose it is."""
        return self.request.client


class Jobs:
    """All jobs of a service. May be asked from any thread.

    `work_off` makes, for a client, what its jobs have rules work with; `notice` gets what the operator should know; `metrics`
    is told what jobs come to.
    """

    def __init__(
        self,
        settings: Settings,
        folders: Folders,
        work_off: Callable[[str], WorkOff],
        notice: Callable[[str], None],
        metrics: Metrics,
    ) -> None:
        self.settings, self.folders = settings, folders
        self._work_off, self._notice, self._metrics = work_off, notice, metrics
        self._slots = 1 if settings.model.model != "rules" else settings.limits.running
        self._changed = threading.Condition()
        self._jobs: dict[str, Kept] = {}
        self._served: dict[str, float] = {}
        self._threads: dict[str, threading.Thread] = {}
        self._closed = False
        self._manager = threading.Thread(target=self._manage, name="extractor jobs", daemon=True)

    def start(self) -> None:
        """Take up what an earlier service has left, and begin."""
        for id, request in self.folders.all():
            job = Kept(id, request)
            if request.cancelled or self._is_finished(id):
                job.phase = "over"
            self._jobs[id] = job
        self._manager.start()

    def stop(self) -> None:
        """Begin no more jobs, and ask those that run to stop."""
        with self._changed:
            self._closed = True
            for job in self._running():
                if job.runner is not None and not job.runner.stop.asked:
                    job.runner.stop.ask()
            self._changed.notify_all()

    def close(self, grace: float = 10.0) -> None:
        """Let what is under way end, for so many seconds; it goes on when a service starts again."""
        self.stop()
        for patience, again in ((grace, False), (1.0, True)):  # asked twice, a job ends at once
            for job in self._running() if again else ():
                if job.runner is not None:
                    job.runner.stop.ask()
            deadline = monotonic() + patience
            for thread in [*self._threads.values()]:
                thread.join(max(0.0, deadline - monotonic()))

    def admit(self, client: str) -> None:
        """Raise `CrowdedError` if a client has too many jobs that wait."""
        with self._changed:
            waiting = sum(job.phase == "queued" and job.client == client for job in self._jobs.values())
        if waiting >= self.settings.limits.queued:
            raise CrowdedError(f"{waiting:,} jobs of this client wait already")

    def add(self, id: str, file: Path, request: Request) -> None:
        """Take a job whose file is whole. Raises `UsageError` for one that cannot run, whose folder is gone then."""
        try:
            Runner(self.settings.job((str(file),), request.options))  # sees whether the file is recognised
            self.folders.keep(id, request)
        except UsageError as error:
            self.folders.drop(id)
            raise UsageError(str(error).replace(str(file), file.name)) from None
        except BaseException:
            self.folders.drop(id)
            raise
        with self._changed:
            self._jobs[id] = Kept(id, request)
            self._changed.notify_all()

    def get(self, id: str, client: str | None = None) -> Kept | None:
        """A job; None if there is none of that id, or another client's."""
        with self._changed:
            job = self._jobs.get(id)
            return job if job is not None and client in (None, job.client) else None

    def of(self, client: str | None = None) -> list[Kept]:
        """A client's jobs, or all, the newest first."""
        with self._changed:
            return [job for id, job in sorted(self._jobs.items(), reverse=True) if client in (None, job.client)]

    def cancel(self, job: Kept) -> None:
        """Work a job off no further. What is done stays."""
        with self._changed:
            if job.phase == "over":
                return
            job.request = job.request.model_copy(update={"cancelled": True})
            self.folders.change(job.id, job.request)
            if job.phase == "queued":
                job.phase = "over"
            elif job.runner is not None and not job.runner.stop.asked:
                job.runner.stop.ask()

    def resume(self, job: Kept) -> None:
        """Go on with a job that was cancelled or stopped, and try again what has failed in it."""
        with self._changed:
            if job.phase == "over":
                job.request = job.request.model_copy(update={"cancelled": False})
                self.folders.change(job.id, job.request)
                job.phase, job.stopped, job.slices = "queued", None, 0
                self._changed.notify_all()

    def remove(self, job: Kept) -> None:
        """Take a job away with all it has. Raises `DataError` if it does not end within half a minute."""
        self.cancel(job)
        if (runner := job.runner) is not None:
            runner.stop.ask()  # for the second time: nobody will read what is under way
        if (thread := self._threads.get(job.id)) is not None:
            thread.join(_ENDING)
            if thread.is_alive():
                raise DataError("The job does not end yet. Ask again in a minute.")
        with self._changed:
            self._jobs.pop(job.id, None)
        self.folders.drop(job.id)

    def state(self, job: Kept, *, failures: bool = False) -> dict[str, Any]:
        """How far a job is, as `extractor status --json` says it, and what is known of it here."""
        folder = self.folders.of(job.id)
        told = state_of(folder, failures=failures) if (folder / JOB).exists() else {"model": self.settings.model.model, **EMPTY}
        told.pop("batches", None)
        phase, cancelled = job.phase, job.request.cancelled
        over = "finished" if told["finished"] else "cancelled" if cancelled else "stopped"
        stopped = job.stopped or told["stopped"]
        if phase == "running" and cancelled:
            over = "stopping"
        return {
            "id": job.id,
            "file": job.request.file,
            "created": job.request.created,
            **told,
            "state": phase if phase != "over" and over != "stopping" else over,
            "stopped": None if stopped is None or phase != "over" or over == "finished" else stopped,
        }

    def counts(self) -> Counter[str]:
        """How many jobs are in each phase."""
        with self._changed:
            return Counter(job.phase for job in self._jobs.values())

    def _is_finished(self, id: str) -> bool:
        try:
            return bool(state_of(self.folders.of(id), failures=False)["finished"])
        except ExtractorError:
            return False  # it never ran, or says itself what is wrong when it does

    def _running(self) -> list[Kept]:
        with self._changed:
            return [job for job in self._jobs.values() if job.phase == "running"]

    def _manage(self) -> None:
        with self._changed:
            while not self._closed:
                while (job := self._next()) is not None:
                    self._begin(job)
                self._make_way()
                self._recount()
                self._changed.wait(_TICK)

    def _next(self) -> Kept | None:
        """The job whose turn it is, if there is room: of the client that has the least running, and was served longest ago."""
        running = Counter(job.client for job in self._jobs.values() if job.phase == "running")
        queued = [job for job in self._jobs.values() if job.phase == "queued"]
        if not queued or running.total() >= self._slots:
            return None
        return min(queued, key=lambda job: (running[job.client], self._served.get(job.client, 0.0), job.id))

    def _begin(self, job: Kept) -> None:
        job.phase, job.since = "running", monotonic()
        self._served[job.client] = job.since
        thread = threading.Thread(target=self._run, args=(job,), name=f"extractor job {job.id}", daemon=True)
        self._threads[job.id] = thread
        thread.start()

    def _make_way(self) -> None:
        """Ask the job that has run longest beyond its slice to stop, where a client waits that has fewer running."""
        running = [job for job in self._jobs.values() if job.phase == "running"]
        queued = [job for job in self._jobs.values() if job.phase == "queued"]
        if not queued or len(running) < self._slots or any(job.runner and job.runner.stop.asked for job in running):
            return
        has = Counter(job.client for job in running)
        fewest = min(has[job.client] for job in queued)
        now, piece = monotonic(), self.settings.limits.slice
        late = [job for job in running if has[job.client] > fewest and now - job.since > piece * 2**job.slices]
        if late and (runner := min(late, key=lambda job: job.since).runner) is not None:
            runner.stop.ask()

    def _run(self, job: Kept) -> None:
        """One run of a job, on a thread of its own."""
        stopped: str | None = None
        goes_on = False
        try:
            inputs = (str(self.folders.input_of(job.id, job.request)),)
            runner = Runner(self.settings.job(inputs, job.request.options), self._notice, work_off=self._work_off(job.client))
            with self._changed:
                job.runner = runner
                if self._closed or job.request.cancelled:
                    runner.stop.ask()
            outcome = runner.run(self.folders.of(job.id), watching=lambda journal: self._watching(job, journal))
            stopped, goes_on = None if outcome.stopped is None else str(outcome.stopped), outcome.interrupted
        except ExtractorError as error:
            stopped = str(error)
        except OSError as error:
            stopped = f"{error.strerror or error}. Look at the disk, and start the service again."
        except Exception:  # noqa: BLE001 (a bug that one job shows must not cost the others)
            self._notice(f"job {job.id}: {traceback.format_exc()}")
            stopped = "A bug ended the job. The service's log has the traceback: report it."
        self._metrics.failed(failure.cause for failure in _readable(read_failures(self.folders.of(job.id))))
        with self._changed:
            self._recount()
            job.runner = job.journal = None
            job.stopped, job.slices = stopped, job.slices + 1
            job.phase = "queued" if goes_on and not job.request.cancelled else "over"
            self._threads.pop(job.id, None)
            self._changed.notify_all()
        if stopped is not None:
            self._notice(f"job {job.id} stopped: {stopped}")

    @contextmanager
    def _watching(self, job: Kept, journal: Journal) -> Iterator[None]:
        with self._changed:
            job.counted, job.journal = sums(journal.counts), journal  # those of earlier runs
        yield

    def _recount(self) -> None:
        """Tell what jobs have come to since this was last told."""
        for job in self._jobs.values():
            if job.journal is not None:
                now = sums(job.journal.counts)
                self._metrics.count(now, job.counted)
                job.counted = now


def _readable(failures: Iterator[Failure]) -> Iterator[Failure]:
    """Failures up to a line that cannot be read."""
    with suppress(ExtractorError, OSError):
        yield from failures


def sums(counts: Counts) -> Counts:
    """The numbers of counts that another thread may go on with."""
    return Counts(
        documents=counts.documents,
        failed=counts.failed,
        calls=counts.calls,
        input_tokens=counts.input_tokens,
        output_tokens=counts.output_tokens,
        cost_usd=counts.cost_usd,
    )
