"""Many calls of one job: how many are under way, what they cost, and which the cache answers."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from extractor.errors import BudgetError, Spent
from extractor.llm.cache import ReplyCache
from extractor.llm.client import Settings
from extractor.llm.limits import Limits
from extractor.llm.pricing import Budget, Price
from extractor.llm.transports import Timeouts
from tests.llm.server import Act, Server, after, calls_tool, completion, fails, hangs, returns, says
from tests.llm.support import MESSAGES, REX, FakeClock, ask, client, run

GOOD = says(REX)
CALL = Price(1e-6, 10e-6).of(100, 10)  # what each answer of the server costs at that price


# Many at once


def test_calls_under_way_stay_within_the_concurrency() -> None:
    async def scene() -> None:
        four = asyncio.Barrier(4)

        async def pause() -> None:
            await four.wait()
            for _ in range(100):  # a fifth, if it is under way, arrives meanwhile
                await asyncio.sleep(0)

        settings = Settings(limits=Limits(concurrency=4))
        async with asyncio.timeout(60), Server(after(pause, GOOD)) as server, client(server, settings=settings) as asked:
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


def test_a_cancelled_call_gives_its_place_back_and_costs_the_most_that_it_can() -> None:
    budget = Budget(max_cost=0.01)

    async def scene() -> None:
        settings = Settings(max_output_tokens=5_000, limits=Limits(concurrency=1))
        price = Price(0, 1e-6)
        async with Server(hangs, GOOD) as server, client(server, settings=settings, budget=budget, price=price) as asked:
            first = asyncio.create_task(asked.ask(MESSAGES))
            await server.asked.wait()
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            assert (await asked.ask(MESSAGES)).value.name == "Rex"

    run(scene())
    assert budget.spent == pytest.approx(5_000e-6 + 10e-6)  # the second would not fit if the first were still under way


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
            assert len(server.requests) == 3  # the kept reply passed no longer, and it was told so in vain
            settled = await ask(server, lambda pet: [f"no {pet.name}."], cache=ReplyCache(path))
            assert len(server.requests) == 3
        assert stricter.faults == settled.faults == ("no Rex.",)
        assert (stricter.cached, settled.cached) == (False, True)

    run(scene())
