"""Structured output: how a schema is put into a request, what a chat completion says, and how a faulty reply is told back.

instructor knows both for every mode; this module asks it once per job and mode, because its request handling costs 1.8 ms a
call. Two things are ours: the schema is sent strict, which instructor's chat modes do not do, and `context=` is never
passed, which would render an abstract as a template. Importing instructor's handlers imports openai (1.3 s), so that is
left to the first call which no cache answers.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

Message = Mapping[str, Any]
T = TypeVar("T", bound=BaseModel)


class Mode(Enum):
    """The ways to ask for structure, best first. Values are instructor's names."""

    JSON_SCHEMA = "json_schema_mode"
    TOOLS = "tool_call"
    JSON = "json_mode"

    @property
    def after(self) -> "Mode | None":
        """What to try when a server has no such mode."""
        return {Mode.JSON_SCHEMA: Mode.TOOLS, Mode.TOOLS: Mode.JSON}.get(self)

    @property
    def label(self) -> str:
        """The mode in words."""
        return {Mode.JSON_SCHEMA: "JSON Schema", Mode.TOOLS: "tool calling", Mode.JSON: "JSON mode"}[self]


@dataclass(frozen=True)
class Template:
    """A request without its messages: what instructor prepares for one reply model, mode and set of parameters."""

    mode: Mode
    reply: type[BaseModel]
    parameters: Mapping[str, Any]
    prepared: Mapping[str, Any] = field(init=False)
    _head: bytes = field(init=False)

    def __post_init__(self) -> None:
        prepared = self._prepare([{"role": "user", "content": ""}])
        prepared.pop("messages")
        object.__setattr__(self, "prepared", _constrain(prepared, strict(self.reply.model_json_schema())))
        object.__setattr__(self, "_head", _encode(self.prepared)[:-1])

    def request(self, messages: Sequence[Message], schema: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The request as keyword arguments; `schema` takes the place of the reply model's own."""
        if self.mode is Mode.JSON:  # instructor writes the schema into the messages
            return self._prepare(messages)
        prepared = self.prepared if schema is None else _constrain(self.prepared, strict(schema))
        return {**prepared, "messages": list(messages)}

    def body(self, messages: Sequence[Message], schema: Mapping[str, Any] | None = None) -> bytes:
        """The request as JSON in UTF-8. Only the messages are encoded anew, unless the schema is the caller's."""
        if self.mode is Mode.JSON or schema is not None:
            return _encode(self.request(messages, schema))
        return b'%b,"messages":%b}' % (self._head, _encode(messages))

    def _prepare(self, messages: Sequence[Message]) -> dict[str, Any]:
        from instructor.mode import Mode as Modes
        from instructor.processing.response import handle_response_model

        _, prepared = handle_response_model(
            self.reply, mode=Modes(self.mode.value), **self.parameters, messages=[dict(message) for message in messages]
        )
        return dict(prepared)


def tell_back(mode: Mode, messages: Sequence[Message], completion: Mapping[str, Any], faults: Sequence[str]) -> list[Message]:
    """The conversation with a faulty reply and its faults appended, as instructor words it for the mode."""
    from instructor.mode import Mode as Modes
    from instructor.processing.response import handle_reask_kwargs
    from openai.types.chat import ChatCompletion

    reply = ChatCompletion.construct(**completion)
    words = ValueError("\n".join(faults))
    kwargs = handle_reask_kwargs({"messages": list(messages)}, Modes(mode.value), reply, words)
    return list(kwargs["messages"])


def _constrain(prepared: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The request with that schema, marked strict, wherever its mode carries one."""
    if "tools" in prepared:
        function = {**prepared["tools"][0]["function"], "parameters": schema, "strict": True}
        return {**prepared, "tools": [{"type": "function", "function": function}]}
    if prepared.get("response_format", {}).get("type") == "json_schema":
        named = {**prepared["response_format"]["json_schema"], "schema": schema, "strict": True}
        return {**prepared, "response_format": {"type": "json_schema", "json_schema": named}}
    return dict(prepared)


def _encode(value: Any) -> bytes:
    # A lone surrogate, which JSON input can smuggle into a text, has no UTF-8; "?" stands in for it.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


_SUBSCHEMAS = ("items", "additionalItems", "contains", "not", "if", "then", "else", "propertyNames")
_SUBSCHEMA_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SUBSCHEMA_MAPS = ("properties", "$defs", "definitions", "patternProperties")
# Notes for people: a hosted model is billed for each of them in every request. Descriptions stay, they steer the model.
_NOTES = frozenset({"title", "default", "examples", "$schema", "$comment"})


def strict(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A copy in which every object is closed and all its properties are required, as OpenAI's strict mode demands.

    `default`, `title` and other notes are dropped; a `$ref` keeps no siblings. The rules are those of
    https://platform.openai.com/docs/guides/structured-outputs#supported-schemas.
    """
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}
    out: dict[str, Any] = {}
    for name, value in schema.items():
        if name in _SUBSCHEMA_MAPS:
            out[name] = {key: strict(each) for key, each in value.items()}
        elif name in _SUBSCHEMA_LISTS:
            # Strict mode knows no oneOf; a reply is validated against the reply model anyway.
            out["anyOf" if name == "oneOf" else name] = [strict(each) for each in value]
        elif name in _SUBSCHEMAS and isinstance(value, Mapping):
            out[name] = strict(value)
        elif name not in _NOTES:
            out[name] = value
    if out.get("type") == "object" and "properties" in out:
        out["additionalProperties"] = False
        out["required"] = list(out["properties"])
    return out


# More would bury the model; the rest is found in the next round.
_FAULTS_TOLD = 12


class NotACompletionError(ValueError):
    """The server's answer is not a chat completion; the text says what it is instead, without quoting it."""


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
