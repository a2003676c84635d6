"""Each provider's request as it arrives at a server: endpoint, headers, schema; and litellm without its habits."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from extractor.errors import CallError, JobError, Spent
from extractor.llm.client import Settings
from extractor.llm.retries import RetryPolicy
from tests.llm.server import Act, Server, breaks_off, fails, hangs, resets, returns, says, shows_page
from tests.llm.support import IMPATIENT, KEY, MESSAGES, REX, FakeClock, ask, client, run

SCHEMA = {"additionalProperties": False, "required": ["name", "kind", "age"]}
CLAUDE = "anthropic/claude-sonnet-4-5"
GEMINI = "gemini/gemini-2.5-flash"


def claude_says(text: str) -> Act:
    """Answer as Anthropic's messages API does."""
    usage = {"input_tokens": 50, "output_tokens": 5}
    message = {"id": "m", "type": "message", "role": "assistant", "model": "claude", "stop_reason": "end_turn", "usage": usage}
    return returns({**message, "content": [{"type": "text", "text": text}]})


def gemini_says(text: str) -> Act:
    """Answer as Gemini's generateContent does."""
    candidate = {"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": "STOP"}
    return returns({"candidates": [candidate], "usageMetadata": {"promptTokenCount": 50, "candidatesTokenCount": 5}})


def test_a_plain_openai_compatible_server() -> None:
    async def scene() -> None:
        async with Server(says(REX)) as server:
            await ask(server, model="openai/qwen2.5", path="", key=None)
            (request,) = server.requests
        assert request.path == "/v1/chat/completions"
        assert request.body["model"] == "qwen2.5"
        assert request.body["response_format"]["json_schema"]["strict"] is True
        assert request.headers.get("authorization") in {None, f"Bearer {os.environ.get('OPENAI_API_KEY')}"}

    run(scene())


def test_azure() -> None:
    async def scene() -> None:
        async with Server(says(REX)) as server:
            await ask(server, model="azure/my-deployment", path="", settings=Settings(max_output_tokens=50))
            (request,) = server.requests
        assert request.path == "/openai/v1/chat/completions"
        assert request.headers["api-key"] == KEY
        assert "authorization" not in request.headers
        assert request.body["model"] == "my-deployment"
        assert request.body["max_completion_tokens"] == 50
        assert request.body["response_format"]["json_schema"]["strict"] is True

    run(scene())


def test_ollama() -> None:
    async def scene() -> None:
        async with Server(says(REX)) as server:
            await ask(server, model="ollama/llama3.2:3b", path="", key=None)
            (request,) = server.requests
        assert request.path == "/v1/chat/completions"
        assert "authorization" not in request.headers
        assert request.body["model"] == "llama3.2:3b"
        assert request.body["response_format"]["type"] == "json_schema"

    run(scene())


def test_anthropic() -> None:
    async def scene() -> None:
        async with Server(claude_says(json.dumps(REX))) as server:
            reply = await ask(server, model=CLAUDE, path="")
            (request,) = server.requests
        assert request.path == "/v1/messages"
        assert request.headers["x-api-key"] == KEY
        assert request.headers["anthropic-version"] == "2023-06-01"
        assert request.body["model"] == "claude-sonnet-4-5"
        assert request.body["system"] == [{"type": "text", "text": MESSAGES[0]["content"]}]
        assert request.body["messages"][0]["content"] == [{"type": "text", "text": MESSAGES[1]["content"]}]
        form = request.body["output_format"]
        assert form["type"] == "json_schema"
        assert SCHEMA.items() <= form["schema"].items()
        assert reply.spent == Spent(1, 1, 50, 5, None)

    run(scene())


def test_anthropics_older_models_get_a_tool() -> None:
    async def scene() -> None:
        async with Server(claude_says(json.dumps(REX))) as server:
            await ask(server, model="anthropic/claude-3-haiku-20240307", path="")
            (request,) = server.requests
        (tool,) = request.body["tools"]
        assert request.body["tool_choice"]["name"] == tool["name"]
        assert SCHEMA.items() <= tool["input_schema"].items()

    run(scene())


def test_gemini() -> None:
    async def scene() -> None:
        async with Server(gemini_says(json.dumps(REX))) as server:
            reply = await ask(server, model=GEMINI, path="")
            (request,) = server.requests
        assert request.path == "/models/gemini-2.5-flash:generateContent"
        assert request.headers["x-goog-api-key"] == KEY
        assert request.body["contents"][0]["parts"] == [{"text": MESSAGES[1]["content"]}]
        form = request.body["generationConfig"]
        assert form["response_mime_type"] == "application/json"
        assert SCHEMA.items() <= form["response_json_schema"].items()
        assert reply.spent == Spent(1, 1, 50, 5, None)

    run(scene())


def test_faults_go_back_through_litellm_too() -> None:
    async def scene() -> None:
        async with Server(claude_says('{"name": "Rex"}'), claude_says(json.dumps(REX))) as server:
            reply = await ask(server, model=CLAUDE, path="")
            told = server.requests[1].body["messages"]
        assert reply.spent.attempts == 2
        assert [message["role"] for message in told] == ["user", "assistant", "user"]
        assert "kind is missing." in json.dumps(told[2])

    run(scene())


def error(kind: str, message: str) -> dict[str, Any]:
    """An error as Anthropic writes it; Gemini's has the same outline."""
    return {"type": "error", "error": {"type": kind, "message": message}}


HASTY = Settings(retries=RetryPolicy(patience=0.0))  # does not wait an outage out

# act, calls, kind of error, words
FAILS = {
    "401": (returns(error("authentication_error", f"wrong key {KEY}"), 401), 1, JobError, "answered 401: wrong key [key]"),
    "404": (returns(error("not_found_error", "model: x"), 404), 1, JobError, "answered 404: model: x"),
    "400": (returns(error("invalid_request_error", "too long"), 400), 1, CallError, "answered 400: too long"),
    "400 of a bad key": (fails(400, "API key not valid. Please pass one."), 1, JobError, "answered 400: API key not valid"),
    "500": (fails(500), 6, CallError, "answered 500: no luck (6 calls"),
    "529": (returns(error("overloaded_error", "Overloaded"), 529), 6, CallError, "answered 529: Overloaded (6 calls"),
    "page": (shows_page(), 6, JobError, "answered with something that litellm cannot read"),
    "page of a proxy": (shows_page(502), 6, CallError, "answered 502: Bad Gateway"),
    "other JSON": (returns({"parrot": 1}), 6, JobError, "answered with something that litellm cannot read"),
    "reset": (resets, 6, CallError, "broke the call off: the server closed the connection"),
    "body broken off": (breaks_off, 6, CallError, "broke the call off: the answer broke off in the middle"),
    "hang": (hangs, 6, CallError, "did not answer in time"),
}


@pytest.mark.parametrize("model", [CLAUDE, GEMINI], ids=["anthropic", "gemini"])
@pytest.mark.parametrize("case", FAILS)
def test_failures_read_alike_on_both_ways(case: str, model: str) -> None:
    act, calls, kind, words = FAILS[case]

    async def scene() -> CallError:
        async with Server(act) as server:
            with pytest.raises(CallError) as caught:
                await ask(server, model=model, path="", settings=IMPATIENT if act is hangs else HASTY)
            # A connection that breaks can take a request down that the server never saw.
            assert len(server.requests) == calls or act in {resets, breaks_off}
            return caught.value

    failure = run(scene())
    assert type(failure) is kind
    assert failure.spent.calls == calls
    assert words in failure.cause
    assert "\n" not in str(failure)
    assert KEY not in str(failure)
    assert "parrot" not in str(failure)
    assert "litellm." not in str(failure)


@pytest.mark.parametrize("model", [CLAUDE, GEMINI], ids=["anthropic", "gemini"])
def test_retry_after_is_honoured_through_litellm(model: str) -> None:
    good = claude_says(json.dumps(REX)) if model == CLAUDE else gemini_says(json.dumps(REX))

    async def scene() -> None:
        clock = FakeClock()
        async with Server(fails(429, headers={"Retry-After": "9"}), good) as server:
            await ask(server, model=model, path="", clock=clock)
        assert 9 <= clock.slept[0] <= 10

    run(scene())


def test_no_connection_through_litellm_stops_the_job() -> None:
    async def scene() -> None:
        async with Server(resets) as server:
            asked = client(server, CLAUDE, path="")
        async with asked:
            with pytest.raises(JobError, match=r"no connection to http://127.0.0.1:.*: connection refused"):
                await asked.ask(MESSAGES)

    run(scene())


def test_a_provider_that_does_not_exist_stops_the_job_before_a_call() -> None:
    async def scene() -> None:
        async with Server(resets) as server:
            with pytest.raises(JobError, match="no provider is called 'nosuch'"):
                await ask(server, model="nosuch/m", path="")
            assert not server.requests

    run(scene())


LOAD = """
import os, socket, sys

def refuse(*arguments, **more):
    raise AssertionError(f"network: {arguments}")

socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
from extractor.llm.transports import import_litellm
litellm = import_litellm()
assert "FROM_DOT_ENV" not in os.environ, "read .env"
assert litellm.telemetry is False
assert litellm.model_cost["gpt-4o"]
"""


def python(code: str, folder: Path) -> tuple[int, str, str]:
    """Exit code and output of a fresh interpreter that runs in that folder and knows little of this one's environment."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2]), "HOME": str(folder)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_litellm_is_loaded_without_network_env_file_or_output(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("FROM_DOT_ENV=1\n")
    assert python(LOAD, tmp_path) == (0, "", "")


HEAVY = "openai instructor.processing.response litellm aiohttp httpx"
LIGHT = f"""
import asyncio, json, sys
from pydantic import BaseModel
from extractor.llm import cache, client, keys, limits, pricing, retries, transports

class Pet(BaseModel):
    name: str

client.ModelClient("openai/gpt-4o", Pet)
assert pricing.price_of(client.resolve("openai/gpt-4o", environ={{}}))
loaded = [name for name in "{HEAVY}".split() if name in sys.modules]
assert not loaded, loaded

from tests.llm.support import ask
from tests.llm.server import Server, says

async def scene():
    async with Server(says("no"), says({REX!r})) as server:
        await ask(server)

asyncio.run(scene())
assert "litellm" not in sys.modules
"""


def test_a_package_is_imported_by_the_first_call_that_needs_it(tmp_path: Path) -> None:
    assert python(LIGHT, tmp_path) == (0, "", "")


def test_a_missing_key_of_a_provider_stops_the_job(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("EXTRACTOR_KEYS", str(tmp_path / "keys.toml"))

    async def scene() -> None:
        async with Server(resets) as server:
            with pytest.raises(JobError, match="Set ANTHROPIC_API_KEY to a valid key"):
                await ask(server, model=CLAUDE, path="", key=None)

    run(scene())


def test_keys_are_found_by_the_providers_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "from-the-environment")

    async def scene() -> None:
        async with Server(claude_says(json.dumps(REX))) as server:
            await ask(server, model=CLAUDE, path="", key=None)
            assert server.requests[0].headers["x-api-key"] == "from-the-environment"
            await ask(server, model=CLAUDE, path="", key=SecretStr("given"))
            assert server.requests[1].headers["x-api-key"] == "given"

    run(scene())
