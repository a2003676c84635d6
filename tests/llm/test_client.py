"""One call of a model: what is sent, what is told back, what a server lacks, and what stays secret."""

import json
import logging
import traceback
from collections.abc import Sequence
from typing import Any

import pytest

from extractor.errors import CallError, Spent
from extractor.llm.client import Settings
from extractor.llm.pricing import Price
from tests.llm.server import Act, Server, calls_tool, fails, resets, says
from tests.llm.support import KEY, MESSAGES, REX, Pet, ask, client, run

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


def test_faults_that_a_model_repeats_are_not_told_back_again() -> None:
    async def scene() -> None:
        async with Server(GOOD) as server:
            reply = await ask(server, lambda pet: [f"{pet.name} is not in the text."])
            assert len(server.requests) == 2
        assert reply.faults == ("Rex is not in the text.",)

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
            assert len(server.requests) == 4

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
