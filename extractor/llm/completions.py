"""Chat completions: what a server's answer holds, where in it the reply stands, and what is wrong with a reply.

Servers put the same JSON into the content, the arguments of a tool call or the reasoning; models wrap it in fences, tags,
lists, strings and objects. All of it is read alike: the places in order, in each every JSON value that is there, of these
the last that fits the reply model. It is held to the same schema and checks, so a re-ask would buy nothing.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

T = TypeVar("T", bound=BaseModel)
# More would bury the model; the rest is found in the next round.
_FAULTS_TOLD = 12
_MOST_TOKENS = 10_000_000
"""No model reads or writes as many in one call: a usage that says so is a mistake."""
_CUT_OFF = frozenset(["length", "max_tokens", "max_output_tokens", "max_completion_tokens", "model_length"])
_ARGUMENTS = ("arguments", "input", "parameters")
_THOUGHTS = ("reasoning_content", "reasoning", "thinking", "reasoning_details")
_DECLINED = frozenset(["content_filter", "refusal", "safety", "blocklist", "prohibited_content", "recitation"])


class NotACompletionError(ValueError):
    """The server's answer is not a chat completion; the text says what it is instead, without quoting it."""


class NoChoiceError(NotACompletionError):
    """The server's answer is a chat completion, but an empty one."""


class BrokenCompletionError(NotACompletionError):
    """The server's answer is an error in the form of a completion; `body` is what it says."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        super().__init__("an error in place of a completion")
        self.body = body


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer of a model.

    `raw` is the server's JSON object, for a re-ask. `texts` are the places where its reply may stand, the likeliest first.
    `thought` says that the model wrote thoughts, too. Tokens are None if the server gave none, or an impossible number.
    """

    raw: Mapping[str, Any]
    texts: tuple[str, ...]
    thought: bool
    truncated: bool
    refused: bool
    input_tokens: int | None
    cached_tokens: int
    output_tokens: int | None

    @property
    def text(self) -> str:
        """The text of the likeliest place."""
        return self.texts[0] if self.texts else ""

    @classmethod
    def of(cls, raw: object) -> "Completion":
        """Read a chat completion in OpenAI's format. Raises `NotACompletionError`."""
        if not isinstance(raw, dict):
            raise NotACompletionError(f"a JSON {type(raw).__name__}")
        if isinstance(raw.get("choices"), dict):
            raw = {**raw, "choices": [raw["choices"]]}
        choices = raw.get("choices")
        if raw.get("error") and not (isinstance(choices, list) and choices):
            raise BrokenCompletionError(raw)
        if "choices" not in raw or not isinstance(choices, list | None):
            raise NotACompletionError("a JSON object without choices")
        choice = choices[0] if choices and isinstance(choices[0], dict) else {}
        told = (choice.get("message"), choice.get("delta"), {"content": choice.get("text")} if choice.get("text") else None)
        message = next((each for each in told if isinstance(each, dict)), None)
        if message is None:
            raise NoChoiceError("a chat completion without a choice")
        ending = str(choice.get("finish_reason")).lower()
        if ending == "error":
            error = choice.get("error") or raw.get("error")
            raise BrokenCompletionError({"error": error or "the model broke off with an error"})
        truncated = ending in _CUT_OFF
        texts, thoughts = _texts(message)
        usage = raw.get("usage")
        usage = usage if isinstance(usage, dict) else {}
        details = usage.get("prompt_tokens_details")
        read, written = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
        cached = (_count(details.get("cached_tokens")) or 0) if isinstance(details, dict) else 0
        return cls(
            raw=raw,
            texts=(*texts, *(() if truncated else thoughts)),
            thought=bool(thoughts) or any("<think" in text for text in texts),
            truncated=truncated,
            refused=ending in _DECLINED or bool(message.get("refusal")),
            input_tokens=read or None,  # every request has a prompt
            cached_tokens=cached if cached <= (read or 0) else 0,
            output_tokens=None if not written and (texts or thoughts) else written,
        )


def _texts(message: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The places of a message where a reply may stand: calls of tools, then the content; and its thoughts, a last resort."""
    calls, content = message.get("tool_calls"), message.get("content")
    called = [calls] if isinstance(calls, dict) else calls if isinstance(calls, list) else []
    called = [*called, *content] if isinstance(content, list) else called  # a part can be a call, too
    functions = [call.get("function") or call.get("custom") or call for call in called if isinstance(call, dict)]
    functions.append(message.get("function_call"))
    given = [function.get(name) for function in functions if isinstance(function, dict) for name in _ARGUMENTS]
    texts = [each if isinstance(each, str) else json.dumps(each) for each in given if each]
    texts.append(_joined(content))
    if isinstance(message.get("parsed"), dict):
        texts.append(json.dumps(message["parsed"]))
    thoughts = [_joined(message.get(name)) for name in _THOUGHTS]
    return [text for text in texts if text.strip()], [text for text in thoughts if text.strip()]


def _joined(content: object) -> str:
    """The text of a content, which may be parts; thoughts among them have other fields."""
    if isinstance(content, dict):
        return _joined([content]) or json.dumps(content)
    if isinstance(content, list):
        texts = (part.get("text") if isinstance(part, dict) else part for part in content)
        return "".join(text for text in texts if isinstance(text, str))
    return content if isinstance(content, str) else ""


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_TOKENS else None


def read(completion: Completion, reply: type[T]) -> T | list[str]:
    """The value that a completion holds, or the faults to tell the model.

    A reply that was cut off has to be whole as it stands: objects inside it are not the answer, nor are those in its thoughts.
    """
    found: ValidationError | None = None
    for text in completion.texts:
        try:
            return _parse(text, reply)
        except ValidationError as error:
            found = found or error
    if completion.truncated:
        return ["The reply was cut off at the limit of its length. Give the whole JSON object, and nothing else."]
    if found is None:
        return ["The reply was empty. Give the JSON object."]
    for text in completion.texts:
        value = _found(text, reply)
        if not isinstance(value, ValidationError | None):
            return value
        if isinstance(value, ValidationError) and _kind(found) == "json_invalid":
            found = value
    return faults(found)


def read_text(text: str, reply: type[T]) -> T | None:
    """The value that a text is, if it is one."""
    try:
        return _parse(text, reply)
    except ValidationError:
        return None


def _parse(text: str, reply: type[T]) -> T:
    value: T = reply.__pydantic_validator__.validate_json(text)
    return value


def _kind(error: ValidationError) -> str:
    return error.errors(include_url=False, include_input=False, include_context=False)[0]["type"]


_LONGEST_SEARCHED = 2**20
_STARTS = 64
_WRAPS = 4
_START = re.compile(r"[{\[]|\"(?=\s*[{\[])")
_DECODER = json.JSONDecoder()


def _found(text: str, reply: type[T]) -> T | ValidationError | None:
    """The last value in a text that fits, else what is wrong with the last object in it; what follows thoughts comes first."""
    _, ended, answer = text.rpartition("</think>")
    first = _found(answer, reply) if ended else None
    if not isinstance(first, ValidationError | None):
        return first
    wrong = first
    fitting: T | None = None
    for value in _values(text):
        for each in _unwrapped(value):
            try:
                fitting = _parse(json.dumps(each), reply)
                break
            except ValidationError as error:
                wrong = error if each is value else wrong
            except RecursionError:
                continue
    return wrong if fitting is None else fitting


def _values(text: str) -> Iterator[Any]:
    """The JSON values in a text that stand in no other, in their order. A search that fails too often is given up."""
    if len(text) > _LONGEST_SEARCHED:
        return
    at = failed = 0
    while failed < _STARTS and (start := _START.search(text, at)):
        try:
            value, at = _DECODER.raw_decode(text, start.start())
        except (ValueError, RecursionError):
            at, failed = start.end(), failed + 1
        else:
            yield value


def _unwrapped(value: Any, depth: int = 0) -> Iterator[Any]:
    """The objects that a value is or wraps: in a list, in an object, as JSON in a string."""
    while isinstance(value, str) and value.lstrip()[:1] in {"{", "[", '"'}:
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return
    if isinstance(value, dict):
        yield value
    if isinstance(value, dict | list) and depth < _WRAPS:
        for inner in reversed(list(value.values() if isinstance(value, dict) else value)):
            if isinstance(inner, dict | list | str):
                yield from _unwrapped(inner, depth + 1)


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
