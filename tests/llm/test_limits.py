"""Concurrency that falls and rises, and rates that are kept."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from extractor.llm.limits import Limiter, Limits, seconds
from tests.llm.support import FakeClock, run


async def starts(limiter: Limiter, clock: FakeClock, calls: int, tokens: int = 0) -> list[float]:
    """When each of so many calls, wanted at once, may start."""
    at = []
    for _ in range(calls):
        async with limiter.slot(tokens) as started:
            at.append(started)
    assert at[-1] == clock.now
    return at


def test_requests_a_minute_are_kept_from_the_first_minute_on() -> None:
    clock = FakeClock()
    at = run(starts(Limiter(Limits(requests_per_minute=60), clock), clock, 121))
    assert at[-1] == pytest.approx(120.0)
    for start in range(60):
        assert sum(start <= each < start + 60 for each in at) <= 61


def test_tokens_a_minute_are_kept_and_corrected_by_what_was_used() -> None:
    clock = FakeClock()

    async def scene() -> None:
        limiter = Limiter(Limits(tokens_per_minute=6000), clock)
        assert await starts(limiter, clock, 3, tokens=1000) == pytest.approx([9.0, 19.0, 29.0])
        for _ in range(3):
            limiter.used(1000, 500)
        assert await starts(limiter, clock, 1, tokens=1000) == pytest.approx([38.0])
        limiter.used(1000, 4000)
        assert await starts(limiter, clock, 1, tokens=0) == pytest.approx([68.0])

    run(scene())


def test_no_limit_is_no_wait() -> None:
    clock = FakeClock()
    assert run(starts(Limiter(Limits(), clock), clock, 1000, tokens=100_000)) == [0.0] * 1000
    assert clock.slept == []


def told(limit: int, remaining: int, reset: str, of: str = "requests") -> dict[str, str]:
    """Headers as OpenAI sends them."""
    return {
        f"x-ratelimit-limit-{of}": str(limit),
        f"x-ratelimit-remaining-{of}": str(remaining),
        f"x-ratelimit-reset-{of}": reset,
    }


def test_a_servers_own_account_is_believed() -> None:
    clock = FakeClock()

    async def scene() -> None:
        limiter = Limiter(Limits(), clock)
        limiter.told(told(60, 2, "58s"))  # one comes back each second
        assert await starts(limiter, clock, 5) == pytest.approx([0, 0, 1, 2, 3])

    run(scene())


def test_a_days_allowance_is_not_taken_for_a_minutes() -> None:
    clock = FakeClock()

    async def scene() -> None:
        limiter = Limiter(Limits(), clock)
        limiter.told(told(200, 0, "24h0m0s"))
        assert await starts(limiter, clock, 1) == pytest.approx([432.0])

    run(scene())


def test_plenty_left_is_no_wait_and_odd_headers_are_no_matter() -> None:
    clock = FakeClock()

    async def scene() -> None:
        limiter = Limiter(Limits(), clock)
        for headers in (
            {},
            told(5, 5, "0s"),
            {"x-ratelimit-limit-requests": "many"},
            told(0, 0, ""),
            told(10_000, 9_999, "6ms"),
        ):
            limiter.told(headers)
        limiter.told(told(30_000, 29_000, "2s", of="tokens"))
        assert await starts(limiter, clock, 3, tokens=1000) == [0, 0, 0]

    run(scene())


def test_concurrency_is_halved_once_for_calls_under_way_together_and_grows_again() -> None:
    clock = FakeClock()
    limiter = Limiter(Limits(concurrency=16), clock)
    clock.now = 10.0
    for started in (1.0, 2.0, 3.0):
        limiter.slowed(started)
    assert limiter.concurrency == 8
    limiter.slowed(9.0)  # was under way at the cut
    assert limiter.concurrency == 8
    clock.now = 20.0
    limiter.slowed(11.0)
    assert limiter.concurrency == 4
    for _ in range(5):
        limiter.succeeded()
    assert 5 <= limiter.concurrency < 6  # one more for a round of successes
    for _ in range(1000):
        limiter.succeeded()
    assert limiter.concurrency == 16
    for now in range(100, 200):
        clock.now = now
        limiter.slowed(now - 0.5)
    assert limiter.concurrency == 1


def test_a_server_that_asks_for_rest_is_left_alone_by_all() -> None:
    clock = FakeClock()

    async def scene() -> None:
        limiter = Limiter(Limits(concurrency=4), clock)
        limiter.slowed(0.0, wait=20.0)
        assert await starts(limiter, clock, 2) == [20.0, 20.0]

    run(scene())


async def crowd(limiter: Limiter, calls: int, act: Callable[[], Awaitable[None]]) -> int:
    """The most calls that were under way at once."""
    active = most = 0

    async def call() -> None:
        nonlocal active, most
        async with limiter.slot(0):
            active += 1
            most = max(most, active)
            await act()
            active -= 1

    await asyncio.gather(*(call() for _ in range(calls)))
    return most


def test_no_more_calls_are_under_way_than_may_be() -> None:
    async def scene() -> None:
        limiter = Limiter(Limits(concurrency=5), FakeClock())

        async def act() -> None:
            await asyncio.sleep(0)

        assert await crowd(limiter, 50, act) == 5
        limiter.slowed(1.0)
        assert await crowd(limiter, 50, act) == 2

    run(scene())


def test_a_place_given_to_a_cancelled_call_is_given_on() -> None:
    async def scene() -> None:
        limiter = Limiter(Limits(concurrency=1), FakeClock())
        started = asyncio.Event()

        async def wait() -> None:
            async with limiter.slot(0):
                started.set()

        async with limiter.slot(0):
            waiting = [asyncio.create_task(wait()) for _ in range(3)]
            await asyncio.sleep(0)
            waiting[0].cancel()  # while it stands in the queue
        waiting[1].cancel()  # when its place was just given
        done = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(each) for each in done] == [asyncio.CancelledError, asyncio.CancelledError, type(None)]
        assert started.is_set()

    run(scene())


DURATIONS = {
    "20ms": 0.02,
    "1s": 1.0,
    "1.5s": 1.5,
    "6m0s": 360.0,
    "2m59.56s": 179.56,
    "1h0m1s": 3601.0,
    "24h0m0s": 86400.0,
    "12": 12.0,
    "": None,
    "soon": None,
    "5 s": None,
}


@pytest.mark.parametrize("text", DURATIONS)
def test_durations_as_headers_write_them(text: str) -> None:
    expected = DURATIONS[text]
    assert seconds(text, 0.0) == (None if expected is None else pytest.approx(expected))


def test_a_reset_can_be_a_time() -> None:
    now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC).timestamp()
    assert seconds("2026-11-22T12:00:30Z", now) == 30.0
    assert seconds("2026-11-22T11:00:30Z", now) == 0.0
    assert seconds(None, now) is None
