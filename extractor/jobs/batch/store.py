"""What a job's folder holds of its batches: the folder `batch` with `batches.json`, the documents, requests and results.

`batches.json` is the whole plan, replaced in one step; it exists when the plan is whole. With it and the environment's key
any machine can go on. `documents.jsonl` is the input as it was read when the job was planned.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, cast

from extractor.errors import UsageError
from extractor.jobs.batch.plan import Plan, PlannedBatch, PlannedDocument
from extractor.labelling.models import ModelOptions

FOLDER = "batch"
_STATE = "batches.json"
_VERSION = 1


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

    def requests_of(self, batch: PlannedBatch) -> Path:
        """The file with the requests of a batch, without those that were split off."""
        file = self.requests(batch.number)
        if file.stat().st_size > batch.bytes:
            os.truncate(file, batch.bytes)
        return file

    def drop_requests(self) -> None:
        """Let go of all requests: they are answered, or never will be."""
        for file in self.folder.glob("requests-*"):
            file.unlink(missing_ok=True)

    def load(self) -> Plan | None:
        """The plan, or None if the folder has none. Raises `UsageError` for a file that is not a plan."""
        file = self.folder / _STATE
        try:
            raw = json.loads(file.read_bytes())
            if raw.pop("version") != _VERSION:
                raise ValueError("another version")
            batches = [PlannedBatch(**batch) for batch in raw.pop("batches")]
            return Plan(**raw, batches=batches)
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError):
            fix = f"Restore {file} from a copy, or start over with --fresh; batches under way are then paid for in vain."
            raise UsageError(f"{file} does not tell a job's batches. {fix}") from None

    def need(self) -> Plan:
        """The plan. Raises `UsageError` if the folder has none."""
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

    def read(self) -> "Iterator[PlannedDocument]":
        """The records of the input, one by one, in its order."""
        with self.documents.open("rb") as lines:
            for line in lines:
                yield PlannedDocument.of(json.loads(line))

    def result_files(self) -> list[Path]:
        """The results that are here, the provider's and imported ones."""
        return sorted(self.results.glob("*.jsonl"))


def next_batch(store: Store, plan: Plan) -> PlannedBatch | None:
    """The next batch to send; None if all are sent, or the next has no room. A batch that is larger than the room is split."""
    for batch in plan.unsent:
        if batch.since is not None or plan.room is None:
            return batch
        if plan.under_way and plan.under_way + min(batch.tokens, plan.room) > plan.room:
            continue
        return _split(store, plan, batch) if batch.tokens > plan.room and batch.requests > 1 else batch
    return None


def _split(store: Store, plan: Plan, batch: PlannedBatch) -> PlannedBatch:
    """Make batches that fit of one that does not, and return the first, which has its number; the others come last in the plan.

    Their files are whole before the state knows of them. Its own is cut after that.
    """
    file = store.requests_of(batch)
    room = batch.bytes * cast(int, plan.room) // batch.tokens
    sizes: list[tuple[int, int]] = []  # requests and bytes
    with file.open("rb") as lines:
        requests = size = 0
        for line in lines:
            if requests and size + len(line) > room:
                sizes.append((requests, size))
                requests = size = 0
            requests, size = requests + 1, size + len(line)
        sizes.append((requests, size))

    def piece(number: int, requests: int, size: int, first: int) -> PlannedBatch:
        cost = None if batch.cost_usd is None else batch.cost_usd * size / batch.bytes
        tokens = max(1, batch.tokens * size // batch.bytes)
        return PlannedBatch(number, requests, size, cost, tokens, batch.piece_of or batch.number, first)

    pieces = [piece(batch.number, *sizes[0], batch.first)]
    with file.open("rb") as source:
        source.seek(sizes[0][1])
        for requests, size in sizes[1:]:
            number, first = len(plan.batches) + len(pieces), pieces[-1].first + pieces[-1].requests
            with store.requests(number).open("wb") as target:
                copy(source, target, size)
                target.flush()
                os.fsync(target.fileno())
            pieces.append(piece(number, requests, size, first))
    plan.batches[plan.batches.index(batch)] = pieces[0]
    plan.batches += pieces[1:]
    store.save(plan)
    store.requests_of(pieces[0])
    return pieces[0]


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


def export_requests(store: Store, plan: Plan, target: Path) -> list[Path]:
    """Copy the requests that are not sent to files, one a batch, and wait for their results. Raises `UsageError` if all are."""
    batches = [batch for batch in plan.pending if batch.state in {"planned", "exported"} and batch.since is None]
    if not batches:
        raise UsageError(
            f"{store.job} has no request that is not sent yet. Collect with `extractor batch collect {store.job}`."
        )
    files = [target] if len(batches) == 1 else [target.with_stem(f"{target.stem}-{batch.number}") for batch in batches]
    for batch, file in zip(batches, files, strict=True):
        new = file.with_name(f"{file.name}.new")
        with store.requests_of(batch).open("rb") as source, new.open("wb") as target_file:
            copy(source, target_file, batch.bytes)
        new.replace(file)
        batch.state = "exported"
    store.save(plan)
    return files
