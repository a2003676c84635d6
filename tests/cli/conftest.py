"""The command line in a folder of its own: called, or as a user meets it, a process."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Protocol

import pytest
from typer.testing import CliRunner

from extractor.cli import app
from extractor.llm.limits import Clock
from tests.cli.jobs import KEY
from tests.labelling.model_server import ModelServer

ROOT = Path(__file__).parents[2]


class Command(Protocol):
    """Runs `extractor` with arguments."""

    def __call__(
        self, *arguments: str | Path, stdin: bytes = b"", env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]: ...


class Program:
    """Runs `extractor` with arguments as a process of its own; `start` leaves it running."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("EXTRACTOR_", "LC_", "LANG"))}
        self.environment = clean | {"PYTHONPATH": str(ROOT), "COLUMNS": "80"}

    def __call__(
        self, *arguments: str | Path, stdin: bytes = b"", env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "extractor.cli", *arguments],
            input=stdin,
            capture_output=True,
            cwd=self.folder,
            env=self.environment | dict(env or {}),
            check=False,
        )

    def start(
        self, *arguments: str | Path, stdout: int | IO[bytes] = subprocess.PIPE, new_session: bool = False
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "extractor.cli", *arguments],
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env=self.environment,
            start_new_session=new_session,
        )


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """The program, in `tmp_path`, where a process matters: signals, streams, encodings, what outlives it."""
    return Program(tmp_path)


@pytest.fixture
def extractor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command, in `tmp_path`, called here: a process takes ten times as long to start as most commands take."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("EXTRACTOR_")]:
        monkeypatch.delenv(name)

    def call(
        *arguments: str | Path, stdin: bytes = b"", env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        words = [str(argument) for argument in arguments]
        around = {"COLUMNS": "80", **(env or {})}
        done = CliRunner().invoke(app, words, input=stdin, env=around, prog_name="extractor", catch_exceptions=False)
        return subprocess.CompletedProcess(words, done.exit_code, done.stdout_bytes, done.stderr_bytes)

    return call


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the test's own, a cache and keys of its own, and no waiting."""

    async def pass_by(_clock: Clock, _seconds: float) -> None:
        await asyncio.sleep(0)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EXTRACTOR_CACHE", str(tmp_path / "cache.sqlite3"))
    monkeypatch.setenv("EXTRACTOR_KEYS", str(tmp_path / "keys.toml"))
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setattr(Clock, "sleep", pass_by)
    return tmp_path


@pytest.fixture
def server() -> Iterator[ModelServer]:
    """A model that labels as the rules do, unless a test says otherwise."""
    with ModelServer() as running:
        yield running
