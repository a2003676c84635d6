"""A model's name and how it is to be asked -> the labeller behind it, ready for a job."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from extractor.errors import UsageError
from extractor.labelling.base import Labeller, Labels

if TYPE_CHECKING:
    from pydantic import SecretStr

    from extractor.labelling.llm import ModelLabeller
    from extractor.llm.cache import ReplyCache
    from extractor.llm.client import ModelClient
    from extractor.llm.endpoints import Endpoint
    from extractor.llm.pricing import Budget
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
    `timeout` is in seconds until a call is given up; None leaves the usual ones. `concurrency` None is 32 calls at once, and 4
    for the engines that `narrow` means.

    `votes` is how many samples a model is asked for, 1 for its one best answer. `fallbacks` are models or the rules, in the
    order in which they stand in for a model that fails; `base_url` is not theirs, and `price` only where none is published.
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
    cache: bool = True
    timeout: float | None = None
    votes: int = 1
    fallbacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chosen:
    """A labeller and what a job has to know of it. An async context manager, which lets go of connections and the cache.

    `concurrency` is how many calls it makes at once. `settings` are what its answers depend on, beside the model's name;
    the fallbacks are not among them, since they change nothing that is done. `samples` are asked about each document, one call
    each; `clients` are all that may be, the model's own first. The rules have neither, and no budget.
    """

    labeller: Labeller
    concurrency: int = 1
    settings: Mapping[str, Any] = field(default_factory=dict)
    samples: "tuple[ModelLabeller, ...]" = ()
    clients: "tuple[ModelClient[Labels], ...]" = ()
    budget: "Budget | None" = None

    @property
    def window(self) -> int:
        """How many documents may be before the labeller at once when records are written in the order of the input."""
        return _WINDOW * self.concurrency if self.clients else 1

    @property
    def client(self) -> "ModelClient[Labels] | None":
        """The client of the model itself, None for the rules."""
        return self.clients[0] if self.clients else None

    async def __aenter__(self) -> Labeller:
        return self.labeller

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self.clients:
            await client.__aexit__(kind, error, trace)


def choose(
    options: ModelOptions,
    notice: Callable[[str], None] = lambda _line: None,
    *,
    key: "SecretStr | None" = None,
    retries: "RetryPolicy | None" = None,
) -> Chosen:
    """The labeller that the options mean; nothing is sent yet.

    `notice` gets what a user should know, one line each. `key` takes the place of the one in the environment or the
    key file, `retries` that of the usual policy. Raises `UsageError` for options that cannot be met.
    """
    if options.model == RULES:
        if options.votes > 1 or options.fallbacks:
            cause = "--votes asks a model again" if options.votes > 1 else "--fallback stands in for a model that fails"
            raise UsageError(f"{cause}, and the rules always answer, and alike. Name a model with --model.")
        return Chosen(_rules())

    from extractor.llm.cache import ReplyCache
    from extractor.llm.pricing import Budget

    cache = ReplyCache(notice=notice) if options.cache else None
    job = _Job(options, cache, Budget(options.max_cost), _once(notice), key, retries)
    first = job.asks(options.model, options.base_url)
    labeller, clients = first.labeller, first.clients
    if options.fallbacks:
        from extractor.labelling.fallback import FallbackLabeller

        *above, _ = options.fallbacks
        if RULES in above:
            raise UsageError("--fallback rules always answers, so nothing after it is ever asked. Give it last.")
        stand_ins = [job.asks(name, None, fallback=True) for name in options.fallbacks if name != RULES]
        clients += tuple(client for stand_in in stand_ins for client in stand_in.clients)
        last = [_rules()] if RULES in options.fallbacks else []
        labeller = FallbackLabeller([labeller, *(stand_in.labeller for stand_in in stand_ins), *last], job.notice)
    return Chosen(labeller, first.concurrency, first.settings, first.samples, clients, job.budget)


@dataclass(frozen=True, slots=True)
class _Asked:
    """One model as it is asked: what labels with it, the samples behind that, their clients, and how many calls at once."""

    labeller: Labeller
    samples: "tuple[ModelLabeller, ...]"
    clients: "tuple[ModelClient[Labels], ...]"
    concurrency: int
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Job:
    """What all models of a job are asked with."""

    options: ModelOptions
    cache: "ReplyCache | None"
    budget: "Budget"
    notice: Callable[[str], None]
    key: "SecretStr | None"
    retries: "RetryPolicy | None"

    def asks(self, model: str, base_url: str | None, *, fallback: bool = False) -> _Asked:
        """What the options mean for one model. Raises `UsageError` where they cannot be met."""
        options = self.options
        if "/" not in model.strip("/"):
            means = f"{RULES!r}, the built-in labeller, or PROVIDER/NAME, for instance openai/{model or 'NAME'}"
            raise UsageError(f"There is no model {model!r}. Use {means}.")

        from extractor.llm.endpoints import resolve

        endpoint = resolve(model, base_url)
        require_packages("llm", "aiohttp", "instructor", "openai", "tenacity", *([] if endpoint.direct else ["litellm"]))

        from extractor.labelling.llm import ModelLabeller
        from extractor.labelling.prompts import load_prompt
        from extractor.labelling.votes import TEMPERATURE, VotingLabeller
        from extractor.llm.client import ModelClient, Settings
        from extractor.llm.limits import Limits
        from extractor.llm.pricing import Price, price_of
        from extractor.llm.retries import RetryPolicy
        from extractor.llm.transports import Timeouts

        prompt = load_prompt(options.prompt)
        narrow = _narrows(options.narrow, endpoint)
        price = Price.parse(options.price) if options.price else None
        seconds = options.timeout
        concurrency = options.concurrency or (_LOCAL_CONCURRENCY if endpoint.constrains_decoding else _CONCURRENCY)
        settings = Settings(
            temperature=TEMPERATURE if options.votes > 1 else _TEMPERATURE,
            max_output_tokens=_LOCAL_OUTPUT_TOKENS if endpoint.constrains_decoding else None,
            limits=Limits(concurrency, options.requests_per_minute, options.tokens_per_minute),
            timeouts=Timeouts() if seconds is None else Timeouts(min(seconds, Timeouts().connect), seconds, seconds),
            # In an outage a stand-in answers; without one, nobody does.
            retries=self.retries or (RetryPolicy(patience=0.0) if options.fallbacks else RetryPolicy()),
        )
        clients: list[ModelClient[Labels]] = []
        for seed in range(1, options.votes + 1) if options.votes > 1 else [None]:
            client = ModelClient(
                model,
                Labels,
                base_url=base_url,
                settings=replace(settings, seed=seed),
                key=self.key,
                cache=self.cache,
                price=(price_of(endpoint) if fallback else None) or price,
                budget=self.budget,
                limiter=clients[0].limiter if clients else None,
                notice=self.notice,
            )
            clients.append(client)
        if options.max_cost is not None and clients[0].price is None:
            cause = f"no price is known for {model}, so the cap of ${options.max_cost:g} cannot be kept"
            raise UsageError(f"{cause}. Give --price IN,OUT (US dollars for a million tokens), or leave --max-cost out.")
        samples = tuple(ModelLabeller(client, prompt, narrow=narrow) for client in clients)
        decides = {
            "base_url": endpoint.base_url,
            "prompt": prompt.label,
            "prompt_sha256": prompt.sha256,
            "schema_sha256": sha256(json.dumps(Labels.model_json_schema()).encode()).hexdigest(),
            "narrow_schema": narrow,
            "temperature": settings.temperature,
            "max_output_tokens": settings.max_output_tokens,
            **({"votes": options.votes} if options.votes > 1 else {}),
        }
        return _Asked(
            VotingLabeller(samples) if len(samples) > 1 else samples[0], samples, tuple(clients), concurrency, decides
        )


def _rules() -> Labeller:
    from extractor.labelling.rules import RulesLabeller  # loads the lexicons, which only a run needs

    return RulesLabeller()


def _once(notice: Callable[[str], None]) -> Callable[[str], None]:
    """Says each line the first time: the clients of several samples have the same to say."""
    said: set[str] = set()

    def tell(line: str) -> None:
        if line not in said:
            said.add(line)
            notice(line)

    return tell


def _narrows(narrow: Narrow, endpoint: "Endpoint") -> bool:
    return endpoint.constrains_decoding if narrow == "auto" else narrow == "always"


def require_packages(extras: str, *names: str) -> None:
    """Raise `UsageError` with the command that installs what is missing of these packages."""
    if missing := [name for name in names if find_spec(name) is None]:
        fix = f"Run: pip install 'claim-extractor[{extras}]', or use --model {RULES}."
        raise UsageError(f"A model needs {', '.join(missing)}. {fix}")
