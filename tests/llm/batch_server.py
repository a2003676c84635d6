"""A provider of batches on loopback, OpenAI's and Anthropic's: it keeps files and batches, and moves on when looked at."""

import email.parser
import email.policy
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from aiohttp import web

from extractor.documents import Document
from tests.labelling.model_server import labels, right_labels, shown
from tests.llm.server import Act, Request, completion, fails

Answer = Callable[[Document], "dict[str, Any] | str | int | None"]
_RIGHT: dict[str, dict[str, Any]] = {}
LIFE = ("validating", "in_progress", "finalizing", "completed")
ENQUEUED = (
    "Enqueued token limit reached for m in organization org-AbC. Limit: {limit:,} enqueued tokens. Please try again once some "
    "in_progress batches have been completed."
)
"""What OpenAI says when a batch has no room in its queue."""


@dataclass
class Kept:
    """A batch at the provider. `lines` are its requests; `looks` counts how often it was asked for.

    A `refused` one had no room in the queue, which shows when it has been validated.
    """

    id: str
    lines: list[dict[str, Any]]
    input_file: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    created: float = field(default_factory=time.time)
    looks: int = 0
    cancelled: bool = False
    refused: bool = False

    @property
    def tokens(self) -> int:
        """As many as the provider takes its requests for."""
        return sum(len(json.dumps(line)) // 4 for line in self.lines)


class BatchProvider:
    """Answers each document of a batch with what `answer` says: labels, any text, a status for an error, None for nothing.

    `life` are the states that a batch goes through, one a look. Results come in the order that `order` gives them. `instead`
    and `after` hold acts for a route (`"POST /batches"`), once each: in place of doing it, and when it is done, unheard.

    `queue` is how many tokens may wait and be worked on at a time, or with `by_requests` how many requests; `others` are there
    already. A batch too many fails with the message `full` when it is validated, or its creation with the status `at_once`.
    """

    def __init__(self, life: Iterable[str] = LIFE, answer: Answer | None = None) -> None:
        self.life = list(life)
        self.answer = answer
        self.order: Callable[[list[bytes]], list[bytes]] = lambda lines: lines[::-1]
        self.files: dict[str, tuple[str, bytes]] = {}
        self.batches: dict[str, Kept] = {}
        self.instead: dict[str, list[Act]] = {}
        self.after: dict[str, list[Act]] = {}
        self.calls: list[str] = []
        self.online: Act = labels()
        self.queue: int | None = None
        self.by_requests = False
        self.others = 0
        self.full = ENQUEUED
        self.at_once: int | None = None
        self.errors: list[dict[str, Any]] = []

    async def __call__(self, request: Request) -> web.StreamResponse:
        path = urlsplit(request.path).path.removeprefix("/v1")
        names = [part for part in path.split("/") if part]
        route = request.raw.method + " /" + "/".join("*" if part.startswith(("file-", "batch_")) else part for part in names)
        self.calls.append(route)
        if waiting := self.instead.get(route):
            return await waiting.pop(0)(request)
        query = {name: values[0] for name, values in parse_qs(urlsplit(request.path).query).items()}
        id = next((part for part in names if part.startswith(("file-", "batch_"))), "")
        response = await self._routes[route](self, request, id, query) if route in self._routes else await fails(404)(request)
        if waiting := self.after.get(route):
            return await waiting.pop(0)(request)
        return response

    def state(self, batch: Kept) -> str:
        """Where a batch is in its life."""
        if batch.refused:
            return "failed" if batch.looks else "validating"
        state = self.life[max(0, min(batch.looks, len(self.life) - 1))]
        if batch.cancelled:
            state = "cancelling" if batch.looks < 1 else "cancelled"
        return state

    @property
    def answered(self) -> Counter[str]:
        """How often each request was answered, and so paid for."""
        done = (batch for batch in self.batches.values() if self.state(batch) == "completed")
        return Counter(line["custom_id"] for batch in done for line in batch.lines)

    async def _add(self, batch: Kept, request: Request) -> web.Response | None:
        """Take a batch; the answer where its creation is refused."""
        running = [each for each in self.batches.values() if self.state(each) in {"validating", "in_progress", "finalizing"}]
        queued = sum(self._size(each) for each in running if not each.refused)
        batch.refused = self.queue is not None and self.others + queued + self._size(batch) > self.queue
        if batch.refused and self.at_once is not None:
            refusal = await fails(self.at_once, self.full.format(limit=self.queue))(request)
            assert isinstance(refusal, web.Response)
            return refusal
        self.batches[batch.id] = batch
        return None

    def _size(self, batch: Kept) -> int:
        return len(batch.lines) if self.by_requests else batch.tokens

    async def _upload(self, request: Request, _id: str, _query: dict[str, str]) -> web.Response:
        head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
        form = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + request.body)
        parts = {part.get_param("name", header="content-disposition"): part for part in form.iter_parts()}
        assert parts["purpose"].get_content().strip() == "batch"
        id = f"file-{len(self.files) + 1}"
        content = parts["file"].get_payload(decode=True)
        assert isinstance(content, bytes)
        self.files[id] = (str(parts["file"].get_filename()), content)
        return web.json_response(self._file(id))

    def _file(self, id: str) -> dict[str, Any]:
        name, content = self.files[id]
        about = {"object": "file", "purpose": "batch", "status": "processed", "created_at": int(time.time())}
        return {"id": id, "filename": name, "bytes": len(content), **about}

    async def _list_files(self, _request: Request, _id: str, _query: dict[str, str]) -> web.Response:
        return web.json_response({"object": "list", "data": [self._file(id) for id in self.files], "has_more": False})

    async def _content(self, _request: Request, id: str, _query: dict[str, str]) -> web.Response:
        return web.Response(body=self.files[id][1], content_type="application/octet-stream")

    async def _create(self, request: Request, _id: str, _query: dict[str, str]) -> web.Response:
        asked = request.body
        assert asked["endpoint"] == "/v1/chat/completions"
        lines = [json.loads(line) for line in self.files[asked["input_file_id"]][1].splitlines()]
        batch = Kept(f"batch_{len(self.batches) + 1}", lines, asked["input_file_id"], asked["metadata"])
        return await self._add(batch, request) or web.json_response(await self._openai(batch))

    async def _list(self, request: Request, _id: str, query: dict[str, str]) -> web.Response:
        newest = list(self.batches.values())[::-1]
        start = next((n + 1 for n, batch in enumerate(newest) if batch.id == query.get("after", query.get("after_id"))), 0)
        page = newest[start : start + 2]  # a page of two, so that there are several
        show = self._anthropic if "messages" in request.path else self._openai
        data = [await show(batch) for batch in page]
        more = start + 2 < len(newest)
        return web.json_response({"object": "list", "data": data, "has_more": more, "last_id": page[-1].id if page else None})

    async def _look(self, request: Request, id: str, _query: dict[str, str]) -> web.Response:
        batch = self.batches[id]
        batch.looks += 1
        return web.json_response(await (self._anthropic if "messages" in request.path else self._openai)(batch))

    async def _cancel(self, request: Request, id: str, _query: dict[str, str]) -> web.Response:
        batch = self.batches[id]
        batch.cancelled, batch.looks = True, 0
        return web.json_response(await (self._anthropic if "messages" in request.path else self._openai)(batch))

    async def _openai(self, batch: Kept) -> dict[str, Any]:
        state = self.state(batch)
        done = state in {"completed", "expired", "cancelled"}
        good, bad = await self._results(batch) if done else ([], [])
        outputs: dict[str, str | None] = {"output_file_id": None, "error_file_id": None}
        for name, lines in (("output", good), ("error", bad)):
            if lines:
                id = f"file-{name}-{batch.id}"
                self.files[id] = (id, b"".join(self.order(lines)))
                outputs[f"{name}_file_id"] = id
        counts = {"total": len(batch.lines), "completed": len(good), "failed": len(bad)}
        errors = self.errors
        if batch.refused:
            errors = [{"code": "token_limit_exceeded", "message": self.full.format(limit=self.queue), "line": None}]
        failed = {"errors": {"object": "list", "data": errors}} if state == "failed" else {}
        about = {"object": "batch", "endpoint": "/v1/chat/completions", "completion_window": "24h"}
        times = {"created_at": int(batch.created)}
        named = {"id": batch.id, "input_file_id": batch.input_file, "metadata": batch.metadata, "status": state}
        return {**named, **about, **times, **outputs, **failed, "request_counts": counts}

    async def _results(self, batch: Kept) -> tuple[list[bytes], list[bytes]]:
        good: list[bytes] = []
        bad: list[bytes] = []
        for line in batch.lines:
            said = await self._said(line["body"], request_of(line["body"]))
            raw: dict[str, Any] = {"id": "batch_req_1", "custom_id": line["custom_id"], "response": None, "error": None}
            if said is None:
                code = "batch_cancelled" if batch.cancelled else "batch_expired"
                raw["error"] = {"code": code, "message": "This request was not executed."}
            elif isinstance(said, int):
                raw["response"] = {"status_code": said, "body": {"error": {"message": "The model is overloaded."}}}
            else:
                content = said if isinstance(said, str) else json.dumps(said)
                raw["response"] = {"status_code": 200, "request_id": "r", "body": completion(content)}
            (good if isinstance(said, dict | str) else bad).append(json.dumps(raw).encode() + b"\n")
        return good, bad

    async def _said(self, _body: dict[str, Any], request: Request) -> dict[str, Any] | str | int | None:
        document = shown(request)
        if self.answer is not None:
            said = self.answer(document)
            if said != {}:
                return said
        if document.text not in _RIGHT:
            _RIGHT[document.text] = (await right_labels(document)).model_dump(mode="json")
        return _RIGHT[document.text]

    async def _create_messages(self, request: Request, _id: str, _query: dict[str, str]) -> web.Response:
        lines = request.body["requests"]
        batch = Kept(f"batch_{len(self.batches) + 1}", lines)
        return await self._add(batch, request) or web.json_response(await self._anthropic(batch))

    async def _anthropic(self, batch: Kept) -> dict[str, Any]:
        state = self.state(batch)
        states = {"completed": "ended", "expired": "ended", "cancelled": "ended", "cancelling": "canceling"}
        status = states.get(state, "in_progress")
        counts = dict.fromkeys(["processing", "succeeded", "errored", "canceled", "expired"], 0)
        if status == "ended":
            for line in await self._messages(batch):
                counts[json.loads(line)["result"]["type"]] += 1
        else:
            counts["processing"] = len(batch.lines)
        created = datetime.fromtimestamp(batch.created, UTC).isoformat()
        times = {"created_at": created, "expires_at": created, "cancel_initiated_at": created if batch.cancelled else None}
        url = "https://elsewhere.invalid/results" if status == "ended" else None
        named = {"id": batch.id, "type": "message_batch", "processing_status": status, "results_url": url}
        return {**named, **times, "request_counts": counts}

    async def _messages(self, batch: Kept) -> list[bytes]:
        lines = []
        for line in batch.lines:
            said = await self._said(line["params"], request_of(line["params"]))
            result: dict[str, Any] = {"type": "succeeded"}
            if said is None:
                result = {"type": "canceled" if batch.cancelled else "expired"}
            elif isinstance(said, int):
                error = {"type": "api_error", "message": "The model is overloaded."}
                result = {"type": "errored", "error": {"type": "error", "error": error}}
            else:
                text = said if isinstance(said, str) else json.dumps(said)
                usage = {"input_tokens": 60, "cache_read_input_tokens": 40, "output_tokens": 10}
                content = [{"type": "text", "text": text}]
                about = {"id": "m", "type": "message", "role": "assistant", "model": "claude", "stop_reason": "end_turn"}
                result["message"] = {**about, "content": content, "usage": usage}
            lines.append(json.dumps({"custom_id": line["custom_id"], "result": result}).encode() + b"\n")
        return lines

    async def _message_results(self, _request: Request, id: str, _query: dict[str, str]) -> web.Response:
        return web.Response(body=b"".join(self.order(await self._messages(self.batches[id]))))

    async def _message(self, request: Request, _id: str, _query: dict[str, str]) -> web.Response:
        said = (await right_labels(shown(request_of(request.body)))).model_dump_json()
        usage = {"input_tokens": 100, "output_tokens": 10}
        about = {"id": "m", "type": "message", "role": "assistant", "model": "claude", "stop_reason": "end_turn"}
        return web.json_response({**about, "content": [{"type": "text", "text": said}], "usage": usage})

    async def _complete(self, request: Request, _id: str, _query: dict[str, str]) -> web.StreamResponse:
        return await self.online(request)

    _routes: ClassVar[dict[str, Callable[..., Awaitable[web.StreamResponse]]]] = {
        "POST /files": _upload,
        "GET /files": _list_files,
        "GET /files/*/content": _content,
        "POST /batches": _create,
        "GET /batches": _list,
        "GET /batches/*": _look,
        "POST /batches/*/cancel": _cancel,
        "POST /messages/batches": _create_messages,
        "GET /messages/batches": _list,
        "GET /messages/batches/*": _look,
        "POST /messages/batches/*/cancel": _cancel,
        "GET /messages/batches/*/results": _message_results,
        "POST /messages": _message,
        "POST /chat/completions": _complete,
    }


def request_of(body: dict[str, Any]) -> Request:
    """A request as the model's server would see it; blocks of text become text."""
    messages = [
        {**message, "content": "".join(block["text"] for block in message["content"])}
        if isinstance(message["content"], list)
        else message
        for message in body["messages"]
    ]
    return Request("", {}, {"messages": messages}, None)  # type: ignore[arg-type]
