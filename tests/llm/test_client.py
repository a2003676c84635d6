"""One call of a model: what is sent, what is asked again, what ends a document or the job, and what it cost."""

import asyncio
import json
import logging
import traceback
from collections.abc import Sequence
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from extractor.llm.cache import ReplyCache
from extractor.llm.client import ModelClient, Settings
from extractor.llm.failures import BudgetError, CallError, JobError, Spent
from extractor.llm.limits import Limits
from extractor.llm.pricing import Budget, Price
from extractor.llm.retries import RetryPolicy
from extractor.llm.transports import Timeouts
from tests.llm.server import (
    Act,
    Server,
    breaks_off,
    calls_tool,
    completion,
    fails,
    hangs,
    resets,
    returns,
    says,
    shows_page,
)
from tests.llm.support import IMPATIENT, KEY, MESSAGES, REX, FakeClock, Pet, ask, client, run

GOOD = says(REX)
CALL = Price(1e-6, 10e-6).of(100, 10)  # what each answer of the server costs at that price


# What is sent


def test_the_schema_goes_out_strict_and_the_text_untouched() -> None:
    async def scene() -> None:
        async with Server(GOOD) as server:
            reply = await ask(server)
            assert reply.value == Pet(name="Rex", kind="dog", age=3)
            assert reply.spent == Spent(1, 1, 100, 10, None)
            (request,) = server.requests
        assert request.path == "/v1/chat/completions"
        assert request.headers["authorization"] == f"Bearer {KEY}"
        assert request.headers["content-type"] == "application/json"
        assert request.body["model"] == "m"
        assert request.body["temperature"] == 0.0
        assert request.body["messages"] == MESSAGES
        form = request.body["response_format"]
        assert form["type"] == "json_schema"
        assert form["json_schema"]["strict"] is True
        schema = form["json_schema"]["schema"]
        assert schema["additionalProperties"] is False
        assert schema["required"] == ["name", "kind", "age"]

    run(scene())


def test_a_schema_of_the_caller_is_sent_in_place_of_the_models_own_and_only_once() -> None:
    narrow = {"type": "object", "properties": {"name": {"const": "Rex", "title": "Name"}}}

    async def scene() -> None:
        async with Server(GOOD) as server, client(server) as asked:
            await asked.ask(MESSAGES, schema=narrow)
            await asked.ask(MESSAGES)
            first, second = (request.body["response_format"]["json_schema"] for request in server.requests)
        closed = {
            "type": "object",
            "properties": {"name": {"const": "Rex"}},
            "additionalProperties": False,
            "required": ["name"],
        }
        assert first["strict"] is True
        assert first["schema"] == closed
        assert set(second["schema"]["properties"]) == {"name", "kind", "age"}

    run(scene())


def test_parameters_that_are_set_are_sent_and_no_others() -> None:
    async def scene(settings: Settings) -> dict[str, Any]:
        async with Server(GOOD) as server:
            await ask(server, settings=settings)
            body: dict[str, Any] = server.requests[0].body
        return {name: value for name, value in body.items() if name not in {"model", "messages", "response_format"}}

    everything = Settings(temperature=0.5, seed=7, max_output_tokens=99, extra={"cache_prompt": True})
    assert run(scene(everything)) == {"temperature": 0.5, "seed": 7, "max_tokens": 99, "cache_prompt": True}
    assert run(scene(Settings(temperature=None))) == {}


def test_a_lone_surrogate_in_a_text_does_not_break_the_request() -> None:
    async def scene() -> None:
        async with Server(GOOD) as server, client(server) as asked:
            await asked.ask([{"role": "user", "content": "a \ud800 b é"}])
            assert server.requests[0].body["messages"][0]["content"] == "a ? b é"

    run(scene())


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
    "503": (fails(503), 6, CallError, "answered 503: no luck (6 calls in", "later."),
    "529": (fails(529, "Overloaded"), 6, CallError, "answered 529: Overloaded (6 calls in", "later."),
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


def test_a_server_that_refuses_connections_stops_the_job_unless_it_had_answered() -> None:
    async def scene() -> tuple[CallError, CallError]:
        async with Server(GOOD) as server:
            asked = client(server)
            fresh = client(server)
            await asked.ask(MESSAGES)
        async with asked, fresh:
            with pytest.raises(CallError) as later:
                await asked.ask(MESSAGES)
            with pytest.raises(CallError) as at_once:
                await fresh.ask(MESSAGES)
        return at_once.value, later.value

    at_once, later = run(scene())
    assert type(at_once) is JobError
    assert "no connection to http://127.0.0.1:" in at_once.cause
    assert "connection refused" in at_once.cause
    assert "Check that a server runs at" in at_once.fix
    assert type(later) is CallError


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


# Replies that are told back


def test_faults_are_told_back_in_our_words_with_the_reply() -> None:
    async def scene() -> list[dict[str, Any]]:
        bad = says({"name": 5, "kind": "cow", "colour": "red"})
        async with Server(bad, GOOD) as server:
            reply = await ask(server)
            assert reply.spent == Spent(2, 2, 200, 20, None)
            body = json.dumps(server.requests[1].body)
            messages: list[dict[str, Any]] = server.requests[1].body["messages"]
        assert "http" not in body
        return messages

    messages = run(scene())
    assert messages[:2] == MESSAGES
    assert json.loads(messages[2]["content"])["colour"] == "red"
    assert messages[2]["role"] == "assistant"
    assert messages[3]["role"] == "user"
    for fault in ("name must be a string.", "kind must be one of 'cat' or 'dog'.", "colour is not a field of the schema."):
        assert fault in messages[3]["content"]


def test_the_callers_faults_are_told_back_twice_and_then_returned() -> None:
    def check(pet: Pet) -> Sequence[str]:
        return [f"{pet.name} is not in the text."]

    async def scene() -> None:
        async with Server(GOOD, says({**REX, "name": "Max"})) as server:
            reply = await ask(server, check)
            assert len(server.requests) == 3
            told = [message["content"] for message in server.requests[2].body["messages"][2:]]
        assert reply.faults == ("Max is not in the text.",)
        assert reply.value.name == "Max"
        assert reply.spent == Spent(3, 3, 300, 30, None)
        assert "Rex is not in the text." in told[1]
        assert "Max is not in the text." in told[3]

    run(scene())


def test_a_value_with_faults_outlives_a_later_reply_that_is_none() -> None:
    async def scene() -> None:
        async with Server(GOOD, says("Sorry.")) as server:
            reply = await ask(server, lambda _pet: ["wrong."])
        assert reply.value.name == "Rex"
        assert reply.faults == ("wrong.",)

    run(scene())


@pytest.mark.parametrize(
    "text",
    ["Here it is:\n```json\n%s\n```\nAnything else?", '<think>{} or {"name": 1}?</think>%s', "\n %s"],
    ids=["fence", "thoughts", "space"],
)
def test_prose_around_the_object_is_forgiven(text: str) -> None:
    async def scene() -> None:
        async with Server(says(text % json.dumps(REX))) as server:
            reply = await ask(server)
        assert reply.value.name == "Rex"
        assert reply.spent.calls == 1

    run(scene())


# Servers that lack something


def test_without_json_schema_tools_are_tried_and_then_json_mode_and_each_is_said_once() -> None:
    lines: list[str] = []
    no_schema = fails(400, "'response_format' of type json_schema is not supported")
    no_tools = fails(400, "tool use is not enabled")

    async def scene() -> None:
        async with Server(no_schema, no_tools, GOOD) as server, client(server, notice=lines.append) as asked:
            reply = await asked.ask(MESSAGES)
            again = await asked.ask(MESSAGES)
            bodies = [request.body for request in server.requests]
        assert (reply.spent.calls, again.spent.calls) == (3, 1)
        function = bodies[1]["tools"][0]["function"]
        assert function["strict"] is True
        assert function["parameters"]["additionalProperties"] is False
        assert bodies[1]["tool_choice"] == {"type": "function", "function": {"name": "Pet"}}
        for body in bodies[2:]:
            assert body["response_format"] == {"type": "json_object"}
            assert "json_schema" in body["messages"][0]["content"]
            assert body["messages"][1] == MESSAGES[1]

    run(scene())
    assert lines == [
        "openai/m does not take JSON Schema; going on with tool calling.",
        "openai/m does not take tool calling; going on with JSON mode.",
    ]


def test_a_tools_reply_is_read_and_its_faults_go_back_as_the_tools_answer() -> None:
    acts = [fails(400, "Invalid schema for response_format"), calls_tool('{"name": "Rex"}'), calls_tool(json.dumps(REX))]

    async def scene() -> None:
        async with Server(*acts) as server:
            reply = await ask(server)
            told = server.requests[2].body["messages"][2:]
        assert reply.value.kind == "dog"
        assert told[0]["tool_calls"][0]["function"]["arguments"] == '{"name": "Rex"}'
        assert told[1]["role"] == "tool"
        assert told[1]["tool_call_id"] == "t1"
        assert "kind is missing." in told[1]["content"]

    run(scene())


def test_a_schema_that_is_refused_in_every_mode_fails() -> None:
    async def scene() -> None:
        async with Server(fails(400, "Invalid schema")) as server:
            with pytest.raises(CallError, match="answered 400: Invalid schema"):
                await ask(server)
            assert len(server.requests) == 3

    run(scene())


def test_a_mode_that_has_worked_is_not_given_up_for_one_document() -> None:
    lines: list[str] = []

    async def scene() -> None:
        acts = [GOOD, fails(400, "What the model wrote does not match the schema."), GOOD]
        async with Server(*acts) as server, client(server, notice=lines.append) as asked:
            await asked.ask(MESSAGES)
            with pytest.raises(CallError, match="answered 400"):
                await asked.ask(MESSAGES)
            await asked.ask(MESSAGES)
            assert all("response_format" in request.body for request in server.requests)

    run(scene())
    assert lines == []


def test_a_parameter_that_a_model_does_not_take_is_left_out_and_that_is_said_once() -> None:
    lines: list[str] = []
    refusal = fails(400, "Unsupported value: 'temperature' does not support 0.0, only the default (1).", param="temperature")

    async def scene() -> None:
        async with Server(refusal, GOOD) as server, client(server, notice=lines.append) as asked:
            await asked.ask(MESSAGES)
            await asked.ask(MESSAGES)
            assert ["temperature" in request.body for request in server.requests] == [True, False, False]

    run(scene())
    assert lines == ["openai/m does not take 'temperature'; going on without it."]


# Many at once


def test_calls_under_way_stay_within_the_concurrency() -> None:
    async def pause(request: Any) -> Any:
        await asyncio.sleep(0.005)
        return await GOOD(request)

    async def scene() -> None:
        settings = Settings(limits=Limits(concurrency=4))
        async with Server(pause) as server, client(server, settings=settings) as asked:
            replies = await asyncio.gather(*(asked.ask(MESSAGES) for _ in range(20)))
            assert server.most_at_once == 4
        assert len(replies) == 20

    run(scene())


def test_a_servers_rate_limit_headers_are_kept_to() -> None:
    left = {"x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "60s"}

    async def scene() -> None:
        clock = FakeClock()
        async with Server(says(REX, headers=left), GOOD) as server, client(server, clock=clock) as asked:
            await asked.ask(MESSAGES)
            assert clock.slept == []
            await asked.ask(MESSAGES)
            assert clock.slept == [pytest.approx(1.0)]

    run(scene())


def test_tokens_a_minute_count_what_a_reply_took_and_not_what_it_might_have() -> None:
    async def scene() -> None:
        clock = FakeClock()
        settings = Settings(max_output_tokens=5_000, limits=Limits(tokens_per_minute=600_000))
        async with Server(GOOD) as server, client(server, clock=clock, settings=settings) as asked:
            for _ in range(50):  # 110 tokens each, 5,000 at most
                await asked.ask(MESSAGES)
        assert clock.now < 1.0

    run(scene())


def test_tokens_that_a_failed_call_did_not_take_are_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[int] = []

    async def scene() -> None:
        async with Server(fails(503), GOOD) as server, client(server) as asked:
            monkeypatch.setattr(asked.limiter, "used", lambda _expected, tokens: used.append(tokens))
            await asked.ask(MESSAGES)

    run(scene())
    assert used == [0, 110]


@pytest.mark.parametrize("act", [fails(429, headers={"Retry-After": "5"}), hangs], ids=["429", "hang"])
def test_concurrency_falls_when_a_server_has_enough_and_rises_when_it_answers(act: Act) -> None:
    async def scene() -> None:
        settings = Settings(limits=Limits(concurrency=8), timeouts=Timeouts(5, 0.1 if act is hangs else 5, 5))
        async with Server(act, GOOD) as server, client(server, settings=settings) as asked:
            await asked.ask(MESSAGES)
            assert asked.limiter.concurrency == 4.25
            for _ in range(40):
                await asked.ask(MESSAGES)
            assert asked.limiter.concurrency == 8

    run(scene())


def test_one_refused_mode_met_by_many_calls_is_said_once() -> None:
    lines: list[str] = []

    async def by_mode(request: Any) -> Any:
        refused = request.body.get("response_format", {}).get("type") == "json_schema"
        act: Act = fails(400, "json_schema is not supported") if refused else calls_tool(json.dumps(REX))
        return await act(request)

    async def scene() -> None:
        async with Server(by_mode) as server, client(server, notice=lines.append) as asked:
            replies = await asyncio.gather(*(asked.ask(MESSAGES) for _ in range(8)))
        assert [reply.value.name for reply in replies] == ["Rex"] * 8

    run(scene())
    assert len(lines) == 1


def test_a_cancelled_call_gives_its_place_and_its_reservation_back() -> None:
    budget = Budget(max_cost=1.0)

    async def scene() -> None:
        settings = Settings(limits=Limits(concurrency=1))
        price = Price(1e-6, 1e-6)
        async with Server(hangs, GOOD) as server, client(server, settings=settings, budget=budget, price=price) as asked:
            first = asyncio.create_task(asked.ask(MESSAGES))
            await server.asked.wait()
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            assert (await asked.ask(MESSAGES)).value.name == "Rex"

    run(scene())
    assert budget.spent == pytest.approx(110e-6)


# Money


def test_every_answer_is_paid_also_the_faulty_ones() -> None:
    budget = Budget()

    async def scene() -> None:
        async with Server(fails(500), says("no"), GOOD) as server:
            reply = await ask(server, price=Price(1e-6, 10e-6), budget=budget)
        assert reply.spent == Spent(3, 2, 200, 20, budget.spent)

    run(scene())
    assert budget.spent == pytest.approx(2 * CALL)


def test_a_job_stops_before_the_call_that_could_pass_the_cap() -> None:
    async def scene() -> None:
        settings = Settings(max_output_tokens=10)
        budget = Budget(max_cost=3.5 * CALL)
        options: dict[str, Any] = {"settings": settings, "price": Price(1e-6, 10e-6), "budget": budget}
        async with Server(GOOD) as server, client(server, **options) as asked:
            replies = [await asked.ask(MESSAGES) for _ in range(3)]
            with pytest.raises(BudgetError, match=r"of the \$0.0007 cap is spent.*higher --max-cost"):
                await asked.ask(MESSAGES)
            assert len(server.requests) == 3
        assert sum(reply.spent.cost_usd or 0.0 for reply in replies) == budget.spent == pytest.approx(3 * CALL)

    run(scene())


def test_a_call_that_was_not_waited_for_counts_against_the_cap_as_if_it_had_been_answered() -> None:
    budget = Budget(max_cost=1.0)

    async def scene() -> None:
        settings = Settings(max_output_tokens=100, timeouts=Timeouts(5, 0.2, 5))
        async with Server(hangs, GOOD) as server:
            reply = await ask(server, settings=settings, budget=budget, price=Price(0, 1e-3))
        assert reply.spent.cost_usd == pytest.approx(10e-3)  # what is known

    run(scene())
    assert budget.spent == pytest.approx(110e-3)


def test_what_replies_show_of_the_tokens_corrects_the_estimates() -> None:
    async def scene() -> None:
        budget = Budget(max_cost=3.5)
        body = completion(json.dumps(REX))
        body["usage"] = {"prompt_tokens": 1_000, "completion_tokens": 0}
        options: dict[str, Any] = {"settings": Settings(max_output_tokens=1), "price": Price(1e-3, 0), "budget": budget}
        async with Server(returns(body)) as server, client(server, **options) as asked:
            await asyncio.gather(*(asked.ask(MESSAGES) for _ in range(3)))
            assert 999 <= asked.expected(MESSAGES).input_tokens <= 1_000
            with pytest.raises(BudgetError, match="the next call may cost"):
                await asked.ask(MESSAGES)
        assert budget.spent == pytest.approx(3.0)

    run(scene())


def test_calls_under_way_count_against_the_cap_and_are_waited_for() -> None:
    async def scene() -> None:
        budget = Budget(max_cost=5.5e-4)  # and a call is 1e-4
        options: dict[str, Any] = {"settings": Settings(max_output_tokens=10), "price": Price(0, 10e-6), "budget": budget}
        async with Server(GOOD) as server, client(server, **options) as asked:
            results = await asyncio.gather(*(asked.ask(MESSAGES) for _ in range(30)), return_exceptions=True)
            assert len(server.requests) == 5
        assert sum(isinstance(result, BudgetError) for result in results) == 25
        assert budget.spent == pytest.approx(5e-4)

    run(scene())


def test_a_cap_without_a_price_is_refused_with_the_fix() -> None:
    async def scene() -> None:
        async with Server(GOOD) as server:
            with pytest.raises(BudgetError, match=r"no price is known for openai/m.*--price IN,OUT"):
                await ask(server, budget=Budget(max_cost=1.0))
            assert not server.requests

    run(scene())


def test_tokens_are_estimated_where_the_server_counts_none() -> None:
    async def scene() -> None:
        async with Server(says(REX, usage=False)) as server:
            reply = await ask(server, price=Price(1e-6, 1e-6))
        assert 10 < reply.spent.input_tokens < 200
        assert 5 < reply.spent.output_tokens < 30
        assert reply.spent.cost_usd

    run(scene())


# The cache


def test_a_second_run_makes_no_call(tmp_path: Path) -> None:
    async def scene() -> None:
        path = tmp_path / "replies.sqlite3"
        async with Server(GOOD) as server:
            first = await ask(server, cache=ReplyCache(path))
            second = await ask(server, cache=ReplyCache(path))
            assert len(server.requests) == 1
            other_question = client(server, cache=ReplyCache(path))
            async with other_question:
                await other_question.ask([*MESSAGES, {"role": "user", "content": "?"}])
                await other_question.ask(MESSAGES, schema={"type": "object"})
            other_settings = await ask(server, cache=ReplyCache(path), settings=Settings(temperature=1.0))
            assert len(server.requests) == 4
        assert (first.cached, second.cached, other_settings.cached) == (False, True, False)
        assert second.value == first.value
        assert second.spent == Spent()

    run(scene())


def test_what_is_kept_and_what_a_call_would_take_can_be_asked_without_a_call(tmp_path: Path) -> None:
    async def scene() -> None:
        options: dict[str, Any] = {"cache": ReplyCache(tmp_path / "replies.sqlite3"), "price": Price(1e-6, 1e-6)}
        async with Server(GOOD) as server, client(server, settings=Settings(max_output_tokens=50), **options) as asked:
            assert asked.kept(MESSAGES) is None
            expected = asked.expected(MESSAGES)
            assert not server.requests
            await asked.ask(MESSAGES)
            kept = asked.kept(MESSAGES)
            assert kept
            assert kept.value.name == "Rex"
            assert asked.kept(MESSAGES, check=lambda pet: [pet.name]) is None
            assert len(server.requests) == 1
        assert (expected.calls, expected.output_tokens) == (1, 50)
        assert 50 < expected.input_tokens < 200
        assert expected.cost_usd == pytest.approx((expected.input_tokens + 50) * 1e-6)

    run(scene())


def test_a_kept_reply_is_checked_again(tmp_path: Path) -> None:
    path = tmp_path / "replies.sqlite3"

    async def scene() -> None:
        async with Server(GOOD) as server:
            await ask(server, cache=ReplyCache(path))
            stricter = await ask(server, lambda pet: [f"no {pet.name}."], cache=ReplyCache(path))
            assert len(server.requests) == 4  # the kept reply passed no longer, and three attempts were in vain
            settled = await ask(server, lambda pet: [f"no {pet.name}."], cache=ReplyCache(path))
            assert len(server.requests) == 4
        assert stricter.faults == settled.faults == ("no Rex.",)
        assert (stricter.cached, settled.cached) == (False, True)

    run(scene())


# Secrets


@pytest.mark.parametrize("act", [fails(401, f"Incorrect API key provided: {KEY}"), fails(500, KEY), says("no"), resets])
def test_the_key_is_in_no_error_traceback_or_log(act: Act, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def scene() -> str:
        async with Server(act) as server, client(server) as asked:
            with pytest.raises(CallError) as caught:
                await asked.ask(MESSAGES)
            assert server.requests[0].headers["authorization"].endswith(KEY)
            return "".join(traceback.format_exception(caught.value)) + repr(vars(asked)) + repr(caught.value.spent)

    assert KEY not in run(scene())
    assert KEY not in caplog.text


def test_a_long_message_is_cut_after_the_key_is_out_of_it() -> None:
    async def scene() -> str:
        async with Server(fails(400, "x" * 240 + KEY + "y" * 500)) as server:
            with pytest.raises(CallError) as caught:
                await ask(server)
            return caught.value.cause

    cause = run(scene())
    assert len(cause) == 300
    assert cause.endswith("...")
    assert KEY[:8] not in cause


def test_no_error_quotes_the_reply() -> None:
    async def scene() -> str:
        async with Server(says({"name": "PARROT", "PARROT": "PARROT"})) as server:
            with pytest.raises(CallError) as caught:
                await ask(server)
            return "".join(traceback.format_exception(caught.value))

    assert "PARROT" not in run(scene())
