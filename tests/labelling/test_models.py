"""What the options come to: who labels, how it is asked, and what is refused."""

import asyncio
import sys
from pathlib import Path

import pytest

from extractor.errors import UsageError
from extractor.labelling.llm import ModelLabeller
from extractor.labelling.models import Chosen, Labelling, ModelOptions, Narrow, choose
from extractor.labelling.rules import RulesLabeller

LOCAL = "http://127.0.0.1:9/v1"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXTRACTOR_CACHE", str(tmp_path / "cache.sqlite3"))


def opened(chosen: Chosen, spent: float = 0.0) -> Labelling:
    """What is open, closed again: it can still be looked at."""

    async def scene() -> Labelling:
        async with chosen.open(spent) as labelling:
            return labelling

    return asyncio.run(scene())


def test_the_rules_are_the_default_and_take_one_document_at_a_time() -> None:
    chosen = choose(ModelOptions())
    assert (chosen.calls, chosen.window, dict(chosen.settings), chosen.price) == (False, 1, {}, None)
    labelling = opened(chosen)
    assert isinstance(labelling.labeller, RulesLabeller)
    assert (labelling.clients, labelling.budget) == ((), None)
    with pytest.raises(UsageError, match="call no server"):
        _ = chosen.endpoint


@pytest.mark.parametrize(
    ("model", "base_url", "narrow", "narrowed"),
    [
        ("openai/gpt-4o-mini", None, "auto", False),
        ("openai/gpt-4o-mini", None, "always", True),
        ("openai/x", LOCAL, "auto", True),
        ("openai/x", "http://192.168.1.7:8000/v1", "auto", True),
        ("openai/x", LOCAL, "never", False),
        ("openai/x", "https://api.example.com/v1", "auto", False),
        ("ollama/llama3.1", None, "auto", True),
        ("hosted_vllm/x", "https://gpus.example.com/v1", "auto", True),
        ("azure/x", "https://x.openai.azure.com", "auto", False),
        ("anthropic/claude-sonnet-4-5", None, "auto", False),
    ],
)
def test_the_schema_is_narrowed_for_engines_that_compile_one_per_request(
    model: str, base_url: str | None, narrow: Narrow, narrowed: bool
) -> None:
    assert choose(ModelOptions(model, base_url, narrow=narrow)).settings["narrow_schema"] is narrowed


def test_settings_are_what_the_answers_depend_on() -> None:
    settings = choose(ModelOptions("openai/x", LOCAL + "/chat/completions/")).settings
    assert settings["base_url"] == LOCAL
    assert (settings["prompt"], settings["temperature"], settings["max_output_tokens"]) == ("label@2", 0.0, 4096)
    assert choose(ModelOptions("openai/gpt-4o-mini")).settings["max_output_tokens"] is None


def test_options_reach_the_client() -> None:
    options = ModelOptions(
        "openai/x", LOCAL, concurrency=3, requests_per_minute=60, tokens_per_minute=900, price="1,2", max_cost=5
    )
    chosen = choose(options)
    assert chosen.calls
    labelling = opened(chosen, spent=1.5)
    [client] = labelling.clients
    assert client.price is not None
    assert client.price == chosen.price
    assert (client.price.input, client.price.output) == (1e-6, 2e-6)
    limits = client._settings.limits
    assert (limits.concurrency, limits.requests_per_minute, limits.tokens_per_minute) == (3, 60, 900)
    assert chosen.window >= 3
    assert labelling.budget is not None
    assert (labelling.budget.max_cost, labelling.budget.spent) == (5, 1.5)
    assert isinstance(labelling.labeller, ModelLabeller)
    assert labelling.samples == (labelling.labeller,)
    assert labelling.labeller._client is client


@pytest.mark.parametrize("cache", [True, False])
def test_without_a_cache_none_is_opened(tmp_path: Path, cache: bool) -> None:
    [client] = opened(choose(ModelOptions("openai/x", LOCAL, cache=cache))).clients
    assert (client._cache is not None) is cache
    assert not (tmp_path / "cache.sqlite3").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(
            ModelOptions("gpt-9"), "no model 'gpt-9'. Use 'rules', the built-in labeller, or PROVIDER/NAME", id="bare"
        ),
        pytest.param(ModelOptions(""), "no model ''. Use 'rules'", id="empty"),
        pytest.param(ModelOptions("openai/"), "no model 'openai/'", id="no name"),
        pytest.param(ModelOptions("azure/x"), "no address for azure/x", id="no address"),
        pytest.param(ModelOptions("openai/x", LOCAL, max_cost=1), "no price is known for openai/x", id="no price"),
        pytest.param(ModelOptions("openai/x", LOCAL, price="free"), "not IN,OUT", id="price"),
        pytest.param(ModelOptions("openai/x", LOCAL, prompt=Path("nowhere.md")), "Cannot read the prompt", id="prompt"),
    ],
)
def test_what_cannot_be_met_is_refused(options: ModelOptions, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_API_BASE", raising=False)
    with pytest.raises(UsageError, match=message):
        choose(options)


@pytest.mark.parametrize(
    ("missing", "model", "refused"),
    [
        ("tenacity", "openai/x", True),
        ("aiohttp", "openai/x", True),
        ("litellm", "openai/x", False),
        ("litellm", "groq/x", True),
    ],
)
def test_a_missing_package_is_refused_with_the_command(
    missing: str, model: str, refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("extractor.labelling.models.find_spec", lambda name: None if name == missing else sys)
    if refused:
        with pytest.raises(UsageError, match=rf"A model needs {missing}\. Install it with `pip install '\.\[llm\]'`"):
            choose(ModelOptions(model, LOCAL))
    else:
        choose(ModelOptions(model, LOCAL))


@pytest.mark.parametrize(
    ("model", "base_url", "asked", "concurrency"),
    [
        ("openai/x", None, None, 32),
        ("openai/x", LOCAL, None, 4),
        ("ollama/x", None, None, 4),
        ("openai/x", LOCAL, 64, 64),
        ("openai/x", None, 1, 1),
    ],
    ids=["hosted", "local", "ollama", "local, told", "hosted, told"],
)
def test_a_local_engine_is_asked_less_at_once_unless_told(
    model: str, base_url: str | None, asked: int | None, concurrency: int
) -> None:
    chosen = choose(ModelOptions(model, base_url, concurrency=asked))
    assert chosen.concurrency == concurrency
    [client] = opened(chosen).clients
    assert client.limiter.concurrency == concurrency
