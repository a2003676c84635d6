"""What a provider's batch endpoint is: the protocol that each provider's module speaks, and what it answers with.

The states are OpenAI's; other providers' are translated to them. Requests and results are JSON Lines files.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, NoReturn, Self, TypeVar

from pydantic import SecretStr

from extractor.errors import CallError, JobError
from extractor.llm.completions import Completion, NotACompletionError
from extractor.llm.endpoints import Endpoint
from extractor.llm.limits import Clock
from extractor.llm.redaction import Redaction, redacted
from extractor.llm.retries import RepeatableError, RetryPolicy, Verdict, judge, repeated
from extractor.llm.structured import Message, Template

T = TypeVar("T")
State = Literal["validating", "in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled"]
ENDED: Final = frozenset[str](["completed", "failed", "expired", "cancelled"])
PRICE: Final = 0.5
"""What a token costs in a batch, as a fraction of the usual price. OpenAI: "50% cost discount"
(https://help.openai.com/en/articles/9197833-batch-api-faq); Anthropic: "reducing costs by 50%"
(https://docs.anthropic.com/en/docs/build-with-claude/batch-processing). litellm's table of prices has a batch price for 93 of
their chat models, and it is half the usual one for all but two old ones of OpenAI."""
_AGAIN = "Run the same command again, or with --retry-online to ask for it at the usual price."


@dataclass(frozen=True, slots=True)
class Capacity:
    """What one batch may hold at most."""

    requests: int
    bytes: int


@dataclass(frozen=True, slots=True)
class BatchHandle:
    """How a batch that was sent is found again: the job's key, its number, how much it holds, and when sending began.

    `file` is the provider's name for the uploaded requests, once it is known. `known` are the job's other batches.
    """

    job: str
    number: int
    requests: int
    bytes: int
    since: float
    file: str | None = None
    known: frozenset[str] = frozenset()

    @property
    def filename(self) -> str:
        """The name under which the requests are uploaded."""
        return f"extractor-{self.job}-{self.number}.jsonl"


@dataclass(frozen=True, slots=True)
class Full:
    """That a provider's queue had no room for a batch, in its words, and how much it holds in all, if it says so."""

    cause: str
    tokens: int | None = None
    requests: int | None = None

    @classmethod
    def of(cls, cause: str, code: str = "") -> "Full | None":
        """What a refusal says of the queue; None if it speaks of something else.

        OpenAI: "Enqueued token limit reached for gpt-4o-mini in organization org-... Limit: 2,000,000 enqueued tokens. Please
        try again once some in_progress batches have been completed." (code `token_limit_exceeded`), and the same of requests.
        Azure: "The number of enqueued tokens has surpassed the configured limit of 30K for the deployment ...".
        """
        lowered = cause.lower()
        if code != "token_limit_exceeded" and not re.search(r"\benqueued\b|\bprocessing queue\b", lowered):
            return None
        told = re.search(r"\blimit(?: of|:) (\d[\d,]*(?:\.\d+)?)([kmb]?)\b", lowered)
        most = round(float(told[1].replace(",", "")) * _THOUSANDS[told[2]]) if told else None
        of_requests = "request" in lowered and "token" not in lowered
        return cls(cause, None if of_requests else most, most if of_requests else None)


_THOUSANDS = {"": 1, "k": 1_000, "m": 1_000_000, "b": 1_000_000_000}


class QueueFullError(CallError):
    """A batch was not created, because the provider's queue has no room for it."""

    def __init__(self, full: Full) -> None:
        super().__init__(full.cause, "Run the same command again when batches under way have ended.")
        self.full = full


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as its provider tells of it. `outputs` name its results; `cause` says why it failed as a whole.

    `full` is set where it failed for want of room in the queue. `presumed` batches were found by their size and time alone;
    whether they are the right ones, their results say.
    """

    id: str
    state: State
    requests: int = 0
    completed: int = 0
    failed: int = 0
    outputs: tuple[str, ...] = ()
    cause: str | None = None
    full: Full | None = None
    presumed: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """One line of a results file: the answer to the question of that name, or why it has no answer."""

    question: str
    completion: Completion | None
    cause: str = ""
    fix: str = _AGAIN

    @classmethod
    def answered(cls, question: str, completion: object) -> Self:
        """The result that holds a chat completion, in OpenAI's format; if it does not, says so."""
        try:
            return cls(question, Completion.of(completion))
        except NotACompletionError as error:
            return cls(question, None, f"the batch answered with {error}")

    @classmethod
    def unanswered(cls, question: str, state: str) -> Self | None:
        """The result of a request that the batch did not get to; None for any other state."""
        ended = {"canceled": "was cancelled", "cancelled": "was cancelled", "expired": "expired"}.get(state)
        return None if ended is None else cls(question, None, f"the batch {ended} before it was answered")

    @classmethod
    def failed(cls, question: str, what: str, error: object, key: SecretStr | None) -> Self:
        """The result of a request that the provider answered with an error: what happened, and the provider's message."""
        message = error.get("message") if isinstance(error, dict) else None
        said = f": {redacted(message, key).rstrip('.')}" if isinstance(message, str) and message else ""
        return cls(question, None, what + said)


class BatchService(ABC):
    """One provider's batches. A call is repeated while that may help, then raises `CallError`, or `JobError` if none will."""

    capacity: Capacity

    def __init__(self, endpoint: Endpoint, key: SecretStr | None, clock: Clock | None = None) -> None:
        self._endpoint = endpoint
        self._key = key
        self._clock = clock or Clock()

    @staticmethod
    @abstractmethod
    def serves(endpoint: Endpoint) -> bool:
        """Whether the batches of an endpoint are these."""

    @staticmethod
    @abstractmethod
    def read_result(question: str, raw: Mapping[str, Any], key: SecretStr | None) -> Result | None:
        """A line of a results file, as parsed; None for a line of another provider. No message shows the key."""

    @abstractmethod
    async def line(
        self, question: str, template: Template, messages: Sequence[Message], schema: Mapping[str, Any] | None
    ) -> bytes:
        """One request as a line of a requests file, its end included."""

    async def upload(self, requests: Path, handle: BatchHandle) -> str | None:  # noqa: ARG002 (of those that upload)
        """Upload a requests file, once, and return the provider's name for it; None where requests go into the batch itself."""
        return None

    async def create(self, requests: Path, handle: BatchHandle) -> Batch:
        """Start a batch. Where an attempt may have arrived although its answer was lost, it is looked for before the next.

        Raises `QueueFullError` where there is no room for it; a rate limit that outlasts all attempts is taken for that.
        """
        return await self._persist(
            lambda again: self._create(requests, handle, again), f"cannot create batch {handle.number}", queues=True
        )

    async def find(self, handle: BatchHandle) -> Batch | None:
        """The batch that an earlier process may have started, if it did."""
        return await self._persist(lambda _again: self._find(handle), "cannot list the batches")

    async def look(self, id: str) -> Batch:
        """The batch as it is now."""
        return await self._persist(lambda _again: self._look(id), f"cannot look at batch {id}")

    async def cancel(self, id: str) -> Batch:
        """Ask the provider to stop, unless the batch has ended meanwhile; what was answered by then is kept and billed."""

        async def action(again: bool) -> Batch:
            if again and (found := await self._look(id)).state not in {"validating", "in_progress"}:
                return found
            return await self._cancel(id)

        return await self._persist(action, f"cannot cancel batch {id}")

    async def download(self, batch: Batch, target: BinaryIO) -> None:
        """Write the results of a batch that has ended, one output after the other, as JSON Lines."""
        for name in batch.outputs:
            start = target.tell()

            async def action(_again: bool, name: str = name, start: int = start) -> None:
                target.seek(start)
                target.truncate()
                redaction, rest = Redaction.of(self._key), b""
                async with aclosing(self._contents(batch, name)) as chunks:
                    async for chunk in chunks:
                        lines, end, rest = (rest + chunk).rpartition(b"\n")
                        target.write(redaction.content(lines + end))
                target.write(redaction.content(rest))

            await self._persist(action, f"cannot download the results of batch {batch.id}")

    @abstractmethod
    async def close(self) -> None:
        """Let go of connections."""

    @abstractmethod
    async def _create(self, requests: Path, handle: BatchHandle, again: bool) -> Batch:
        """Create a batch once. An attempt that comes `again` looks first whether an earlier one has arrived."""

    @abstractmethod
    async def _find(self, handle: BatchHandle) -> Batch | None:
        """The batch of a handle among those that the provider lists."""

    @abstractmethod
    async def _look(self, id: str) -> Batch:
        """Ask for a batch once."""

    @abstractmethod
    async def _cancel(self, id: str) -> Batch:
        """Ask once that a batch is stopped."""

    @abstractmethod
    def _contents(self, batch: Batch, name: str) -> AsyncGenerator[bytes, None]:
        """The bytes of one of its outputs."""

    async def _persist(self, action: Callable[[bool], Awaitable[T]], what: str, *, queues: bool = False) -> T:
        """Do something until it is done; `action` is told whether it was tried before: it may be done and only its answer lost.

        What `queues` may find the queue full, and raises `QueueFullError` then.
        """
        started = self._clock.monotonic()
        tried = False

        async def attempt() -> T:
            nonlocal tried
            try:
                again, tried = tried, True
                return await action(again)
            except Exception as error:
                verdict = judge(error, self._endpoint, self._clock.time())
                if verdict is None:
                    raise
                cause = redacted(f"{what}: {verdict.cause}", self._key)
                if queues and (full := Full.of(cause, str(getattr(error, "code", "")))):
                    raise QueueFullError(full) from None
                if verdict.repeats:
                    raise RepeatableError(verdict) from error
                self._fail(verdict, what, getattr(error, "status_code", None))

        try:
            return await repeated(attempt, RetryPolicy(), self._clock, lambda: started)
        except RepeatableError as error:
            if queues and error.verdict.outcome == "rate limited":
                raise QueueFullError(Full(redacted(f"{what}: {error.verdict.cause}", self._key))) from None
            self._fail(error.verdict, what, None)

    def _fail(self, verdict: Verdict, what: str, status: int | None) -> NoReturn:
        cause = redacted(verdict.cause, self._key)
        fix = verdict.fix
        if status in {404, 405}:
            fix = f"Check that {self._endpoint.where} has batches, and that the address and the key are those of this job."
        elif status in {400, 413, 422}:
            fix = "The provider does not take this batch; run without --batch, or with another model."
        raise (CallError if verdict.repeats else JobError)(f"{what}: {cause}", fix) from None
