"""Asks a model: messages in, a validated value out, and what it cost.

One `ModelClient` serves one job. It finds a reply in the cache or asks for it: within the limits, within the budget, again
when a failure is transient, and once more (twice at most) when the reply breaks the schema or the caller's checks.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Generic, NoReturn, Self, TypeVar

from pydantic import BaseModel, SecretStr

from extractor.errors import BudgetError, CallError, JobError, Spent, StoppedError
from extractor.llm import keys
from extractor.llm.answers import Answers, KnownAnswer
from extractor.llm.cache import Kept, ReplyCache, Shape
from extractor.llm.completions import Completion, read, read_text
from extractor.llm.endpoints import Endpoint, resolve
from extractor.llm.limits import Clock, Limiter, Limits
from extractor.llm.parameters import LENGTHS, Parameters
from extractor.llm.pricing import Budget, Ledger, Price, estimated_tokens, longest_output, price_of
from extractor.llm.redaction import Redaction
from extractor.llm.refusals import refusal_of
from extractor.llm.retries import RepeatableError, RetryPolicy, Verdict, cassette_miss, judge, repeated
from extractor.llm.structured import Message, Mode, Template, tell_back
from extractor.llm.transports import Direct, ThroughLiteLLM, Timeouts, Transport

T = TypeVar("T", bound=BaseModel)
REASKS = 2
# Until a reply has shown how long replies are; the labels of an abstract with twenty mentions are about as long.
_EXPECTED_OUTPUT_TOKENS = 1024
_LONGEST_OUTPUT_TOKENS = 32_768
"""What a model is taken to write at most where neither a setting nor litellm's table says."""
_LONG_WAIT = 10.0
"""Seconds from which on a wait is told."""
_ALL_REFUSED = 100
"""Calls that are refused, and none answered, before the job stops."""
_TOLD_APART = 60.0
"""Seconds between the ends of two waits that are both told."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a job calls its model. A parameter that is None is not sent; `extra` goes into every request as it is."""

    temperature: float | None = 0.0
    seed: int | None = None
    max_output_tokens: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    timeouts: Timeouts = field(default_factory=Timeouts)
    retries: RetryPolicy = field(default_factory=RetryPolicy)
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Reply(Generic[T]):
    """A value of the reply model. `faults` are what the caller's checks still found after the last re-ask.

    From the cache, `cached` is true and nothing was spent.
    """

    value: T
    faults: tuple[str, ...]
    cached: bool
    spent: Spent


class ModelClient(Generic[T]):
    """Asks one model for values of one reply model. An async context manager; `ask` may run many times at once.

    `key` is for callers that hold one (a replay of recordings needs none that works); else it is looked up by the endpoint's
    variable in the environment and the key file when a call is first made. `price` takes the place of the published one.
    `limiter` is for clients that ask the same server and share its limits; else each has one of its own by the settings.
    `answers` were had elsewhere, in a batch; they come before the cache and the model. `notice` gets what a user should know,
    one line each.
    """

    def __init__(
        self,
        model: str,
        reply: type[T],
        *,
        base_url: str | None = None,
        settings: Settings | None = None,
        key: SecretStr | None = None,
        cache: ReplyCache | None = None,
        price: Price | None = None,
        budget: Budget | None = None,
        limiter: Limiter | None = None,
        answers: Answers | None = None,
        notice: Callable[[str], None] = lambda _line: None,
        clock: Clock | None = None,
    ) -> None:
        self.endpoint: Endpoint = resolve(model, base_url)
        self.price = price or price_of(self.endpoint)
        self._reply = reply
        self._settings = settings or Settings()
        self._key = key
        self._cache = cache
        self._budget = budget or Budget()
        self._notice = notice
        self._clock = clock or Clock()
        self.limiter = limiter or Limiter(self._settings.limits, self._clock)
        self._transport: Transport | None = None
        self._redaction = Redaction.of(key)
        self._parameters = Parameters(model, self._given_parameters(), self._say_once)
        self._built: Template | None = None
        self._schema = reply.model_json_schema()
        self._asked_with = dict(self._parameters.given)
        self._shape = self._shape_with(self._schema)
        # What calls are expected to take; replies correct both.
        self._schema_tokens = len(json.dumps(self._schema)) // 4
        self._input_ratio = 1.0
        self._longest_output = 0
        self._most_output = longest_output(self.endpoint) or _LONGEST_OUTPUT_TOKENS
        self._reached = False
        self._answers = answers

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._transport is not None:
            await self._transport.close()
            self._transport = None
        if self._cache is not None:
            await self._cache.close()

    async def ask(
        self,
        messages: Sequence[Message],
        *,
        check: Callable[[T], Sequence[str]] = lambda _value: (),
        schema: Mapping[str, Any] | None = None,
    ) -> Reply[T]:
        """Ask for one value.

        `check` returns what is wrong with a value, in words for the model. `schema` takes the place of the reply model's in
        this request, for engines that constrain decoding. Raises `CallError` when there is no usable answer, and `JobError`
        when later documents cannot get one either.
        """
        key = b"" if self._cache is None else self._key_of(messages, schema)
        known = None if self._answers is None else self._answers.find(self.question(messages, schema))
        if known is None and (reply := self._from_cache(key, check)):
            return reply
        ledger = Ledger(self._clock.monotonic(), self._spent_on(known, messages))
        reasks = REASKS if known is None or known.reask else 0
        conversation = list(messages)
        last: Completion | None = None
        best: tuple[T, Sequence[str]] | None = None
        faults: Sequence[str] = ()
        told: list[str] = []
        settled = True
        for _ in range(1 + reasks):
            ledger.attempts += 1
            if known is not None and ledger.attempts == 1:
                completion, mode = known.completion, known.mode
            else:
                try:
                    completion, mode = await self._complete(conversation, schema, ledger)
                except CallError as error:
                    # What is usable is kept when its mending fails; what stops the job stops it all the same.
                    if best is None or (isinstance(error, JobError) and not isinstance(error, BudgetError | StoppedError)):
                        raise
                    settled = False
                    break
            if completion.refused:
                if best is not None:
                    break
                raise CallError(
                    f"{self.endpoint.model} declined to answer (refusal or content filter)",
                    "Try another model for this document.",
                    ledger.spent(self.price),
                )
            last, value = completion, read(completion, self._reply)
            if isinstance(value, list):
                faults = value
            else:
                faults = check(value)
                best = (value, faults)
                ledger.has_reply = True
                if not faults or list(faults) == told:  # told once without effect, they are not told again
                    break
            told = list(faults)
            if ledger.attempts <= reasks:
                conversation = tell_back(mode, conversation, completion, faults)
        if best is None:
            assert last is not None  # noqa: S101 (the first answer raises or is read)
            raise self._unusable(last, ledger, told_all=reasks == REASKS)
        value, faults = best
        if self._cache is not None:
            self._cache.put(
                key, self.endpoint.model, Kept(value.model_dump_json(), settled=bool(faults and reasks and settled))
            )
        repeated = known is not None and known.counted and not ledger.calls
        return Reply(value, tuple(faults), repeated, ledger.spent(self.price))

    def _unusable(self, last: Completion, ledger: Ledger, *, told_all: bool) -> CallError:
        """That no reply was usable. What was wrong in detail names parts of the reply, which no exception holds."""
        what, fix = "did not fit the schema", "Use a stronger model, or one whose server enforces schemas."
        if last.truncated:
            what = "was cut off at its longest" + (", with thoughts before the answer," if last.thought else "")
            fix = "Allow longer replies with --max-output-tokens" + (", or have it reason less." if last.thought else ".")
        if not told_all:
            what += " and could not be told so"
            fix = "Run the same command with --retry-online to have it asked again."
        times = f"{ledger.attempts} attempt{'s' * (ledger.attempts > 1)}"
        return CallError(f"the reply of {self.endpoint.model} {what} in {times}", fix, ledger.spent(self.price))

    def question(self, messages: Sequence[Message], schema: Mapping[str, Any] | None = None) -> str:
        """A name for what is asked: 48 hexadecimal digits, the same where model, server, messages, schema and settings are."""
        return self._key_of(messages, schema).hex()[:48]

    def _shape_with(self, schema: Mapping[str, Any]) -> Shape:
        return Shape(self.endpoint.model, self.endpoint.base_url, schema, self._asked_with)

    def _key_of(self, messages: Sequence[Message], schema: Mapping[str, Any] | None) -> bytes:
        return (self._shape if schema is None else self._shape_with(schema)).key_of(messages)

    def kept(
        self,
        messages: Sequence[Message],
        *,
        check: Callable[[T], Sequence[str]] = lambda _value: (),
        schema: Mapping[str, Any] | None = None,
    ) -> Reply[T] | None:
        """The reply that `ask` finds in the cache, or None if it would have to call. Never calls."""
        return None if self._cache is None else self._from_cache(self._key_of(messages, schema), check)

    def _from_cache(self, key: bytes, check: Callable[[T], Sequence[str]]) -> Reply[T] | None:
        kept = self._cache.get(key) if self._cache is not None else None
        if kept is None:
            return None
        value = read_text(kept.text, self._reply)
        if value is None:
            return None
        faults = tuple(check(value))
        return None if faults and not kept.settled else Reply(value, faults, True, Spent())

    def expected(self, messages: Sequence[Message]) -> Spent:
        """About what one call takes: an estimate before the first reply, and corrected by each."""
        read = int(self._counted(messages) * self._input_ratio)
        written = self._settings.max_output_tokens or max(self._longest_output, _EXPECTED_OUTPUT_TOKENS)
        return Spent(1, 1, read, written, None if self.price is None else self.price.of(read, written))

    def _most(self, messages: Sequence[Message]) -> Spent:
        """The most that one call can take, as far as that is known."""
        sent = int(self._counted(messages) * self._input_ratio)
        written = max(self._parameters.length or self._most_output, self._longest_output)
        return Spent(1, 1, sent, written, None if self.price is None else self.price.of(sent, written))

    def _counted(self, messages: Sequence[Message]) -> int:
        return estimated_tokens(messages) + self._schema_tokens

    async def _complete(
        self, messages: Sequence[Message], schema: Mapping[str, Any] | None, ledger: Ledger
    ) -> tuple[Completion, Mode]:
        """One completion, tried again while that may help."""
        transport = self._transport or self._open()
        try:
            return await repeated(
                lambda: self._attempt(transport, messages, schema, ledger),
                self._settings.retries,
                self._clock,
                lambda: ledger.started,
                waiting=lambda verdict, seconds: self._tell_wait(verdict, seconds, ledger),
                stopped=lambda: self.limiter.stopped,
                sleep=self.limiter.sleep,
            )
        except RepeatableError as error:
            if self.limiter.stopped:
                raise self._stopped(ledger) from None
            self._fail(error.verdict, ledger, error.__cause__, gone=error.outage)
        except JobError as error:  # the budget knows nothing of the document
            error.spent = ledger.spent(self.price)
            raise

    async def _attempt(
        self, transport: Transport, messages: Sequence[Message], schema: Mapping[str, Any] | None, ledger: Ledger
    ) -> tuple[Completion, Mode]:
        """One call, and others as long as the server says that it lacks the mode or a parameter."""
        while (answered := await self._try(transport, messages, schema, ledger)) is None:
            pass
        return answered

    async def _try(
        self, transport: Transport, messages: Sequence[Message], schema: Mapping[str, Any] | None, ledger: Ledger
    ) -> tuple[Completion, Mode] | None:
        """One call within the limits and the budget; None if it is to be made again with less.

        Raises `RepeatableError` if another may go better.
        """
        expected = self.expected(messages)
        tokens = expected.input_tokens + expected.output_tokens
        async with self.limiter.slot(tokens) as sent:
            if not ledger.calls:  # the time in the queue is not the document's
                ledger.started = sent
            if self.limiter.stopped:
                raise self._stopped(ledger)
            template, most = self.template(), self._most(messages)
            reserved = await self._budget.reserve(most.cost_usd, self.endpoint.model)
            used, cost = 0, reserved  # what was sent may be billed, whatever becomes of the answer
            try:
                if self.limiter.stopped:
                    cost = 0.0
                    raise self._stopped(ledger)
                ledger.calls += 1
                answer = await transport.send(template, messages, schema)
                self._parameters.worked(template)
                known = ledger.cost_usd
                used, cost = ledger.add(answer.completion, most, self.price)
                if self._budget.max_cost is None:
                    cost = ledger.cost_usd - known
            except CallError:
                raise
            except Exception as error:
                if self._can_do_with_less(template, error, ledger):
                    cost = 0.0
                    return None
                verdict = judge(error, self.endpoint, self._clock.time())
                if verdict is None:
                    raise
                outage = self._is_outage(verdict, ledger)
                ledger.failed_at = self._clock.monotonic()
                if verdict.outcome == "rate limited" or verdict.slow or outage:
                    self.limiter.slowed(sent, verdict.wait)
                if verdict.free:
                    cost = 0.0
                if verdict.repeats:
                    raise RepeatableError(verdict, outage=outage) from error
                self._fail(verdict, ledger, error)
            finally:
                await self._budget.settle(reserved, cost)
                self.limiter.used(tokens, used)
        self._reached = True
        self._input_ratio = max(self._input_ratio, (answer.completion.input_tokens or 0) / self._counted(messages))
        self._longest_output = max(self._longest_output, answer.completion.output_tokens or 0)
        self.limiter.succeeded()
        self.limiter.told(answer.headers)
        return answer.completion, template.mode

    def _is_outage(self, verdict: Verdict, ledger: Ledger) -> bool:
        """Whether the server answers nobody: this document failed again, and no other succeeded since.

        A wrong address is not an outage.
        A status can be about the one document that it is sent for, so another has to meet it as well.
        """
        patience = self._settings.retries.patience
        known = verdict.reached or self._reached
        if not (verdict.away and known and patience) or ledger.has_reply:  # what is usable is not worth the wait
            return False
        self.limiter.unanswered.add(ledger)
        passes = ledger.failed_at is None or self.limiter.succeeded_at > ledger.failed_at
        if passes or (verdict.reached and len(self.limiter.unanswered) == 1):
            return False
        if not self.limiter.away:
            self.limiter.away = True
            self._say_until(patience, verdict.cause, "Waiting for it, until {} at most.")
        return True

    def _say_once(self, line: str) -> None:
        """Say what the clients of several samples find out alike."""
        if line not in self.limiter.said:
            self.limiter.said.add(line)
            self._notice(line)

    def _tell_wait(self, verdict: Verdict, seconds: float, ledger: Ledger) -> None:
        """Say that a call waits, if that is long, once for a document."""
        if seconds >= _LONG_WAIT and not (self.limiter.away or ledger.waits):
            ledger.waits = self._say_until(seconds, verdict.cause, "Waiting until {}.")

    def _say_until(self, seconds: float, cause: str, words: str) -> bool:
        """Say why and until when a server is waited for; not where the same words named a time less than a minute before."""
        until = self._clock.monotonic() + seconds
        if until < self.limiter.told_until.get(words, float("-inf")) + _TOLD_APART:
            return False
        self.limiter.told_until[words] = until
        local = datetime.fromtimestamp(self._clock.time() + seconds, UTC).astimezone()
        self._notice(f"{self._redaction.line(cause)}. {words.format(f'{local:%H:%M}')}")
        return True

    def _stopped(self, ledger: Ledger) -> StoppedError:
        return StoppedError("the job was asked to stop", "Run the same command again.", ledger.spent(self.price))

    def _can_do_with_less(self, template: Template, error: Exception, ledger: Ledger) -> bool:
        """Whether a call that failed is made again without what the server has refused of it."""
        status = getattr(error, "status_code", None)
        return not self.limiter.stopped and self._parameters.adapt(
            template, status if isinstance(status, int) else None, refusal_of(error), keep_length=ledger.has_reply
        )

    def template(self) -> Template:
        """The request without its messages, as it is sent now: in the mode and with the parameters that the server takes."""
        mode, given = self._parameters.mode, self._parameters.given
        if self._built is None or self._built.mode is not mode or self._built.parameters != given:
            self._built = Template(mode, self._reply, dict(given))
        return self._built

    def _given_parameters(self) -> dict[str, Any]:
        settings = self._settings
        # OpenAI's newer models take only the second name, other servers know only the first, litellm translates it.
        openai = self.endpoint.provider in {"openai", "azure"} and self.endpoint.priced
        name = LENGTHS[1] if openai else LENGTHS[0]
        parameters = {"temperature": settings.temperature, "seed": settings.seed, name: settings.max_output_tokens}
        given = {key: value for key, value in parameters.items() if value is not None}
        return {"model": self.endpoint.served_as, **given, **settings.extra}

    def _open(self) -> Transport:
        key = self._key or keys.get(self.endpoint.key_variable)
        if key is None and self.endpoint.key_required:
            variable = self.endpoint.key_variable
            fix = f"Set {variable}, store one with `extractor keys set`, or run with --model rules."
            raise JobError(f"no key for {self.endpoint.model}", fix)
        self._redaction = Redaction.of(key)
        kind = Direct if self.endpoint.direct else ThroughLiteLLM
        self._transport = kind(self.endpoint, key, self._settings.timeouts, self._redaction)
        return self._transport

    def _spent_on(self, known: KnownAnswer | None, messages: Sequence[Message]) -> Spent:
        """What a given answer has cost, unless that is counted elsewhere."""
        if known is None or known.counted:
            return Spent()
        ledger = Ledger()
        ledger.calls = 1
        price = self.price and self.price.times(known.price)
        most = Spent(1, 1, self.expected(messages).input_tokens, len(known.completion.text) // 3)
        ledger.add(known.completion, most, price)
        return ledger.spent(price)

    def _fail(self, verdict: Verdict, ledger: Ledger, error: BaseException | None, *, gone: bool = False) -> NoReturn:
        """Raise what a verdict means. The library's exception is not chained: it can hold the request and the reply."""
        # A server never reached is down or misnamed, and one that stays away is gone, for every document alike.
        stops = verdict.outcome == "stops job" or gone or not (verdict.reached or self._reached)
        cause, fix = self._redaction.line(verdict.cause), verdict.fix
        self.limiter.refused += verdict.unclear
        # A wrong key in words that nobody knows, say. A stand-in would be asked instead.
        if self.limiter.refused >= _ALL_REFUSED and self.limiter.never_succeeded and self._settings.retries.patience:
            stops, fix = True, "Check the key, the name of the model and the settings; then run the same command again."
            cause += f", and so the {self.limiter.refused - 1} calls before this one"
        if verdict.repeats:
            cause += f" ({ledger.calls} calls in {self._clock.monotonic() - ledger.started:.0f} s)"
        raise (JobError if stops else CallError)(cause, fix, ledger.spent(self.price)) from (
            cassette_miss(error) if error else None
        )
