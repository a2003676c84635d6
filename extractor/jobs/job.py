"""A job: as it was asked for, how far it is, what it came to, and as its folder keeps all that in `job.json`."""

import json
import os
import stat
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from time import monotonic
from typing import Annotated, Any, BinaryIO, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, PlainValidator

from extractor._version import __version__
from extractor.errors import JobError, Spent, UsageError
from extractor.jobs.lines import KnownRecord
from extractor.labelling.models import ModelOptions
from extractor.records import Extraction, Kind, Provenance
from extractor.sources import Fields, Gauge

JOB = "job.json"
_MINUTE = 60.0
"""Seconds over which the rate is taken: long enough for slow models, short enough to show that a server has slowed."""
WAYS_OUT = "Choose another folder with -o, or start over with --fresh."


@dataclass(frozen=True, slots=True)
class Job:
    """What is read, who labels it, and how the job goes about it.

    `workers` processes label by the rules, one or one for each core by the size of the input if it is None.
    `fields` maps the names of the input's fields (`title=headline`); what stands in the fields `keep` passes through; `format`
    is that of all inputs where it is not to be recognised; a record longer than `max_characters` fails; `order` is that of the
    records. `retry_online` asks again, by calls, for what a batch left. The `engine` ray does it in about so many `shards` on
    the cluster at `address`, or on this machine alone, and writes each shard's tables as well if they are wanted in `parquet`.
    `inputs` are named from `directory`.
    """

    inputs: tuple[str, ...]
    model: ModelOptions = field(default_factory=ModelOptions)
    fields: str = ""
    workers: int | None = None
    order: Literal["input", "completion"] = "input"
    batch: bool = False
    retry_online: bool = False
    keep: tuple[str, ...] = ()
    format: str | None = None
    max_characters: int = 50_000
    engine: Literal["local", "ray"] = "local"
    address: str | None = None
    shards: int | None = None
    parquet: bool = False
    directory: str = field(default_factory=os.getcwd)

    @staticmethod
    def of(inputs: Sequence[str], options: Mapping[str, Any], directory: str) -> "Job":
        """The job of these `options` of a `job.json`. Raises `ValueError`, `KeyError` or `TypeError` where they are not one."""
        if not isinstance(options["model"], dict):
            raise TypeError("the model's options are not an object")
        model = dict(options["model"])
        prompt = model.pop("prompt", None)
        raw = {**options, "model": model, "inputs": [], "directory": ""}
        job = _Asked.model_validate_json(json.dumps({"job": raw})).job
        for name, number in [("workers", job.workers), ("max_characters", job.max_characters), *asdict(job.model).items()]:
            if isinstance(number, int | float) and (number < 0 or (number == 0 and name not in {"max_cost", "cache"})):
                raise ValueError(f"{name} is {number}")
        # Names of files may hold what is not UTF-8, which passes no validation.
        asked = replace(job.model, prompt=None if prompt is None else Path(prompt))
        if not all(isinstance(name, str) for name in (*inputs, directory)):
            raise TypeError("a name is not a text")
        return replace(job, inputs=tuple(inputs), model=asked, directory=directory)

    @property
    def names(self) -> Fields:
        """What the input calls its fields. Raises `UsageError` for a mapping that cannot be read."""
        return replace(Fields.parse(self.fields) if self.fields else Fields(), keep=self.keep)

    def as_json(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """As it stands in `job.json`. `settings` are what a model's answers depend on beside its name."""
        prompt = self.model.prompt
        options = asdict(self)
        options["model"]["prompt"] = None if prompt is None else str(prompt.absolute())
        del options["inputs"], options["directory"]
        names = {name: [value] if isinstance(value, str) else [*value] for name, value in asdict(self.names).items() if value}
        names |= {"format": [self.format]} if self.format else {}
        return {
            "inputs": self.inputs,
            "model": self.model.model,
            "extractor": __version__,
            "settings": {"fields": names, **settings},
            "options": options,
            "directory": self.directory,
        }


@dataclass(slots=True)
class Counts:
    """Sums over the records of a job. `documents` counts every input record; `failed` of them have no extraction.

    `uncalled` documents took no call because nothing was spotted in them (or rules labelled them), `cached` ones because
    their replies were kept. Calls, tokens and cost include those of the documents that failed. `cost_usd` is None once the
    price of a single document is not known.
    """

    documents: int = 0
    failed: int = 0
    claims: dict[str, int] = field(default_factory=lambda: dict.fromkeys(get_args(Kind), 0))
    hardware: int = 0
    rejected: int = 0
    rejected_by_reason: dict[str, int] = field(default_factory=dict)
    uncalled: int = 0
    cached: int = 0
    calls: int = 0
    reasks: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0

    @property
    def extracted(self) -> int:
        """Documents that have an extraction."""
        return self.documents - self.failed

    def add(self, record: Extraction | KnownRecord, times: int = 1) -> None:
        """Count an extraction; with -1, take one out that was counted before."""
        self.documents += times
        for claim in record.claims:
            self.claims[claim.kind] += times
        self.hardware += times * len(record.hardware)
        self.rejected += times * len(record.rejected)
        for rejection in record.rejected:
            left = self.rejected_by_reason.pop(rejection.reason, 0) + times
            if left:
                self.rejected_by_reason[rejection.reason] = left
        made = record.provenance
        self.cached += times * made.cached
        self.uncalled += times * (not (made.calls or made.cached))
        self._spend(made, times)

    def fail(self, spent: Spent | None = None) -> None:
        """Count an input without an extraction, and what was spent on it."""
        self.documents += 1
        self.failed += 1
        if spent is not None:
            self._spend(spent)

    def merge(self, other: "Counts", times: int = 1) -> None:
        """Add the counts of other records; with -1, take them out."""
        for each in fields(self):
            mine, theirs = getattr(self, each.name), getattr(other, each.name)
            if isinstance(mine, dict):
                for name, number in theirs.items():
                    if number:
                        mine[name] = mine.get(name, 0) + times * number
            else:
                setattr(self, each.name, None if mine is None or theirs is None else mine + times * theirs)

    def _spend(self, spent: Spent | Provenance, times: int = 1) -> None:
        self.calls += times * spent.calls
        self.reasks += times * max(0, spent.attempts - 1)
        self.input_tokens += times * spent.input_tokens
        self.output_tokens += times * spent.output_tokens
        known = None not in (self.cost_usd, spent.cost_usd)
        self.cost_usd = (self.cost_usd or 0.0) + times * (spent.cost_usd or 0.0) if known else None

    def as_json(self) -> dict[str, Any]:
        """The counts as they stand in `job.json`."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a job has come to. `counts` cover its folder, earlier runs included.

    `stopped` is what no later document could have done without, `interrupted` says that its `Stop` was asked. `changed`
    documents had another text before and were done anew, `kept` ones are no longer in the input. Of a job in batches, `waiting`
    requests are not answered yet, `queued` ones of them wait for room at the provider. `calls` says that a model was asked.
    The files `skipped` were passed over because they are not recognised, `repeated` documents were read before.
    """

    counts: Counts
    seconds: float = 0.0
    stopped: JobError | None = None
    interrupted: bool = False
    changed: int = 0
    kept: int = 0
    waiting: int = 0
    queued: int = 0
    calls: bool = True
    skipped: tuple[str, ...] = ()
    repeated: int = 0

    @property
    def answered(self) -> int:
        """Documents that were labelled: where a wrong key stops a job with a model, those that need no call do not count."""
        return self.counts.extracted - (self.counts.uncalled if self.calls else 0)


@dataclass(frozen=True, slots=True)
class Progress:
    """A moment of a job. `done` and `failed` count the folder, earlier runs included.

    `pending` documents are neither; it is an estimate by the bytes read until the input has been `read_through`, and None where
    the size of the input is not known, as that of a pipe. `in_flight` of them are under way. `rate` is in documents a second,
    over the last minute; `eta` in seconds from now.
    """

    done: int
    failed: int
    pending: int | None
    read_through: bool
    in_flight: int
    rate: float
    eta: float | None

    def as_json(self) -> dict[str, Any]:
        """As it stands in `job.json`."""
        return asdict(self) | {"rate": round(self.rate, 3), "eta": None if self.eta is None else round(self.eta, 1)}


@dataclass(slots=True)
class Watch:
    """What a job's flow tells while it runs. Another thread may ask for the progress at any time.

    `read` counts the records of the input so far, `skipped` those of them that were done before, `settled` those that are
    written now, and `settled_ahead` those in parts that are not whole yet.
    """

    gauge: Gauge = field(default_factory=Gauge)
    read: int = 0
    skipped: int = 0
    settled: int = 0
    settled_ahead: int = 0
    read_through: bool = False
    _written: deque[tuple[float, int]] = field(default_factory=deque, init=False, repr=False)

    def __post_init__(self) -> None:
        self._written.append((monotonic(), 0))

    def progress(self, counts: Counts, before: int = 0) -> Progress:
        """The progress right now. `before` documents of the counts were done when the job began."""
        now, settled = monotonic(), self.settled + self.settled_ahead
        self._written.append((now, settled))
        while now - self._written[0][0] > _MINUTE and len(self._written) > 2:
            self._written.popleft()
        began, first = self._written[0]
        rate = (settled - first) / (now - began) if now > began else 0.0
        in_flight = max(0, self.read - self.skipped - settled)
        pending: int | None = None
        if self.read_through:
            pending = in_flight
        elif self.read and (part := self.gauge.part()):
            unread = round(self.read * (1 - part) / part) - max(0, before - self.skipped)
            pending = in_flight + max(0, unread)
        eta = pending / rate if pending is not None and rate > 0 else None
        return Progress(counts.extracted, counts.failed, pending, self.read_through, in_flight, rate, eta)


@contextmanager
def written_whole(file: Path) -> Iterator[BinaryIO]:
    """A stream whose content takes the place of a file when it is whole and on the disk; the file stays as it was if not."""
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)  # what it may be a link to is not to be written
    try:
        with new.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(file)
    except BaseException:
        new.unlink(missing_ok=True)  # a full disk needs the room
        raise


def file_of(folder: Path, name: str) -> Path:
    """A file of a job's folder. Raises `UsageError` for a link, which leads elsewhere, and for a pipe, which may hang."""
    file = folder / name
    try:
        mode = file.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return file
    if not stat.S_ISREG(mode):
        kind = "a link" if stat.S_ISLNK(mode) else "a folder" if stat.S_ISDIR(mode) else "a pipe or a device"
        raise UsageError(f"{file} is {kind}, not a file of a job. Take it away, or choose another folder.")
    return file


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("no text")
    return value


_Name = Annotated[str, PlainValidator(_text)]
"""A text that may hold what is not UTF-8, as names of files do."""
_Count = Annotated[int, Field(ge=0, le=1 << 53)]
_Amount = Annotated[float, Field(ge=-1.0, le=1e15, allow_inf_nan=False)]


class _Part(BaseModel):
    # Built when a job.json is read, which a new job does not do: a fortieth of its start.
    model_config = ConfigDict(strict=True, frozen=True, defer_build=True)


class _Asked(_Part):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    job: Job


class KeptSettings(_Part):
    """What answers depend on beside the model's name; `fields` are the names of the input's fields."""

    model_config = ConfigDict(extra="allow")
    fields: dict[str, list[str]] = {}
    base_url: str | None = None
    prompt: str | None = None
    prompt_sha256: str | None = None
    schema_sha256: str | None = None
    narrow_schema: bool | None = None
    temperature: _Amount | None = None
    max_output_tokens: _Count | None = None
    votes: _Count | None = None


class KeptCounts(_Part):
    """As `Counts` has them."""

    documents: _Count = 0
    failed: _Count = 0
    claims: dict[str, _Count] = {}
    hardware: _Count = 0
    rejected: _Count = 0
    rejected_by_reason: dict[str, _Count] = {}
    uncalled: _Count = 0
    cached: _Count = 0
    calls: _Count = 0
    reasks: _Count = 0
    input_tokens: _Count = 0
    output_tokens: _Count = 0
    cost_usd: _Amount | None = None


class KeptProgress(_Part):
    """As `Progress` has it."""

    done: _Count = 0
    failed: _Count = 0
    pending: _Count | None = None
    read_through: bool = False
    in_flight: _Count = 0
    rate: _Amount | None = None
    eta: _Amount | None = None


class Written(_Part):
    """Sizes in bytes; when `extractions` were `modified`, in microseconds of the system's time."""

    extractions: _Count | None = None
    modified: _Count | None = None
    failures: _Count | None = None


class Description(_Part):
    """What a `job.json` says. `stopped` is the cause and the fix of what ended the last run before its time."""

    settings: KeptSettings
    counts: KeptCounts
    written: Written
    inputs: list[_Name] | None = None
    model: str | None = None
    extractor: str | None = None
    options: dict[str, Any] | None = None
    directory: _Name | None = None
    progress: KeptProgress | None = None
    spent_usd: _Amount = 0.0
    started: str | None = None
    updated: str | None = None
    finished: str | None = None
    stopped: str | None = None
    seconds: _Amount = 0.0

    @classmethod
    def read(cls, folder: Path, fix: str = "Name a folder that `extractor run` writes or wrote.") -> Self:
        """That of a folder. Raises `UsageError` if it has none, or another program's."""
        file = folder / JOB if (folder / JOB).is_dir() else file_of(folder, JOB)
        try:
            told = cls.model_validate(json.loads(file.read_bytes()))
            _ = told.job
        except (FileNotFoundError, NotADirectoryError):
            raise UsageError(f"{folder} holds no {JOB}. {fix}") from None
        except (IsADirectoryError, ValueError, KeyError, TypeError, RecursionError):
            raise UsageError(f"{file} is not the description of a job. {fix}") from None
        return told

    @property
    def job(self) -> Job | None:
        """The job as it was asked for; None where that is not told."""
        if self.inputs is None or self.options is None or self.directory is None:
            return None
        return Job.of(self.inputs, self.options, self.directory)


def earlier(folder: Path, now: Mapping[str, Any]) -> Description:
    """What `job.json` says of earlier runs in a folder. `now` is the job that is to go on there.

    Raises `UsageError` if the folder is another job's.
    """
    before = Description.read(folder, WAYS_OUT)
    try:
        differences = _differences(before, now)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(f"{folder / JOB} is not the description of a job. {WAYS_OUT}") from None
    if differences:
        raise UsageError(f"{folder} holds another job: {differences}. {WAYS_OUT}")
    return before


def _differences(before: Description, now: Mapping[str, Any]) -> str:
    """What keeps two jobs from sharing a folder, in words; empty if nothing does. Inputs may be added, not taken away."""
    if before.inputs is None or before.model is None or before.extractor is None:
        raise ValueError("a part is missing")
    pairs: dict[str, tuple[object, object]] = {"model": (before.model, now["model"])}
    pairs["extractor"] = (before.extractor, now["extractor"])
    had, has = before.settings.model_dump(exclude_unset=True), dict(now["settings"])
    pairs["fields"] = (_listed(had.pop("fields")), _listed(has.pop("fields")))
    if before.model == now["model"]:  # else it goes without saying
        pairs |= {name: (had.get(name), has.get(name)) for name in sorted({*had, *has})}
        if had.get("prompt") != has.get("prompt"):
            pairs.pop("prompt_sha256", None)
    if gone := [name for name in before.inputs if name not in now["inputs"]]:
        pairs["inputs"] = (" ".join(gone), " ".join(now["inputs"]))
    return "; ".join(_difference(name, *pair) for name, pair in pairs.items() if pair[0] != pair[1])


def _difference(name: str, before: object, after: object) -> str:
    if name.endswith("_sha256"):  # nobody compares hashes by eye
        return f"the {name.removesuffix('_sha256')} has changed"
    return f"{name} was {before}, is now {after}"


def _listed(fields: Mapping[str, Sequence[str]]) -> str:
    return ",".join(f"{name}={'|'.join(names)}" for name, names in sorted(fields.items()))
