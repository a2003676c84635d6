"""The verdict on every failure, and the waits between repeats."""

import inspect
from collections.abc import Iterable, Iterator
from email.utils import formatdate
from types import ModuleType

import httpx
import pytest
from aiohttp import ConnectionTimeoutError, SocketTimeoutError
from openai import APITimeoutError

from extractor.llm.endpoints import resolve
from extractor.llm.refusals import refusal_of
from extractor.llm.retries import (
    RepeatableError,
    RetryPolicy,
    Verdict,
    asked_wait,
    cassette_miss,
    judge,
    named_outcome,
    repeated,
)
from extractor.llm.transports import import_litellm, raise_unreached
from tests.llm.support import FakeClock, run

ENDPOINT = resolve("openai/m", "http://127.0.0.1:1/v1", environ={})
REQUEST = httpx.Request("POST", "http://127.0.0.1:1/v1/chat/completions")


def shown_by(*modules: ModuleType) -> set[type[BaseException]]:
    """Every exception class in the modules' namespaces that their own package defines, private ones left out."""
    package = modules[0].__name__.partition(".")[0]
    shown = {each for module in modules for name, each in inspect.getmembers(module, inspect.isclass) if name[0] != "_"}
    return {each for each in shown if issubclass(each, BaseException) and each.__module__.partition(".")[0] == package}


def below(kinds: Iterable[type[BaseException]]) -> Iterator[type[BaseException]]:
    """All subclasses that are loaded."""
    for kind in kinds:
        yield from kind.__subclasses__()
        yield from below(kind.__subclasses__())


def covered(kind: type[BaseException]) -> bool:
    """Whether a class or a base of it has a row."""
    return any(named_outcome(each) for each in kind.__mro__)


AS_THEIR_BASE = frozenset(
    [
        "APITimeoutError",
        "ContentPolicyViolationError",
        "ContextWindowExceededError",
        "ImageFetchError",
        "InvalidRequestError",
        "MidStreamFallbackError",
        "RejectedRequestError",
        "Timeout",
        "VectorStoreSearchError",
    ]
)
"""The classes without a row of their own: what their base means, they mean. One that a release adds is to be looked at."""


def rowless(kinds: Iterable[type[BaseException]]) -> set[str]:
    """The names of classes that have no row, nor a base of the same name with one, as litellm's have of openai's."""
    return {kind.__name__ for kind in kinds if not any(named_outcome(b) for b in kind.__mro__ if b.__name__ == kind.__name__)}


def test_every_exception_of_openai_has_a_row() -> None:
    import openai
    from openai import _exceptions

    shown = shown_by(openai, _exceptions)
    assert len(shown) > 15
    assert rowless(shown) <= AS_THEIR_BASE
    assert [kind.__name__ for kind in below(shown) if not covered(kind)] == []


def test_every_exception_of_litellm_has_a_row() -> None:
    litellm = import_litellm()
    shown = shown_by(litellm, litellm.exceptions)
    assert len(shown) > 25
    assert rowless(shown) <= AS_THEIR_BASE
    assert [kind.__name__ for kind in below(shown) if not covered(kind)] == []


def test_rows_agree_with_their_base_class_unless_they_say_more() -> None:
    """A subclass that is filed apart from its base is one of these, on purpose."""
    litellm = import_litellm()
    apart = {
        each.__name__
        for each in shown_by(litellm.exceptions)
        if (own := named_outcome(each))
        and (base := next((named_outcome(kind) for kind in each.__mro__[1:] if named_outcome(kind)), None))
        and base is not own
    }
    assert apart == {
        "BadGatewayError",
        "JSONSchemaValidationError",
        "LiteLLMUnknownProvider",
        "MockException",
        "ServiceUnavailableError",
        "UnsupportedParamsError",
    }


def status_error(status: int, message: str = "no", headers: dict[str, str] | None = None, **body: str) -> Exception:
    """openai's exception for a status."""
    import openai

    kinds = {
        400: openai.BadRequestError,
        401: openai.AuthenticationError,
        404: openai.NotFoundError,
        429: openai.RateLimitError,
    }
    response = httpx.Response(status, headers=headers, request=REQUEST)
    return kinds.get(status, openai.APIStatusError)(message, response=response, body=body)


STATUSES = {
    400: "fails document",
    401: "stops job",
    402: "stops job",
    403: "stops job",
    404: "stops job",
    405: "stops job",
    408: "transient",
    409: "transient",
    413: "fails document",
    422: "fails document",
    425: "transient",
    429: "rate limited",
    500: "transient",
    502: "transient",
    503: "transient",
    504: "transient",
    529: "transient",
}


@pytest.mark.parametrize("status", STATUSES)
def test_the_verdict_on_a_status(status: int) -> None:
    verdict = judge(status_error(status), ENDPOINT, 0.0)
    assert verdict
    assert verdict.outcome == STATUSES[status]
    assert verdict.repeats is (STATUSES[status] in {"transient", "rate limited"})
    assert f"answered {status}: no" in verdict.cause
    assert verdict.fix.endswith(".")


def test_an_exception_of_nobody_is_a_bug() -> None:
    assert judge(KeyError("x"), ENDPOINT, 0.0) is None


def test_a_connection_that_takes_too_long_is_none_and_an_answer_that_does_is_an_overload() -> None:
    def verdict(error: Exception) -> Verdict:
        with pytest.raises(APITimeoutError) as caught:
            raise_unreached("http://127.0.0.1:1/v1", error, timeout=True)
        found = judge(caught.value, ENDPOINT, 0.0)
        assert found is not None
        return found

    unconnected, unanswered = verdict(ConnectionTimeoutError()), verdict(SocketTimeoutError())
    assert (unconnected.reached, unconnected.away, unconnected.slow) == (False, True, False)
    assert unconnected.cause.startswith("no connection to http://127.0.0.1:1/v1: ")
    assert (unanswered.reached, unanswered.away, unanswered.slow) == (True, False, True)


def test_a_cassette_miss_is_fatal_however_deep_it_lies() -> None:
    import openai

    class CannotOverwriteExistingCassetteException(Exception):  # noqa: N818 - vcr's own name
        reason = "no_match"

    missing = CannotOverwriteExistingCassetteException()
    try:
        try:
            raise missing
        except CannotOverwriteExistingCassetteException:
            raise openai.APIConnectionError(request=REQUEST)  # noqa: B904 - as the openai client does, without a cause
    except openai.APIConnectionError as error:
        wrapped = error
    assert cassette_miss(wrapped) is missing
    verdict = judge(wrapped, ENDPOINT, 0.0)
    assert verdict
    assert verdict.outcome == "stops job"
    assert verdict.cause == "no recorded reply for this request (no match)"
    assert cassette_miss(openai.APIConnectionError(request=REQUEST)) is None


NOW = 1_700_000_000.0
WAITS = {
    "seconds": ({"retry-after": "7"}, 7.0),
    "fraction": ({"retry-after": "0.5"}, 0.5),
    "date": ({"retry-after": formatdate(NOW + 90, usegmt=True)}, 90.0),
    "date gone by": ({"retry-after": formatdate(NOW - 90, usegmt=True)}, 0.0),
    "milliseconds win": ({"retry-after": "7", "retry-after-ms": "250"}, 0.25),
    "negative": ({"retry-after": "-3"}, 0.0),
    "nonsense": ({"retry-after": "soon"}, None),
    "infinite": ({"retry-after": "inf"}, None),
    "not a number": ({"retry-after": "nan"}, None),
    "nothing": ({}, None),
}


@pytest.mark.parametrize("case", WAITS)
def test_what_a_server_asks_to_wait(case: str) -> None:
    headers, wait = WAITS[case]
    assert asked_wait(headers, NOW) == wait
    verdict = judge(status_error(429, headers=headers), ENDPOINT, NOW)
    assert verdict
    assert verdict.wait == wait


def test_what_litellm_refuses_by_itself_is_read_from_its_words() -> None:
    litellm = import_litellm()
    for name in ("response_format", "temperature"):
        message = f"x does not support parameters: ['{name}'], for model=m. To drop these, set `litellm.drop_params=True`."
        error = litellm.UnsupportedParamsError(message=message, llm_provider="x", model="m")
        assert refusal_of(error).names_parameter(name)
        assert refusal_of(error).means("lacks structure") is (name == "response_format")


def verdicts(*outcomes: Verdict | RepeatableError, policy: RetryPolicy | None = None) -> tuple[FakeClock, int]:
    """Run the loop over failures with those verdicts, the last one for ever; the clock and the attempts."""
    failures = [outcome if isinstance(outcome, RepeatableError) else RepeatableError(outcome) for outcome in outcomes]
    clock = FakeClock()

    attempts = 0

    async def attempt() -> None:
        nonlocal attempts
        attempts += 1
        raise failures[min(attempts, len(failures)) - 1]

    with pytest.raises(RepeatableError) as raised:
        run(repeated(attempt, policy or RetryPolicy(), clock, lambda: 0.0))
    assert raised.value is failures[min(attempts, len(failures)) - 1]
    return clock, attempts


TRANSIENT = Verdict("transient", "busy", "Wait.")
LIMITED = Verdict("rate limited", "limited", "Wait.")
OUTAGE = RepeatableError(Verdict("transient", "away", "Wait.", away=True), outage=True)


def test_a_transient_failure_is_tried_six_times_with_growing_random_waits() -> None:
    clock, attempts = verdicts(TRANSIENT)
    assert attempts == 6
    assert len(clock.slept) == 5
    for number, slept in enumerate(clock.slept):
        assert 0 <= slept <= 0.5 * 2**number
    assert clock.slept != verdicts(TRANSIENT)[0].slept  # the jitter


def test_rate_limits_do_not_use_up_the_attempts() -> None:
    clock, attempts = verdicts(*[LIMITED] * 20, TRANSIENT)
    assert attempts == 26
    assert max(clock.slept) <= 30


def test_a_wait_is_capped_and_the_deadline_kept() -> None:
    clock, attempts = verdicts(Verdict("rate limited", "limited", "Wait.", wait=3600.0))
    assert all(120 <= slept <= 121 for slept in clock.slept)
    assert attempts == 5
    assert clock.now <= 600
    clock, attempts = verdicts(Verdict("rate limited", "limited", "Wait.", wait=50.0), policy=RetryPolicy(deadline=40))
    assert (attempts, clock.slept) == (1, [])


def test_an_outage_counts_neither_as_attempts_nor_towards_the_deadline_until_patience_ends() -> None:
    clock, attempts = verdicts(*[OUTAGE] * 100, TRANSIENT)
    assert attempts == 106
    assert clock.now > 600
    clock, attempts = verdicts(OUTAGE)
    assert 3570 < clock.now <= 3600
    assert max(clock.slept) <= 30
    clock, attempts = verdicts(*[OUTAGE] * 100, LIMITED)
    assert 569 < sum(clock.slept[99:]) <= 600  # the deadline begins anew when the server is back
    twice: list[Verdict | RepeatableError] = [*[OUTAGE] * 100, TRANSIENT] * 2
    clock, attempts = verdicts(*twice, OUTAGE, policy=RetryPolicy(patience=2500))
    assert clock.now > 4000  # and so does patience
