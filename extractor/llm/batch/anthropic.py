"""Anthropic's message batches over plain HTTP: litellm, which makes the requests themselves, cannot create them."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from os import environ
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from extractor.errors import JobError
from extractor.llm.batch.service import Batch, BatchHandle, BatchService, Capacity, Result, State
from extractor.llm.endpoints import Endpoint
from extractor.llm.limits import Clock
from extractor.llm.structured import Message, Template
from extractor.llm.transports import Timeouts, import_litellm, open_session, raise_status, raise_unreached, whole

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

_VERSION = "2023-06-01"
_BETA = "structured-outputs-2025-11-13"
"""litellm asks for structured output by the field `output_format`, which Anthropic takes with this header."""
_PAGE = 100
_SKEW = 300.0
"""Seconds by which the clocks of this machine and of Anthropic may differ."""
_LONGEST_SENDING = 900.0
"""Seconds after which a request that was under way when its process ended has arrived or never will."""


class AnthropicBatches(BatchService):
    """ "A Message Batch is limited to either 100,000 Message requests or 256 MB in size, whichever is reached first"
    (https://docs.anthropic.com/en/docs/build-with-claude/batch-processing).

    Anthropic's batches carry no name of ours. One that may have been created although its answer was lost is looked for by its
    time and its number of requests; its results, which name their questions, say whether it was the right one.
    """

    capacity = Capacity(100_000, 256_000_000)

    def __init__(self, endpoint: Endpoint, key: SecretStr | None, clock: Clock | None = None) -> None:
        super().__init__(endpoint, key, clock)
        # The variables and the forms of the address that litellm knows.
        base = endpoint.base_url or environ.get("ANTHROPIC_API_BASE") or environ.get("ANTHROPIC_BASE_URL")
        base = (base or "https://api.anthropic.com").rstrip("/").removesuffix("/messages").removesuffix("/v1")
        self._url = f"{base}/v1/messages/batches"
        self._session: ClientSession | None = None
        self._frame: tuple[Template, dict[str, Any]] | None = None

    @staticmethod
    def serves(endpoint: Endpoint) -> bool:
        """Anthropic's own models."""
        return endpoint.provider == "anthropic"

    @staticmethod
    def read_result(question: str, raw: Mapping[str, Any], key: SecretStr | None) -> Result | None:
        """https://docs.anthropic.com/en/api/retrieving-message-batch-results"""
        result = raw.get("result")
        if not isinstance(result, dict):
            return None
        if (state := str(result.get("type"))) == "succeeded":
            message = result.get("message")
            return Result.answered(question, as_completion(message) if isinstance(message, dict) else None)
        error = result.get("error")
        inner = error.get("error", error) if isinstance(error, dict) else None
        return Result.unanswered(question, state) or Result.failed(question, "the batch failed here", inner, key)

    async def line(
        self, question: str, template: Template, messages: Sequence[Message], schema: Mapping[str, Any] | None
    ) -> bytes:
        """The request as litellm would send it online. litellm takes 8 ms for one, so only the first is made by it."""
        if schema is not None:
            params = await self._translate(template, messages, schema)
        else:
            if self._frame is None or self._frame[0] is not template:
                self._frame = template, await self._translate(template, messages, None)
            params = {**self._frame[1], "system": _blocks(messages, system=True), "messages": _turns(messages)}
        return json.dumps({"custom_id": question, "params": params}, ensure_ascii=False).encode("utf-8", "replace") + b"\n"

    async def _create(self, requests: Path, handle: BatchHandle, again: bool) -> Batch:
        """Post the requests, read from the file as they go."""
        if again and (found := await self._find(handle)):
            return found
        head = b'{"requests":['

        async def body() -> AsyncIterator[bytes]:
            yield head
            with requests.open("rb") as lines:
                line = lines.readline()
                while line:
                    after = lines.readline()
                    yield line.rstrip(b"\n") + (b"," if after else b"]}")
                    line = after

        # A comma for each line end but the last, and two brackets.
        headers = {
            "Content-Type": "application/json",
            "Content-Length": str(len(head) + handle.bytes - 1 + 2),
            "anthropic-beta": _BETA,
        }

        return _read(await self._json("POST", "", data=body(), headers=headers))

    async def _look(self, id: str) -> Batch:
        return _read(await self._json("GET", f"/{id}"))

    async def _cancel(self, id: str) -> Batch:
        return _read(await self._json("POST", f"/{id}/cancel"))

    async def _contents(self, batch: Batch, name: str) -> AsyncGenerator[bytes, None]:
        # Not by its results_url: the key goes to the address that the user gave.
        async with self._answer("GET", f"/{batch.id}/{name}") as response:
            async for chunk in response.content.iter_any():
                yield chunk

    async def close(self) -> None:
        """Close the session if it was opened."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    async def _find(self, handle: BatchHandle) -> Batch | None:
        """The only batch of the time and size of one whose answer was lost, if there is one."""
        likely: list[Batch] = []
        async for raw in self._listed():
            age = datetime.fromisoformat(str(raw["created_at"])).timestamp() - handle.since
            if age < -_SKEW:
                break
            batch = _read(raw)
            if age <= _LONGEST_SENDING and batch.requests == handle.requests and batch.id not in handle.known:
                likely.append(batch)
        if len(likely) > 1:
            names = " and ".join(batch.id for batch in likely)
            cause = f"either of {names} may be batch {handle.number} of this job, which was being sent when the job was stopped"
            raise JobError(
                cause, "Cancel those that no other job needs in Anthropic's console and delete them, then run again."
            )
        if not likely:
            return None
        (found,) = likely
        return Batch(found.id, found.state, found.requests, found.completed, found.failed, found.outputs, presumed=True)

    async def _listed(self) -> AsyncIterator[Mapping[str, Any]]:
        """All batches, the newest first."""
        page = await self._json("GET", f"?limit={_PAGE}")
        while True:
            for each in page.get("data") or ():
                yield each
            if not page.get("has_more"):
                return
            page = await self._json("GET", f"?limit={_PAGE}&after_id={page['last_id']}")

    async def _json(self, method: str, path: str, **sent: Any) -> dict[str, Any]:
        async with self._answer(method, path, **sent) as response:
            try:
                answer = json.loads(await whole(response))
            except ValueError:
                answer = None
            if not isinstance(answer, dict):
                raise_status(self._url, 502, {}, b"")  # a page of a proxy
            return answer

    @asynccontextmanager
    async def _answer(self, method: str, path: str, **sent: Any) -> "AsyncIterator[ClientResponse]":
        from aiohttp import ClientError

        session = self._session or self._open()
        try:
            async with session.request(method, self._url + path, allow_redirects=False, **sent) as response:
                if response.status != 200:
                    headers = {name.lower(): value for name, value in response.headers.items()}
                    raise_status(self._url, response.status, headers, await whole(response))
                yield response
        except TimeoutError as error:
            raise_unreached(self._url, error, timeout=True)
        except (ClientError, OSError) as error:
            raise_unreached(self._url, error)

    def _open(self) -> "ClientSession":
        headers = {"anthropic-version": _VERSION} | ({"x-api-key": self._key.get_secret_value()} if self._key else {})
        self._session = open_session(self._endpoint, self._url, headers, Timeouts(total=None))
        return self._session

    async def _translate(
        self, template: Template, messages: Sequence[Message], schema: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        """The body that litellm sends to Anthropic for a request: it is caught on its way out."""
        litellm = import_litellm()
        import httpx
        from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler

        caught: list[Any] = []

        class Catcher(AsyncHTTPHandler):
            async def post(self, url: str, **sent: Any) -> httpx.Response:
                caught.append(sent.get("json") or sent.get("data"))
                return httpx.Response(200, json=_NO_MESSAGE, request=httpx.Request("POST", url))

        catcher = Catcher()
        try:
            await litellm.acompletion(**template.request(messages, schema), api_key="none", client=catcher, num_retries=0)
        finally:
            await catcher.client.aclose()
        body = caught[0] if isinstance(caught[0], dict) else json.loads(caught[0])
        return dict(body)


def as_completion(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message of Anthropic's as a chat completion. A tool call is structured output, so its input is the content."""
    parts = [part for part in message.get("content") or () if isinstance(part, dict)]
    called = [json.dumps(part.get("input")) for part in parts if part.get("type") == "tool_use"]
    text = called[0] if called else "".join(str(part.get("text", "")) for part in parts if part.get("type") == "text")
    endings = {"max_tokens": "length", "refusal": "content_filter"}
    choice = {
        "index": 0,
        "finish_reason": endings.get(str(message.get("stop_reason")), "stop"),
        "message": {"role": "assistant", "content": text},
    }
    raw = message.get("usage")
    usage: Mapping[str, Any] = raw if isinstance(raw, dict) else {}
    cached = usage.get("cache_read_input_tokens") or 0
    counts: dict[str, Any] = {}
    if isinstance(usage.get("input_tokens"), int):
        counts["prompt_tokens"] = usage["input_tokens"] + cached + (usage.get("cache_creation_input_tokens") or 0)
        counts["prompt_tokens_details"] = {"cached_tokens": cached}
        counts["completion_tokens"] = usage.get("output_tokens")
    return {"id": str(message.get("id")), "object": "chat.completion", "created": 0, "model": str(message.get("model"))} | {
        "choices": [choice],
        "usage": counts,
    }


def _blocks(messages: Sequence[Message], system: bool) -> list[dict[str, str]]:
    return [{"type": "text", "text": message["content"]} for message in messages if (message["role"] == "system") is system]


def _turns(messages: Sequence[Message]) -> list[dict[str, Any]]:
    turns = [message for message in messages if message["role"] != "system"]
    return [{"role": turn["role"], "content": [{"type": "text", "text": turn["content"]}]} for turn in turns]


def _read(raw: Mapping[str, Any]) -> Batch:
    """Its three states in OpenAI's words; a batch that ended by being cancelled or by its time says so in its counts."""
    counts: Mapping[str, int] = raw.get("request_counts") or {}
    status = raw.get("processing_status")
    state: State = "cancelled" if raw.get("cancel_initiated_at") else "expired" if counts.get("expired") else "completed"
    if status != "ended":
        state = "cancelling" if status == "canceling" else "in_progress"
    return Batch(
        id=str(raw["id"]),
        state=state,
        requests=sum(counts.values()),
        completed=counts.get("succeeded", 0),
        failed=counts.get("errored", 0) + counts.get("canceled", 0) + counts.get("expired", 0),
        outputs=("results",) if status == "ended" else (),
    )


_NO_MESSAGE = {
    "id": "none",
    "type": "message",
    "role": "assistant",
    "model": "none",
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 1, "output_tokens": 1},
    "content": [{"type": "text", "text": "{}"}],
}
