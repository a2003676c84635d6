"""OpenAI's batches, at OpenAI and at every server that speaks them: `/v1/files` and `/v1/batches`."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast, get_args
from urllib.parse import urlsplit

from extractor.llm.batch import Batch, BatchService, Full, Label, Room, State
from extractor.llm.keys import redacted
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
    """Through the `openai` package, whose own retries are off: a batch that was created unheard would be created again.

    "The file can contain up to 50,000 requests, and can be up to 200 MB in size"
    (https://platform.openai.com/docs/api-reference/batch/create).
    """

    room = Room(50_000, 200_000_000)

    async def line(
        self, question: str, template: Template, messages: Sequence[Message], schema: Mapping[str, Any] | None
    ) -> bytes:
        """The request as it is posted online, in an envelope."""
        head = json.dumps({"custom_id": question, "method": "POST", "url": _ENDPOINT})[:-1].encode()
        return b'%b, "body": %b}\n' % (head, template.body(messages, schema))

    async def upload(self, requests: Path, label: Label) -> str:
        """Upload the file, unless one of its name and size is there: another copy of the folder may have sent it."""

        async def action(_again: bool) -> str:
            if found := await self._uploaded(label):
                return found
            async with _plainly(self._where):
                with requests.open("rb") as stream:
                    file = (label.filename, stream, "application/jsonl")
                    return (await self._client.files.create(file=file, purpose="batch")).id

        return await self._persist(action, f"cannot upload batch {label.number}")

    async def create(self, requests: Path, label: Label) -> Batch:  # noqa: ARG002 (they are uploaded)
        """Create the batch of the uploaded file, unless one with the label or of the file is there."""

        async def action(_again: bool) -> Batch:
            if found := await self._created(label):
                return found
            async with _plainly(self._where):
                made = await self._client.batches.create(
                    completion_window="24h",
                    endpoint=_ENDPOINT,
                    input_file_id=cast(str, label.file),
                    metadata={_JOB: label.job, _NUMBER: str(label.number)},
                )
            return self._read(made)

        return await self._persist(action, f"cannot create batch {label.number}", queues=True)

    async def find(self, label: Label) -> Batch | None:
        """The batch with the label, or of the file."""
        return await self._persist(lambda _again: self._created(label), "cannot list the batches")

    async def look(self, id: str) -> Batch:
        """Retrieve it."""

        async def action(_again: bool) -> Batch:
            async with _plainly(self._where):
                return self._read(await self._client.batches.retrieve(id))

        return await self._persist(action, f"cannot look at batch {id}")

    async def cancel(self, id: str) -> Batch:
        """Cancel it, unless it has ended meanwhile."""

        async def action(again: bool) -> Batch:
            if again and (found := await self.look(id)).state not in {"validating", "in_progress"}:
                return found
            async with _plainly(self._where):
                return self._read(await self._client.batches.cancel(id))

        return await self._persist(action, f"cannot cancel batch {id}")

    async def download(self, batch: Batch, target: BinaryIO) -> None:
        """Write its output file and its error file, one after the other."""
        for name in batch.outputs:
            start = target.tell()

            async def action(_again: bool, name: str = name, start: int = start) -> None:
                target.seek(start)
                target.truncate()
                async with _plainly(self._where), self._client.files.with_streaming_response.content(name) as response:
                    async for chunk in response.iter_bytes():
                        target.write(chunk)

            await self._persist(action, f"cannot download the results of batch {batch.id}")

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

    async def _uploaded(self, label: Label) -> str | None:
        import openai

        async with _plainly(self._where):
            try:
                async for file in self._client.files.list(purpose="batch", limit=_PAGE):
                    if file.filename == label.filename and file.bytes == label.bytes:
                        return file.id
                    if (file.created_at or 0) < label.since - _SKEW:
                        return None
            except openai.NotFoundError:
                return None  # a server that lists no files; an upload that nobody uses costs nothing
        return None

    async def _created(self, label: Label) -> Batch | None:
        mine = {_JOB: label.job, _NUMBER: str(label.number)}
        async with _plainly(self._where):
            async for batch in self._client.batches.list(limit=_PAGE):
                is_mine = (batch.metadata or {}).items() >= mine.items() or batch.input_file_id == label.file
                if is_mine and batch.id not in label.known:
                    return self._read(batch)
                if (batch.created_at or 0) < label.since - _SKEW:
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
