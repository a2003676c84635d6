"""The folders of a service's jobs: each an ordinary one, and in it the file that a client sent and what it asked for.

    JOBS/20261128-170501-5f0c8a7be2d94163/
      input/papers.csv   the file, under a name that was checked
      request.json       who asked for what
      job.json ...       what `extractor run` writes

A folder gets its place when it is whole, and loses it before it is taken away, so a service that is killed leaves no half job.
A service moves into the folder of its jobs and names paths from there: none that it writes down or answers with tells where on
the machine that is.
"""

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from extractor.errors import UsageError
from extractor.jobs.job import JOB, written_whole
from extractor.jobs.journal import lock

REQUEST = "request.json"
_NEW, _OLD = ".new", ".old"
_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{16}")
FILE_NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}(\.[A-Za-z0-9]{1,10}){0,2}$"
"""What a client may call its file: it tells of the format, and ids begin with it; no folder can be named so."""


class Request(BaseModel):
    """What a client asked for: `options` are those of `POST /v1/jobs`; `cancelled` says that it wants no more of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    client: str
    created: str
    file: str
    options: dict[str, Any] = {}
    cancelled: bool = False


class Folders:
    """The jobs in the working directory, which one service uses at a time.

    Raises `UsageError` where another does, and for the folder of one job.
    """

    def __init__(self) -> None:
        if Path(JOB).exists():
            raise UsageError(f"{Path.cwd()} is the folder of one job. Name one for all jobs with --jobs.")
        for name in (_NEW, _OLD):
            Path(name).mkdir(exist_ok=True, mode=0o700)
        self._lock = Path(".lock").open("ab")  # noqa: SIM115 (held until `close`)
        if not lock(self._lock):
            self._lock.close()
            raise UsageError(f"Another service keeps its jobs in {Path.cwd()}. Stop it, or name another folder with --jobs.")
        for name in (_NEW, _OLD):
            for left in Path(name).iterdir():
                shutil.rmtree(left, ignore_errors=True)

    def close(self) -> None:
        """Let another service have the folder."""
        self._lock.close()

    def of(self, id: str) -> Path:
        """Where a job is."""
        return Path(id)

    def input_of(self, id: str, request: Request) -> Path:
        """The file that came with a job."""
        return self.of(id) / "input" / request.file

    def begin(self, name: str) -> tuple[str, Path]:
        """A new id, and the file to write what the client sends to. Raises `UsageError` for a name that is not one."""
        if not re.fullmatch(FILE_NAME, name):
            raise UsageError("A file cannot be called that here. Use letters, digits, - and _, and the suffix: papers.csv.")
        id = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(8)}"
        file = Path(_NEW, id, "input", name)
        file.parent.mkdir(parents=True)
        return id, file

    def keep(self, id: str, request: Request) -> None:
        """Give a new job its place, now that its file is whole."""
        new = Path(_NEW, id)
        _write(new, request)
        for folder in (new / "input", new):
            _sync(folder)
        new.rename(self.of(id))
        _sync(Path())

    def change(self, id: str, request: Request) -> None:
        """Note what a client wants now."""
        _write(self.of(id), request)

    def drop(self, id: str) -> None:
        """Take a job away, whether it has its place or not."""
        for folder in (self.of(id), Path(_NEW, id)):
            if folder.exists():
                gone = Path(_OLD, id)
                folder.rename(gone)
                shutil.rmtree(gone, ignore_errors=True)

    def all(self) -> Iterator[tuple[str, Request]]:
        """The jobs that have their place, the oldest first. Other folders are left alone."""
        for folder in sorted(Path().iterdir()):
            if _ID.fullmatch(folder.name) and folder.is_dir():
                try:
                    request = Request.model_validate_json((folder / REQUEST).read_bytes())
                except (OSError, ValidationError):
                    continue
                if re.fullmatch(FILE_NAME, request.file):
                    yield folder.name, request


def _write(folder: Path, request: Request) -> None:
    with written_whole(folder / REQUEST) as file:
        file.write(request.model_dump_json().encode() + b"\n")


def _sync(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system can."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
