"""A shape of server: what it answers, and what a job makes of it. The building blocks that the rows are made of."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web

from tests.labelling.model_server import right_labels, shown
from tests.llm.server import Act, Request, completion
from tests.servers.house import FEW, PAPERS

Says = Callable[[Request], "web.StreamResponse"]


@dataclass(frozen=True)
class Shape:
    """A row: what the server does (made anew for each run, since some acts count), and what comes of a job of `FEW` documents.

    `says` must all stand in what the user reads. `requests` is how many may be sent.
    """

    id: str
    act: Callable[[], Act]
    says: tuple[str, ...] = ()
    requests: range = range(FEW, FEW + 1)
    done: int = FEW
    code: int = 0
    options: tuple[str, ...] = ()


def rows(shapes: list[Shape]) -> Any:
    """The rows as the parameters of a test, each by its id."""
    return pytest.mark.parametrize("shape", [pytest.param(shape, id=shape.id) for shape in shapes])


def exactly(count: int) -> range:
    """That many, no more and no fewer."""
    return range(count, count + 1)


# Bodies of errors, as servers write them


def openai(message: str, **more: Any) -> dict[str, Any]:
    """As OpenAI and most others do."""
    return {"error": {"message": message, **more}}


def google(message: str, code: int = 400, status: str = "INVALID_ARGUMENT") -> list[dict[str, Any]]:
    """As Google's OpenAI-compatible address does: a list."""
    return [{"error": {"code": code, "message": message, "status": status}}]


def fastapi(loc: list[Any], msg: str, kind: str = "value_error") -> dict[str, Any]:
    """As FastAPI's validation does."""
    return {"detail": [{"type": kind, "loc": loc, "msg": msg}]}


def page(title: str, text: str = "nginx/1.25.3") -> str:
    """The HTML of a proxy."""
    return (
        f"<!DOCTYPE html>\n<html><head><style>body {{ color: #333 }}</style><title>{title}</title></head>\n"
        f"<body><center><h1>{title}</h1></center><hr><center>{text}</center></body></html>\n"
    )


# Acts


def refuses(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Act:
    """Answer with that status and body: JSON, or text if it is a string (HTML if it looks like it)."""

    async def act(_request: Request) -> web.StreamResponse:
        if isinstance(body, str):
            kind = "text/html" if body.startswith("<") else "text/plain"
            return web.Response(text=body, status=status, content_type=kind, headers=headers)
        return web.json_response(body, status=status, headers=headers)

    return act


def unless(condition: Callable[[Request], bool], refusal: Act, otherwise: Act | None = None) -> Callable[[], Act]:
    """Refuse what meets the condition, and answer the rest."""

    async def act(request: Request) -> web.StreamResponse:
        return await (refusal if condition(request) else otherwise or right())(request)

    return lambda: act


def for_one(act: Act, otherwise: Act | None = None) -> Callable[[], Act]:
    """One act for the second paper, the right answer for the others."""
    return unless(lambda request: shown(request).title == PAPERS[1]["title"], act, otherwise)


def at_first(act: Act, then: Act | None = None, times: int = 1) -> Callable[[], Act]:
    """The act for the first request about each document, the other for those after it."""

    def make() -> Act:
        asked: Counter[str] = Counter()

        async def counted(request: Request) -> web.StreamResponse:
            title = shown(request).title
            asked[title] += 1
            return await (act if asked[title] <= times else then or right())(request)

        return counted

    return make


def once(act: Act, then: Act | None = None) -> Callable[[], Act]:
    """The act for the first request of all, the other after it."""

    def make() -> Act:
        asked: list[Request] = []

        async def counted(request: Request) -> web.StreamResponse:
            asked.append(request)
            return await (act if len(asked) == 1 else then or right())(request)

        return counted

    return make


def right() -> Act:
    """The labels of the rules, in the way that the request asks for: a call of its tool, or content."""

    async def act(request: Request) -> web.StreamResponse:
        text = (await right_labels(shown(request))).model_dump_json()
        return web.json_response(in_kind(request, text))

    return act


def in_kind(request: Request, text: str) -> dict[str, Any]:
    """A chat completion of that text, as the tool's arguments where the request has a tool."""
    tools = request.body.get("tools")
    if not tools:
        return completion(text)
    call = {"id": "t1", "type": "function", "function": {"name": tools[0]["function"]["name"], "arguments": text}}
    return completion(None, finish="tool_calls", tool_calls=[call])


def replies(change: Callable[[dict[str, Any]], Mapping[str, Any]], *, finish: str = "stop", **more: Any) -> Act:
    """Answer with the message that `change` makes of the right labels; `more` goes into the choice beside it."""

    async def act(request: Request) -> web.StreamResponse:
        labels = (await right_labels(shown(request))).model_dump(mode="json")
        body = completion(None, finish=finish)
        body["choices"][0] |= {"message": {"role": "assistant", "content": None, **change(labels)}, **more}
        return web.json_response(body)

    return act


def writes(text: Callable[[str], str], *, finish: str = "stop") -> Act:
    """Answer with the content that `text` makes of the JSON of the right labels."""
    return replies(lambda labels: {"content": text(json.dumps(labels))}, finish=finish)


INVENTED = "HAL 9000"


def usable() -> Act:
    """The right labels with a system that is not in the abstract: worth a re-ask, and good enough without it."""
    return writes(lambda labels: json.dumps(json.loads(labels) | {"system": INVENTED}))
