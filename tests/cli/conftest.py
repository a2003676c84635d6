"""The command line as a user meets it: a process of its own, in a folder of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Protocol

import pytest

ROOT = Path(__file__).parents[2]


class Command(Protocol):
    """Runs `extractor` with arguments; `start` leaves it running."""

    def __call__(
        self, *arguments: str | Path, stdin: bytes = b"", env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]: ...

    def start(
        self, *arguments: str | Path, stdout: int | IO[bytes] = subprocess.PIPE, new_session: bool = False
    ) -> subprocess.Popen[bytes]: ...


class _Command:
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
def extractor(tmp_path: Path) -> Command:
    """The command, in `tmp_path`."""
    return _Command(tmp_path)
