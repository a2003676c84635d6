import sys
from pathlib import Path

import pytest

from tests.jobs.ray.here import Here
from tests.jobs.ray.jobs import BAD, MANY, write


@pytest.fixture(autouse=True)
def ray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Here:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EXTRACTOR_CACHE", str(tmp_path / "cache.sqlite3"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-loopback-0123456789")
    here = Here()
    monkeypatch.setitem(sys.modules, "ray", here)
    write([*MANY[:20], BAD, *MANY[20:]])
    return here
