"""Where an answer can stand in a reply, and what becomes of one that is cut off or whose mending fails."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from extractor import read_extractions
from tests.labelling.model_server import ModelServer, is_reask
from tests.llm.server import Act, Request, breaks_off, hangs, resets, says
from tests.servers.house import FEW, PAPERS, Outcome, echoing, run
from tests.servers.shapes import INVENTED, at_first, exactly, for_one, openai, refuses, replies, unless, usable, writes

Message = Callable[[dict[str, Any]], dict[str, Any]]


def calls(arguments: object, name: str = "Labels") -> dict[str, Any]:
    """A call of a tool."""
    return {"tool_calls": [{"id": "t1", "type": "function", "function": {"name": name, "arguments": arguments}}]}


PLACES: dict[str, Message] = {
    "content": lambda labels: {"content": json.dumps(labels)},
    "parts": lambda labels: {"content": [{"type": "text", "text": json.dumps(labels)}]},
    "several parts": lambda labels: {"content": [{"type": "text", "text": half} for half in halves(json.dumps(labels))]},
    "thoughts among the parts": lambda labels: {
        "content": [
            {"type": "thinking", "thinking": [{"type": "text", "text": "Is it {a claim}?"}]},
            {"type": "text", "text": json.dumps(labels)},
        ]
    },
    "one part": lambda labels: {"content": {"type": "text", "text": json.dumps(labels)}},
    "strings": lambda labels: {"content": list(halves(json.dumps(labels)))},
    "a part that is a call": lambda labels: {"content": [{"type": "tool_use", "id": "t1", "name": "Labels", "input": labels}]},
    "a call of another type": lambda labels: {
        "tool_calls": [{"id": "t1", "type": "custom", "custom": {"name": "Labels", "input": json.dumps(labels)}}]
    },
    "reasoning_content": lambda labels: {"content": None, "reasoning_content": json.dumps(labels)},
    "reasoning_content and an empty string": lambda labels: {"content": "", "reasoning_content": json.dumps(labels)},
    "reasoning_content after thoughts": lambda labels: {
        "content": " \n",
        "reasoning_content": f"Well. So:\n{json.dumps(labels)}",
    },
    "reasoning": lambda labels: {"content": None, "reasoning": json.dumps(labels)},
    "content beside reasoning_content": lambda labels: {"content": json.dumps(labels), "reasoning_content": "{}"},
    "arguments": lambda labels: calls(json.dumps(labels)),
    "arguments as an object": calls,
    "arguments as JSON of JSON": lambda labels: calls(json.dumps(json.dumps(labels))),
    "arguments of a wrapper": lambda labels: calls({"arguments": labels}),
    "a call without a type": lambda labels: {"tool_calls": [{"function": {"arguments": labels}}]},
    "one call that is no list": lambda labels: {
        "tool_calls": {"function": {"name": "Labels", "arguments": json.dumps(labels)}}
    },
    "the second call": lambda labels: {
        "tool_calls": [{"function": {"name": "think", "arguments": '{"thought": "hm"}'}}, *calls(labels)["tool_calls"]]
    },
    "an older call": lambda labels: {"function_call": {"name": "Labels", "arguments": json.dumps(labels)}},
    "content beside no calls": lambda labels: {"content": json.dumps(labels), "tool_calls": []},
    "content beside a broken call": lambda labels: {"content": json.dumps(labels), "tool_calls": [{"function": None}]},
    "content beside an empty call": lambda labels: {"content": json.dumps(labels), **calls("")},
    "content beside null calls": lambda labels: {"content": json.dumps(labels), "tool_calls": [None]},
}

FORMS: dict[str, Callable[[str], str]] = {
    "a list of one": lambda text: f"[{text}]",
    "a string": json.dumps,
    "a string in a fence": lambda text: f"```\n{json.dumps(text)}\n```",
    "a wrapper": lambda text: f'{{"Labels": {text}}}',
    "another wrapper": lambda text: f'{{"result": {{"labels": {text}}}}}',
    "a wrapper with its name": lambda text: f'{{"name": "Labels", "arguments": {text}}}',
    "a wrapper with parameters": lambda text: f'{{"name": "Labels", "parameters": {text}}}',
    "a wrapper with a string": lambda text: json.dumps({"answer": text}),
    "a call in tags": lambda text: f'<tool_call>\n{{"name": "Labels", "arguments": {text}}}\n</tool_call>',
    "a call that is not closed": lambda text: f'<tool_call>{{"name": "Labels", "arguments": {text}}}',
    "a list of calls": lambda text: f'[TOOL_CALLS][{{"name": "Labels", "arguments": {text}}}]',
    "a call in a function tag": lambda text: f"<function=Labels>{text}</function>",
    "a python tag": lambda text: f'<|python_tag|>{{"name": "Labels", "parameters": {text}}}',
    "a channel": lambda text: (
        f"<|channel|>analysis<|message|>Hm {{1}}.<|end|><|start|>assistant<|channel|>final<|message|>{text}"
    ),
    "a fence": lambda text: f"```json\n{text}\n```",
    "a fence after a word": lambda text: f"Here it is:\n\n~~~\n{text}\n~~~\nI hope it helps!",
    "a fence, then a note": lambda text: f'```json\n{text}\n```\nNote: {{"confidence": "high"}}',
    "two fences": lambda text: f'```json\n{{"plan": ["read", "label"]}}\n```\nThen:\n```json\n{text}\n```',
    "thoughts": lambda text: f"<think>The set {{1, 2}} is easy.</think>\n{text}",
    "thoughts with a draft": lambda text: f"<think>First: {draft(text)}</think>{text}",
    "thoughts that are not opened": lambda text: f"It is {{simple}}.\n</think>\n\n{text}",
    "a draft, then the answer": lambda text: f"{draft(text)}\nNo, better:\n{text}",
    "an example, then the answer": lambda text: f'For instance {{"system": "X"}}. {text}',
    "prose around it": lambda text: f"The answer is {text} and that is all.",
    "a comma too many": lambda text: f"{text},",
    "a bracket too many": lambda text: text + "}",
    "a byte order mark": lambda text: f"\ufeff{text}",
    "white space": lambda text: f"\n\t {text} \n\n",
    "a key before it": lambda text: f"Labels: {text}",
    "an end of text": lambda text: f"{text}<|im_end|>",
}


def halves(text: str) -> tuple[str, str]:
    """A text in two."""
    return text[: len(text) // 2], text[len(text) // 2 :]


def draft(text: str) -> str:
    """Labels that fit the schema and are not the answer."""
    return json.dumps(json.loads(text) | {"system": INVENTED})


@pytest.mark.parametrize("case", PLACES)
def test_an_answer_is_read_wherever_it_stands(case: str) -> None:
    with ModelServer(echoing(replies(PLACES[case]))) as server:
        came = run(server)
    assert_answered(came)


@pytest.mark.parametrize("case", FORMS)
def test_an_answer_is_read_in_whatever_it_is_wrapped(case: str) -> None:
    with ModelServer(echoing(writes(FORMS[case]))) as server:
        came = run(server)
    assert_answered(came)


BODIES: dict[str, Callable[[bytes], bytes]] = {
    "a byte order mark": lambda body: b"\xef\xbb\xbf" + body,
    "UTF-16": lambda body: body.decode().encode("utf-16"),
    "half a character": lambda body: body.replace(b'"c1"', b'"c\xe2\x82"'),
    "a null at the end": lambda body: body + b"\0",
    "white space before it": lambda body: b"\n\n \r\n" + body,
    "a name twice": lambda body: body.replace(b"{", b'{"choices": null, ', 1),
    "no number": lambda body: body.replace(b"{", b'{"score": NaN, "rest": -Infinity, ', 1),
    "one choice that is no list": lambda body: json.dumps({"choices": json.loads(body)["choices"][0]}).encode(),
}


@pytest.mark.parametrize("case", [*BODIES, "another status"])
def test_an_answer_is_read_in_whatever_its_bytes_are(case: str) -> None:
    async def act(request: Request) -> web.StreamResponse:
        answer = await writes(lambda text: text)(request)
        assert isinstance(answer, web.Response)
        assert isinstance(answer.body, bytes)
        if case not in BODIES:
            answer.set_status(201)
            return answer
        return web.Response(body=BODIES[case](answer.body), content_type="application/json")

    with ModelServer(act) as server:
        came = run(server)
    assert_answered(came)


def assert_answered(came: Outcome) -> None:
    """Each document at its first request, without a rejection or a warning."""
    assert (came.code, len(came.done), len(came.requests), came.stdout) == (0, FEW, FEW, "")
    assert all(not record.rejected for record in read_extractions("job"))
    assert "Warning" not in came.stderr
    assert "Pydantic" not in came.stderr


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(replies(lambda _labels: calls({"system": 3})), id="an object of another shape"),
        pytest.param(replies(lambda _labels: {"tool_calls": [{"function": None}]}), id="no function"),
        pytest.param(replies(lambda _labels: {"tool_calls": [7]}), id="a number"),
        pytest.param(replies(lambda _labels: {"tool_calls": "Labels()"}), id="a string"),
        pytest.param(replies(lambda _labels: calls([1, 2])), id="arguments as a list"),
        pytest.param(replies(lambda _labels: calls(None, name="")), id="no arguments"),
        pytest.param(replies(lambda _labels: {"content": {"a": 1}}), id="content as an object"),
        pytest.param(replies(lambda _labels: {"content": 7, "role": None}), id="content as a number"),
        pytest.param(replies(lambda _labels: {"content": ["{}", 3, None]}), id="content as strings"),
        pytest.param(says("\ud800\x00"), id="no text"),
    ],
)
def test_a_malformed_reply_is_told_back_and_prints_no_warning(act: Act) -> None:
    with ModelServer(echoing(at_first(act)())) as server:
        came = run(server)
    assert (came.code, len(came.done), len(came.requests)) == (0, FEW, 2 * FEW)
    assert "Warning" not in came.stderr
    assert "Pydantic" not in came.stderr


def test_a_reply_of_nothing_but_wrong_answers_ends_its_document_alone() -> None:
    with ModelServer(echoing(for_one(writes(lambda _text: '{"a": 1} {"b": 2}'))())) as server:
        came = run(server)
    assert (came.code, len(came.done), len(came.failures)) == (3, FEW - 1, 1)


# Cut off

THOUGHT = "Let me think about this abstract. " * 40
CUT: dict[str, Act] = {
    "in the middle": writes(lambda text: text[: len(text) // 2], finish="length"),
    "thinking": replies(lambda _labels: {"content": "", "reasoning_content": THOUGHT}, finish="length"),
    "thinking, null": replies(lambda _labels: {"content": None, "reasoning": THOUGHT}, finish="length"),
    "thinking in tags": writes(lambda _text: f"<think>{THOUGHT}", finish="length"),
    "thinking of an example": replies(
        lambda labels: {"content": "", "reasoning_content": f"Maybe {draft(json.dumps(labels))}, but"}, finish="length"
    ),
    "nothing": writes(lambda _text: "", finish="length"),
    "max_tokens": writes(lambda text: text[:20], finish="max_tokens"),
    "a call": replies(lambda labels: calls(json.dumps(labels)[:30]), finish="length"),
}


@pytest.mark.parametrize("case", CUT)
def test_a_reply_that_is_cut_off_is_told_with_the_option_that_helps(case: str) -> None:
    with ModelServer(echoing(for_one(CUT[case])())) as server:
        came = run(server)
    assert (came.code, len(came.done)) == (3, FEW - 1)
    [failure] = came.failures
    assert failure["id"] == PAPERS[1]["id"]
    assert "cut off" in failure["cause"]
    assert "--max-output-tokens" in failure["fix"]
    assert len(came.requests) <= FEW + 2
    if "thinking" in case:
        assert re.search("think|reason", failure["cause"] + failure["fix"])


def test_a_whole_answer_that_ends_at_the_limit_is_an_answer() -> None:
    with ModelServer(echoing(writes(lambda text: text, finish="length"))) as server:
        came = run(server)
    assert_answered(came)


# A usable first reply

LATER: dict[str, Act] = {
    "context": refuses(400, openai("the request exceeds the available context size", type="exceed_context_size_error")),
    "400": refuses(400, openai("no such conversation")),
    "422": refuses(422, {"detail": "roles must alternate"}),
    "413": refuses(413, "too large"),
    "500": refuses(500, openai("no luck")),
    "503": refuses(503, openai("busy")),
    "429": refuses(429, openai("slow down")),
    "reset": resets,
    "broken off": breaks_off,
    "empty": writes(lambda _text: ""),
    "prose": writes(lambda _text: "I have said it."),
    "refusal": says(None, refusal="No."),
    "filter": says("", finish="content_filter"),
    "cut off": CUT["in the middle"],
    "thinking": CUT["thinking"],
    "no choice": refuses(200, {"choices": []}),
    "failed to generate": refuses(400, openai("Failed to generate JSON.", code="json_validate_failed")),
    "page": refuses(502, "<html><title>502 Bad Gateway</title></html>"),
    "other JSON": refuses(200, {"parrot": 1}),
}


@pytest.mark.parametrize("case", LATER)
def test_a_usable_first_reply_is_kept_when_a_later_try_fails(case: str) -> None:
    with ModelServer(echoing(unless(is_reask, LATER[case], usable())())) as server:
        came = run(server)
    assert (came.code, len(came.done), came.failures) == (0, FEW, [])
    for record in read_extractions("job"):
        assert [(each.field, each.value) for each in record.rejected] == [("system", INVENTED)]
        assert record.claims or record.hardware


def test_a_usable_first_reply_is_kept_when_the_next_does_not_come_in_time() -> None:
    with ModelServer(echoing(unless(is_reask, hangs, usable())())) as server:
        came = run(server, "--timeout", "0.05")
    assert (came.code, len(came.done), came.failures) == (0, FEW, [])


def test_a_usable_second_reply_is_kept_when_the_third_fails() -> None:
    def third(request: Request) -> bool:
        last_two = request.body["messages"][-4:]  # a re-ask adds a reply and what is wrong with it
        return [message["role"] for message in last_two] == 2 * ["assistant", "user"] and is_reask(replace_body(request, -2))

    def second(request: Request) -> bool:
        return is_reask(request) and not third(request)

    def replace_body(request: Request, end: int) -> Request:
        return replace(request, body={**request.body, "messages": request.body["messages"][:end]})

    act = unless(third, refuses(400, openai("no")), unless(second, usable(), says("no labels"))())
    with ModelServer(echoing(act())) as server:
        came = run(server)
    assert (came.code, len(came.done), len(came.requests)) == (0, FEW, 3 * FEW)


def test_what_a_later_try_has_cost_is_counted() -> None:
    with ModelServer(echoing(unless(is_reask, refuses(400, openai("no")), usable())())) as server:
        came = run(server)
    assert {record.provenance.calls for record in read_extractions("job")} == {2}
    assert len(came.requests) in exactly(2 * FEW)


def test_a_wrong_key_stops_the_job_also_on_a_re_ask() -> None:
    with ModelServer(echoing(unless(is_reask, refuses(401, openai("no such key")), usable())())) as server:
        came = run(server)
    assert came.code in {1, 3}
    assert "Set OPENAI_API_KEY" in came.said
    assert len(came.requests) <= 4  # one may have begun before the second was answered
