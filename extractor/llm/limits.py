"""How many calls are under way, and how many may start: limits that are given, that the server tells, and that it shows.

aiolimiter was considered and left: its rate is fixed at construction, an amount that was taken cannot be corrected when the
reply tells the true tokens, an amount above its capacity is an error, and its clock is the event loop's own, so that a test
would have to sleep. A bucket that does these things is the thirty lines of `_Bucket`.
"""

import asyncio
import re
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

Of = Literal["requests", "tokens"]
"""What a rate is of."""


class Clock:
    """The system's clocks and its sleep, so that tests can pass time by."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary start, never going back."""
        return time.monotonic()

    def time(self) -> float:
        """Seconds since the Unix epoch."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Let other tasks run for so many seconds."""
        await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a job may ask of a server: calls under way at most, and requests and tokens a minute where they are known."""

    concurrency: int = 32
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None


class Allowance(Protocol):
    """How many calls and tokens a minute one server is asked for, and until when it wants none.

    One process has it for itself (`Rates`), or several share one.
    """

    async def take(self, tokens: int) -> float:
        """Take a call of about so many tokens, and return the seconds to wait before it may start."""
        ...

    def used(self, expected: int, tokens: int) -> None:
        """The call that was let in for `expected` tokens took `tokens`."""
        ...

    def told(self, of: Of, limit: float, remaining: float, reset: float | None) -> None:
        """The server says how much it allows, how much of it is left, and in how many seconds all of it is again."""
        ...

    def close(self, seconds: float) -> None:
        """The server wants no call for so long."""
        ...

    @property
    def closed(self) -> float:
        """Seconds for which the server still wants no call, as far as is known."""
        ...


class Limiter:
    """Lets calls start within the limits; knows a server's state from its headers, its refusals and its successes.

    The concurrency is halved when a server says 429, runs out of time or has an outage, once for all calls that were under way
    by then, and grows by one for each round of calls that succeed, up to the limit that was given (AIMD, as TCP does).
    """

    def __init__(self, limits: Limits, clock: Clock, allowance: Allowance | None = None) -> None:
        self._most = float(max(1, limits.concurrency))
        self.concurrency = self._most
        self._clock = clock
        self._active = 0
        self._queue: deque[asyncio.Future[None]] = deque()
        self._cut_at = float("-inf")
        self._allowance = allowance or Rates(limits, clock)
        self.succeeded_at = float("-inf")
        """When a call last came back well, by the monotonic clock."""
        self.away = False
        """Whether the server was found to answer nobody, and has not answered since."""
        self.stopped = False
        """Whether the job was asked to stop: nobody waits any more."""
        self._sleepers: set[asyncio.Future[None]] = set()
        self.said: set[str] = set()
        """What the user was told of the server's ways, by whichever client of it."""
        self.told_until: dict[str, float] = {}
        """Until when the user knows that it is waited for, by the monotonic clock, and by the words that said so."""
        self.refused = 0
        """How many calls were refused in words that may mean every document alike."""
        self.unanswered: set[object] = set()
        """Who has met a server that was not up to answering, since it last did."""

    @asynccontextmanager
    async def slot(self, tokens: int) -> AsyncIterator[float]:
        """Wait until a call of about so many tokens may start, and count it until it ends; yields the time it started."""
        await self._enter()
        try:
            await self._wait_for_rate(tokens)
            yield self._clock.monotonic()
        finally:
            self._leave()

    def stop(self) -> None:
        """End all waits, now and from here on."""
        self.stopped = True
        for sleeper in self._sleepers:
            sleeper.cancel()
        self._wake(len(self._queue))

    async def sleep(self, seconds: float) -> None:
        """Let time pass, unless the job is asked to stop."""
        if self.stopped:
            return
        sleeper = asyncio.ensure_future(self._clock.sleep(seconds))
        self._sleepers.add(sleeper)
        try:
            await asyncio.wait({sleeper})
            if not sleeper.cancelled():
                sleeper.result()
        finally:
            self._sleepers.discard(sleeper)
            sleeper.cancel()

    def succeeded(self) -> None:
        """A call came back well."""
        self.succeeded_at, self.away = self._clock.monotonic(), False
        self.unanswered.clear()
        if self.concurrency < self._most:
            self.concurrency = min(self._most, self.concurrency + 1 / self.concurrency)
            self._wake()

    @property
    def never_succeeded(self) -> bool:
        """Whether no call came back well yet."""
        return self.succeeded_at == float("-inf")

    def slowed(self, started: float, wait: float | None = None) -> None:
        """A call that began at `started` was refused or ran out of time; `wait` is what the server asked for, in seconds."""
        now = self._clock.monotonic()
        if wait is not None:
            self._allowance.close(wait)
        if started > self._cut_at:
            self.concurrency = max(1.0, self.concurrency / 2)
            self._cut_at = now

    def used(self, expected: int, tokens: int) -> None:
        """The call that was let in for `expected` tokens took `tokens`."""
        self._allowance.used(expected, tokens)

    def told(self, headers: Mapping[str, str]) -> None:
        """Learn from `x-ratelimit-*` headers (lower-case names), where there are any."""
        of: Of
        for of in ("requests", "tokens"):
            limit = _number(headers.get(f"x-ratelimit-limit-{of}"))
            remaining = _number(headers.get(f"x-ratelimit-remaining-{of}"))
            if limit is not None and remaining is not None and limit > 0:
                reset = seconds(headers.get(f"x-ratelimit-reset-{of}"), self._clock.time())
                self._allowance.told(of, limit, remaining, reset)

    async def _enter(self) -> None:
        if not self._queue and self._active < int(self.concurrency):
            self._active += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self._leave()  # it had just been this call's turn
            raise  # `_wake` passes over what was cancelled in the queue

    def _leave(self) -> None:
        self._active -= 1
        self._wake()

    def _wake(self, beyond: int = 0) -> None:
        """Let in who waits, as far as there is room, and so many more."""
        while self._queue and self._active < int(self.concurrency) + beyond:
            turn = self._queue.popleft()
            if not turn.done():
                self._active += 1
                turn.set_result(None)

    async def _wait_for_rate(self, tokens: int) -> None:
        wait = await self._allowance.take(tokens)
        while wait > 0 and not self.stopped:
            await self.sleep(wait)
            wait = self._allowance.closed  # it may have been closed meanwhile


class Rates:
    """The rates of one server: those that were given, and those that it tells of itself.

    `burst` seconds' worth may start at once: providers meter in shorter windows than the minute that they name.
    """

    def __init__(self, limits: Limits, clock: Clock, burst: float = 1.0) -> None:
        self._clock = clock
        self._closed_until = float("-inf")
        now = clock.monotonic()
        given: dict[Of, float | None] = {"requests": limits.requests_per_minute, "tokens": limits.tokens_per_minute}
        self._given = {of: _Bucket(rate / 60, max(1.0, burst * rate / 60), now) for of, rate in given.items() if rate}
        self._told: dict[Of, _Bucket] = {}

    async def take(self, tokens: int) -> float:
        """As `Allowance` has it."""
        return self.take_now(tokens)

    def take_now(self, tokens: int) -> float:
        """The same at once."""
        amounts: dict[Of, int] = {"requests": 1, "tokens": tokens}
        now = self._clock.monotonic()
        waits = [bucket.take(amounts[of], now) for buckets in (self._given, self._told) for of, bucket in buckets.items()]
        return max((0.0, self.closed, *waits))

    def used(self, expected: int, tokens: int) -> None:
        """As `Allowance` has it."""
        for buckets in (self._given, self._told):
            if "tokens" in buckets:
                buckets["tokens"].level += expected - tokens

    def told(self, of: Of, limit: float, remaining: float, reset: float | None) -> None:
        """As `Allowance` has it."""
        now = self._clock.monotonic()
        bucket = self._told.setdefault(of, _Bucket(limit / 60, limit, now))
        bucket.take(0, now)
        bucket.capacity = limit
        bucket.level = min(bucket.level, remaining)
        # "requests" may be a day's: the time to a full allowance tells the rate, whatever the period.
        if reset and remaining < limit:
            bucket.rate = (limit - remaining) / reset

    def close(self, seconds: float) -> None:
        """As `Allowance` has it."""
        self._closed_until = max(self._closed_until, self._clock.monotonic() + seconds)

    @property
    def closed(self) -> float:
        """As `Allowance` has it."""
        return max(0.0, self._closed_until - self._clock.monotonic())

    @property
    def owed(self) -> float:
        """Seconds until nothing is taken in advance any more and the server is open."""
        now = self._clock.monotonic()
        return max(
            (self.closed, *(bucket.take(0, now) for buckets in (self._given, self._told) for bucket in buckets.values()))
        )

    def owe(self, seconds: float) -> None:
        """Let nothing start for so long: what was taken in advance of rates that are not known any more."""
        now = self._clock.monotonic()
        for bucket in self._given.values():
            bucket.level, bucket.updated = -seconds * bucket.rate, now


class _Bucket:
    """An allowance that refills steadily. What is taken may exceed it: the debt is waited off, in the order of asking."""

    __slots__ = ("capacity", "level", "rate", "updated")

    def __init__(self, rate: float, capacity: float, now: float) -> None:
        self.rate, self.capacity, self.level, self.updated = rate, capacity, capacity, now

    def take(self, amount: float, now: float) -> float:
        """Take an amount and return the seconds to wait before using it."""
        self.level = min(self.capacity, self.level + (now - self.updated) * self.rate) - amount
        self.updated = now
        return max(0.0, -self.level / self.rate)


def seconds(text: str | None, now: float) -> float | None:
    """A duration as rate-limit headers write it: `1.5`, `20ms`, `6m0s`, `1h2m3s`, or an ISO time, which counts from `now`."""
    if not text:
        return None
    if (plain := _number(text)) is not None:
        return plain
    amounts = re.findall(r"(\d+(?:\.\d*)?)(ms|h|m|s|d)", text)
    if amounts and "".join(value + unit for value, unit in amounts) == text:
        return sum(float(value) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}[unit] for value, unit in amounts)
    try:
        return max(0.0, datetime.fromisoformat(text).timestamp() - now)
    except ValueError:
        return None


def _number(text: str | None) -> float | None:
    return float(text) if text and re.fullmatch(r"\d+(\.\d*)?", text.strip()) else None
