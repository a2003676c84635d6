"""A server that answers without end costs one document, and little memory."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest
from aiohttp import web

from extractor import read_extractions
from tests.labelling.model_server import ModelServer, shown
from tests.llm.server import Act, Request, says
from tests.servers.dialects import MISTRAL, TOGETHER, Dialect
from tests.servers.house import FEW, KEY, PAPERS, run, write
from tests.servers.shapes import at_first, for_one, openai, refuses, right

ROOT = Path(__file__).parents[2]
MOST = 300 * 2**20
"""Bytes that a job may take, its imports included."""
MEGABYTE = b" " * 2**20
HEAD = b'{"choices": [{"index": 0, "finish_reason": "stop", "message": {"content": "'
MEASURED = """
import atexit, pathlib, runpy, sys
atexit.register(lambda: sys.stderr.write(pathlib.Path("/proc/self/status").read_text()))
runpy.run_module("extractor.cli", run_name="__main__")
"""
"""The command, and the most that it took: what the system counts for a process begins with what its parent took."""


def long(megabytes: int) -> Act:
    """A reply of that length."""

    async def act(request: Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request.raw)
        await response.write(HEAD)
        for _ in range(megabytes):
            await response.write(MEGABYTE)
        await response.write(b'"}}]}')
        return response

    return act


def bomb(encoding: str, wbits: int, megabytes: int) -> Act:
    """A reply that is a thousandth of its length on the wire."""

    async def act(request: Request) -> web.StreamResponse:
        squeezer = zlib.compressobj(9, zlib.DEFLATED, wbits)
        first = squeezer.compress(HEAD) + squeezer.flush(zlib.Z_FULL_FLUSH)
        block = squeezer.compress(MEGABYTE) + squeezer.flush(zlib.Z_FULL_FLUSH)  # the same each time, so it is made once
        response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Encoding": encoding})
        await response.prepare(request.raw)
        await response.write(first)
        for _ in range(megabytes):
            await response.write(block)
        await response.write(squeezer.flush())
        return response

    return act


ENDLESS: dict[str, Act] = {"long": long(200), "gzip": bomb("gzip", 31, 1500), "deflate": bomb("deflate", 15, 1500)}


def test_a_reply_without_end_ends_one_document_in_little_memory(house: Path) -> None:
    """In a process of its own, whose memory can be measured: each kind at once, and one document that is answered."""
    acts = list(ENDLESS.values())
    papers = [{**PAPERS[0], "id": f"p{n}", "title": f"{PAPERS[0]['title']} {'abcdefg'[n]}"} for n in range(len(acts) + 1)]
    by_title = dict(zip((paper["title"] for paper in papers), acts, strict=False))
    write(papers)

    async def act(request: Request) -> web.StreamResponse:
        return await by_title.get(shown(request).title, right())(request)

    with ModelServer(at_first(act, refuses(400, openai("once is enough")))()) as server:
        where = ["papers.jsonl", "-m", "openai/m", "--base-url", server.url, "-o", "job", "--no-cache", "--timeout", "5"]
        command = [sys.executable, "-c", MEASURED, "run", *where]
        with (house / "log").open("wb") as log:
            process = subprocess.Popen(command, stderr=log, env=os.environ | {"PYTHONPATH": str(ROOT)})
        killer = threading.Timer(20, process.kill)
        killer.start()
        process.wait()
        killer.cancel()
    said = (house / "log").read_text()
    assert process.returncode == 3, said
    most = re.search(r"VmHWM:\s+(\d+) kB", said)
    assert most, said
    assert int(most[1]) * 1024 < MOST, f"{int(most[1]) / 1024:.0f} MB"
    assert [record.id for record in read_extractions("job")] == [papers[-1]["id"]]
    failures = [json.loads(line) for line in Path("job", "failures.jsonl").read_bytes().splitlines()]
    assert len(failures) == len(acts)
    assert all("bug" not in failure["fix"] for failure in failures)
    large = [failure["cause"] for failure in failures[: len(ENDLESS)]]
    assert all("MB" in cause for cause in large), large
    assert all(len(json.dumps(failure)) < 2000 for failure in failures)


@pytest.fixture
def in_time() -> Iterator[None]:
    """Ten seconds of the processor for a test: libraries can take minutes over a megabyte."""

    def too_late(_number: int, _frame: FrameType | None) -> None:
        signal.setitimer(signal.ITIMER_PROF, 1)
        raise AssertionError("it took more than ten seconds of the processor")

    before = signal.signal(signal.SIGPROF, too_late)
    signal.setitimer(signal.ITIMER_PROF, 10)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@pytest.mark.usefixtures("in_time")
@pytest.mark.parametrize("dialect", [MISTRAL, TOGETHER], ids=["mistral", "together"])
@pytest.mark.parametrize("act", [pytest.param(long(64), id="long"), pytest.param(bomb("gzip", 31, 64), id="gzip")])
def test_a_reply_without_end_ends_one_document_through_litellm_too(
    act: Act, dialect: Dialect, environment: Callable[..., None]
) -> None:
    """Whatever the tests before have taken, 64 MB and its copies would add to it."""
    environment(**{dialect.variable: KEY})
    with ModelServer(dialect.speaks(right())) as server:  # importing litellm takes more than that
        assert run(server, model=dialect.model, path=dialect.path, output="other", keys=()).code == 0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with ModelServer(dialect.speaks(for_one(at_first(act, refuses(400, openai("once is enough")))())())) as server:
        came = run(server, "--no-cache", "--timeout", "5", model=dialect.model, path=dialect.path)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert (came.code, len(came.done), len(came.failures)) == (3, FEW - 1, 1), came.stderr
    assert after - before < 60 * 1024, f"{(after - before) / 1024:.0f} MB more"
    assert "MB" in came.failures[0]["cause"]


DEEP: dict[str, str] = {
    "brackets": "[" * 100_000,
    "closed brackets": "[" * 100_000 + "]" * 100_000,
    "objects": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "quotes": '"' * 100_000,
    "open braces with words": "{ x " * 25_000,
    "a number": "9" * 100_000,
    "fences": "```" * 20_000,
    "thoughts": "<think>" * 20_000,
    "calls": "<tool_call>" * 20_000,
}


@pytest.mark.usefixtures("in_time")
@pytest.mark.parametrize("where", ["content", "body"])
@pytest.mark.parametrize("case", DEEP)
def test_depth_ends_one_document_with_a_cause(case: str, where: str) -> None:
    async def body(_request: Request) -> web.StreamResponse:
        return web.Response(text=DEEP[case], content_type="application/json")

    with ModelServer(for_one(says(DEEP[case]) if where == "content" else body)()) as server:
        came = run(server, "--no-cache")
    assert (came.code, len(came.done), len(came.failures)) == (3, FEW - 1, 1)
    [failure] = came.failures
    assert "bug" not in failure["fix"]
    assert len(json.dumps(failure)) < 2000
    assert "[[[" not in came.stderr
