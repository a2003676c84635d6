"""A job that is asked to stop waits for nothing but the calls under way, and these end at their first failure."""

import asyncio
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from typer.testing import CliRunner

from extractor.cli import app
from extractor.llm.limits import Clock, Limiter
from tests.labelling.model_server import ModelServer, shown
from tests.llm.server import Act, Request, breaks_off, fails, resets
from tests.servers.house import PAPERS, Outcome, run
from tests.servers.shapes import at_first, openai, refuses, right, unless, usable

LONG = 5.0


@dataclass
class Waits:
    """Waits of more than `LONG` seconds: those begun before the job knew that it is to stop, and after it."""

    before: list[float] = field(default_factory=list)
    after: list[float] = field(default_factory=list)
    known: bool = False


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> Waits:
    """The waits of a job, which is asked to stop as the first begins. One that goes on fails after two real seconds."""
    begun, stop = Waits(), Limiter.stop

    async def sleep(_clock: Clock, seconds: float) -> None:
        if seconds <= LONG:
            await asyncio.sleep(0)
            return
        (begun.after if begun.known else begun.before).append(seconds)
        if begun.before == [seconds]:
            ask()
        await asyncio.sleep(2)
        raise AssertionError(f"waited for {seconds:.0f} s")

    def heard(limiter: Limiter) -> None:
        begun.known = True
        stop(limiter)

    monkeypatch.setattr(Clock, "sleep", sleep)
    monkeypatch.setattr(Limiter, "stop", heard)
    return begun


def ask() -> None:
    """Ctrl-C, once."""
    os.kill(os.getpid(), signal.SIGINT)


def interrupted(came: Outcome) -> None:
    """The job has ended as one that was asked to."""
    assert came.code == 130, came.stderr
    assert "Interrupted: what is done is in job. Run the same command again for the rest." in came.stderr


AWAY: dict[str, Act] = {
    "503": fails(503),
    "500": fails(500),
    "529": fails(529),
    "429": fails(429),
    "429 with a wait": fails(429, headers={"Retry-After": "60"}),
    "503 with a wait": fails(503, headers={"Retry-After": "60"}),
    "reset": resets,
    "broken off": breaks_off,
    "no JSON": refuses(200, "<html></html>"),
    "an error in a 200": refuses(200, openai("gone", code=502)),
}


@pytest.mark.parametrize("case", AWAY)
def test_calls_under_way_end_at_their_first_failure(case: str, waits: Waits) -> None:
    """Two calls are under way when it is asked for; then the server goes away."""
    asked: list[str] = []
    both = asyncio.Event()

    async def act(request: Request) -> web.StreamResponse:
        if shown(request).title == PAPERS[0]["title"]:
            return await right()(request)
        asked.append(shown(request).title)
        if len(asked) == 2:
            ask()
            both.set()
        await both.wait()
        await asyncio.sleep(0.05)  # the job has heard of it
        return await AWAY[case](request)

    with ModelServer(act) as server:
        came = run(server, "--concurrency", "2")
    interrupted(came)
    assert came.done == [PAPERS[0]["id"]]
    assert len(came.requests) == 3 or case == "reset"  # a client may send anew what it did not see arrive
    assert waits == Waits(known=True)


def test_a_call_under_way_is_not_told_back_after_a_stop() -> None:
    """What is usable is kept as it is; it is not worth another call now."""

    async def act(request: Request) -> web.StreamResponse:
        ask()
        await asyncio.sleep(0.05)
        return await usable()(request)

    with ModelServer(act) as server:
        came = run(server)
    interrupted(came)
    assert len(came.requests) == 1


def test_a_call_under_way_that_succeeds_is_saved() -> None:
    async def act(request: Request) -> web.StreamResponse:
        ask()
        await asyncio.sleep(0.05)
        return await right()(request)

    with ModelServer(act) as server:
        came = run(server)
        interrupted(came)
        assert (len(came.done), len(came.requests)) == (1, 1)
        server.server.acts = [right()]
        again = run(server)
    assert (again.code, len(again.done), len(again.requests)) == (0, len(PAPERS), len(PAPERS) - 1)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(at_first(fails(429, headers={"Retry-After": "90"}), times=9), id="a limit on the rate"),
        pytest.param(at_first(fails(503, headers={"Retry-After": "90"}), times=9), id="an outage"),
        pytest.param(at_first(fails(500, headers={"Retry-After": "90"}), times=9), id="an error"),
    ],
)
def test_a_stop_ends_a_wait(make: Callable[[], Act], waits: Waits) -> None:
    act = unless(lambda request: shown(request).title != PAPERS[0]["title"], make())
    with ModelServer(act()) as server:
        came = run(server)
        interrupted(came)
        assert came.done == [PAPERS[0]["id"]]
        assert len(came.requests) <= 3
        assert waits.before
        assert waits.after == []
        server.server.acts = [right()]
        again = run(server)
    assert (again.code, len(again.done)) == (0, len(PAPERS))


def test_a_stop_ends_the_wait_for_the_rate_that_was_given(waits: Waits) -> None:
    with ModelServer(right()) as server:
        came = run(server, "--rpm", "1")
    interrupted(came)
    assert (len(came.done), len(came.requests), len(waits.before), waits.after) == (1, 1, 1, [])


def test_a_stop_before_the_first_answer_is_no_failure_of_a_document(waits: Waits) -> None:
    with ModelServer(fails(429, headers={"Retry-After": "90"})) as server:
        came = run(server)
    interrupted(came)
    assert (came.done, came.failures, waits.after) == ([], [], [])


# What `status` says of a stop


def status() -> str:
    """What it says of the job, on one line."""
    done = CliRunner().invoke(app, ["status", "job"])
    assert done.exit_code == 0, done.output
    return " ".join(done.stdout.split())


def test_status_says_why_a_job_without_a_key_stopped(environment: Callable[..., None]) -> None:
    environment()
    done = CliRunner().invoke(app, ["run", "papers.jsonl", "-m", "openai/gpt-4o", "-o", "job"])
    assert done.exit_code == 1
    said = status()
    assert "state stopped" in said
    assert "no key for openai/gpt-4o" in said
    assert "pending about" not in said


@pytest.mark.parametrize(
    ("act", "words"),
    [
        pytest.param(refuses(401, openai("no such key")), "answered 401: no such key", id="wrong key"),
        pytest.param(refuses(402, openai("no money")), "answered 402: no money", id="no credit"),
        pytest.param(refuses(404, openai("no such model")), "answered 404: no such model", id="no model"),
    ],
)
def test_status_says_why_a_job_stopped_until_it_goes_on(act: Act, words: str, house: Path) -> None:
    with ModelServer(act) as server:
        assert run(server).code == 1
        assert words in status()
        server.server.acts = [right()]
        assert run(server).code == 0
    assert words not in status()


def test_status_says_that_the_cap_stopped_a_job() -> None:
    with ModelServer(right()) as server:
        assert run(server, "--max-cost", "0.0001", "--price", "1,1000").code == 3
    assert "cap" in status()
