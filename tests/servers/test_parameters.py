"""What a server does not take: a parameter is dropped, renamed or lowered once per job, a way to ask for structure gives way to the next."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from extractor import read_extractions
from tests.labelling.model_server import ModelServer, is_reask
from tests.llm.server import Request
from tests.servers.house import FEW, KEY, PAPERS, echoing, run
from tests.servers.shapes import INVENTED, exactly, fastapi, for_one, google, openai, page, refuses, right, unless, usable

ONE_MORE = exactly(FEW + 1)


def sends(name: str) -> Callable[[Request], bool]:
    """Whether a request has that parameter."""
    return lambda request: name in request.body


TEMPERATURE = {
    "only 1": (400, openai("invalid temperature: only 1 is allowed for this model", type="invalid_request_error")),
    "strictly positive": (
        422,
        {"error": "Input validation error: `temperature` must be strictly positive", "error_type": "validation"},
    ),
    "range": (400, openai("Param Incorrect: temperature should be in (0, 2], got 0.0")),
    "default": (
        400,
        openai("Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported."),
    ),
    "named by param alone": (400, openai("This value lies outside what the model was made for.", param="temperature")),
    "validation": (422, fastapi(["body", "temperature"], "Input should be greater than 0", "greater_than")),
    "list": (400, google("* GenerateContentRequest.generation_config.temperature: must be in the range (0.0, 2.0]")),
    "text": (400, "temperature has to be a positive float\n"),
    "errors": (400, {"errors": [{"message": "temperature: 0 is less than the minimum of 0.01", "code": 8001}]}),
    "detail": (400, {"detail": "Reasoning models do not accept the following: temperature"}),
    "page": (422, page("422 Unprocessable", "temperature may not be given")),
    "deprecated": (400, openai("`temperature` is deprecated for this model.")),
    "not permitted": (422, {"message": "temperature: Extra inputs are not permitted"}),
    "expects": (406, {"error": {"type": "bad_request", "details": "expected temperature >= 0.1"}}),
}

RENAMED = {
    "use instead": openai(
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    ),
    "deprecated": openai("max_tokens is deprecated in favour of max_completion_tokens; send the latter.", param="max_tokens"),
    "detail": {"detail": "this reasoning model wants max_completion_tokens where you have max_tokens"},
}

LOWERED = {
    "at most": (
        400,
        openai("max_tokens is too large: 4096. This model supports at most 1024 completion tokens, whereas you provided 4096."),
    ),
    "less than": (400, openai("Invalid max_tokens value, the valid range of max_tokens is [1, 1024]")),
    "validation": (422, fastapi(["body", "max_tokens"], "Input should be less than or equal to 1024", "less_than_equal")),
    "without a number": (400, {"error": "max_tokens exceeds what this deployment may write"}),
    "field": (400, openai("The value must not be greater than 1024", param="max_tokens")),
}

SEED = {
    "body": (422, fastapi(["body", "seed"], "Extra inputs are not permitted", "extra_forbidden")),
    "nested": (
        422,
        {
            "object": "error",
            "message": fastapi(["body", "seed"], "Extra inputs are not permitted"),
            "type": "invalid_request_error",
        },
    ),
    "unknown": (400, openai("Unrecognized request argument supplied: seed")),
    "unknown name": (
        400,
        google("Invalid JSON payload received. Unknown name \"seed\" at 'generation_config': Cannot find field."),
    ),
    "not allowed": (400, {"message": "property 'seed' is not allowed here"}),
}


@pytest.mark.parametrize("case", TEMPERATURE)
def test_a_temperature_that_a_server_does_not_take_is_left_out(case: str) -> None:
    act = unless(sends("temperature"), refuses(*TEMPERATURE[case]))
    with ModelServer(echoing(act())) as server:
        came = run(server)
    assert (came.code, len(came.done), len(came.requests)) == (0, FEW, FEW + 1)
    assert "'temperature'" in came.said
    assert came.said.count("'temperature'") == 1


@pytest.mark.parametrize("case", RENAMED)
def test_a_parameter_that_has_another_name_is_sent_under_it(case: str) -> None:
    act = unless(sends("max_tokens"), refuses(400, RENAMED[case]))
    with ModelServer(echoing(act())) as server:
        came = run(server, "--max-output-tokens", "900")
    assert (came.code, len(came.done), len(came.requests)) == (0, FEW, FEW + 1)
    assert came.requests[-1].body["max_completion_tokens"] == 900
    assert "'max_tokens'" in came.said
    assert "max_completion_tokens" in came.said


def test_the_older_name_is_sent_where_the_newer_one_is_not_known(environment: Callable[..., None]) -> None:
    environment(AZURE_API_KEY=KEY)
    refusal = openai("Unrecognized request argument supplied: max_completion_tokens")
    with ModelServer(echoing(unless(sends("max_completion_tokens"), refuses(400, refusal))())) as server:
        came = run(server, "--max-output-tokens", "900", model="azure/gpt", path="")
    assert (came.code, len(came.done), len(came.requests)) == (0, FEW, FEW + 1)
    assert came.requests[-1].body["max_tokens"] == 900
    assert "'max_completion_tokens'" in came.said


@pytest.mark.parametrize("case", LOWERED)
def test_a_length_that_is_too_long_is_lowered_or_left_out(case: str) -> None:
    act = unless(lambda request: request.body.get("max_tokens", 0) > 1024, refuses(*LOWERED[case]))
    with ModelServer(echoing(act())) as server:
        came = run(server, "--max-output-tokens", "4096")
    assert (came.code, len(came.done)) == (0, FEW)
    assert FEW < len(came.requests) <= FEW + 3
    assert "'max_tokens'" in came.said
    if "1024" in str(LOWERED[case]):  # what the server says is not thrown away
        assert came.requests[-1].body["max_tokens"] == 1024


def test_a_length_that_a_server_does_not_know_is_left_out() -> None:
    act = unless(sends("max_tokens"), refuses(422, fastapi(["body", "max_tokens"], "Extra inputs are not permitted")))
    with ModelServer(echoing(act())) as server:
        came = run(server, "--max-output-tokens", "900")
    assert (came.code, len(came.done)) == (0, FEW)
    assert "'max_tokens'" in came.said


@pytest.mark.parametrize("case", SEED)
def test_a_seed_that_a_server_does_not_know_is_left_out(case: str) -> None:
    act = unless(sends("seed"), refuses(*SEED[case]))
    with ModelServer(echoing(act())) as server:
        came = run(server, "--votes", "3")
    assert (came.code, len(came.done)) == (0, FEW)
    assert 3 * FEW < len(came.requests) <= 3 * FEW + 3  # each sample may meet it once
    assert came.said.count("'seed'") == 1


def test_what_the_text_names_is_no_parameter() -> None:
    """An abstract may speak of temperature; one that is refused for what it says fails alone."""
    act = for_one(
        refuses(
            400,
            openai("The prompt was rejected: it speaks of temperature in a way that is not allowed.", code="content_filter"),
        )
    )
    with ModelServer(echoing(act())) as server:
        came = run(server)
    assert (came.code, len(came.done)) == (3, FEW - 1)
    assert "temperature" in came.requests[-1].body


def test_a_server_that_sends_the_request_back_has_refused_none_of_its_parameters() -> None:
    async def sent_back(request: Request) -> web.StreamResponse:
        wrong = {
            "type": "too_long",
            "loc": ["body", "messages", 1, "content"],
            "msg": "String is too long",
            "input": request.body,
        }
        return await refuses(422, {"detail": [wrong]})(request)

    with ModelServer(echoing(for_one(sent_back)())) as server:
        came = run(server)
    assert (came.code, len(came.done), len(came.requests)) == (3, FEW - 1, FEW)
    assert "String is too long" in came.said
    assert "going on" not in came.said


def test_a_parameter_that_is_refused_again_without_being_sent_ends_the_document() -> None:
    with ModelServer(refuses(400, openai("temperature is wrong"))) as server:
        came = run(server)
    assert came.code == 1
    assert not came.done
    assert len(came.requests) <= 4 * FEW


def asks_by(*ways: str) -> Callable[[Request], bool]:
    """Whether a request asks for structure in one of these ways."""

    def way(request: Request) -> str:
        return "tools" if "tools" in request.body else request.body.get("response_format", {}).get("type", "nothing")

    return lambda request: way(request) in ways


SCHEMA, SCHEMA_OR_TOOLS, ALL = (
    asks_by("json_schema"),
    asks_by("json_schema", "tools"),
    asks_by("json_schema", "tools", "json_object"),
)
STRUCTURE: list[tuple[str, int, Any, Callable[[Request], bool], int]] = [
    ("list", 400, google('Invalid JSON payload: the schema has an unknown name "additionalProperties"'), SCHEMA, 1),
    ("grammar in a 500", 500, openai("failed to parse grammar", type="server_error", code=500), SCHEMA, 1),
    ("generate in a 500", 500, {"error": "Failed to generate output that matches response_format"}, SCHEMA, 1),
    ("backend in a 500", 500, {"detail": "xgrammar: cannot compile the json schema: unsupported keyword const"}, SCHEMA, 1),
    ("text of a 500", 500, "ValueError: json_schema is not implemented for this engine", SCHEMA, 1),
    ("501", 501, openai("structured output is not implemented"), SCHEMA, 1),
    ("unavailable", 400, openai("This response_format type is unavailable now", type="invalid_request_error"), SCHEMA, 1),
    ("validation", 422, fastapi(["body", "response_format", "type"], "Input should be 'text' or 'json_object'"), SCHEMA, 1),
    ("field not known", 422, fastapi(["body", "response_format"], "Extra inputs are not permitted"), SCHEMA, 1),
    ("param alone", 400, openai("That is none of the values that we take.", param="response_format"), SCHEMA, 1),
    ("strict", 400, openai("'strict' is not a permitted property of 'json_schema'"), SCHEMA, 1),
    ("a schema that is too large", 400, openai("The compiled grammar is too large; simplify your schema"), SCHEMA, 1),
    ("then tools", 400, openai("json_schema and tools are for larger models"), SCHEMA_OR_TOOLS, 2),
    ("no endpoint", 404, openai("No endpoints found that support tool use. Try another.", code=404), SCHEMA_OR_TOOLS, 2),
    ("the choice of a tool", 400, openai('"auto" tool choice requires a parser; response_format is not served'), SCHEMA_OR_TOOLS, 2),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "refused", "more"), [pytest.param(*row[1:], id=row[0]) for row in STRUCTURE])
def test_a_way_to_ask_for_structure_that_a_server_lacks_gives_way(
    status: int, body: Any, refused: Callable[[Request], bool], more: int
) -> None:
    with ModelServer(echoing(unless(refused, refuses(status, body))())) as server:
        came = run(server)
    assert (came.code, len(came.done), len(came.requests)) == (0, FEW, FEW + more)
    assert "does not take JSON Schema" in came.said


def test_a_server_that_takes_no_structure_at_all_is_asked_in_words() -> None:
    act = unless(ALL, refuses(400, openai("response_format, tools and tool_choice are not supported")))
    with ModelServer(echoing(act())) as server:
        came = run(server)
    assert (came.code, len(came.done), len(came.requests)) == (0, FEW, FEW + 3)


def test_two_things_that_a_server_lacks_are_both_left_out() -> None:
    async def act(request: Request) -> web.StreamResponse:
        if "temperature" in request.body:
            return await refuses(400, openai("temperature: only 1"))(request)
        if SCHEMA(request):
            return await refuses(400, openai("response_format: json_schema is not served"))(request)
        return await right()(request)

    with ModelServer(echoing(act)) as server:
        came = run(server)
    assert (came.code, len(came.done), len(came.requests)) == (0, FEW, FEW + 2)


# A context of 4,096 tokens, and an abstract that takes 1,204 of them

CONTEXT = {
    "openai": (
        400,
        openai(
            "This model's maximum context length is 4096 tokens. However, you requested 5300 tokens (1204 in the messages, 4096 in the completion). Please reduce the length of the messages or completion.",
            code="context_length_exceeded",
        ),
    ),
    "vllm": (
        400,
        openai(
            "'max_tokens' or 'max_completion_tokens' is too large: 4096. This model's maximum context length is 4096 tokens and your request has 1204 input tokens (4096 > 4096 - 1204)."
        ),
    ),
    "tgi": (
        422,
        {
            "error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 1204 `inputs` tokens and 4096 `max_new_tokens`",
            "error_type": "validation",
        },
    ),
    "llama.cpp": (
        400,
        openai(
            "the request exceeds the available context size, try increasing it",
            code=400,
            type="exceed_context_size_error",
            n_ctx=4096,
        ),
    ),
    "500": (500, {"detail": "prompt and completion together are longer than the context window of 4096 tokens"}),
}


def overflows(read: int, context: int = 4096) -> Callable[[Request], bool]:
    """Whether what is read and the most that may be written are longer than the context."""

    def over(request: Request) -> bool:
        written = request.body.get("max_tokens", request.body.get("max_completion_tokens", 0))
        return (read if not is_reask(request) else 2 * read) + int(written) > context

    return over


@pytest.mark.parametrize("options", [[], ["--max-output-tokens", "4096"]], ids=["as it comes", "asked for"])
@pytest.mark.parametrize("case", CONTEXT)
def test_a_context_that_is_too_small_for_the_longest_reply_is_asked_for_a_shorter_one(case: str, options: list[str]) -> None:
    with ModelServer(echoing(unless(overflows(1204), refuses(*CONTEXT[case]))())) as server:
        came = run(server, *options)
    assert (came.code, len(came.done)) == (0, FEW)
    assert len(came.requests) <= FEW + 3


@pytest.mark.parametrize("case", CONTEXT)
def test_a_context_that_overflows_only_on_a_re_ask_costs_no_document(case: str) -> None:
    with ModelServer(echoing(unless(overflows(2100), refuses(*CONTEXT[case]), usable())())) as server:
        came = run(server)
    assert (came.code, len(came.done)) == (0, FEW)
    assert len(came.requests) <= 5 * FEW
    assert came.said.count("not found in the text") == 1
    assert all(record.rejected[0].value == INVENTED for record in read_extractions("job"))


@pytest.mark.parametrize("case", CONTEXT)
def test_an_abstract_that_is_too_long_for_the_context_fails_alone_and_is_told(case: str) -> None:
    with ModelServer(echoing(for_one(refuses(*CONTEXT[case]))())) as server:
        came = run(server)
    assert (came.code, len(came.done)) == (3, FEW - 1)
    [failure] = came.failures
    assert failure["id"] == PAPERS[1]["id"]
    assert re.search(r"context|tokens", failure["cause"])
    assert re.search(r"context|longer", failure["fix"])
