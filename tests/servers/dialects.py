"""The APIs that litellm speaks on a job's behalf, so that one act can stand behind each of them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import web

from tests.llm.server import Act, Request

_Body = dict[str, Any]


@dataclass(frozen=True)
class Dialect:
    """A provider's API: a model of it, the variable of its key, the path of its base URL, and the way in and out of OpenAI's chat
    completions, in which the acts think. `read` gives the messages and the parameters of a request, `write` the answer."""

    model: str
    variable: str
    path: str
    read: Callable[[_Body], _Body]
    write: Callable[[_Body], _Body]

    def speaks(self, act: Act) -> Act:
        """The act behind this API. What is no chat completion (an error) goes out as it is."""

        async def act_there(request: Request) -> web.StreamResponse:
            response = await act(replace(request, body=self.read(request.body)))
            if isinstance(response, web.Response) and response.content_type == "application/json" and response.text:
                body = json.loads(response.text)
                if isinstance(body, dict) and body.get("choices"):
                    response.text = json.dumps(self.write(body))
            return response

        return act_there


def _same(body: _Body) -> _Body:
    return body


def _to_groq(body: _Body) -> _Body:
    return {**body, "service_tier": "on_demand"}  # litellm cannot read an answer without it


def _texts(content: Any) -> str:
    """The text of a message, whose content may be parts."""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def _from_anthropic(body: _Body) -> _Body:
    messages = [{"role": each["role"], "content": _texts(each["content"])} for each in body["messages"]]
    return {**body, "messages": messages, "tools": [{"function": tool} for tool in body.get("tools", [])]}


def _to_anthropic(body: _Body) -> _Body:
    [choice] = body["choices"]
    message = choice["message"]
    parts: list[_Body] = []
    if message.get("reasoning_content"):
        parts.append({"type": "thinking", "thinking": message["reasoning_content"], "signature": "s"})
    if message.get("content"):
        parts.append({"type": "text", "text": message["content"]})
    for call in message.get("tool_calls") or []:
        function = call["function"]
        parts.append({"type": "tool_use", "id": "t1", "name": function["name"], "input": json.loads(function["arguments"])})
    ending = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}
    usage = body.get("usage")
    return {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": parts,
        "stop_reason": ending.get(choice["finish_reason"], choice["finish_reason"]),
        **({"usage": {"input_tokens": usage["prompt_tokens"], "output_tokens": usage["completion_tokens"]}} if usage else {}),
    }


def _from_gemini(body: _Body) -> _Body:
    roles = {"model": "assistant"}
    messages = [
        {"role": roles.get(each.get("role", "user"), "user"), "content": _texts(each["parts"])} for each in body["contents"]
    ]
    tools = [{"function": function} for tool in body.get("tools", []) for function in tool.get("function_declarations", [])]
    return {**body, **body.get("generationConfig", {}), "messages": messages, "tools": tools}


def _to_gemini(body: _Body) -> _Body:
    [choice] = body["choices"]
    message = choice["message"]
    parts: list[_Body] = [{"text": message["content"]}] if message.get("content") else []
    for call in message.get("tool_calls") or []:
        function = call["function"]
        parts.append({"functionCall": {"name": function["name"], "args": json.loads(function["arguments"])}})
    ending = {"stop": "STOP", "length": "MAX_TOKENS", "tool_calls": "STOP", "content_filter": "SAFETY"}
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": ending.get(choice["finish_reason"], "OTHER")}
    usage = body.get("usage")
    if not usage:
        return {"candidates": [candidate]}
    counts = {"promptTokenCount": usage["prompt_tokens"], "candidatesTokenCount": usage["completion_tokens"]}
    return {"candidates": [candidate], "usageMetadata": counts | {"totalTokenCount": sum(counts.values())}}


CLAUDE = Dialect("anthropic/claude-sonnet-4-5", "ANTHROPIC_API_KEY", "", _from_anthropic, _to_anthropic)
GEMINI = Dialect("gemini/gemini-2.5-flash", "GEMINI_API_KEY", "", _from_gemini, _to_gemini)
MISTRAL = Dialect("mistral/mistral-small-latest", "MISTRAL_API_KEY", "/v1", _same, _same)
TOGETHER = Dialect("together_ai/meta-llama/Llama-3.3-70B-Instruct-Turbo", "TOGETHERAI_API_KEY", "/v1", _same, _same)
GROQ = Dialect("groq/llama-3.3-70b-versatile", "GROQ_API_KEY", "/v1", _same, _to_groq)
HUGGING_FACE = Dialect("huggingface/meta-llama/Llama-3.3-70B-Instruct", "HF_TOKEN", "/v1", _same, _same)
DEEPSEEK = Dialect("deepseek/deepseek-chat", "DEEPSEEK_API_KEY", "/v1", _same, _same)
ALL = {
    "anthropic": CLAUDE,
    "gemini": GEMINI,
    "mistral": MISTRAL,
    "together": TOGETHER,
    "groq": GROQ,
    "huggingface": HUGGING_FACE,
    "deepseek": DEEPSEEK,
}
