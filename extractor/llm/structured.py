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

from pydantic import BaseModel
from pydantic_core import to_json

from extractor.llm.completions import Completion

Message = Mapping[str, Any]
T = TypeVar("T", bound=BaseModel)


class Mode(Enum):
    """The ways to ask for structure, best first, by instructor's names; the last has the schema in the prompt alone."""

    JSON_SCHEMA = "json_schema_mode"
    TOOLS = "tool_call"
    JSON = "json_mode"
    WORDS = "in words"

    @property
    def after(self) -> "Mode | None":
        """What to try when a server has no such mode."""
        return {Mode.JSON_SCHEMA: Mode.TOOLS, Mode.TOOLS: Mode.JSON, Mode.JSON: Mode.WORDS}.get(self)

    @property
    def label(self) -> str:
        """The mode in words."""
        names = {Mode.JSON_SCHEMA: "JSON Schema", Mode.TOOLS: "tool calling", Mode.JSON: "JSON mode"}
        return names.get(self, "the schema in the prompt")

    @property
    def of_instructor(self) -> str:
        """instructor's name for it."""
        return str((Mode.JSON if self is Mode.WORDS else self).value)


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
        if self.mode in {Mode.JSON, Mode.WORDS}:  # instructor writes the schema into the messages
            return self._prepare(messages)
        prepared = self.prepared if schema is None else _constrain(self.prepared, strict(schema))
        return {**prepared, "messages": list(messages)}

    def body(self, messages: Sequence[Message], schema: Mapping[str, Any] | None = None) -> bytes:
        """The request as JSON in UTF-8. Only the messages are encoded anew, unless the schema is the caller's."""
        if self.mode in {Mode.JSON, Mode.WORDS} or schema is not None:
            return _encode(self.request(messages, schema))
        return b'%b,"messages":%b}' % (self._head, _encode_messages(messages))

    def _prepare(self, messages: Sequence[Message]) -> dict[str, Any]:
        from instructor.mode import Mode as Modes
        from instructor.processing.response import handle_response_model

        _, prepared = handle_response_model(
            self.reply, mode=Modes(self.mode.of_instructor), **self.parameters, messages=[dict(message) for message in messages]
        )
        if self.mode is Mode.WORDS:
            prepared = {name: value for name, value in prepared.items() if name != "response_format"}
        return dict(prepared)


def tell_back(mode: Mode, messages: Sequence[Message], completion: Completion, faults: Sequence[str]) -> list[Message]:
    """The conversation with a faulty reply and its faults appended, as instructor words it for the mode.

    A reply whose message is not well formed is told as its text.
    """
    from instructor.mode import Mode as Modes
    from instructor.processing.response import handle_reask_kwargs
    from openai.types.chat import ChatCompletion

    choice = completion.raw["choices"][0]
    if not _is_well_formed(choice.get("message")):
        mode = Mode.JSON
        choice = {**choice, "message": {"role": "assistant", "content": completion.text[:_LONGEST_TOLD]}}
    reply = ChatCompletion.construct(**{**completion.raw, "choices": [choice]})
    words = ValueError("\n".join(faults))
    kwargs = handle_reask_kwargs({"messages": list(messages)}, Modes(mode.of_instructor), reply, words)
    return list(kwargs["messages"])


_LONGEST_TOLD = 16_000
"""Characters of a faulty reply that are sent back; labels take a quarter of them."""


def _is_well_formed(message: object) -> bool:
    """Whether a message is what the API says that it is, and not longer than is worth telling."""
    if not isinstance(message, dict):
        return False
    content, calls = message.get("content"), message.get("tool_calls")
    if not isinstance(content, str | None) or len(content or "") > _LONGEST_TOLD or message.get("function_call"):
        return False
    return calls is None or (isinstance(calls, list) and all(_is_call(call) for call in calls))


def _is_call(call: object) -> bool:
    function = call.get("function") if isinstance(call, dict) and isinstance(call.get("id"), str) else None
    if not isinstance(function, dict):
        return False
    name, arguments = function.get("name"), function.get("arguments")
    return isinstance(name, str) and isinstance(arguments, str) and len(arguments) <= _LONGEST_TOLD


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


def _encode_messages(messages: Sequence[Message]) -> bytes:
    """The same bytes as `_encode` writes, in a third of the time: the messages are what is long and new in each request."""
    try:
        return to_json(messages)
    except ValueError:  # a lone surrogate
        return _encode(messages)


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
