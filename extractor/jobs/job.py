"""A job as it was asked for, by whoever asks; its folder keeps it in `job.json`, to go on with and for `extractor retry`."""

import json
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PlainValidator

from extractor._version import __version__
from extractor.errors import UsageError
from extractor.labelling.models import ModelOptions
from extractor.sources import Fields

JOB = "job.json"
WAYS_OUT = "Choose another folder with -o, or start over with --fresh."


@dataclass(frozen=True, slots=True)
class Job:
    """What is read, who labels it, and how the job goes about it.

    `fields` maps the names of the input's fields (`title=headline`); what stands in the fields `keep` passes through; `format`
    is that of all inputs where it is not to be recognised; a record longer than `max_characters` fails; `order` is that of the
    records. `retry_online` asks again, by calls, for what a batch left. `inputs` are named from `directory`.
    """

    inputs: tuple[str, ...]
    model: ModelOptions = field(default_factory=ModelOptions)
    fields: str = ""
    workers: int = 1
    order: Literal["input", "completion"] = "input"
    batch: bool = False
    retry_online: bool = False
    keep: tuple[str, ...] = ()
    format: str | None = None
    max_characters: int = 50_000
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
    model_config = ConfigDict(strict=True, frozen=True)


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
    """Sizes in bytes."""

    extractions: _Count | None = None
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
