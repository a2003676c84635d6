"""A model server on loopback that does as it is told, misbehaviour included, and remembers what it was asked."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from aiohttp import web

Act = Callable[["Request"], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Request:
    """What arrived: path with its query, headers in lower case, and the JSON of the body (the bytes of a form)."""

    path: str
    headers: Mapping[str, str]
    body: Any
    raw: web.Request = field(repr=False)


class Server:
    """Answers request n with act n, and with the last act from then on. An async context manager."""

    def __init__(self, *acts: Act) -> None:
        self.acts = list(acts)
        self.requests: list[Request] = []
        self.asked = asyncio.Event()
        self.most_at_once = 0
        self._at_once = 0
        self._runner: web.AppRunner | None = None
        self.root = ""

    @property
    def url(self) -> str:
        """The base URL of its OpenAI-compatible API."""
        return f"{self.root}/v1"

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(
            app, handle_signals=False, access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.root = f"http://127.0.0.1:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _handle(self, raw: web.Request) -> web.StreamResponse:
        content = await raw.read()
        headers = {name.lower(): value for name, value in raw.headers.items()}
        is_json = content and not raw.content_type.startswith("multipart/")
        request = Request(raw.path_qs, headers, json.loads(content) if is_json else content, raw)
        act = self.acts[min(len(self.requests), len(self.acts) - 1)]
        self.requests.append(request)
        self.asked.set()
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            return await act(request)
        finally:
            self._at_once -= 1


def completion(content: str | None, *, finish: str = "stop", usage: bool = True, **message: Any) -> dict[str, Any]:
    """A chat completion: 100 tokens read, 10 written."""
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": content, **message}}
    counts = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    body = {"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    return body | ({"usage": counts} if usage else {})


def says(content: str | Mapping[str, Any] | None, *, headers: Mapping[str, str] | None = None, **more: Any) -> Act:
    """Answer with a chat completion of that content."""
    text = json.dumps(content) if isinstance(content, Mapping) else content

    async def act(request: Request) -> web.StreamResponse:
        return web.json_response(completion(text, **more), headers=headers)

    return act


def calls_tool(arguments: str) -> Act:
    """Answer with a call of the tool that the request forces."""

    async def act(request: Request) -> web.StreamResponse:
        name = request.body["tool_choice"]["function"]["name"]
        call = {"id": "t1", "type": "function", "function": {"name": name, "arguments": arguments}}
        return web.json_response(completion(None, finish="tool_calls", tool_calls=[call]))

    return act


def returns(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Act:
    """Answer with that JSON."""

    async def act(request: Request) -> web.StreamResponse:
        return web.json_response(body, status=status, headers=headers)

    return act


def fails(status: int, message: str = "no luck", headers: Mapping[str, str] | None = None, **error: Any) -> Act:
    """Answer with a status and an error as OpenAI writes it."""
    return returns({"error": {"message": message, **error}}, status, headers)


def shows_page(status: int = 200) -> Act:
    """Answer with the HTML page of a proxy."""

    async def act(request: Request) -> web.StreamResponse:
        return web.Response(text="<html><body>Bad gateway</body></html>", content_type="text/html", status=status)

    return act


async def hangs(request: Request) -> web.StreamResponse:
    """Never answer."""
    await asyncio.Event().wait()
    raise AssertionError


async def resets(request: Request) -> web.StreamResponse:
    """Close the connection instead of answering."""
    assert request.raw.transport is not None
    request.raw.transport.abort()
    return web.Response()


async def breaks_off(request: Request) -> web.StreamResponse:
    """Promise a long body and close the connection in its middle."""
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "5000"})
    await response.prepare(request.raw)
    await response.write(b'{"choices": [{"message": {"content": "')
    await asyncio.sleep(0)
    assert request.raw.transport is not None
    request.raw.transport.close()
    return response


def after(wait: Callable[[], Awaitable[None]], act: Act) -> Act:
    """Do something when the wait is over."""

    async def later(request: Request) -> web.StreamResponse:
        await wait()
        return await act(request)

    return later
