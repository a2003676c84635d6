"""The folder of a job in shards: each is a job's folder of its own, which moves into its place when it is whole.

job.json            how far all of them are together
manifest.json       the shards that are whole
shards/00000/       one of them
unfinished/00001/   one that is under way, or was
leases/             what each process has spent
"""

import shutil
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from time import perf_counter
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from extractor.errors import JobError, UsageError
from extractor.jobs.flow import Item
from extractor.jobs.job import JOB, WAYS_OUT, Counts, Description, Job, Progress, Watch, earlier, file_of, written_whole
from extractor.jobs.journal import InUseError, describe, lock, utc_now
from extractor.jobs.state import LOCK
from extractor.outputs.jsonl import EXTRACTIONS, MANIFEST, SHARDS
from extractor.sources import Sourced

_UNFINISHED = "unfinished"
_LEASES = "leases"
_PLAN = "shard.json"
_REST = 20.0
"""Times as long as writing the manifest took that pass until it is written anew: that of 25,000 shards has 15 MB."""
_BEAT = 1.0


class Shard(list[Item]):
    """A part of the input: so many records, in its order, and which part that is, counted from 0."""

    def __init__(self, number: int, items: Iterable[Item]) -> None:
        super().__init__(items)
        self.number = number

    @property
    def name(self) -> str:
        """That of its folder."""
        return f"{self.number:05}"

    def plan(self) -> "Plan":
        """What it consists of."""
        digest = blake2b(digest_size=16)
        for item in self:
            if isinstance(item, Sourced):
                text = f"{item.document.id}\0{item.document.title}\0{item.document.abstract}\0"
                digest.update(text.encode(errors="surrogatepass"))
            else:
                digest.update(b"\0")
        return Plan(records=len(self), content=digest.hexdigest())


class Plan(BaseModel):
    """What a shard consists of: its number of records, and a digest of their ids and texts."""

    model_config = ConfigDict(strict=True, frozen=True)
    records: int
    content: str


@dataclass(frozen=True, slots=True)
class Report:
    """How far a shard is. `settled` records of it were done by the process that is at it now."""

    counts: Counts
    spent: float
    settled: int = 0


class _Whole(BaseModel):
    """A shard in the manifest."""

    model_config = ConfigDict(strict=True, frozen=True)
    folder: str
    plan: Plan
    counts: dict[str, Any]
    spent_usd: float
    bytes: int


class _Manifest(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)
    records_a_shard: int
    shards: list[_Whole]


@dataclass(slots=True)
class Shards:
    """Keeps the folder of a job in shards, and knows how far it is. A context manager.

    Raises `UsageError` if the folder is another job's or in use, and `OSError` as the system does.
    """

    folder: Path
    job: Job
    settings: dict[str, Any]
    fresh: bool
    watch: Watch
    size: int | None = field(default=None, init=False)
    resumed: int = field(default=0, init=False)
    stopped: str | None = field(default=None, init=False)
    finished: bool = field(default=False, init=False)
    _whole: dict[int, _Whole] = field(default_factory=dict, init=False)
    _done: Counts = field(default_factory=Counts, init=False)
    _spent: float = field(default=0.0, init=False)
    _under_way: dict[int, Report] = field(default_factory=dict, init=False)
    _before: Description | None = field(default=None, init=False)
    _open: ExitStack = field(default_factory=ExitStack, init=False)
    _began: float = field(default_factory=perf_counter, init=False)
    _started: str = field(default_factory=utc_now, init=False)
    _next: float = field(default=0.0, init=False)
    _listed: int = field(default=-1, init=False)
    _charged: float = field(default=0.0, init=False)

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        if file_of(self.folder, EXTRACTIONS).exists() or (self.folder / "batch").exists():
            raise UsageError(f"{self.folder} holds a job that is not in shards. {WAYS_OUT.partition(',')[0]}.")
        for name in (JOB, MANIFEST, LOCK):
            file_of(self.folder, name)
        if not self.fresh and (self.folder / JOB).exists():
            earlier(self.folder, self._heading)  # a folder that is refused is left as it is
        with ExitStack() as opened:
            held = opened.enter_context((self.folder / LOCK).open("a+b"))
            if not lock(held):
                raise InUseError(f"Another run is writing to {self.folder}. Wait for it, or choose another -o.")
            if self.fresh:
                for name in (SHARDS, _UNFINISHED):
                    shutil.rmtree(self.folder / name, ignore_errors=True)
                for name in (MANIFEST, JOB):
                    (self.folder / name).unlink(missing_ok=True)
            elif (self.folder / JOB).exists():
                self._before = earlier(self.folder, self._heading)
            shutil.rmtree(self.folder / _LEASES, ignore_errors=True)
            for name in (SHARDS, _UNFINISHED, _LEASES):
                (self.folder / name).mkdir(exist_ok=True)
            self._load()
            self.resumed = self.counts.extracted
            opened.pop_all()
            self._open.callback(held.close)
        self.write()
        return self

    def __exit__(self, *_: object) -> None:
        with self._open:
            self.write()

    @property
    def leases(self) -> Path:
        """Where the processes' spending is kept."""
        return self.folder / _LEASES

    @property
    def counts(self) -> Counts:
        """Sums over all shards, also those that are not whole."""
        total = Counts()
        for counts in (self._done, *(report.counts for report in list(self._under_way.values()))):
            total.merge(counts)
        return total

    @property
    def spent(self) -> float:
        """US dollars that all runs have cost."""
        return max(self._spent + sum(report.spent for report in list(self._under_way.values())), self._charged)

    def charge(self, spent: float) -> None:
        """Take note of what all runs have cost in US dollars."""
        self._charged = max(self._charged, spent)

    def progress(self) -> Progress:
        """How far the job is right now."""
        self.watch.settled_ahead = sum(report.settled for report in list(self._under_way.values()))
        return self.watch.progress(self.counts, self.resumed)

    def plan(self, size: int) -> None:
        """Fix how many records a shard has. It holds for all later runs: the same input gives the same shards."""
        self.size = size
        self._listed = -1
        self.write()

    def is_whole(self, shard: Shard) -> bool:
        """Whether a shard was done before, and all of it."""
        known = self._whole.get(shard.number)
        return known is not None and not known.counts["failed"] and known.plan == shard.plan()

    def begin(self, shard: Shard) -> Path:
        """Where a shard is to be done; what was done of it before is there."""
        place = self.folder / _UNFINISHED / shard.name
        if (known := self._whole.pop(shard.number, None)) is not None:
            (self.folder / SHARDS / shard.name).rename(place)
            self._count(known, -1)
            self._under_way[shard.number] = Report(Counts(**known.counts), known.spent_usd)
            self._listed = -1
        place.mkdir(exist_ok=True)
        with written_whole(place / _PLAN) as file:
            file.write(shard.plan().model_dump_json().encode())
        return place

    def note(self, shard: Shard, report: Report) -> None:
        """Take down how far a shard is."""
        self._under_way[shard.number] = report

    def finish(self, shard: Shard, report: Report) -> None:
        """Take a shard that is whole among those that are shown."""
        place = self.folder / SHARDS / shard.name
        (self.folder / _UNFINISHED / shard.name).rename(place)
        self._under_way.pop(shard.number, None)
        self._add(shard.number, shard.plan(), report.counts, report.spent)
        self.refresh()

    def end(self, shards: int) -> None:
        """The input is at its end, behind so many shards. Raises `JobError` if there were more before."""
        if gone := [number for number in (*self._whole, *self._under_way) if number >= shards]:
            cause = f"the input has fewer records than before: shard {min(gone):05} of {self.folder} is not in it"
            raise JobError(cause, "Give the whole input, or choose another folder with -o.")
        self.finished = True

    def refresh(self) -> None:
        """Bring `job.json` and the manifest up to date, where that was not done just now. To be called about once a second."""
        if perf_counter() >= self._next:
            with suppress(OSError):  # the next shard meets it as well
                self.write()

    def write(self) -> None:
        """Bring `job.json` and the manifest up to date."""
        began = perf_counter()
        if self.size is not None and self._listed != len(self._whole):
            shards = [self._whole[number] for number in sorted(self._whole)]
            with written_whole(self.folder / MANIFEST) as file:
                file.write(_Manifest(records_a_shard=self.size, shards=shards).model_dump_json(indent=1).encode() + b"\n")
            self._listed = len(self._whole)
        describe(
            self.folder,
            self._heading,
            self._before,
            counts=self.counts.as_json(),
            progress=self.progress().as_json(),
            spent_usd=round(self.spent, 6),
            written={"extractions": None, "failures": None},
            started=self._started,
            finished=self.finished,
            stopped=self.stopped,
            seconds=perf_counter() - self._began,
        )
        self._next = perf_counter() + max(_BEAT, _REST * (perf_counter() - began))

    @property
    def _heading(self) -> dict[str, Any]:
        return self.job.as_json(self.settings)

    def _load(self) -> None:
        """Read what earlier runs left."""
        self._charged = 0.0 if self._before is None else self._before.spent_usd
        if (file := self.folder / MANIFEST).exists():
            manifest = _read(TypeAdapter(_Manifest), file)
            self.size = manifest.records_a_shard
            for each in manifest.shards:
                if (self.folder / each.folder).is_dir():
                    self._whole[int(Path(each.folder).name)] = each
                    self._count(each)
        for place in _folders(self.folder / SHARDS):  # a run was killed before it listed them
            if int(place.name) not in self._whole:
                told = Description.read(place, WAYS_OUT)
                plan = _read(TypeAdapter(Plan), place / _PLAN)
                self._add(int(place.name), plan, Counts(**told.counts.model_dump()), told.spent_usd)
        for place in _folders(self.folder / _UNFINISHED):
            if (place / JOB).exists():
                told = Description.read(place, WAYS_OUT)
                self._under_way[int(place.name)] = Report(Counts(**told.counts.model_dump()), told.spent_usd)

    def _add(self, number: int, plan: Plan, counts: Counts, spent: float) -> None:
        folder = f"{SHARDS}/{number:05}"
        size = (self.folder / folder / EXTRACTIONS).stat().st_size
        whole = _Whole(folder=folder, plan=plan, counts=counts.as_json(), spent_usd=spent, bytes=size)
        self._whole[number] = whole
        self._count(whole)

    def _count(self, whole: _Whole, times: int = 1) -> None:
        if times > 0:
            self._done.merge(Counts(**whole.counts))
        else:
            self._done = Counts()
            for each in self._whole.values():
                self._done.merge(Counts(**each.counts))
        self._spent += times * whole.spent_usd


def _folders(folder: Path) -> list[Path]:
    return sorted(place for place in folder.iterdir() if place.name.isdecimal() and place.is_dir())


def _read(kind: TypeAdapter[Any], file: Path) -> Any:
    try:
        return kind.validate_json(file_of(file.parent, file.name).read_bytes())
    except (ValidationError, FileNotFoundError):
        raise UsageError(f"{file} is not what a job in shards has written. {WAYS_OUT}") from None
