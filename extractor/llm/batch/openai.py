"""OpenAI's batches, at OpenAI and at every server that speaks them: `/v1/files` and `/v1/batches`."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast, get_args
from urllib.parse import urlsplit

from pydantic import SecretStr

from extractor.llm.batch.service import Batch, BatchHandle, BatchService, Capacity, Full, Result, State
from extractor.llm.endpoints import Endpoint
from extractor.llm.redaction import redacted
from extractor.llm.structured import Message, Template
from extractor.llm.transports import certificates, proxy_for, raise_status

if TYPE_CHECKING:
    import httpx
    from openai import AsyncOpenAI
    from openai.types import Batch as Described

_ENDPOINT: Final = "/v1/chat/completions"
_JOB, _NUMBER = "extractor_job", "extractor_batch"  # the keys of a batch's metadata
_PAGE = 100
_SKEW = 86_400.0
"""Seconds by which clocks may differ: what is older than that before sending began is not looked through."""


class OpenAIBatches(BatchService):
    """Through the `openai` package, whose own retries are off: a batch whose answer was lost would be created twice.

    "The file can contain up to 50,000 requests, and can be up to 200 MB in size"
    (https://platform.openai.com/docs/api-reference/batch/create).
    """

    capacity = Capacity(50_000, 200_000_000)

    @staticmethod
    def serves(endpoint: Endpoint) -> bool:
        """Every server that speaks OpenAI's chat completions may speak its batches."""
        return endpoint.direct

    @staticmethod
    def read_result(question: str, raw: Mapping[str, Any], key: SecretStr | None) -> Result | None:
        """https://platform.openai.com/docs/api-reference/batch/request-output"""
        response, error = raw.get("response"), raw.get("error")
        if isinstance(response, dict):
            status, body = response.get("status_code"), response.get("body")
            if status == 200:
                return Result.answered(question, body)
            inner = body.get("error", body) if isinstance(body, dict) else None
            return Result.failed(question, f"the batch answered {status}", inner, key)
        if not isinstance(error, dict):
            return None
        state = str(error.get("code", "")).removeprefix("batch_")
        return Result.unanswered(question, state) or Result.failed(question, "the batch failed here", error, key)

    async def line(
        self, question: str, template: Template, messages: Sequence[Message], schema: Mapping[str, Any] | None
    ) -> bytes:
        """The request as it is posted online, in an envelope."""
        head = json.dumps({"custom_id": question, "method": "POST", "url": _ENDPOINT})[:-1].encode()
        return b'%b, "body": %b}\n' % (head, template.body(messages, schema))

    async def upload(self, requests: Path, handle: BatchHandle) -> str:
        """Upload the file, unless one of its name and size is there: another copy of the folder may have sent it."""

        async def action(_again: bool) -> str:
            if found := await self._uploaded(handle):
                return found
            async with _plainly(self._where):
                with requests.open("rb") as stream:
                    file = (handle.filename, stream, "application/jsonl")
                    return (await self._client.files.create(file=file, purpose="batch")).id

        return await self._persist(action, f"cannot upload batch {handle.number}")

    async def _create(self, requests: Path, handle: BatchHandle, again: bool) -> Batch:  # noqa: ARG002 (they are uploaded)
        """Create the batch of the uploaded file, unless one of this job and number, or of the file, is there."""
        if found := await self._find(handle):
            return found
        async with _plainly(self._where):
            made = await self._client.batches.create(
                completion_window="24h",
                endpoint=_ENDPOINT,
                input_file_id=cast(str, handle.file),
                metadata={_JOB: handle.job, _NUMBER: str(handle.number)},
            )
        return self._read(made)

    async def _look(self, id: str) -> Batch:
        async with _plainly(self._where):
            return self._read(await self._client.batches.retrieve(id))

    async def _cancel(self, id: str) -> Batch:
        async with _plainly(self._where):
            return self._read(await self._client.batches.cancel(id))

    async def _contents(self, batch: Batch, name: str) -> AsyncGenerator[bytes, None]:  # noqa: ARG002 (a file has a name of its own)
        async with _plainly(self._where), self._client.files.with_streaming_response.content(name) as response:
            async for chunk in response.iter_bytes():
                yield chunk

    async def close(self) -> None:
        """Close the client if it was opened."""
        if "_client" in self.__dict__:
            await self._client.close()

    @property
    def _where(self) -> str:
        return self._endpoint.base_url or ""

    @cached_property
    def _client(self) -> "AsyncOpenAI":
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient, Timeout

        parts = urlsplit(self._where)
        secret = self._key.get_secret_value() if self._key else ""
        header = self._endpoint.key_header

        async def put_key(request: "httpx.Request") -> None:  # the package knows one header and takes no request without it
            request.headers.pop("Authorization", None)
            if secret:
                request.headers[header] = f"Bearer {secret}" if header == "Authorization" else secret

        http = DefaultAsyncHttpxClient(
            trust_env=False,  # the proxy is chosen as it is for calls
            proxy=proxy_for(self._endpoint, parts.scheme, parts.netloc),
            verify=certificates() if parts.scheme == "https" else False,
            follow_redirects=False,  # a redirect would carry the key to wherever it points
            event_hooks={"request": [put_key]},
        )
        # 200 MB take a while to go up on a slow line; nothing else here does.
        timeout = Timeout(300.0, connect=10.0)
        return AsyncOpenAI(api_key="-", base_url=self._where, max_retries=0, timeout=timeout, http_client=http)

    async def _uploaded(self, handle: BatchHandle) -> str | None:
        import openai

        async with _plainly(self._where):
            try:
                async for file in self._client.files.list(purpose="batch", limit=_PAGE):
                    if file.filename == handle.filename and file.bytes == handle.bytes:
                        return file.id
                    if (file.created_at or 0) < handle.since - _SKEW:
                        return None
            except openai.NotFoundError:
                return None  # a server that lists no files; an upload that nobody uses costs nothing
        return None

    async def _find(self, handle: BatchHandle) -> Batch | None:
        """The batch of this job and number, or of the file."""
        mine = {_JOB: handle.job, _NUMBER: str(handle.number)}
        async with _plainly(self._where):
            async for batch in self._client.batches.list(limit=_PAGE):
                is_mine = (batch.metadata or {}).items() >= mine.items() or batch.input_file_id == handle.file
                if is_mine and batch.id not in handle.known:
                    return self._read(batch)
                if (batch.created_at or 0) < handle.since - _SKEW:
                    return None
        return None

    def _read(self, batch: "Described") -> Batch:
        counts = batch.request_counts
        errors = (batch.errors and batch.errors.data) or ()
        said = [f"{error.message}" + (f" (line {error.line})" if error.line else "") for error in errors]
        full = [
            found
            for error in errors
            if batch.status == "failed" and (found := Full.of(redacted(error.message or "", self._key), error.code or ""))
        ]
        return Batch(
            id=batch.id,
            state=batch.status if batch.status in get_args(State) else "in_progress",
            requests=counts.total if counts else 0,
            completed=counts.completed if counts else 0,
            failed=counts.failed if counts else 0,
            outputs=tuple(name for name in (batch.output_file_id, batch.error_file_id) if name),
            cause=redacted("; ".join(said), self._key) or None,
            full=full[0] if full else None,
        )


@asynccontextmanager
async def _plainly(where: str) -> AsyncIterator[None]:
    """Words errors as calls do: openai's quote the whole answer, and a stream that breaks off raises httpx's."""
    import httpx
    import openai

    try:
        yield
    except openai.APIStatusError as error:
        headers = {name.lower(): value for name, value in error.response.headers.items()}
        raise_status(where, error.status_code, headers, json.dumps(error.body).encode())
    except httpx.TimeoutException as error:
        raise openai.APITimeoutError(error.request) from error
    except httpx.HTTPError as error:
        raise openai.APIConnectionError(message="the answer broke off in the middle", request=error.request) from error
