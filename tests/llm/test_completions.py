"""Where a reply stands in a completion, and which of several values it is."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from extractor.llm.completions import BrokenCompletionError, Completion, read
from tests.llm.support import Pet

TOM = '{"name": "Tom", "kind": "cat", "age": null}'
REX = '{"name": "Rex", "kind": "dog", "age": 3}'


def said(message: Mapping[str, Any], finish: str = "stop", **more: Any) -> Completion:
    """A completion of that message."""
    return Completion.of({"choices": [{"finish_reason": finish, "message": message}], **more})


def call(**function: Any) -> dict[str, Any]:
    """A message that calls a tool."""
    return {"tool_calls": [{"id": "1", "type": "function", "function": {"name": "Pet", **function}}]}


MESSAGES: dict[str, dict[str, Any]] = {
    "content": {"content": TOM},
    "parts": {"content": [{"type": "output_text", "text": TOM}]},
    "an object for a content": {"content": json.loads(TOM)},
    "arguments": call(arguments=TOM),
    "an object for arguments": call(arguments=json.loads(TOM)),
    "a list for arguments": call(arguments=[json.loads(TOM)]),
    "input": call(input=json.loads(TOM)),
    "a call without a function": {"tool_calls": [{"name": "Pet", "arguments": TOM}]},
    "parsed": {"content": None, "parsed": json.loads(TOM)},
    "thoughts": {"content": "", "reasoning_content": f"So: {TOM}"},
    "thoughts in parts": {"content": None, "reasoning_details": [{"type": "reasoning.text", "text": TOM}]},
    "content before thoughts": {"content": TOM, "reasoning": REX},
    "tags": {"content": f"<thinking>{REX}</thinking><answer>{TOM}</answer>"},
    "what stands behind thoughts": {"content": f"First {REX}</think>{TOM}"},
    "one of two fields": {"content": f'{{"why": "it purrs", "answer": {TOM}}}'},
    "the last of a list": {"content": f"[{REX}, {TOM}]"},
    "a string in a string": {"content": json.dumps({"arguments": json.dumps(TOM)})},
    "behind an unfinished object": {"content": f'The set {{a, b}} and [1, "{{no": {TOM} {{}}'},
}


@pytest.mark.parametrize("case", MESSAGES)
def test_a_reply_is_found(case: str) -> None:
    found = read(said(MESSAGES[case]), Pet)
    assert isinstance(found, Pet), found
    assert found.name == "Tom"


def test_a_reply_that_was_cut_off_is_taken_whole_or_not_at_all() -> None:
    assert isinstance(read(said({"content": TOM}, "length"), Pet), Pet)
    for message in ({"content": f"{TOM} and"}, {"content": "", "reasoning": TOM}, {"content": f"<think>{TOM}"}):
        cut = said(message, "MAX_TOKENS")
        assert cut.truncated
        assert isinstance(read(cut, Pet), list)


DEEP = ("[" * 100_000, '{"a":' * 100_000, "[" * 900 + "]" * 900, '"' * 100_000, "{ x " * 25_000, "9" * 100_000, "```{" * 20_000)


@pytest.mark.parametrize("text", DEEP, ids=range(len(DEEP)))
def test_depth_is_a_fault_like_another(text: str) -> None:
    assert isinstance(read(said({"content": text}), Pet), list)


@pytest.mark.parametrize("count", [-1, 0, 2**70, 10**4000, True, "7", 7.0, None, [7]])
def test_a_usage_that_cannot_be_is_none(count: object) -> None:
    usage = {"prompt_tokens": count, "completion_tokens": count, "prompt_tokens_details": {"cached_tokens": count}}
    found = said({"content": TOM}, usage=usage)
    assert (found.input_tokens, found.cached_tokens, found.output_tokens) == (None, 0, None)


@pytest.mark.parametrize(
    "raw",
    [
        {"error": {"code": 401, "message": "no"}},
        {"error": "no", "choices": None},
        {"error": "no", "choices": []},
        {"choices": [{"finish_reason": "error", "message": {"content": TOM}}]},
    ],
)
def test_an_error_in_the_place_of_a_completion(raw: dict[str, Any]) -> None:
    with pytest.raises(BrokenCompletionError):
        Completion.of(raw)
