"""What a job's folder holds of its batches: the folder `batch` with `batches.json`, the documents, requests and results.

`batches.json` is the whole state, replaced in one step; it exists when the plan is whole. With it and the environment's key
any machine can go on. `documents.jsonl` is the input as it was read when the job was planned.
"""

import json
import os
import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal

from extractor.documents import Document
from extractor.errors import UsageError
from extractor.jobs.journal import Job
from extractor.labelling.models import ModelOptions
from extractor.llm.batch import ENDED, Batch
from extractor.llm.batch import State as ProviderState
from extractor.sources import BadRecord, Location, Sourced

FOLDER = "batch"
_STATE = "batches.json"
_VERSION = 1


@dataclass(slots=True)
class Part:
    """One batch of a job. `planned` ones are not sent yet, `exported` ones wait for their results to be imported.

    `since` is when sending began (seconds since the epoch), written before anything is sent. `collected` batches have their
    results in the folder; `written` ones have their records written, or their failures. `cost_usd` is what it may cost at most,
    about, and `tokens` how many there are in its requests, about.

    A `piece_of` a batch that was too large for the provider's queue holds the requests of it from number `first` on.
    """

    number: int
    requests: int
    bytes: int
    cost_usd: float | None
    tokens: int = 0
    piece_of: int | None = None
    first: int = 0
    state: ProviderState | Literal["planned", "exported"] = "planned"
    since: float | None = None
    file: str | None = None
    id: str | None = None
    completed: int = 0
    failed: int = 0
    outputs: list[str] = field(default_factory=list)
    cause: str | None = None
    presumed: bool = False
    collected: bool = False
    written: bool = False

    @property
    def is_open(self) -> bool:
        """Whether the provider has it and has not ended it."""
        return self.id is not None and self.state not in ENDED

    def update(self, batch: Batch) -> None:
        """Take over what the provider tells."""
        self.id, self.state, self.outputs, self.cause = batch.id, batch.state, list(batch.outputs), batch.cause
        self.completed, self.failed, self.presumed = batch.completed, batch.failed, self.presumed or batch.presumed

    def as_batch(self) -> Batch:
        """As its service knows it."""
        assert self.id is not None  # noqa: S101 (it was sent)
        return Batch(self.id, "completed", outputs=tuple(self.outputs))


@dataclass(slots=True)
class Plan:
    """The batches of a job, and what it takes to go on with them. `key` names the job at the provider.

    `model` holds the fields of `ModelOptions` on which answers and costs depend, `asking` the settings of `Chosen`,
    `options` and `directory` how it was started, `mode` the way in which structure was asked for. `strangers` are batches at
    the provider that are none of the plan's: other jobs', and those that were refused. `limit` is how many tokens
    the provider's queue holds, where a refusal has told, and `room` how many of them this job may try to have, about. A
    `closed` plan has all its records written.
    """

    inputs: Sequence[str]
    fields: Mapping[str, Sequence[str]]
    model: dict[str, Any]
    asking: dict[str, Any]
    mode: str
    options: Mapping[str, Any] = field(default_factory=dict)
    directory: str = ""
    documents: int = 0
    batches: list[Part] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    limit: int | None = None
    room: int | None = None
    key: str = field(default_factory=lambda: secrets.token_hex(16))
    closed: bool = False

    @property
    def job(self) -> Job:
        """The job as its journal knows it."""
        name = self.model["model"]
        return Job(tuple(self.inputs), name, self.fields, asking=self.asking, options=self.options, directory=self.directory)

    @property
    def unsent(self) -> list[Part]:
        """The batches that are to be sent."""
        return [part for part in self.batches if part.state == "planned" and not part.collected]

    @property
    def pending(self) -> list[Part]:
        """The batches whose results are not here yet."""
        return [part for part in self.batches if not part.collected]

    @property
    def under_way(self) -> int:
        """The tokens of the batches that the provider has and has not ended, about."""
        return sum(part.tokens for part in self.batches if part.is_open)

    @property
    def queued(self) -> int:
        """How many requests wait for room at the provider."""
        return 0 if self.room is None else sum(part.requests for part in self.unsent)

    def send_anew(self, part: Part, id: str | None, cause: str | None = None) -> None:
        """Plan a batch again that was sent: what the provider calls `id` is not the job's."""
        if id is not None:
            self.strangers.append(id)
        part.state, part.cause, part.since, part.file, part.id = "planned", cause, None, None, None
        part.completed, part.failed, part.presumed, part.outputs = 0, 0, False, []


class Store:
    """The folder `batch` of a job's folder."""

    def __init__(self, job: Path) -> None:
        self.job = job
        self.folder = job / FOLDER
        self.documents = self.folder / "documents.jsonl"
        self.prompt = self.folder / "prompt.md"
        self.results = self.folder / "results"

    def requests(self, number: int) -> Path:
        """The file with the requests of a batch; it goes when they are answered."""
        return self.folder / f"requests-{number}.jsonl"

    def requests_of(self, part: Part) -> Path:
        """The file with the requests of a batch, without those that were split off."""
        file = self.requests(part.number)
        if file.stat().st_size > part.bytes:
            os.truncate(file, part.bytes)
        return file

    def drop_requests(self) -> None:
        """Let go of all requests: they are answered, or never will be."""
        for file in self.folder.glob("requests-*"):
            file.unlink(missing_ok=True)

    def load(self) -> Plan | None:
        """The plan, or None where there is none. Raises `UsageError` for a file that is no plan."""
        file = self.folder / _STATE
        try:
            raw = json.loads(file.read_bytes())
            if raw.pop("version") != _VERSION:
                raise ValueError("another version")
            parts = [Part(**part) for part in raw.pop("batches")]
            return Plan(**raw, batches=parts)
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError):
            fix = f"Restore {file} from a copy, or start over with --fresh; batches under way are then paid for in vain."
            raise UsageError(f"{file} does not tell a job's batches. {fix}") from None

    def need(self) -> Plan:
        """The plan; raises `UsageError` where there is none."""
        plan = self.load()
        if plan is None:
            raise UsageError(f"{self.job} holds no batches. Send some with `extractor batch submit INPUT -o {self.job}`.")
        return plan

    def keep_prompt(self, prompt: Path) -> None:
        """Copy a prompt of the user's own, so that another machine has it."""
        content = prompt.read_bytes()
        self.prompt.write_bytes(content)

    def save(self, plan: Plan) -> None:
        """Write the state, whole or not at all, so that it outlives the process and the power."""
        raw = {"version": _VERSION, **asdict(plan)}
        _replace(self.folder / _STATE, (json.dumps(raw, indent=1) + "\n").encode())

    def make_way(self, fresh: bool) -> None:
        """Refuse a job by calls while batches are not collected: it would pay for them again. Forget them for a fresh start."""
        plan = self.load()
        if plan is not None and not plan.closed:
            fix = f"Run with --batch, or `extractor batch cancel {self.job}` and then `extractor batch collect {self.job}`."
            raise UsageError(f"{self.job} has batches that are not collected. {fix}")
        if fresh:
            self.drop()

    def drop(self) -> None:
        """Forget all of it, the state first."""
        if self.folder.is_dir():
            (self.folder / _STATE).unlink(missing_ok=True)
            for file in [*self.folder.glob("*.jsonl*"), *self.results.glob("*"), self.prompt]:
                file.unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from the batches; the system releases the lock when the process ends, however it ends."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.results.mkdir(exist_ok=True)
        with (self.folder / "lock").open("ab") as lock:
            if sys.platform != "win32":
                import fcntl

                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    fix = "Wait for it, or end it."
                    raise UsageError(f"Another process is at work on the batches of {self.job}. {fix}") from None
                except OSError:
                    pass  # a file system without locks
            yield

    def options(self, plan: Plan, **more: Any) -> ModelOptions:
        """How the job's model is asked, on this machine."""
        prompt = self.prompt if plan.model["prompt"] else None
        return ModelOptions(**{**plan.model, "fallbacks": tuple(plan.model["fallbacks"]), "prompt": prompt, **more})

    def read(self) -> "Iterator[Planned]":
        """The records of the input, one by one, in its order."""
        with self.documents.open("rb") as lines:
            for line in lines:
                yield Planned.of(json.loads(line))

    def result_files(self) -> list[Path]:
        """The results that are here, the provider's and imported ones."""
        return sorted(self.results.glob("*.jsonl"))


@dataclass(frozen=True, slots=True)
class Planned:
    """A record of the input and what the plan is for it: its question and its batch, None where it needs none.

    `repeat` marks a document whose question an earlier one has put already.
    """

    item: Sourced | BadRecord
    question: str | None = None
    batch: int | None = None
    repeat: bool = False

    def to_line(self) -> bytes:
        """As a line of `documents.jsonl`."""
        item = self.item
        raw: dict[str, Any] = {"source": item.location.path, "line": item.location.line}
        if isinstance(item, BadRecord):
            raw |= {"bad": item.id, "cause": item.cause, "fix": item.fix}
        else:
            document = item.document
            raw |= {"id": document.id, "title": document.title, "abstract": document.abstract}
            raw |= {"question": self.question, "batch": self.batch, "repeat": self.repeat}
        return json.dumps(raw).encode("ascii") + b"\n"

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> "Planned":
        """From a line of `documents.jsonl`."""
        location = Location(raw["source"], raw["line"])
        if "bad" in raw:
            return cls(BadRecord(location, raw["bad"], raw["cause"], raw["fix"]))
        document = Document(raw["id"], raw["title"], raw["abstract"])
        return cls(Sourced(document, location), raw["question"], raw["batch"], raw["repeat"])


def copy(source: BinaryIO, target: BinaryIO, size: int) -> None:
    """Copy so many bytes."""
    while size and (block := source.read(min(size, 1 << 20))):
        target.write(block)
        size -= len(block)


def _replace(file: Path, content: bytes) -> None:
    new = file.with_name(f"{file.name}.new")
    with new.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(file)
