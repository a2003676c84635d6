"""A labelling model on loopback, in a thread of its own: it answers as the built-in rules would, or as a test says."""

import asyncio
import json
import re
import threading
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from extractor.documents import Document
from extractor.labelling.rules import RulesLabeller
from extractor.labels import Labels
from extractor.records import Claim
from extractor.spotting import spot
from tests.llm.server import Act, Request, Server, completion

_SHOWN = re.compile(r"Title: (.*?)\nAbstract: (.*?)\n\nQuantities:\n", re.DOTALL)
_RULES = RulesLabeller()


def shown(request: Request) -> Document:
    """The document that a request is about: the last one in its conversation."""
    asked = [message["content"] for message in request.body["messages"] if message["role"] == "user"]
    found = next(match for content in reversed(asked) if (match := _SHOWN.search(content)))
    return Document("asked", found[1], found[2])


def is_reask(request: Request) -> bool:
    """Whether a request tells the model what was wrong with its reply."""
    return not _SHOWN.search(str(request.body["messages"][-1]["content"]))


async def right_labels(document: Document) -> Labels:
    """What the built-in rules say."""
    return (await _RULES.label(document, spot(document.text))).labels


def labels(change: Callable[[Request, dict[str, Any]], dict[str, Any] | str | None] = lambda _request, labels: labels) -> Act:
    """Answer with the labels of the rules, as `change` leaves them."""

    async def act(request: Request) -> web.StreamResponse:
        right = (await right_labels(shown(request))).model_dump(mode="json")
        said = change(request, right)
        return web.json_response(completion(said if isinstance(said, str) else json.dumps(said)))

    return act


def once_two_are_asked(act: Act) -> Act:
    """Answer nothing before a second request is there; a caller that sends one at a time gets its answer after ten seconds."""
    two, asked = asyncio.Event(), 0

    async def together(request: Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        if asked == 2:
            two.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(two.wait(), 10)
        return await act(request)

    return together


class ModelServer:
    """`Server` in a thread, for programs that are not on its event loop."""

    def __init__(self, *acts: Act) -> None:
        self.server = Server(*(acts or (labels(),)))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="model server", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self.server.__aenter__())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._run(self.server.__aexit__(kind, error, trace))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        """The base URL of its OpenAI-compatible API."""
        return self.server.url

    @property
    def requests(self) -> list[Request]:
        """What it was asked so far."""
        return self.server.requests

    def _run(self, coroutine: Awaitable[Any]) -> None:
        async def awaited() -> None:
            await coroutine

        asyncio.run_coroutine_threadsafe(awaited(), self._loop).result()


def unsure(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """Claims of the rules as a model labels them, which does not know how sure it is."""
    return tuple(claim.model_copy(update={"confidence": None}) for claim in claims)
