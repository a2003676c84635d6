"""Reading a chat completion, and saying what is wrong with a reply in words that no library's release changes."""

from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, field_validator

from extractor.llm.completions import Completion, NoChoiceError, NotACompletionError, read
from extractor.llm.structured import Mode, Template, strict, tell_back
from tests.llm.server import completion
from tests.llm.support import MESSAGES, Pet


def said(text: str, **more: Any) -> Completion:
    """A completion of that text."""
    return Completion.of(completion(text, **more))


def test_a_completion_is_read() -> None:
    found = Completion.of(completion("hello"))
    assert (found.text, found.truncated, found.refused) == ("hello", False, False)
    assert (found.input_tokens, found.cached_tokens, found.output_tokens) == (100, 0, 10)


MESSAGE_TEXTS: dict[str, tuple[dict[str, Any], str]] = {
    "parts": ({"content": [{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}]}, "ab"),
    "nothing": ({"content": None}, ""),
    "tool": ({"content": "x", "tool_calls": [{"function": {"arguments": "{}"}}]}, "{}"),
    "odd tool": ({"content": "x", "tool_calls": [{"function": None}]}, "x"),
    "no tools": ({"content": "x", "tool_calls": []}, "x"),
}


@pytest.mark.parametrize("case", MESSAGE_TEXTS)
def test_where_the_text_of_a_message_is(case: str) -> None:
    message, text = MESSAGE_TEXTS[case]
    assert Completion.of({"choices": [{"message": message}]}).text == text


@pytest.mark.parametrize("usage", [None, {}, [], {"prompt_tokens": None}, {"prompt_tokens": -1}, {"prompt_tokens": "9"}])
def test_odd_usage_is_none(usage: object) -> None:
    found = Completion.of({**completion("x", usage=False), "usage": usage})
    assert (found.input_tokens, found.output_tokens) == (None, None)


@pytest.mark.parametrize("raw", [None, [], "x", {}, {"choices": None}, {"error": "x"}])
def test_what_is_no_completion(raw: object) -> None:
    with pytest.raises(NotACompletionError):
        Completion.of(raw)


@pytest.mark.parametrize("choices", [[], [None], [{}], [{"message": None}]])
def test_a_completion_without_a_choice(choices: object) -> None:
    with pytest.raises(NoChoiceError):
        Completion.of({"choices": choices})


class Cage(BaseModel):
    """Some animals."""

    model_config = ConfigDict(extra="forbid")

    pets: tuple[Pet, ...]
    size: float
    full: bool = False
    door: Literal["open", "shut"] | None = None

    @field_validator("size")
    @classmethod
    def _positive(cls, size: float) -> float:
        if size <= 0:
            raise ValueError("a cage has a size")
        return size


FAULTS = {
    "missing": ('{"size": 1}', ["pets is missing."]),
    "inside": (
        '{"pets": [{"kind": "cow"}], "size": 1}',
        ["pets[0].name is missing.", "pets[0].kind must be one of 'cat' or 'dog'."],
    ),
    "types": (
        '{"pets": {}, "size": "x", "full": "maybe"}',
        ["pets must be a list.", "size must be a number.", "full must be true or false."],
    ),
    "not an object": ("[]", ["The reply must be an object."]),
    "extra": ('{"pets": [], "size": 1, "colour": "red"}', ["colour is not a field of the schema."]),
    "own rule": ('{"pets": [], "size": 0}', ["size is wrong: a cage has a size."]),
    "fraction": ('{"pets": [{"name": "a", "kind": "cat", "age": 1.5}], "size": 1}', ["pets[0].age must be an integer."]),
    "not JSON": ("The cage is full.", ["The reply is not one valid JSON object."]),
    "half": ('{"pets": [', ["The reply is not one valid JSON object."]),
    "empty": ("  ", ["The reply was empty. Give the JSON object."]),
}


@pytest.mark.parametrize("case", FAULTS)
def test_faults_are_said_in_our_words(case: str) -> None:
    text, faults = FAULTS[case]
    assert read(said(text), Cage) == faults


def test_no_more_faults_are_told_than_can_be_followed() -> None:
    faults = read(said('{"size": 1, "pets": [' + ",".join(["{}"] * 20) + "]}"), Cage)
    assert isinstance(faults, list)
    assert len(faults) == 13
    assert faults[-1] == "... and 28 more."


def test_of_several_objects_the_last_counts() -> None:
    first, last = '{"name": "Rex", "kind": "dog"}', '{"name": "Tom", "kind": "cat"}'
    found = read(said(f"The abstract says {first}, so: {last}."), Pet)
    assert isinstance(found, Pet)
    assert found.name == "Tom"


def test_a_truncated_reply_is_not_searched_for_objects() -> None:
    text = '{"pets": [{"name": "Rex", "kind": "dog"}'
    found = read(said(text, finish="length"), Pet)
    assert isinstance(found, list)
    assert "cut off" in found[0]


# The request


def test_a_strict_schema_is_closed_complete_and_without_notes() -> None:
    schema = strict(Cage.model_json_schema())
    assert schema["required"] == ["pets", "size", "full", "door"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["full"] == {"type": "boolean"}
    pet = schema["$defs"]["Pet"]
    assert pet["required"] == ["name", "kind", "age"]
    assert pet["additionalProperties"] is False
    assert schema["properties"]["pets"]["items"] == {"$ref": "#/$defs/Pet"}
    assert "title" not in str(schema)


def test_strictness_leaves_names_alone_that_look_like_notes() -> None:
    class Page(BaseModel):
        """A page."""

        title: str
        default: int = 3

    schema = strict(Page.model_json_schema())
    assert schema["properties"] == {"title": {"type": "string"}, "default": {"type": "integer"}}
    assert schema["required"] == ["title", "default"]
    given = {"$ref": "#/x", "description": "d"}
    assert strict({"oneOf": [given, {"type": "null"}]}) == {"anyOf": [{"$ref": "#/x"}, {"type": "null"}]}


@pytest.mark.parametrize("mode", Mode)
def test_a_text_is_never_a_template(mode: Mode) -> None:
    odd = "  $x_{{i}}$ {% if %} {# {{ messages }} \ud83d\ude00 é"
    request = Template(mode, Pet, {"model": "m"}).request([MESSAGES[0], {"role": "user", "content": odd}])
    assert request["messages"][-1]["content"] == odd
    completed = Completion.of(completion("no", tool_calls=None))
    told = tell_back(mode, request["messages"], completed, [f"{odd} is not in the text."])
    assert told[1]["content"] == odd
    assert odd in told[-1]["content"]
    assert request["messages"][-1]["content"] == odd


def test_the_last_mode_has_none_after_it() -> None:
    assert [mode.after for mode in Mode] == [Mode.TOOLS, Mode.JSON, Mode.WORDS, None]
