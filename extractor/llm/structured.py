"""Structured output: how a schema is put into a request, and how a reply that breaks it is told back.

instructor knows both for every mode; this module asks it once per job and mode, because its request handling costs 1.8 ms a
call. Two things are ours: the schema is sent strict, which instructor's chat modes do not do, and `context=` is never
passed, which would render an abstract as a template. Importing instructor's handlers imports openai (1.3 s), so that is
left to the first call which no cache answers.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from pydantic import BaseModel

from extractor.llm.schema import strict

Message = Mapping[str, Any]


class Mode(Enum):
    """The ways to ask for structure, best first. Values are instructor's names."""

    JSON_SCHEMA = "json_schema_mode"
    TOOLS = "tool_call"
    JSON = "json_mode"

    @property
    def after(self) -> "Mode | None":
        """What to try when a server has no such mode."""
        order = list(Mode)
        place = order.index(self) + 1
        return order[place] if place < len(order) else None

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
