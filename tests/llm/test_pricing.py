"""What tokens cost, and a cap that is kept."""

import asyncio

import pytest

from extractor.errors import BudgetError, Spent, UsageError
from extractor.llm import pricing
from extractor.llm.completions import Completion
from extractor.llm.endpoints import resolve
from extractor.llm.pricing import Budget, Ledger, Price, estimated_tokens, price_of
from tests.llm.server import completion
from tests.llm.support import MESSAGES, run


@pytest.mark.parametrize("model", ["openai/gpt-4o", "anthropic/claude-sonnet-4-5", "gemini/gemini-2.5-flash", "azure/gpt-4o"])
def test_known_models_have_a_price(model: str) -> None:
    base_url = "https://x.openai.azure.com" if model.startswith("azure") else None
    price = price_of(resolve(model, base_url, environ={}))
    assert price
    assert 0 < price.input < price.output < 1e-3


def test_a_model_on_this_machine_costs_nothing() -> None:
    assert price_of(resolve("ollama/llama3", environ={})) == Price(0.0, 0.0)


def test_a_published_price_holds_at_the_providers_own_address_only() -> None:
    assert price_of(resolve("openai/gpt-4o", "http://127.0.0.1:8080/v1", environ={})) is None
    assert price_of(resolve("anthropic/claude-sonnet-4-5", "http://127.0.0.1:8080", environ={})) is None
    assert price_of(resolve("openai/gpt-4o", "https://api.openai.com/v1/", environ={}))


@pytest.mark.parametrize("model", ["openai/no-such-model", "lm_studio/q", "gemini/gpt-4o", "openai/claude-sonnet-4-5"])
def test_what_is_not_in_the_table_has_no_price(model: str) -> None:
    assert price_of(resolve(model, environ={})) is None


def test_without_litellms_table_prices_are_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = resolve("openai/gpt-4o", environ={})
    for found in (lambda _name: None, lambda _name: type("Spec", (), {"origin": "/nowhere/litellm/__init__.py"})):
        pricing._table.cache_clear()
        monkeypatch.setattr(pricing, "find_spec", found)
        assert price_of(endpoint) is None
    pricing._table.cache_clear()


def test_a_price_is_given_for_a_million_tokens() -> None:
    price = Price.parse("0.15,0.60")
    assert price.of(1_000_000, 0) == pytest.approx(0.15)
    assert price.of(0, 1_000_000) == pytest.approx(0.60)
    assert Price.parse("0, 0") == Price(0.0, 0.0)


@pytest.mark.parametrize("text", ["", "1", "1,2,3", "a,b", "-1,2", "nan,1", "1,inf"])
def test_a_price_that_is_none(text: str) -> None:
    with pytest.raises(UsageError, match=r"is not IN,OUT\. Give US dollars for a million tokens"):
        Price.parse(text)


def test_cached_input_is_priced_as_such() -> None:
    assert Price(2.0, 8.0, 0.5).of(10, 3, cached_tokens=4) == 6 * 2.0 + 4 * 0.5 + 3 * 8.0
    assert Price(2.0, 8.0).of(10, 3, cached_tokens=4) == 10 * 2.0 + 3 * 8.0


def test_a_ledger_adds_up_what_each_answer_took() -> None:
    ledger = Ledger()
    assert ledger.spent(None).cost_usd == 0.0
    body = completion("{}")
    body["usage"]["prompt_tokens_details"] = {"cached_tokens": 60}
    ledger.calls = 2
    price = Price(1.0, 10.0, 0.1)
    most = Spent(1, 1, 5, 1000)
    assert ledger.add(Completion.of(body), most, price) == pytest.approx((110, 40 + 6 + 100))
    assert ledger.add(Completion.of(completion("x" * 30, usage=False)), most, price) == pytest.approx((15, 5 + 10_000))
    spent = ledger.spent(price)
    assert (spent.calls, spent.attempts, spent.input_tokens, spent.output_tokens) == (2, 0, 105, 20)
    assert spent.cost_usd == pytest.approx(45 + 6 + 200)
    assert ledger.spent(None).cost_usd is None


def test_an_estimate_errs_on_the_high_side_for_english() -> None:
    text = "We present a system that is 2.3x faster than the baseline on ImageNet. " * 20
    words = len(text.split())
    assert 1.2 * words < estimated_tokens([{"role": "user", "content": text}]) < 2.5 * words
    assert estimated_tokens(MESSAGES) > 8


def test_a_cap_lets_through_what_fits_and_remembers_an_earlier_run() -> None:
    async def scene() -> None:
        budget = Budget(max_cost=1.0, spent=0.5)
        reserved = await budget.reserve(0.3, "m")
        await budget.settle(reserved, 0.1)
        assert budget.spent == pytest.approx(0.6)
        await budget.settle(await budget.reserve(0.4, "m"), 0.0)  # a call that failed cost nothing
        with pytest.raises(BudgetError, match=r"\$0.6000 of the \$1 cap is spent and the next call may cost \$0.4100"):
            await budget.reserve(0.41, "m")

    run(scene())


def test_a_call_waits_for_those_under_way_when_only_they_stand_against_it() -> None:
    async def scene() -> None:
        budget = Budget(max_cost=1.0)
        first = await budget.reserve(0.7, "m")
        second = asyncio.create_task(budget.reserve(0.7, "m"))
        await asyncio.sleep(0)
        assert not second.done()
        await budget.settle(first, 0.2)
        assert await second == 0.7
        third = asyncio.create_task(budget.reserve(0.7, "m"))
        await asyncio.sleep(0)
        await budget.settle(0.7, 0.7)
        with pytest.raises(BudgetError):
            await third

    run(scene())


def test_rounding_errors_block_nobody() -> None:
    async def scene() -> None:
        budget = Budget(max_cost=0.35)
        reserved = [await budget.reserve(0.1, "m") for _ in range(3)]
        for each in reserved:
            await budget.settle(each, 0.0)
        async with asyncio.timeout(1):
            assert await budget.reserve(0.35, "m") == 0.35

    run(scene())


def test_no_cap_needs_no_price() -> None:
    assert run(Budget().reserve(None, "m")) == 0.0
