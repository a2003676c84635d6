"""A service in a thread, on a port of its own."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from extractor.errors import UsageError
from extractor.service.server import Server, listen, serve
from extractor.service.settings import Settings

DOCUMENT = {"id": "a", "title": "FastNet", "abstract": "FastNet is 2.3x faster than SlowNet on a Jetson Nano."}


@dataclass(slots=True)
class Running:
    """A service that runs, and how it is asked."""

    settings: Settings
    port: int
    said: list[str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, *, token: str | None = None, **how: Any) -> httpx.Response:
        headers = {**({} if token is None else {"Authorization": f"Bearer {token}"}), **how.pop("headers", {})}
        return httpx.request(method, self.url + path, headers=headers, timeout=30, trust_env=False, **how)

    def submit(self, documents: list[dict[str, Any]], token: str | None = None, **options: Any) -> str:
        """Begin a job on documents; its id."""
        body = "".join(json.dumps(document) + "\n" for document in documents).encode()
        given = {"name": "papers.jsonl", **options}
        answer = self.ask("POST", "/v1/jobs", token=token, params=given, content=body)
        assert answer.status_code == 202, answer.text
        id: str = answer.json()["id"]
        return id

    def state(self, id: str, token: str | None = None) -> dict[str, Any]:
        told: dict[str, Any] = self.ask("GET", f"/v1/jobs/{id}", token=token).json()
        return told

    def wait(self, id: str, *states: str, token: str | None = None) -> dict[str, Any]:
        """The state of a job once it is one of these."""
        deadline = time.monotonic() + 30
        while (told := self.state(id, token))["state"] not in states:
            assert time.monotonic() < deadline, told
            time.sleep(0.02)
        return told


@contextmanager
def serving(settings: Settings, *, loopback: bool = True) -> Iterator[Running]:
    """A service, until the context is left. Raises what keeps it from beginning."""
    said: list[str] = []
    begun: Future[tuple[asyncio.AbstractEventLoop, Server]] = Future()
    with listen("127.0.0.1", 0) as listening:

        def ready(server: Server) -> None:
            begun.set_result((asyncio.get_running_loop(), server))

        def run() -> None:
            try:
                asyncio.run(serve(settings, listening, said.append, ready, loopback=loopback))
            except UsageError as error:
                begun.set_exception(error)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        loop, server = begun.result(30)
        try:
            yield Running(settings, listening.getsockname()[1], said)
        finally:
            loop.call_soon_threadsafe(server.end)
            thread.join(30)
    assert not thread.is_alive()


def timeless(line: bytes) -> dict[str, Any]:
    """A record without the seconds that it took."""
    record: dict[str, Any] = json.loads(line)
    assert record["provenance"].pop("seconds") >= 0
    return record


def lines_of(folder: Path) -> list[bytes]:
    return (folder / "extractions.jsonl").read_bytes().splitlines(keepends=True)
