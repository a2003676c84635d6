"""Batches on the wire: a request is the one that is sent online, and a result is read whoever wrote it."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from extractor.errors import CallError, JobError, UsageError
from extractor.llm.batch import BatchHandle, Full, QueueFullError, read_result, service_for
from extractor.llm.batch.anthropic import AnthropicBatches, as_completion
from extractor.llm.batch.openai import OpenAIBatches
from extractor.llm.endpoints import resolve
from extractor.llm.structured import Mode, Template
from tests.llm.batch_server import ENQUEUED, BatchProvider, Kept
from tests.llm.server import Server, fails, hangs, returns, says
from tests.llm.support import KEY, MESSAGES, REX, FakeClock, Pet, ask, run
from tests.llm.test_providers import CLAUDE, claude_says

SAID = json.dumps(REX)
CHAT = {
    "choices": [{"message": {"content": SAID}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 7, "completion_tokens": 3},
}
MESSAGE = {
    "content": [{"type": "text", "text": SAID}],
    "usage": {"input_tokens": 7, "output_tokens": 3},
    "stop_reason": "end_turn",
}


def chat(status: int, body: object) -> dict[str, Any]:
    return {"custom_id": "q", "response": {"status_code": status, "body": body}, "error": None}


def result(**result: Any) -> dict[str, Any]:
    return {"custom_id": "q", "result": result}


@pytest.mark.parametrize("line", [chat(200, CHAT), result(type="succeeded", message=MESSAGE)], ids=["openai", "anthropic"])
def test_an_answer_is_read(line: dict[str, Any]) -> None:
    read = read_result(json.dumps(line).encode())
    assert read is not None
    assert read.completion is not None
    completion = read.completion
    assert (read.question, completion.text, completion.input_tokens, completion.output_tokens) == ("q", SAID, 7, 3)


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        (chat(500, {"error": {"message": "Overloaded."}}), "the batch answered 500: Overloaded"),
        (chat(400, {"error": {"message": f"bad key {KEY} " + "x" * 900}}), "the batch answered 400: bad key [key] xxx"),
        (chat(503, "<html>"), "the batch answered 503"),
        (chat(200, {}), "the batch answered with a JSON object without choices"),
        ({"custom_id": "q", "error": {"code": "batch_expired", "message": "-"}}, "the batch expired before it was answered"),
        ({"custom_id": "q", "error": {"code": "batch_cancelled"}}, "the batch was cancelled before it was answered"),
        ({"custom_id": "q", "error": {"code": "odd", "message": "Who knows"}}, "the batch failed here: Who knows"),
        (result(type="expired"), "the batch expired before it was answered"),
        (result(type="canceled"), "the batch was cancelled before it was answered"),
        (result(type="errored", error={"type": "error", "error": {"message": "Too long."}}), "the batch failed here: Too long"),
        (result(type="succeeded"), "the batch answered with a JSON NoneType"),
        (result(type="succeeded", message={}), ""),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_why_there_is_no_answer_is_said_without_the_key(line: dict[str, Any], cause: str) -> None:
    read = read_result(json.dumps(line).encode(), SecretStr(KEY))
    assert read is not None
    if cause:
        assert read.completion is None
    assert read.cause.startswith(cause)
    assert len(read.cause) < 350
    assert KEY not in read.cause


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b"null", b'{"custom_id": 1}', b'{"custom_id": "q"}', b"\xff\xfe"])
def test_what_is_no_result_is_none(line: bytes) -> None:
    assert read_result(line) is None


@pytest.mark.parametrize(
    ("message", "text", "truncated", "refused"),
    [
        ({"content": [{"type": "tool_use", "input": REX}]}, SAID, False, False),
        (
            {
                "content": [
                    {"type": "thinking", "thinking": "Hm."},
                    {"type": "text", "text": "a"},
                    {"type": "text", "text": "b"},
                ]
            },
            "ab",
            False,
            False,
        ),
        ({"content": [{"type": "text", "text": "a"}], "stop_reason": "max_tokens"}, "a", True, False),
        ({"content": [], "stop_reason": "refusal"}, "", False, True),
        ({"content": None}, "", False, False),
    ],
    ids=["tool", "thinking", "cut off", "refused", "empty"],
)
def test_a_message_of_anthropics_is_a_completion(message: dict[str, Any], text: str, truncated: bool, refused: bool) -> None:
    read = read_result(json.dumps(result(type="succeeded", message=message)).encode())
    assert read is not None
    assert read.completion is not None
    assert (read.completion.text, read.completion.truncated, read.completion.refused) == (text, truncated, refused)


def test_tokens_from_the_providers_cache_are_part_of_the_input() -> None:
    usage = {"input_tokens": 5, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 2, "output_tokens": 1}
    counts = as_completion({"usage": usage})["usage"]
    assert (counts["prompt_tokens"], counts["prompt_tokens_details"], counts["completion_tokens"]) == (
        10,
        {"cached_tokens": 3},
        1,
    )


@pytest.mark.parametrize(
    "schema", [None, {"type": "object", "properties": {"name": {"enum": ["Rex"]}}}], ids=["fixed", "narrowed"]
)
@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_a_request_is_the_one_that_is_sent_online(kind: str, schema: dict[str, Any] | None) -> None:
    model, act, path = {"openai": ("openai/m", says(REX), "/v1"), "anthropic": (CLAUDE, claude_says(SAID), "")}[kind]

    async def scene() -> tuple[Any, list[Any]]:
        async with Server(act) as server:
            endpoint = resolve(model, server.root + path)
            await ask(server, model=model, path=path)
            service = service_for(endpoint, SecretStr(KEY))
            template = Template(Mode.JSON_SCHEMA, Pet, {"model": endpoint.served_as, "temperature": 0.0})
            lines = [json.loads(await service.line(f"q{n}", template, MESSAGES, schema)) for n in range(2)]
            await service.close()
            return server.requests[0].body, lines

    online, lines = run(scene())
    assert [line["custom_id"] for line in lines] == ["q0", "q1"]
    for line in lines:
        sent = line["body"] if kind == "openai" else line["params"]
        if schema is None:
            assert sent == online
        else:
            assert "Rex" in json.dumps(sent)
            assert sent["messages"] == online["messages"]


def test_a_batch_is_found_by_its_label_however_many_there_are() -> None:
    provider = BatchProvider()
    for n in range(1, 6):
        provider.batches[f"batch_{n}"] = Kept(f"batch_{n}", [], "file-0", {"extractor_job": "mine", "extractor_batch": str(n)})
        provider.batches[f"batch_{n}x"] = Kept(
            f"batch_{n}x", [], "file-0", {"extractor_job": "theirs", "extractor_batch": str(n)}
        )

    async def scene() -> list[str | None]:
        async with Server(provider) as server:
            service = OpenAIBatches(resolve("openai/m", server.url), SecretStr(KEY), FakeClock())
            found = [await service.find(BatchHandle("mine", n, 1, 1, provider.batches["batch_1"].created)) for n in (1, 5, 6)]
            await service.close()
            assert {request.headers["authorization"] for request in server.requests} == {f"Bearer {KEY}"}
            return [batch.id if batch else None for batch in found]

    assert run(scene()) == ["batch_1", "batch_5", None]


def test_a_batch_that_is_known_is_not_found_again() -> None:
    provider = BatchProvider()
    for n in (1, 2):  # the first was refused
        provider.batches[f"batch_{n}"] = Kept(f"batch_{n}", [], "file-1", {"extractor_job": "mine", "extractor_batch": "1"})

    async def scene() -> list[str | None]:
        async with Server(provider) as server:
            service = OpenAIBatches(resolve("openai/m", server.url), SecretStr(KEY), FakeClock())
            since = provider.batches["batch_1"].created
            found = [
                await service.find(BatchHandle("mine", 1, 1, 1, since, "file-1", frozenset(known)))
                for known in ([], ["batch_2"], provider.batches)
            ]
            await service.close()
            return [batch.id if batch else None for batch in found]

    assert run(scene()) == ["batch_2", "batch_1", None]


@pytest.mark.parametrize(
    ("message", "code", "full"),
    [
        (ENQUEUED.format(limit=2_000_000), "token_limit_exceeded", (2_000_000, None)),
        ("The number of enqueued tokens has surpassed the configured limit of 30K for the deployment 'm'.", "", (30_000, None)),
        ("The configured limit of 1.5M enqueued tokens is reached.", "", (1_500_000, None)),
        ("Enqueued request limit reached for m. Limit: 1,000,000 enqueued requests.", "", (None, 1_000_000)),
        ("You have reached the limit of batch requests in the processing queue.", "", (None, None)),
        ("Too much.", "token_limit_exceeded", (None, None)),
        ("Billing hard limit has been reached.", "billing_hard_limit_reached", None),
        ("Rate limit reached for requests per min. Limit: 3 / min.", "rate_limit_exceeded", None),
    ],
    ids=["openai", "azure", "a fraction", "requests", "no figure", "by its code", "billing", "a minute's limit"],
)
def test_a_full_queue_is_known_by_what_providers_say(
    message: str, code: str, full: tuple[int | None, int | None] | None
) -> None:
    read = Full.of(message, code)
    assert (read and (read.tokens, read.requests)) == full


@pytest.mark.parametrize("model", ["openai/m", CLAUDE], ids=["openai", "anthropic"])
def test_a_rate_limit_that_outlasts_all_attempts_is_a_full_queue(model: str, tmp_path: Path) -> None:
    requests = tmp_path / "requests.jsonl"
    requests.write_bytes(b"{}\n")

    async def scene() -> None:
        provider = BatchProvider()
        provider.instead = dict.fromkeys(("POST /batches", "POST /messages/batches"), [fails(429, f"Not {KEY}.")] * 999)
        async with Server(provider) as server:
            where = server.url if model.startswith("openai") else server.root
            service = service_for(resolve(model, where), SecretStr(KEY), clock := FakeClock())
            with pytest.raises(QueueFullError, match=r"cannot create batch 1: .* answered 429: Not .key") as caught:
                await service.create(requests, BatchHandle("mine", 1, 1, 3, clock.time(), "file-1"))
            assert clock.now > 300
            assert (caught.value.full.tokens, caught.value.full.requests) == (None, None)
            await service.close()

    run(scene())


def test_two_batches_that_may_be_the_one_are_left_to_the_user() -> None:
    provider = BatchProvider()
    for n in range(2):
        provider.batches[f"batch_{n}"] = Kept(f"batch_{n}", [{}] * 3)

    async def scene() -> None:
        async with Server(provider) as server:
            service = AnthropicBatches(resolve(CLAUDE, server.root), SecretStr(KEY), FakeClock())
            label = BatchHandle("mine", 1, 3, 1, provider.batches["batch_1"].created)
            with pytest.raises(JobError, match="either of batch_1 and batch_0 may be batch 1 of this job"):
                await service.find(label)
            assert await service.find(BatchHandle("mine", 1, 4, 1, label.since)) is None
            assert await service.find(BatchHandle("mine", 1, 3, 1, label.since - 2_000)) is None
            known = frozenset(["batch_0"])
            found = await service.find(BatchHandle("mine", 1, 3, 1, label.since, known=known))
            assert (found and found.id, found and found.presumed) == ("batch_1", True)
            await service.close()

    run(scene())


@pytest.mark.parametrize(
    ("model", "header"),
    [("openai/m", "authorization"), ("azure/m", "api-key"), (CLAUDE, "x-api-key")],
    ids=["openai", "azure", "anthropic"],
)
def test_the_key_goes_where_the_provider_looks_for_it_and_into_no_message(model: str, header: str) -> None:
    denied = returns({"error": {"message": f"Not with {KEY}.", "type": "authentication_error"}}, 401)

    async def scene() -> None:
        async with Server(denied) as server:
            service = service_for(resolve(model, server.root), SecretStr(KEY), FakeClock())
            with pytest.raises(JobError) as caught:
                await service.look("batch_1")
            await service.close()
            [request] = server.requests
            assert request.headers[header].removeprefix("Bearer ") == KEY
            assert [name for name, value in request.headers.items() if KEY in value] == [header]
            assert KEY not in str(caught.value)

    run(scene())


def test_outages_are_waited_out_and_then_a_passing_trouble() -> None:
    async def scene() -> None:
        async with Server(returns({}, 503)) as server:
            for model in ("openai/m", CLAUDE):
                clock = FakeClock()
                service = service_for(resolve(model, server.root), SecretStr(KEY), clock)
                with pytest.raises(CallError, match=r"cannot look at batch b: .* answered 503") as caught:
                    await service.look("b")
                assert not isinstance(caught.value, JobError)
                assert len(clock.slept) == 5
                await service.close()

    run(scene())


def test_a_redirect_is_not_followed() -> None:
    async def scene() -> None:
        async with Server(hangs) as elsewhere, Server(returns({}, 307, {"Location": elsewhere.root})) as server:
            for model in ("openai/m", CLAUDE):
                service = service_for(resolve(model, server.root), SecretStr(KEY), FakeClock())
                with pytest.raises(JobError):
                    await service.look("b")
                await service.close()
            assert elsewhere.requests == []

    run(scene())


def test_a_hosted_model_needs_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXTRACTOR_KEYS", "/nonexistent/keys.toml")
    for model, variable in (("openai/gpt-4o-mini", "OPENAI_API_KEY"), (CLAUDE, "ANTHROPIC_API_KEY")):
        monkeypatch.delenv(variable, raising=False)
        with pytest.raises(JobError, match=f"no key for {model}. Set {variable}"):
            service_for(resolve(model))
    with pytest.raises(UsageError, match="knows no batches of gemini"):
        service_for(resolve("gemini/gemini-2.5-flash"))
