"""A folder, a cache and keys of a test's own, and a clock that passes when somebody sleeps."""

import asyncio
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from extractor.llm.cache import ReplyCache
from extractor.llm.limits import Clock
from tests.servers.house import KEY, PAPERS, write

_SECRET = re.compile(r"KEY|TOKEN|SECRET|CREDENTIAL|_API_BASE|_BASE_URL|PROXY", re.IGNORECASE)


@pytest.fixture(autouse=True)
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: Callable[..., None], empty_cache: bytes) -> Path:
    """The working folder, with the papers in it and one key in the environment."""

    slept = 0.0

    async def pass_by(_clock: Clock, seconds: float) -> None:
        nonlocal slept
        slept += seconds
        await asyncio.sleep(0)

    monkeypatch.chdir(tmp_path)
    environment(OPENAI_API_KEY=KEY)
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)  # no power cut here
    (tmp_path / "cache.sqlite3").write_bytes(empty_cache)
    monkeypatch.setattr(Clock, "sleep", pass_by)
    monkeypatch.setattr(Clock, "monotonic", lambda _clock: time.monotonic() + slept)
    monkeypatch.setattr(Clock, "time", lambda _clock: time.time() + slept)
    write(PAPERS)
    return tmp_path


@pytest.fixture(scope="session")
def empty_cache(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A cache without replies, which takes SQLite longer to make than a job of three papers takes."""
    file = tmp_path_factory.mktemp("cache") / "cache.sqlite3"

    async def make() -> None:
        cache = ReplyCache(file)
        cache.get(b"nothing")
        await cache.close()

    asyncio.run(make())
    return file.read_bytes()


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets the keys and addresses of the environment; there are no others."""

    def to(**variables: str) -> None:
        for name in [name for name in os.environ if _SECRET.search(name) or name.startswith("EXTRACTOR_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("EXTRACTOR_CACHE", str(tmp_path / "cache.sqlite3"))
        monkeypatch.setenv("EXTRACTOR_KEYS", str(tmp_path / "keys.toml"))
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return to
