"""A model's name and how it is to be asked -> who labels, and the labeller once it is opened."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from extractor.documents import Document
from extractor.errors import UsageError, install
from extractor.labels import Labeller, Labels
from extractor.spotting.mentions import Mentions

if TYPE_CHECKING:
    from pydantic import SecretStr

    from extractor.labelling.llm import ModelLabeller
    from extractor.labelling.prompts import Prompt
    from extractor.llm.answers import Answers
    from extractor.llm.client import ModelClient, Settings
    from extractor.llm.endpoints import Endpoint
    from extractor.llm.limits import Allowance
    from extractor.llm.pricing import Budget, Price
    from extractor.llm.retries import RetryPolicy

RULES = "rules"
Narrow = Literal["auto", "always", "never"]
_WINDOW = 4
"""Documents before a labeller for each call under way: records are written in the order of the input, so one slow answer holds
back those that came after it, and four times the calls let the others go on for as long as four answers take."""
_CONCURRENCY, _LOCAL_CONCURRENCY = 32, 4
"""A small local engine answers one call at a time, 20 seconds each on two cores: of 32 that wait, half would time out."""
_TEMPERATURE = 0.0
_LOCAL_OUTPUT_TOKENS = 4096
"""A small model can repeat itself until its context is full; the labels of an abstract with 30 mentions take 2,000 tokens."""


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """Who labels, and how it is asked. The rules need nothing but their name.

    `narrow` cuts the schema down to what each document's mentions can be: `auto` for engines that compile a schema per request,
    which are taken to be those on this machine or network and `ollama`, `hosted_vllm` and `lm_studio`; hosted providers compile
    one schema once, so theirs stays the same. `price` is `IN,OUT` in US dollars for a million tokens, `max_cost` in US dollars.
    `max_output_tokens` bounds a reply; None is 4,096 for the engines that `narrow` means, and elsewhere what the server allows.
    `timeout` is in seconds until a call is given up; None leaves the usual ones. `concurrency` None is 32 calls at once, and 4
    for the engines that `narrow` means.

    `votes` is how many samples a model is asked for, 1 for its one best answer. `fallbacks` are models or the rules, in the
    order in which they stand in for a model that fails; `base_url` is not theirs, and `price` only where none is published.
    `when_unsure` has the rules answer where their record's confidence reaches it; None has the model answer everywhere.
    """

    model: str = RULES
    base_url: str | None = None
    prompt: Path | None = None
    narrow: Narrow = "auto"
    concurrency: int | None = None
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    price: str | None = None
    max_cost: float | None = None
    max_output_tokens: int | None = None
    cache: bool = True
    timeout: float | None = None
    votes: int = 1
    fallbacks: tuple[str, ...] = ()
    when_unsure: float | None = None


def _rules() -> Labeller:
    from extractor.labelling.rules import RulesLabeller  # loads the lexicons, which only a run needs

    return RulesLabeller()


_BUILT_IN: Mapping[str, Callable[[], Labeller]] = {RULES: _rules}
"""The labellers that call nobody, by the names that stand in the place of a model's."""


@dataclass(frozen=True, slots=True)
class Labelling:
    """A labeller and what is open for it. `samples` are asked about each document, one call each, unless the `draft` is `sure`;
    `clients` are all that may be called, the model's own first. The rules have none of these, and no budget."""

    labeller: Labeller
    samples: "tuple[ModelLabeller, ...]" = ()
    clients: "tuple[ModelClient[Labels], ...]" = ()
    budget: "Budget | None" = None
    draft: Labeller | None = None
    sure: float = 0.0

    async def settles(self, document: Document, mentions: Mentions) -> bool:
        """Whether a document is not asked about, since the draft answers."""
        from extractor.labelling.fallback import is_settled

        return self.draft is not None and is_settled(await self.draft.label(document, mentions), self.sure)

    def stop(self) -> None:
        """End all waits: calls under way end at their first failure, and no other is made. To be called on the event loop."""
        for client in self.clients:
            client.limiter.stop()


class Terms(Protocol):
    """What several processes that do one job share: the rates of its servers, and its cap."""

    def allowance(self, model: str) -> "Allowance":
        """How much one of the models may be asked."""
        ...

    def budget(self, spent: float) -> "Budget":
        """What the job may cost. `spent` US dollars are those of the part of it that is done here."""
        ...

    async def close(self) -> None:
        """Tell the others what is not told yet. To be called on the event loop when the calls have ended."""
        ...


@dataclass(frozen=True, slots=True)
class _Model:
    """One model and how it is asked, by as many clients as there are `seeds`."""

    endpoint: "Endpoint"
    base_url: str | None
    prompt: "Prompt"
    narrow: bool
    price: "Price | None"
    settings: "Settings"
    seeds: tuple[int | None, ...]

    def clients(self, allowance: "Allowance | None", **shared: Any) -> "tuple[ModelClient[Labels], ...]":
        """The clients that ask it, one for each sample. They share the limits."""
        from extractor.llm.client import ModelClient
        from extractor.llm.limits import Clock, Limiter

        clients: list[ModelClient[Labels]] = []
        limiter = Limiter(self.settings.limits, Clock(), allowance)
        for seed in self.seeds:
            settings = replace(self.settings, seed=seed)
            same: dict[str, Any] = {"base_url": self.base_url, "price": self.price, "limiter": limiter, **shared}
            clients.append(ModelClient(self.endpoint.model, Labels, settings=settings, **same))
        return tuple(clients)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Who labels and what a job has to know of it. Nothing is open, and nothing was sent.

    `settings` are what the answers depend on, beside the model's name; the fallbacks are not among them, since they change
    nothing that is done. `calls` says that a model is called, `concurrency` how often at once, and `window` how many documents
    may be before the labeller at once when records are written in the order of the input. `models` are the job's own and those
    that stand in for it; the rules are not among them.
    """

    options: ModelOptions
    settings: Mapping[str, Any] = field(default_factory=dict)
    calls: bool = False
    concurrency: int = 1
    window: int = 1
    models: tuple[_Model, ...] = ()
    notice: Callable[[str], None] = lambda _line: None
    key: "SecretStr | None" = None

    @property
    def endpoint(self) -> "Endpoint":
        """The model and its server. Raises `UsageError` for the rules, which have none."""
        if not self.models:
            raise UsageError("The built-in rules call no server. Name a --model.")
        return self.models[0].endpoint

    @property
    def price(self) -> "Price | None":
        """What the model's tokens cost, where it is known."""
        return self.models[0].price if self.models else None

    @asynccontextmanager
    async def open(
        self, spent: float = 0.0, answers: "Answers | None" = None, terms: Terms | None = None
    ) -> AsyncIterator[Labelling]:
        """Build the labeller, its clients, the cache and the budget; connections are closed and replies kept at the end.

        `spent` is what the job has cost so far, in US dollars, `answers` what was answered in a batch. `terms` are shared with
        other processes.
        """
        if not self.models:
            yield Labelling(_BUILT_IN[self.options.model]())
            return

        from extractor.labelling.llm import ModelLabeller
        from extractor.labelling.votes import VotingLabeller
        from extractor.llm.cache import ReplyCache
        from extractor.llm.pricing import Budget

        cache = ReplyCache(notice=self.notice) if self.options.cache else None
        budget = Budget(self.options.max_cost, spent) if terms is None else terms.budget(spent)
        shared = {"key": self.key, "cache": cache, "budget": budget, "notice": self.notice}
        clients = [
            model.clients(
                None if terms is None else terms.allowance(model.endpoint.model), **shared, answers=None if n else answers
            )
            for n, model in enumerate(self.models)
        ]
        samples = [
            tuple(ModelLabeller(client, model.prompt, narrow=model.narrow) for client in each)
            for model, each in zip(self.models, clients, strict=True)
        ]
        labellers: list[Labeller] = [each[0] if len(each) == 1 else VotingLabeller(each) for each in samples]
        if RULES in self.options.fallbacks:
            labellers.append(_rules())
        labeller = labellers[0]
        draft, sure = (None, 0.0) if self.options.when_unsure is None else (_rules(), self.options.when_unsure)
        if len(labellers) > 1 or draft:
            from extractor.labelling.fallback import FallbackLabeller

            labeller = FallbackLabeller(labellers, self.notice, draft, sure)
        every = tuple(client for each in clients for client in each)
        async with AsyncExitStack() as stack:
            if terms is not None:
                stack.push_async_callback(terms.close)
            for client in every:
                stack.push_async_exit(client)
            yield Labelling(labeller, samples[0], every, budget, draft, sure)


def choose(
    options: ModelOptions,
    notice: Callable[[str], None] = lambda _line: None,
    *,
    key: "SecretStr | None" = None,
    retries: "RetryPolicy | None" = None,
) -> Chosen:
    """Who labels by these options.

    `notice` gets what a user should know, one line each. `key` takes the place of the one in the environment or the
    key file, `retries` that of the usual policy. Raises `UsageError` for options that cannot be met.
    """
    if options.model in _BUILT_IN:
        if options.votes > 1 or options.fallbacks or options.when_unsure is not None:
            cause = "--votes asks a model again" if options.votes > 1 else "--fallback stands in for a model that fails"
            cause = cause if options.votes > 1 or options.fallbacks else "--when-unsure asks a model"
            raise UsageError(f"{cause}, and the {options.model} always answer, and alike. Name a model with --model.")
        return Chosen(options)
    if options.when_unsure is not None and not 0 <= options.when_unsure <= 1:
        raise UsageError(f"--when-unsure is a probability, and {options.when_unsure:g} is not between 0 and 1. Give 0.9, say.")
    if RULES in options.fallbacks[:-1]:
        raise UsageError("--fallback rules always answers, so nothing after it is ever asked. Give it last.")
    first = _model(options, options.model, options.base_url, retries, given_key=key is not None)
    stand_ins = (
        _model(options, name, None, retries, given_key=key is not None, fallback=True)
        for name in options.fallbacks
        if name != RULES
    )
    calls = first.settings.limits.concurrency
    models = (first, *stand_ins)
    return Chosen(options, _settings(options, first), True, calls, _WINDOW * calls, models, notice, key)


def _model(
    options: ModelOptions,
    model: str,
    base_url: str | None,
    retries: "RetryPolicy | None",
    *,
    given_key: bool,
    fallback: bool = False,
) -> _Model:
    """What the options mean for one model. Raises `UsageError` where they cannot be met."""
    if "/" not in model.strip("/"):
        means = f"{RULES!r}, the built-in labeller, or PROVIDER/NAME, for instance openai/{model or 'NAME'}"
        raise UsageError(f"There is no model {model!r}. Use {means}.")

    from extractor.llm import keys
    from extractor.llm.endpoints import resolve
    from extractor.llm.pricing import Price, price_of

    endpoint = resolve(model, base_url)
    if not given_key:
        keys.get(endpoint.key_variable)  # what cannot be a key is told before anything is read
        keys.refuse_impossible(endpoint.provider)
    local, published = endpoint.constrains_decoding, price_of(endpoint)
    require_packages("llm", "aiohttp", "instructor", "openai", "tenacity", *([] if endpoint.direct else ["litellm"]))

    from extractor.labelling.prompts import load_prompt
    from extractor.labelling.votes import TEMPERATURE
    from extractor.llm.client import Settings
    from extractor.llm.limits import Limits
    from extractor.llm.retries import RetryPolicy
    from extractor.llm.transports import Timeouts

    prompt = load_prompt(options.prompt)
    narrow = local if options.narrow == "auto" else options.narrow == "always"
    given = Price.parse(options.price) if options.price else None
    price = (published or given) if fallback else (given or published)
    seconds = options.timeout
    concurrency = options.concurrency or (_LOCAL_CONCURRENCY if local else _CONCURRENCY)
    settings = Settings(
        temperature=TEMPERATURE if options.votes > 1 else _TEMPERATURE,
        max_output_tokens=options.max_output_tokens or (_LOCAL_OUTPUT_TOKENS if local else None),
        limits=Limits(concurrency, options.requests_per_minute, options.tokens_per_minute),
        timeouts=Timeouts() if seconds is None else Timeouts(min(seconds, Timeouts().connect), seconds, seconds),
        # In an outage a stand-in answers; without one, nobody does.
        retries=retries or (RetryPolicy(patience=0.0) if options.fallbacks else RetryPolicy()),
    )
    if options.max_cost is not None and price is None:
        cause = f"no price is known for {model}, so the cap of ${options.max_cost:g} cannot be kept"
        raise UsageError(f"{cause}. Give --price IN,OUT (US dollars for a million tokens), or leave --max-cost out.")
    seeds = tuple(range(1, options.votes + 1)) if options.votes > 1 else (None,)
    return _Model(endpoint, base_url, prompt, narrow, price, settings, seeds)


def _settings(options: ModelOptions, model: _Model) -> dict[str, Any]:
    """What a model's answers depend on beside its name, as `job.json` has it."""
    return {
        "base_url": model.endpoint.base_url,
        "prompt": model.prompt.label,
        "prompt_sha256": model.prompt.sha256,
        "schema_sha256": sha256(json.dumps(Labels.model_json_schema()).encode()).hexdigest(),
        "narrow_schema": model.narrow,
        "temperature": model.settings.temperature,
        "max_output_tokens": model.settings.max_output_tokens,
        **({"votes": options.votes} if options.votes > 1 else {}),
        **({} if options.when_unsure is None else {"when_unsure": options.when_unsure}),
    }


def require_packages(extras: str, *names: str, of: str = "A model", instead: str = f", or use --model {RULES}") -> None:
    """Raise `UsageError` with the command that installs what is missing of these packages."""
    if missing := [name for name in names if find_spec(name) is None]:
        raise UsageError(f"{of} needs {', '.join(missing)}. {install(extras)}{instead}.")
