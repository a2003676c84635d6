"""Bad things that end well: what is tried again, what ends a document or the job, and the one line that says so."""

import asyncio
import re
from datetime import UTC, datetime
from email.utils import formatdate
from pathlib import Path

import pytest
from aiohttp import web
from pydantic import SecretStr

from extractor.errors import CallError, JobError, Spent
from extractor.llm.client import ModelClient, Settings
from extractor.llm.limits import Limits
from extractor.llm.pricing import Price
from extractor.llm.retries import RetryPolicy
from tests.llm.server import Request, Server, breaks_off, fails, hangs, resets, returns, says, shows_page
from tests.llm.support import IMPATIENT, KEY, MESSAGES, REX, FakeClock, Pet, ask, client, run

GOOD = says(REX)
CALL = Price(1e-6, 10e-6).of(100, 10)  # what each answer of the server costs at that price


# Bad things that end well: the calls that were made, and what the user reads when it fails for good

WELL_AFTER_ONE_MORE = {
    "429 with seconds": (fails(429, headers={"Retry-After": "7"}), 7.0),
    "429 with a date": (fails(429, headers={"Retry-After": formatdate(1_700_000_030, usegmt=True)}), 30.0),
    "429 with milliseconds": (fails(429, headers={"retry-after-ms": "2500"}), 2.5),
    "429 that asks for too long": (fails(429, headers={"Retry-After": "500"}), 120.0),
    "429 without a word": (fails(429), 0.0),
    "500": (fails(500), 0.0),
    "503 with seconds": (fails(503, headers={"Retry-After": "3"}), 3.0),
    "529": (fails(529), 0.0),
    "408": (fails(408), 0.0),
    "502 as a page": (shows_page(502), 0.0),
    "200 with a page": (shows_page(), 0.0),
    "an error inside a 200": (returns({"error": {"code": 503, "message": "busy"}}), 0.0),
    "no choices": (returns({"choices": []}), 0.0),
    "reset": (resets, 0.0),
    "body broken off": (breaks_off, 0.0),
    "hang": (hangs, 0.0),
}


@pytest.mark.parametrize("case", WELL_AFTER_ONE_MORE)
def test_what_passes_is_tried_again(case: str) -> None:
    act, wait = WELL_AFTER_ONE_MORE[case]

    async def scene() -> None:
        clock = FakeClock()
        async with Server(act, GOOD) as server:
            reply = await ask(server, clock=clock, settings=IMPATIENT if act is hangs else None)
            assert len(server.requests) == 2
        assert reply.value.name == "Rex"
        assert reply.spent == Spent(2, 1, 100, 10, None)
        slept = clock.slept[0]
        assert wait <= slept <= wait + 1.0

    run(scene())


# act, calls until it is given up, the kind of error, and its words before and after the address
FAILS = {
    "500": (fails(500), 6, CallError, "answered 500: no luck (6 calls in", "later."),
    "504": (fails(504), 6, CallError, "answered 504: no luck (6 calls in", "later."),
    "reset": (resets, 6, CallError, "broke the call off: the server closed the connection (6 calls", "later."),
    "body broken off": (breaks_off, 6, CallError, "broke the call off: the answer broke off in the middle", "later."),
    "hang": (hangs, 6, CallError, "did not answer in time (6 calls", "allow it more time."),
    "page": (shows_page(), 6, JobError, "answered with no JSON but text/html", "it usually ends in /v1."),
    "other JSON": (returns([1]), 6, JobError, "answered with a JSON list", "it usually ends in /v1."),
    "no choices": (returns({"choices": []}), 6, CallError, "a chat completion without a choice", "later."),
    "401": (fails(401, "bad key"), 1, JobError, "answered 401: bad key", "Set OPENAI_API_KEY to a valid key"),
    "401 inside a 200": (returns({"error": {"code": 401, "message": "bad"}}), 1, JobError, "answered 401: bad", "Set OPENAI_"),
    "402": (fails(402, "no credit"), 1, JobError, "answered 402: no credit", "Add credit"),
    "403": (fails(403, "not yours"), 1, JobError, "answered 403: not yours", "a key that may call openai/m."),
    "404": (fails(404, "no such model"), 1, JobError, "answered 404: no such model", "has the model 'm'"),
    "400 of an unknown model": (fails(400, "what?", code="model_not_found"), 1, JobError, "400: what?", "has the model 'm'"),
    "redirect": (returns({}, 307, {"Location": "http://x.invalid/"}), 1, JobError, "answered 307", "the address is right"),
    "quota": (fails(429, "Pay", code="insufficient_quota"), 1, JobError, "answered 429: Pay", "Add credit or raise the quota"),
    "400": (fails(400, "too long"), 1, CallError, "answered 400: too long", "try another model"),
    "content filter of Azure": (fails(400, "policy", code="content_filter"), 1, CallError, "400: policy", "another model"),
    "refusal": (says(None, refusal="I can't"), 1, CallError, "declined to answer", "another model"),
    "content filter": (says("", finish="content_filter"), 1, CallError, "declined to answer", "another model"),
    "prose": (says("The dog is called Rex."), 3, CallError, "did not fit the schema in 3 attempts", "stronger model"),
    "empty": (says(""), 3, CallError, "did not fit the schema in 3 attempts", "stronger model"),
    "wrong shape": (says({"title": "Rex"}), 3, CallError, "did not fit the schema in 3 attempts", "stronger model"),
    "truncated": (says('{"name": "Re', finish="length"), 3, CallError, "was cut off at its longest in 3", "longer replies"),
}


@pytest.mark.parametrize("case", FAILS)
def test_what_does_not_pass_ends_in_one_line_with_the_fix(case: str) -> None:
    act, calls, kind, cause, fix = FAILS[case]

    async def scene() -> CallError:
        async with Server(act) as server:
            with pytest.raises(CallError) as caught:
                await ask(server, settings=IMPATIENT if act is hangs else None)
            # A connection that breaks can take a request down that the server never saw.
            assert len(server.requests) == calls or act in {resets, breaks_off}
            return caught.value

    error = run(scene())
    assert type(error) is kind
    assert cause in error.cause
    assert error.fix.endswith(".")
    assert fix in error.fix
    assert str(error) == f"{error.cause}. {error.fix}"
    assert "\n" not in str(error)
    assert error.spent.calls == calls


def test_a_server_that_refuses_connections_stops_the_job_after_a_few_tries_or_an_outage_that_does_not_end() -> None:
    async def scene() -> tuple[CallError, CallError, FakeClock]:
        clock = FakeClock()
        async with Server(GOOD) as server:
            asked = client(server, clock=clock)
            fresh = client(server)
            await asked.ask(MESSAGES)
        async with asked, fresh:
            with pytest.raises(JobError) as later:
                await asked.ask(MESSAGES)
            with pytest.raises(JobError) as at_once:
                await fresh.ask(MESSAGES)
        return at_once.value, later.value, clock

    at_once, later, clock = run(scene())
    for error in (at_once, later):
        assert "no connection to http://127.0.0.1:" in error.cause
        assert "connection refused" in error.cause
        assert "Check that a server runs at" in error.fix
    assert at_once.spent.calls == 6
    assert 3500 < clock.now <= 3600


@pytest.mark.parametrize("status", [502, 503, 529])
def test_an_outage_is_waited_out_at_one_call_at_a_time_and_each_is_told_once(status: int) -> None:
    async def scene() -> None:
        told: list[str] = []
        clock = FakeClock()
        outage = [fails(status, "Overloaded")] * 60
        async with Server(GOOD, *outage, GOOD, GOOD, *outage, GOOD) as server:
            async with client(server, clock=clock, notice=told.append) as asked:
                await asked.ask(MESSAGES)
                replies = await asyncio.gather(asked.ask(MESSAGES), asked.ask(MESSAGES))
                assert asked.limiter.concurrency <= 3  # it had come down to 1
                # A sample of the same model meets the next one, too; they share the limits of their server.
                async with client(server, clock=clock, notice=told.append, limiter=asked.limiter) as sample:
                    await asyncio.gather(asked.ask(MESSAGES), sample.ask(MESSAGES))
            assert len(server.requests) == 1 + 62 + 62
        assert clock.now > 2 * RetryPolicy().deadline
        assert sum(reply.spent.calls for reply in replies) == 62
        said = rf"{server.url} answered {status}: Overloaded\. Waiting for it, until (\d\d:\d\d) at most\."
        first, second = (re.fullmatch(said, line) for line in told)
        an_hour_later = datetime.fromtimestamp(FakeClock().epoch + RetryPolicy().patience, UTC).astimezone()
        assert first is not None
        assert second is not None
        assert f"{an_hour_later:%H:%M}" == first[1] != second[1]

    run(scene())


def test_outages_and_waits_that_come_close_together_are_told_once() -> None:
    """A server that comes and goes fills no screen. A limit on the rate is another thing to say."""

    async def scene() -> None:
        told: list[str] = []
        clock = FakeClock()
        limited = fails(429, headers={"Retry-After": "20"})
        acts = [GOOD, *[*[fails(503)] * 4, GOOD, GOOD] * 3, limited, GOOD, limited, GOOD]
        async with Server(*acts) as server, client(server, clock=clock, notice=told.append) as asked:
            await asked.ask(MESSAGES)
            for _ in range(3):
                await asyncio.gather(asked.ask(MESSAGES), asked.ask(MESSAGES))
            assert clock.now < 60
            for _ in range(2):
                await asked.ask(MESSAGES)
            assert len(server.requests) == len(acts)
        outage, limit = told
        assert "Waiting for it, until" in outage
        assert "answered 429: no luck. Waiting until" in limit

    run(scene())


@pytest.mark.parametrize("answered", [0, 1])
def test_a_server_that_refuses_every_call_in_words_that_nobody_knows_stops_the_job(answered: int) -> None:
    async def scene() -> list[object]:
        async with Server(*[GOOD] * answered, fails(400, "Qapla'")) as server, client(server) as asked:
            return await asyncio.gather(*(asked.ask(MESSAGES) for _ in range(120)), return_exceptions=True)

    came = run(scene())
    assert sum(type(each) is CallError for each in came) == (119 if answered else 99)
    stopped = [str(each) for each in came if type(each) is JobError]
    assert len(stopped) == (0 if answered else 21)
    assert all("Qapla'" in each and each.endswith("then run the same command again.") for each in stopped)


def test_a_failure_between_answers_is_no_outage_and_slows_nothing() -> None:
    async def scene() -> None:
        told: list[str] = []
        clock = FakeClock()
        async with Server(*[GOOD, fails(503)] * 5, GOOD) as server, client(server, clock=clock, notice=told.append) as asked:
            for _ in range(6):
                await asked.ask(MESSAGES)
                clock.now += 1  # so that no answer came while the next call was under way
            assert asked.limiter.concurrency == Limits().concurrency
        assert told == []

    run(scene())


def test_an_outage_that_does_not_end_stops_the_job_and_is_not_waited_out_where_another_stands_in() -> None:
    async def scene(policy: RetryPolicy) -> tuple[float, CallError]:
        clock = FakeClock()
        async with Server(fails(503)) as server, client(server, clock=clock, settings=Settings(retries=policy)) as asked:
            one, other = await asyncio.gather(asked.ask(MESSAGES), asked.ask(MESSAGES), return_exceptions=True)
        assert isinstance(one, CallError)
        assert type(one) is type(other)
        return clock.now, one

    seconds, error = run(scene(RetryPolicy()))
    assert 3500 < seconds <= 3602
    assert type(error) is JobError  # else each document after this one would wait for an hour
    assert "answered 503: no luck (" in error.cause
    seconds, error = run(scene(RetryPolicy(patience=0.0)))
    assert seconds < 60
    assert (type(error), error.spent.calls) == (CallError, 6)


def test_a_document_that_alone_meets_an_outage_has_as_many_tries_as_for_any_failure() -> None:
    poison = [{"role": "user", "content": "poison"}]

    async def act(request: Request) -> web.StreamResponse:
        return await (fails(503) if request.body["messages"] == poison else GOOD)(request)

    class Busy(FakeClock):
        asked: ModelClient[Pet]

        async def sleep(self, seconds: float) -> None:
            await super().sleep(seconds)
            await self.asked.ask(MESSAGES)  # between the calls for the one that fails, others are answered

    async def scene() -> None:
        clock = Busy()
        async with Server(act) as server, client(server, clock=clock) as clock.asked:
            with pytest.raises(CallError) as caught:
                await clock.asked.ask(poison)
            assert (type(caught.value), caught.value.spent.calls) == (CallError, 6)
            async with client(server) as asked:  # also when it is the last one
                await asked.ask(MESSAGES)
                with pytest.raises(CallError) as caught:
                    await asked.ask(poison)
            assert (type(caught.value), caught.value.spent.calls) == (CallError, 6)

    run(scene())


def test_a_rate_limit_is_waited_for_until_the_deadline_and_no_longer() -> None:
    async def scene() -> None:
        clock = FakeClock()
        async with Server(fails(429, "slow down", headers={"Retry-After": "60"})) as server:
            with pytest.raises(CallError, match=r"429: slow down \(10 calls in \d+ s\)"):
                await ask(server, clock=clock)
            assert len(server.requests) == 10  # a minute apart, within ten
        assert clock.now <= 600

    run(scene())


def test_re_asks_share_the_deadline_of_their_document() -> None:
    policy = Settings(retries=RetryPolicy(deadline=100))
    slow = fails(429, headers={"Retry-After": "60"})

    async def scene() -> None:
        async with Server(slow, says("no"), slow, GOOD) as server:
            with pytest.raises(CallError, match="answered 429"):
                await ask(server, settings=policy)
            assert len(server.requests) == 3

    run(scene())


def test_a_missing_key_stops_the_job_before_a_call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("EXTRACTOR_KEYS", str(tmp_path / "keys.toml"))

    async def scene() -> None:
        async with ModelClient("openai/gpt-4o", Pet) as asked:
            with pytest.raises(JobError, match=r"no key for openai/gpt-4o\. Set OPENAI_API_KEY") as caught:
                await asked.ask(MESSAGES)
            assert caught.value.spent == Spent()

    run(scene())


def test_time_in_the_queue_is_not_held_against_a_document() -> None:
    async def scene() -> None:
        clock = FakeClock()
        settings = Settings(limits=Limits(requests_per_minute=1), retries=RetryPolicy(deadline=50))
        async with Server(GOOD, fails(503, headers={"Retry-After": "1"}), GOOD) as server:
            async with client(server, clock=clock, settings=settings) as asked:
                for _ in range(2):  # the second waits for a minute, and its repeat for another
                    await asked.ask(MESSAGES)
            assert len(server.requests) == 3
        assert clock.now > 100

    run(scene())


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "http://127.0.0.1:1"])
def test_a_server_on_this_machine_is_not_looked_for_behind_a_proxy(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("HTTP_PROXY", proxy)

    async def scene() -> None:
        async with Server(GOOD) as server:
            await ask(server)
            elsewhere = ModelClient("openai/m", Pet, base_url="http://model.invalid/v1", clock=FakeClock(), key=SecretStr(KEY))
            async with elsewhere:
                with pytest.raises(JobError, match="not an HTTP proxy" if "socks" in proxy else "connection refused"):
                    await elsewhere.ask(MESSAGES)

    run(scene())
