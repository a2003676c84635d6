"""The folder of a job in shards: each is a job's folder of its own, which moves into its place when it is whole.

job.json            how far all of them are together
manifest.json       the shards that are whole; it is made anew of theirs where it is gone
shards/00000/       one of them
unfinished/00001/   one that is under way, or was
leases/             what each process has spent
"""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from itertools import count, islice
from pathlib import Path
from time import perf_counter
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from extractor.errors import JobError, UsageError
from extractor.jobs.flow import Item
from extractor.jobs.job import (
    JOB,
    WAYS_OUT,
    Counts,
    Description,
    Job,
    KeptCounts,
    Progress,
    Watch,
    earlier,
    file_of,
    written_whole,
)  # fmt: skip
from extractor.jobs.journal import InUseError, Journal, describe, lock, utc_now
from extractor.jobs.state import LOCK
from extractor.outputs.columns import TABLES
from extractor.outputs.jsonl import EXTRACTIONS, SHARDS, numbered
from extractor.sources import Sourced

PLAN = "shard.json"
"""What a shard consists of, in its folder; the driver writes it before the shard is done."""
_MANIFEST = "manifest.json"
_UNFINISHED = "unfinished"
_LEASES = "leases"
_PARQUET = frozenset(f"{table}.parquet" for table in TABLES)
_REMOVE = "Remove {} and run the same command again: what is missing is done anew."
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

    @cached_property
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
    records: int = Field(ge=1)
    content: str


@dataclass(frozen=True, slots=True)
class Report:
    """How far a shard is. `settled` records of it were done by the process that is at it now."""

    counts: Counts
    spent: float
    settled: int = 0


class _Whole(BaseModel):
    """A shard in the manifest, with the bytes of its files."""

    model_config = ConfigDict(strict=True, frozen=True)
    folder: str = Field(pattern=rf"^{SHARDS}/[0-9]{{5,9}}$")
    plan: Plan
    counts: KeptCounts
    spent_usd: float
    files: dict[str, int]

    @property
    def sums(self) -> Counts:
        """Its counts, to be added to others."""
        return Counts(**self.counts.model_dump())


class _Manifest(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)
    records_a_shard: int = Field(ge=1)
    shards: list[_Whole]


@dataclass(slots=True)
class Shards:
    """Keeps the folder of a job in shards, and knows how far it is. A context manager, unless it only looks.

    Raises `UsageError` if the folder is another job's or in use, and `OSError` as the system does.
    """

    folder: Path
    job: Job
    settings: Mapping[str, Any]
    fresh: bool = False
    watch: Watch = field(default_factory=Watch)
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
        self._earlier()  # a folder that is refused is left as it is
        with ExitStack() as opened:
            held = opened.enter_context((self.folder / LOCK).open("a+b"))
            if not lock(held):
                raise InUseError(f"Another run is writing to {self.folder}. Wait for it, or choose another -o.")
            if self.fresh:
                for name in (SHARDS, _UNFINISHED):
                    shutil.rmtree(self.folder / name, ignore_errors=True)
                for name in (_MANIFEST, JOB):
                    (self.folder / name).unlink(missing_ok=True)
            self._before = self._earlier()
            for left in (self.folder / _LEASES, *(self.folder / _UNFINISHED).glob(".*")):  # tables that a killed actor wrote
                shutil.rmtree(left, ignore_errors=True)
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

    def look(self) -> Self:
        """Read what the folder holds and write nothing, in place of entering it; what is done and `spent` are known then."""
        self._before = self._earlier()
        self._load()
        return self

    def with_done(self, items: Iterable[Item]) -> Iterator[tuple[Item, bool]]:
        """Each of the input's items with whether its extraction is there."""
        left = iter(items)
        if self.size is None:
            yield from ((item, False) for item in left)
        for number in count():
            shard = Shard(number, islice(left, self.size))
            if not shard:
                return
            if self.is_whole(shard):
                yield from ((item, True) for item in shard)
            else:
                place = self.folder / (SHARDS if number in self._whole else _UNFINISHED) / shard.name
                yield from Journal(place, self.job, self.settings, fresh=self.fresh).look().with_done(shard)

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

    @property
    def asked(self) -> int | None:
        """How many shards the run before was to make, about; None where it was not told."""
        return None if self._before is None else (self._before.options or {}).get("shards")

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
        """Whether a shard was done before, all of it, and its files are as they were."""
        known = self._whole.get(shard.number)
        if known is None or known.counts.failed or known.plan != shard.plan:
            return False
        return known.files == _files(self.folder / known.folder) and (not self.job.parquet or known.files.keys() >= _PARQUET)

    def begin(self, shard: Shard) -> Path:
        """Where a shard is to be done; what was done of it before is there."""
        place = self.folder / _UNFINISHED / shard.name
        if (known := self._whole.pop(shard.number, None)) is not None:
            (self.folder / SHARDS / shard.name).rename(place)
            self._count(known, -1)
            self._under_way[shard.number] = Report(known.sums, known.spent_usd)
            self._listed = -1
        place.mkdir(exist_ok=True)
        for name in _PARQUET:  # tables of records that may change now
            (place / name).unlink(missing_ok=True)
        with written_whole(place / PLAN) as file:
            file.write(shard.plan.model_dump_json().encode())
        return place

    def note(self, shard: Shard, report: Report) -> None:
        """Take down how far a shard is."""
        self._under_way[shard.number] = report

    def finish(self, shard: Shard, report: Report) -> None:
        """Take a shard that is whole among those that are shown."""
        place = self.folder / SHARDS / shard.name
        (self.folder / _UNFINISHED / shard.name).rename(place)
        self._under_way.pop(shard.number, None)
        self._add(shard.number, shard.plan, report.counts, report.spent)
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
            with written_whole(self.folder / _MANIFEST) as file:
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

    def _earlier(self) -> Description | None:
        """What `job.json` says of earlier runs; None for a new folder. Raises `UsageError` if they were of another job."""
        if file_of(self.folder, EXTRACTIONS).exists() or (self.folder / "batch").exists():
            raise UsageError(f"{self.folder} holds a job that is not in shards. {WAYS_OUT.partition(',')[0]}.")
        for name in (JOB, _MANIFEST, LOCK):
            file_of(self.folder, name)
        if self.fresh:
            return None
        if not (self.folder / JOB).exists():
            if numbered(self.folder / SHARDS):
                raise UsageError(f"{self.folder} has no {JOB} that says what made its shards. {WAYS_OUT}")
            return None
        return earlier(self.folder, self._heading)

    def _load(self) -> None:
        """Read what earlier runs left, if any did."""
        if self._before is None:
            return
        self._charged = self._before.spent_usd
        if (file := self.folder / _MANIFEST).exists():
            manifest = _read(_Manifest, file)
            self.size = manifest.records_a_shard
            for each in manifest.shards:
                if (self.folder / each.folder).is_dir():
                    self._whole[int(Path(each.folder).name)] = each
                    self._count(each)
        plans = []
        for place in numbered(self.folder / SHARDS):
            if (number := int(place.name)) not in self._whole:  # a run was killed before it listed it
                plans.append(plan := _read(Plan, place / PLAN))
                told = _told(place)
                self._add(number, plan, told.counts, told.spent)
        for place in numbered(self.folder / _UNFINISHED):
            if (place / JOB).exists():
                plans.append(_read(Plan, place / PLAN))
                self._under_way[int(place.name)] = _told(place)
        if self.size is None:
            self.size = max((plan.records for plan in plans), default=None)

    def _add(self, number: int, plan: Plan, counts: Counts, spent: float) -> None:
        folder = f"{SHARDS}/{number:05}"
        files = _files(self.folder / folder)
        kept = KeptCounts(**counts.as_json())
        self._whole[number] = whole = _Whole(folder=folder, plan=plan, counts=kept, spent_usd=spent, files=files)
        self._count(whole)

    def _count(self, whole: _Whole, times: int = 1) -> None:
        self._done.merge(whole.sums, times)
        self._spent += times * whole.spent_usd


def _files(place: Path) -> dict[str, int]:
    """The bytes of a shard's records and tables, by the names of their files."""
    return {file.name: file.stat().st_size for file in sorted(place.iterdir()) if file.suffix in {".jsonl", ".parquet"}}


def _told(place: Path) -> Report:
    told = Description.read(place, _REMOVE.format(place))
    return Report(Counts(**told.counts.model_dump()), told.spent_usd)


AnyKept = TypeVar("AnyKept", bound=BaseModel)


def _read(kind: type[AnyKept], file: Path) -> AnyKept:
    try:
        return kind.model_validate_json(file_of(file.parent, file.name).read_bytes())
    except (ValidationError, FileNotFoundError):
        thing = file if kind is _Manifest else file.parent
        raise UsageError(f"{file} is not what a job in shards has written. {_REMOVE.format(thing)}") from None
