"""Whether a failed call is worth repeating, and when: one verdict, made here, in the words of openai's exceptions.

The SDKs' own retries are off. litellm's exceptions are subclasses of openai's, and the aiohttp transport raises openai's, so
`outcomes.toml` serves both ways. Classes are known by name, not imported: openai takes 1.3 s to import, and by the time that
one of its exceptions is here, it is imported.
"""

import tomllib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, cast

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential

from extractor.llm.endpoints import Endpoint
from extractor.llm.limits import Clock
from extractor.llm.refusals import Refusal, refusal_of

R = TypeVar("R")
Outcome = Literal["stops job", "fails document", "transient", "rate limited"]
"""What a failure means: no later document can succeed; this one cannot; the same call may succeed later, or when the server has
time."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement of one failure. `wait` is what the server asked for, in seconds, if it did."""

    outcome: Outcome
    cause: str
    fix: str
    wait: float | None = None
    reached: bool = True  # whether the server was there and spoke the language
    slow: bool = False  # whether it ran out of time, as an overloaded server does
    away: bool = False  # whether it was not there, or said that it is not up to answering anybody
    free: bool = False  # whether the provider cannot have read or written for it
    faulty: bool = False  # whether it is about what the model wrote, so that no wait helps
    unclear: bool = False  # whether nothing says that it is about this document, and not about all

    @property
    def repeats(self) -> bool:
        """Whether the call is made again."""
        return self.outcome in {"transient", "rate limited"}


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long to keep trying. `attempts` bounds calls that fail for other reasons than a rate limit; the deadline, in seconds
    from a document's first call to its last repeat, bounds all. Neither counts while the server has an outage, which is waited
    out for `patience` seconds. `longest_wait` caps what a server may ask for."""

    attempts: int = 6
    deadline: float = 600.0
    patience: float = 3600.0
    first_wait: float = 0.5
    longest_wait: float = 120.0


class TooLargeError(Exception):
    """An answer was longer than any that a model gives; no more of it was read."""

    def __init__(self, longest: int) -> None:
        super().__init__(f"more than {longest // 2**20} MB")


class RepeatableError(Exception):
    """Carries a verdict through tenacity. In an `outage` the failure has nothing to do with the document."""

    def __init__(self, verdict: Verdict, *, outage: bool = False) -> None:
        super().__init__(verdict.cause)
        self.verdict = verdict
        self.outage = outage


async def repeated(
    attempt: Callable[[], Awaitable[R]],
    policy: RetryPolicy,
    clock: Clock,
    started: Callable[[], float],
    *,
    waiting: Callable[[Verdict, float], None] = lambda _verdict, _seconds: None,
    stopped: Callable[[], bool] = lambda: False,
    sleep: Callable[[float], Awaitable[None]] | None = None,
) -> R:
    """Make an attempt, and again when it raises `RepeatableError`, after the wait that its verdict asks for. Raises the last.

    `started` tells when the document's first call was sent; its re-asks share one deadline. `waiting` is told of each wait
    before it begins. Once `stopped`, nothing is repeated; `sleep` takes the place of the clock's.
    """
    try:
        return await attempt()
    except RepeatableError as error:
        first = [error]  # tenacity, which costs a tenth of a call, begins with what has failed

    async def again() -> R:
        if first:
            raise first.pop()
        return await attempt()

    loop = _loop(policy, clock, started, waiting, stopped, sleep or clock.sleep)
    return await loop(again)


def _loop(
    policy: RetryPolicy,
    clock: Clock,
    started: Callable[[], float],
    waiting: Callable[[Verdict, float], None],
    stopped: Callable[[], bool],
    sleep: Callable[[float], Awaitable[None]],
) -> AsyncRetrying:
    """tenacity's loop."""
    backoff = wait_random_exponential(multiplier=policy.first_wait, max=30.0)
    failures = 0
    away_since: float | None = None
    back_at = float("-inf")

    def failure(state: RetryCallState) -> RepeatableError:
        return cast(RepeatableError, state.outcome and state.outcome.exception())

    def wait(state: RetryCallState) -> float:
        verdict = failure(state).verdict
        asked = 0.0 if verdict.faulty else verdict.wait
        if asked is None:
            return backoff(state)
        # The jitter keeps documents that were refused together from coming back together.
        return min(asked, policy.longest_wait) + (min(backoff(state), 1.0) if asked else 0.0)

    def stop(state: RetryCallState) -> bool:
        nonlocal failures, away_since, back_at
        now, error = clock.monotonic(), failure(state)
        if stopped():
            return True
        if error.outage:
            away_since, back_at = now if away_since is None else away_since, now
            return now - away_since + state.upcoming_sleep > policy.patience
        away_since = None
        failures += error.verdict.outcome == "transient"
        most = min(_FAULTY_ATTEMPTS, policy.attempts) if error.verdict.faulty else policy.attempts
        return failures >= most or now - max(started(), back_at) + state.upcoming_sleep > policy.deadline

    def before_sleep(state: RetryCallState) -> None:
        waiting(failure(state).verdict, state.upcoming_sleep)

    return AsyncRetrying(
        sleep=sleep,
        wait=wait,
        stop=stop,
        retry=retry_if_exception_type(RepeatableError),
        before_sleep=before_sleep,
        reraise=True,
    )


_FAULTY_ATTEMPTS: Final = 3
_AWAY: Final = frozenset([502, 503, 529])
"""Statuses of a server, or of the gateway before it, that answers nobody: bad gateway, unavailable, Anthropic's overloaded."""
_UNAVAILABLE: Final = frozenset([503, 529])
"""Statuses of a server that has not taken a call up, so that nobody bills it."""


@cache
def _outcomes() -> dict[str | int, Outcome]:
    """What each exception class (`openai.APIError`) and each status means, as `outcomes.toml` says."""
    table = tomllib.loads(Path(__file__).with_name("outcomes.toml").read_text(encoding="utf-8"))
    return {each: cast(Outcome, outcome) for outcome, row in table.items() for each in (*row["classes"], *row["statuses"])}


def named_outcome(kind: type[BaseException]) -> Outcome | None:
    """The row of an exception class itself, or None. Classes are known by package and name."""
    return _outcomes().get(f"{kind.__module__.partition('.')[0]}.{kind.__name__}")


def judge(error: Exception, endpoint: Endpoint, now: float) -> Verdict | None:
    """The verdict on a failed call; None for an exception that is neither openai's nor litellm's, which is a bug.

    `now` is in seconds since the epoch; a Retry-After that is a date counts from it.
    """
    if miss := cassette_miss(error):
        reason = str(getattr(miss, "reason", "no_match")).replace("_", " ")
        cause = f"no recorded reply for this request ({reason})"
        return Verdict("stops job", cause, "Record the cassettes again, or call the model.")
    if too_large := next((each for each in chain(error) if isinstance(each, TooLargeError)), None):
        cause = f"{endpoint.where} answered with {too_large}"
        return Verdict("fails document", cause, "Check that the server is a model's; it answers without end.")
    outcome = next((found for kind in type(error).__mro__ if (found := named_outcome(kind))), None)
    if outcome is None:
        return None
    status = _status(error)
    if status is not None:
        outcome = _outcomes().get(status, "transient" if status >= 500 else outcome)
    refusal = refusal_of(error)
    said = _said(error)
    where = endpoint.where
    at = f"{where} answered {status}" + (f": {said}" if said else "") if status else f"{where}: {said}"
    verdict = _of_cause(status, refusal, at, endpoint)
    if verdict is not None:
        return verdict
    if status == 403:
        return Verdict("stops job", at, f"Use a key that may call {endpoint.model}.", free=True)
    if status in {404, 405, 410} or (status is not None and 300 <= status < 400):
        fix = f"Check that {where} has the model {endpoint.served_as!r} and that the address is right."
        return Verdict("stops job", at, fix, free=True)
    if outcome == "stops job":
        return Verdict(outcome, at, f"Check the model name {endpoint.model!r} and its settings.", free=True)
    if outcome == "fails document":
        fix = "The provider does not take this request; try another model for this document."
        return Verdict(outcome, at, fix, free=status is not None, unclear=True)
    if outcome == "rate limited":
        fix = "Run the same command again later, or with fewer requests a minute."
        return Verdict(outcome, at, fix, wait=_wait(error, now), free=True)
    if status is None and _never_connected(error):
        fix = f"Check that a server runs at {where} and that this machine can reach it."
        return Verdict(outcome, f"no connection to {where}: {said}", fix, reached=False, away=True, free=True)
    if _is_a(error, "APITimeoutError"):
        return Verdict(
            outcome, f"{where} did not answer in time", "Run the same command again, or allow it more time.", slow=True
        )
    if status is None and _is_a(error, "APIConnectionError"):
        return Verdict(outcome, f"{where} broke the call off: {said}", "Run the same command again later.")
    if _is_a(error, "APIResponseValidationError"):
        if getattr(error, "body", None) is not None:
            return Verdict(outcome, f"{where} answered with {said}", "Run the same command again later.")
        api = "an OpenAI-compatible API; it usually ends in /v1" if endpoint.direct else f"{endpoint.provider}'s API"
        fix = f"Check that the address is that of {api}."
        return Verdict(outcome, f"{where} answered with {said}", fix, reached=False)
    return Verdict(
        outcome,
        at,
        "Run the same command again later.",
        wait=_wait(error, now),
        away=status in _AWAY,
        free=status in _UNAVAILABLE or (status is not None and status < 500 and status != 408),
    )


def _of_cause(status: int | None, refusal: Refusal, at: str, endpoint: Endpoint) -> Verdict | None:
    """The verdict on a refusal whose words or codes say more than its status, if they do."""
    if status is not None and status < 300:
        return None
    surely = refusal.means("surely no credit") and not (status == 429 and refusal.means("soon"))
    if status == 402 or surely or (refusal.means("no credit") and not refusal.means("rate")):
        fix = "Add credit or raise the quota at the provider, then run the same command again."
        return Verdict("stops job", at, fix, free=True)
    if status == 429:
        return None
    # Of the headers that are sent, the key's is the only one that a server can miss.
    of_a_key = (refusal.means("of a key") and not refusal.means("declines text")) or "header" in refusal.names
    if status in {401, 407} or (of_a_key and status in {400, 403, 422}) or refusal.means("wrong key"):
        return Verdict("stops job", at, f"Set {endpoint.key_variable} to a valid key, or run with --model rules.", free=True)
    if refusal.means("failed generation") and status in {400, 422, 500}:
        fix = "Run the same command again, or use a stronger model."
        return Verdict("transient", f"{endpoint.where} answered {status}: the model wrote what does not fit", fix, faulty=True)
    if refusal.means("too long") and status in {400, 413, 422, 500}:
        fix = "Use a model with a longer context, or a shorter prompt, for this document."
        return Verdict("fails document", at, fix, free=status < 500)
    if refusal.means("no model") and status in {400, 404, 410, 422}:
        fix = f"Check that {endpoint.where} has the model {endpoint.served_as!r} and that the address is right."
        return Verdict("stops job", at, fix, free=True)
    if refusal.means("declines text") and status in {400, 403, 422}:
        return Verdict("fails document", at, "Try another model for this document.", free=True)
    return None


def chain(error: BaseException) -> Iterator[BaseException]:
    """An exception and what caused it, outermost first, also where a library did not say so."""
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        yield at
        seen.add(id(at))
        at = at.__cause__ or at.__context__


def cassette_miss(error: BaseException) -> BaseException | None:
    """vcr's exception for a request that is not recorded, however deep a client has wrapped it; it looks like an outage."""
    name = "CannotOverwriteExistingCassetteException"
    return next((each for each in chain(error) if any(kind.__name__ == name for kind in type(each).__mro__)), None)


def asked_wait(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that a server asks to wait, by `retry-after-ms` or `Retry-After` (a number or an HTTP date), or None."""
    try:
        return max(0.0, float(headers["retry-after-ms"]) / 1000)
    except (KeyError, ValueError):
        pass
    value = headers.get("retry-after", "").strip()
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - now
        except (ValueError, TypeError):
            return None
    return max(0.0, seconds) if seconds < float("inf") else None


def _wait(error: Exception, now: float) -> float | None:
    # litellm empties the response's headers and keeps them aside.
    response = getattr(error, "response", None)
    for headers in (getattr(error, "litellm_response_headers", None), getattr(response, "headers", None)):
        lowered = {str(name).lower().removeprefix("llm_provider-"): str(value) for name, value in dict(headers or {}).items()}
        if (wait := asked_wait(lowered, now)) is not None:
            return wait
    return None


def _status(error: Exception) -> int | None:
    status: Any = getattr(error, "status_code", None)
    # litellm gives its connection errors and timeouts a status that no server sent.
    if _is_a(error, "APIConnectionError") or _is_a(error, "APIResponseValidationError"):
        return None
    return status if isinstance(status, int) else None


def _is_a(error: Exception, name: str) -> bool:
    return any(kind.__name__ == name and kind.__module__.startswith("openai") for kind in type(error).__mro__)


def _never_connected(error: BaseException) -> bool:
    """Whether no connection came about; aiohttp's exceptions say so, and httpx's where litellm is in between."""
    names = {"ClientConnectorError", "ConnectionTimeoutError", "ConnectError", "ConnectTimeout"}
    return any(kind.__name__ in names for each in chain(error) for kind in type(each).__mro__)


def _said(error: Exception) -> str:
    """The provider's own message on one line. litellm's is never shown: it can quote the reply."""
    text = str(getattr(error, "message", "") or error)
    if type(error).__module__.startswith("litellm"):
        text = type(error).__name__
    return " ".join(text.split()).rstrip(".")
