"""A model's name and how it is to be asked -> the labeller behind it, ready for a job."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from extractor.errors import UsageError
from extractor.labelling.base import Labeller, Labels

if TYPE_CHECKING:
    from pydantic import SecretStr

    from extractor.llm.client import ModelClient
    from extractor.llm.endpoints import Endpoint
    from extractor.llm.pricing import Budget
    from extractor.llm.retries import RetryPolicy

RULES = "rules"
Narrow = Literal["auto", "always", "never"]
_WINDOW = 4
"""Documents before a labeller for each call under way: records are written in the order of the input, so one slow answer holds
back those that came after it, and four times the calls let the others go on for as long as four answers take."""
_TEMPERATURE = 0.0
_LOCAL_OUTPUT_TOKENS = 4096
"""A small model can repeat itself until its context is full; the labels of an abstract with 30 mentions take 2,000 tokens."""


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """Who labels, and how it is asked. The rules need nothing but their name.

    `narrow` sends each document's mention ids in the schema: `auto` for engines that compile a schema per request, which are
    taken to be those on this machine or network and `ollama`, `hosted_vllm` and `lm_studio`; hosted providers compile one
    schema once, so theirs stays the same. `price` is `IN,OUT` in US dollars for a million tokens, `max_cost` in US dollars.
    `timeout` is in seconds until a call is given up; None leaves the usual ones.
    """

    model: str = RULES
    base_url: str | None = None
    prompt: Path | None = None
    narrow: Narrow = "auto"
    concurrency: int = 32
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    price: str | None = None
    max_cost: float | None = None
    cache: bool = True
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """A labeller and what a job has to know of it. An async context manager, which lets go of connections and the cache.

    `window` documents may be before the labeller at once. `settings` are what its answers depend on, beside the model's name.
    `client` and `budget` are None for the rules.
    """

    labeller: Labeller
    window: int = 1
    settings: Mapping[str, Any] = field(default_factory=dict)
    client: "ModelClient[Labels] | None" = None
    budget: "Budget | None" = None

    async def __aenter__(self) -> Labeller:
        return self.labeller

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.client is not None:
            await self.client.__aexit__(kind, error, trace)


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
        from extractor.labelling.rules import RulesLabeller  # loads the lexicons, which only a run needs

        return Chosen(RulesLabeller())
    if "/" not in options.model.strip("/"):
        means = f"{RULES!r}, the built-in labeller, or PROVIDER/NAME, for instance openai/{options.model or 'NAME'}"
        raise UsageError(f"There is no model {options.model!r}. Use {means}.")

    from extractor.llm.endpoints import resolve

    endpoint = resolve(options.model, options.base_url)
    require_packages("llm", "aiohttp", "instructor", "openai", "tenacity", *([] if endpoint.direct else ["litellm"]))

    from extractor.labelling.llm import ModelLabeller
    from extractor.labelling.prompts import load_prompt
    from extractor.llm.cache import ReplyCache
    from extractor.llm.client import ModelClient, Settings
    from extractor.llm.limits import Limits
    from extractor.llm.pricing import Budget, Price
    from extractor.llm.retries import RetryPolicy
    from extractor.llm.transports import Timeouts

    prompt = load_prompt(options.prompt)
    narrow = _narrows(options.narrow, endpoint)
    budget = Budget(options.max_cost)
    longest = _LOCAL_OUTPUT_TOKENS if endpoint.constrains_decoding else None
    limits = Limits(options.concurrency, options.requests_per_minute, options.tokens_per_minute)
    seconds = options.timeout
    timeouts = Timeouts() if seconds is None else Timeouts(min(seconds, Timeouts().connect), seconds, seconds)
    settings = Settings(
        temperature=_TEMPERATURE, max_output_tokens=longest, limits=limits, timeouts=timeouts, retries=retries or RetryPolicy()
    )
    client = ModelClient(
        options.model,
        Labels,
        base_url=options.base_url,
        settings=settings,
        key=key,
        cache=ReplyCache(notice=notice) if options.cache else None,
        price=Price.parse(options.price) if options.price else None,
        budget=budget,
        notice=notice,
    )
    if options.max_cost is not None and client.price is None:
        cause = f"no price is known for {options.model}, so the cap of ${options.max_cost:g} cannot be kept"
        raise UsageError(f"{cause}. Give --price IN,OUT (US dollars for a million tokens), or leave --max-cost out.")
    decides = {
        "base_url": endpoint.base_url,
        "prompt": prompt.label,
        "prompt_sha256": prompt.sha256,
        "schema_sha256": sha256(json.dumps(Labels.model_json_schema()).encode()).hexdigest(),
        "narrow_schema": narrow,
        "temperature": settings.temperature,
        "max_output_tokens": settings.max_output_tokens,
    }
    labeller = ModelLabeller(client, prompt, narrow=narrow)
    return Chosen(labeller, _WINDOW * options.concurrency, decides, client, budget)


def _narrows(narrow: Narrow, endpoint: "Endpoint") -> bool:
    return endpoint.constrains_decoding if narrow == "auto" else narrow == "always"


def require_packages(extras: str, *names: str) -> None:
    """Raise `UsageError` with the command that installs what is missing of these packages."""
    if missing := [name for name in names if find_spec(name) is None]:
        fix = f"Run: pip install 'claim-extractor[{extras}]', or use --model {RULES}."
        raise UsageError(f"A model needs {', '.join(missing)}. {fix}")
