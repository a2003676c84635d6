"""What a chat completion says: the reply's text, why it ended, what it cost; and a value of the reply model, or its faults."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

T = TypeVar("T", bound=BaseModel)
# More would bury the model; the rest is found in the next round.
_FAULTS_TOLD = 12


class NotACompletionError(ValueError):
    """The server's answer is no chat completion; the text says what it is instead, without quoting it."""


class NoChoiceError(NotACompletionError):
    """The server's answer is a chat completion, but an empty one."""


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer of a model. `raw` is the server's JSON object, for a re-ask. Tokens are None if the server gave none."""

    raw: Mapping[str, Any]
    text: str
    truncated: bool
    refused: bool
    input_tokens: int | None
    cached_tokens: int
    output_tokens: int | None

    @classmethod
    def of(cls, raw: object) -> "Completion":
        """Read a chat completion in OpenAI's format. Raises `NotACompletionError`."""
        if not isinstance(raw, dict):
            raise NotACompletionError(f"a JSON {type(raw).__name__}")
        choices = raw.get("choices")
        if not isinstance(choices, list):
            raise NotACompletionError("a JSON object without choices")
        if not choices or not isinstance(choices[0], dict) or not isinstance(choices[0].get("message"), dict):
            raise NoChoiceError("a chat completion without a choice")
        message, ending = choices[0]["message"], choices[0].get("finish_reason")
        usage = raw.get("usage")
        usage = usage if isinstance(usage, dict) else {}
        details = usage.get("prompt_tokens_details")
        return cls(
            raw=raw,
            text=_text(message),
            truncated=ending == "length",
            refused=ending == "content_filter" or bool(message.get("refusal")),
            input_tokens=_count(usage.get("prompt_tokens")),
            cached_tokens=(_count(details.get("cached_tokens")) or 0) if isinstance(details, dict) else 0,
            output_tokens=_count(usage.get("completion_tokens")),
        )


def _text(message: Mapping[str, Any]) -> str:
    """The structured part of a message: the arguments of its first tool call, else its content."""
    calls = message.get("tool_calls")
    if isinstance(calls, list) and calls and isinstance(calls[0], dict):
        function = calls[0].get("function")
        arguments = function.get("arguments") if isinstance(function, dict) else None
        if isinstance(arguments, str):
            return arguments
    content = message.get("content")
    if isinstance(content, list):
        return "".join(part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str))
    return content if isinstance(content, str) else ""


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None


def read(text: str, reply: type[T], truncated: bool = False) -> T | list[str]:
    """The value that a reply's text holds, or the faults to tell the model.

    Prose or a code fence around the JSON is forgiven: local models write it often, and what is inside is held to the same
    schema and checks, so a re-ask would buy nothing. Of several objects the last counts, as in instructor: an earlier one
    may be an echo of the abstract. A truncated reply is never searched, its inner objects are not the answer.
    """
    try:
        return _parse(text, reply)
    except ValidationError as error:
        first = error
    if truncated:
        return ["The reply was cut off at the limit of its length. Give the whole JSON object, and nothing else."]
    if not text.strip():
        return ["The reply was empty. Give the JSON object."]
    if first.errors(include_url=False, include_input=False, include_context=False)[0]["type"] == "json_invalid":
        from instructor.v2.core.json import extract_json_from_codeblock

        try:
            return _parse(extract_json_from_codeblock(text), reply)
        except ValidationError as error:
            first = error
        except ValueError:
            pass  # instructor's own limit on malformed input
    return faults(first)


def _parse(text: str, reply: type[T]) -> T:
    value: T = reply.__pydantic_validator__.validate_json(text)
    return value


def faults(error: ValidationError) -> list[str]:
    """A validation error in our own words: where, and the rule. pydantic's own carry a URL that changes with its version."""
    errors = error.errors(include_url=False, include_input=False)
    told = [_fault(each) for each in errors[:_FAULTS_TOLD]]
    if len(errors) > _FAULTS_TOLD:
        told.append(f"... and {len(errors) - _FAULTS_TOLD} more.")
    return told


def _fault(error: ErrorDetails) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "json_invalid":
        return "The reply is not one valid JSON object."
    where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error["loc"]).lstrip(".") or "The reply"
    if kind in {"enum", "literal_error"}:
        return f"{where} must be one of {context['expected']}."
    rule = _RULES.get(kind)
    if rule is None and kind.endswith(("_type", "_parsing", "_from_float")):
        rule = f"must be {_TYPES.get(kind.partition('_')[0], kind.partition('_')[0])}"
    if rule is None and kind in {"value_error", "assertion_error"}:
        rule = f"is wrong: {context['error']}"
    return f"{where} {rule or 'breaks the rule ' + kind.replace('_', ' ')}."


_RULES = {"missing": "is missing", "extra_forbidden": "is not a field of the schema", "model_type": "must be an object"}
_TYPES = {
    "int": "an integer",
    "float": "a number",
    "string": "a string",
    "bool": "true or false",
    "tuple": "a list",
    "list": "a list",
    "set": "a list",
    "dict": "an object",
    "none": "null",
}
