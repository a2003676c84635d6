"""The same through litellm, at the providers whose API it speaks: one module, since importing litellm takes seconds."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from extractor import read_extractions
from tests.labelling.model_server import ModelServer, is_reask
from tests.llm.server import Act, Request, says
from tests.servers.dialects import ALL, CLAUDE, DEEPSEEK, GEMINI, GROQ, MISTRAL, TOGETHER, Dialect
from tests.servers.house import FEW, KEY, Outcome, echoing, run
from tests.servers.shapes import (
    INVENTED,
    at_first,
    fastapi,
    for_one,
    google,
    once,
    openai,
    page,
    refuses,
    replies,
    right,
    unless,
    usable,
    writes,
)

Environment = Callable[..., None]
SOME = {"anthropic": CLAUDE, "gemini": GEMINI, "mistral": MISTRAL, "together": TOGETHER}


def ask(dialect: Dialect, act: Act, *options: str, keys: tuple[str, ...] = (KEY,)) -> Outcome:
    """Run the job against the act behind a provider's API."""
    with ModelServer(echoing(dialect.speaks(act))) as server:
        return run(server, *options, model=dialect.model, path=dialect.path, keys=keys)


def claude(message: str, kind: str = "invalid_request_error") -> dict[str, Any]:
    """An error as Anthropic writes it."""
    return {"type": "error", "error": {"type": kind, "message": message}}


@pytest.mark.parametrize("name", ALL)
def test_a_key_that_only_litellm_reads_is_sent_and_its_echo_is_shown_nowhere(name: str, environment: Environment) -> None:
    dialect = ALL[name]
    environment(**{dialect.variable: KEY})
    seen: list[str] = []

    async def act(request: Request) -> web.StreamResponse:
        seen.extend(request.headers.values())
        return await right()(request)

    came = ask(dialect, act)
    assert (came.code, len(came.done), len(came.requests)) == (0, FEW, FEW), came.stderr
    assert any(KEY in value for value in seen)


@pytest.mark.parametrize("status", [400, 401, 500])
@pytest.mark.parametrize("name", SOME)
def test_a_key_in_an_error_is_masked(name: str, status: int, environment: Environment) -> None:
    dialect = ALL[name]
    environment(**{dialect.variable: KEY})
    words = f"The request with the key {KEY} and {KEY[:12]}... was turned down"
    came = ask(dialect, refuses(status, claude(words) if dialect is CLAUDE else openai(words)))
    assert came.code == 1
    assert "The request with the key [key] and [key]" in came.said


@pytest.mark.parametrize("name", SOME)
def test_a_key_in_a_reply_is_masked(name: str, environment: Environment) -> None:
    dialect = ALL[name]
    environment(**{dialect.variable: KEY})
    came = ask(dialect, writes(lambda text: with_system(text, KEY)))
    assert (came.code, len(came.done)) == (0, FEW)
    for record in read_extractions("job"):
        assert [rejection.field for rejection in record.rejected] == ["system"]


def with_system(text: str, system: str) -> str:
    """The labels with another system."""
    return json.dumps(json.loads(text) | {"system": system})


@pytest.mark.parametrize(
    "variable",
    ["GOOGLE_API_KEY", "GEMINI_API_KEY", "TOGETHERAI_API_KEY", "TOGETHER_AI_TOKEN", "HF_TOKEN", "ANTHROPIC_AUTH_TOKEN"],
)
def test_a_key_of_the_environment_that_was_not_sent_is_masked_as_well(variable: str, environment: Environment) -> None:
    """A gateway may hold the keys of several providers, and tell of another's."""
    other = "hf_anotherkey0123456789"
    environment(**{variable: other, "MISTRAL_API_KEY": KEY})
    came = ask(MISTRAL, for_one(refuses(400, openai(f"{other} and {other[:8]}... cannot be used")))(), keys=(KEY, other))
    assert (came.code, len(came.done)) == (3, FEW - 1)
    assert "[key] and [key]... cannot be used" in came.said


@pytest.mark.parametrize(
    ("name", "status"),
    [*((name, 307) for name in ALL), ("anthropic", 301), ("gemini", 302), ("mistral", 303), ("together", 308)],
)
def test_a_redirect_is_followed_nowhere(name: str, status: int, environment: Environment) -> None:
    dialect = ALL[name]
    environment(**{dialect.variable: KEY})
    with ModelServer(dialect.speaks(right())) as other:

        async def act(request: Request) -> web.StreamResponse:
            return web.Response(status=status, headers={"Location": other.server.root + request.path})

        came = ask(dialect, act)
        assert other.requests == []
    assert (came.code, came.done, len(came.requests)) == (1, [], 1)
    [line] = came.stderr.splitlines()
    assert f"answered {status}" in line
    assert "the address is right" in line


@pytest.mark.parametrize("name", SOME)
def test_a_usable_first_reply_is_kept_when_a_later_try_fails(name: str, environment: Environment) -> None:
    dialect = ALL[name]
    environment(**{dialect.variable: KEY})
    came = ask(dialect, unless(is_reask, refuses(400, claude("prompt is too long")), usable())())
    assert (came.code, len(came.done), came.failures) == (0, FEW, [])
    for record in read_extractions("job"):
        assert [rejection.value for rejection in record.rejected] == [INVENTED]


def sends(name: str) -> Callable[[Request], bool]:
    """Whether a request has that parameter, by OpenAI's name."""
    return lambda request: name in request.body


Row = tuple[Dialect, Callable[[], Act], int, str]
ADAPTS: dict[str, Row] = {
    "temperature at anthropic": (CLAUDE, unless(sends("temperature"), refuses(400, claude("`temperature` is deprecated for this model."))), 1, "'temperature'"),
    "temperature at gemini": (GEMINI, unless(sends("temperature"), refuses(400, openai("generation_config.temperature: only 1.0 is allowed", code=400))), 1, "'temperature'"),
    "temperature at mistral": (MISTRAL, unless(sends("temperature"), refuses(422, {"object": "error", "message": fastapi(["body", "temperature"], "Input should be greater than 0"), "type": "invalid_request_error"})), 1, "'temperature'"),
    "temperature at together": (TOGETHER, unless(sends("temperature"), refuses(422, {"error": "`temperature` must be strictly positive", "error_type": "validation"})), 1, "'temperature'"),
    "temperature at deepseek": (DEEPSEEK, unless(sends("temperature"), refuses(400, openai("invalid temperature: only 1 is allowed for this model"))), 1, "'temperature'"),
    "schema at gemini": (GEMINI, unless(lambda request: "response_json_schema" in request.body or "response_schema" in request.body, refuses(400, google("Invalid JSON payload: the schema has an unknown name"))), 1, "does not take JSON Schema"),
    "schema at mistral": (MISTRAL, unless(lambda request: request.body.get("response_format", {}).get("type") == "json_schema", refuses(400, {"message": "response_format: json_schema is not served here"})), 1, "does not take JSON Schema"),
    "grammar at together": (TOGETHER, unless(lambda request: request.body.get("response_format", {}).get("type") == "json_schema", refuses(500, openai("failed to parse grammar", code=500))), 1, "does not take JSON Schema"),
}  # fmt: skip


@pytest.mark.parametrize("case", ADAPTS)
def test_what_a_provider_does_not_take_is_left_out(case: str, environment: Environment) -> None:
    dialect, act, more, words = ADAPTS[case]
    environment(**{dialect.variable: KEY})
    came = ask(dialect, act())
    assert (came.code, len(came.done), len(came.requests)) == (0, FEW, FEW + more), came.stderr
    assert words in came.said


STOPS: dict[str, tuple[Dialect, int, Any, str]] = {
    "credit at anthropic": (CLAUDE, 400, claude("Your credit balance is too low to access the API. Please go to Plans & Billing."), "credit balance is too low"),
    "key at anthropic": (CLAUDE, 401, claude("invalid x-api-key", "authentication_error"), "invalid x-api-key"),
    "key at gemini": (GEMINI, 400, google("API key not valid. Please pass a valid API key."), "API key not valid"),
    "expired at gemini": (GEMINI, 400, openai("API key expired. Please renew the API key.", status="INVALID_ARGUMENT"), "API key expired"),
    "quota at gemini": (GEMINI, 429, google("You exceeded your current quota, please check your plan and billing details.", 429), "exceeded your current quota"),
    "key at mistral": (MISTRAL, 401, {"detail": "Unauthorized"}, "Unauthorized"),
    "credit at mistral": (MISTRAL, 402, {"message": "Payment required: add a card"}, "Payment required"),
    "key at together": (TOGETHER, 401, openai("Invalid API key provided. You can find your API key on the site.", code="invalid_api_key"), "Invalid API key provided"),
    "credit at together": (TOGETHER, 402, openai("Credit limit exceeded, please add credits", type="credit_limit"), "Credit limit exceeded"),
    "balance at deepseek": (DEEPSEEK, 402, openai("Insufficient Balance", type="unknown_error"), "Insufficient Balance"),
    "suspended at deepseek": (DEEPSEEK, 429, openai("The account is suspended due to insufficient balance"), "insufficient balance"),
}  # fmt: skip


@pytest.mark.parametrize("case", STOPS)
def test_a_wrong_key_and_an_empty_account_stop_the_job_in_one_line(case: str, environment: Environment) -> None:
    dialect, status, body, words = STOPS[case]
    environment(**{dialect.variable: KEY})
    came = ask(dialect, refuses(status, body))
    assert (came.code, came.done, came.failures, len(came.requests)) == (1, [], [], 1)
    [line] = came.stderr.splitlines()
    assert words in line
    assert re.search("Add credit" if re.search("credit|quota|balance|suspended", case) else r"_API_KEY|Use a key", line)


AGAIN: dict[str, tuple[Dialect, Act]] = {
    "429 at anthropic": (CLAUDE, refuses(429, claude("This request would exceed your rate limit", "rate_limit_error"), {"Retry-After": "90"})),
    "529 at anthropic": (CLAUDE, refuses(529, claude("Overloaded", "overloaded_error"))),
    "503 at gemini": (GEMINI, refuses(503, google("The model is overloaded.", 503, "UNAVAILABLE"))),
    "json_validate_failed at groq": (GROQ, refuses(400, openai("Failed to generate JSON. Please adjust your prompt.", code="json_validate_failed", failed_generation='{"system": '))),
    "an error for an ending at together": (TOGETHER, replies(lambda _labels: {"content": ""}, finish="error", error={"code": 502, "message": "Upstream"})),
    "page at mistral": (MISTRAL, refuses(502, page("502 Bad Gateway"))),
    "empty at gemini": (GEMINI, refuses(200, {"usageMetadata": {"promptTokenCount": 100}})),
}  # fmt: skip


@pytest.mark.parametrize("case", AGAIN)
def test_what_passes_is_asked_again(case: str, environment: Environment) -> None:
    dialect, act = AGAIN[case]
    environment(**{dialect.variable: KEY})
    came = ask(dialect, at_first(act)())
    assert (came.code, len(came.done), len(came.requests)) == (0, FEW, 2 * FEW), came.stderr


@pytest.mark.parametrize("name", SOME)
def test_a_limit_on_the_rate_is_told_with_until_when(name: str, environment: Environment) -> None:
    environment(**{ALL[name].variable: KEY})
    came = ask(ALL[name], once(refuses(429, openai("Slow down, please"), {"Retry-After": "90"}))())
    assert (came.code, len(came.done), len(came.requests)) == (0, FEW, FEW + 1)
    assert re.search(r"429.*until \d\d:\d\d", came.said)


READ: dict[str, tuple[Dialect, Act]] = {
    "thoughts at anthropic": (CLAUDE, replies(lambda labels: {"reasoning_content": "Hm {1}.", "content": dumped(labels)})),
    "fence at gemini": (GEMINI, writes(lambda text: f'```json\n{text}\n```\nNote: {{"sure": true}}')),
    "list at mistral": (MISTRAL, writes(lambda text: f"[{text}]")),
    "tags at together": (TOGETHER, writes(lambda text: f'<tool_call>{{"name": "Labels", "arguments": {text}}}</tool_call>')),
    "reasoning_content at deepseek": (DEEPSEEK, replies(lambda labels: {"content": None, "reasoning_content": dumped(labels)})),
    "arguments as an object at together": (TOGETHER, replies(lambda labels: {"tool_calls": [{"id": "t", "type": "function", "function": {"name": "Labels", "arguments": labels}}]})),
}  # fmt: skip


def dumped(labels: object) -> str:
    """The labels as JSON."""
    return json.dumps(labels)


@pytest.mark.parametrize("case", READ)
def test_an_answer_is_read_wherever_it_stands(case: str, environment: Environment) -> None:
    dialect, act = READ[case]
    environment(**{dialect.variable: KEY})
    came = ask(dialect, act)
    assert (came.code, len(came.done), len(came.requests), came.stdout) == (0, FEW, FEW, ""), came.stderr
    assert "Warning" not in came.stderr


@pytest.mark.parametrize("name", SOME)
def test_a_reply_that_is_cut_off_is_told_with_the_option_that_helps(name: str, environment: Environment) -> None:
    environment(**{ALL[name].variable: KEY})
    came = ask(ALL[name], for_one(writes(lambda text: text[: len(text) // 2], finish="length"))())
    assert (came.code, len(came.done)) == (3, FEW - 1)
    [failure] = came.failures
    assert "cut off" in failure["cause"]
    assert "--max-output-tokens" in failure["fix"]


def test_a_refusal_ends_its_document_alone(environment: Environment) -> None:
    environment(GEMINI_API_KEY=KEY)
    came = ask(GEMINI, for_one(says("", finish="content_filter"))())
    assert (came.code, len(came.done), len(came.failures)) == (3, FEW - 1, 1)
