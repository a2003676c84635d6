"""What a service is started with: who labels, where jobs are kept, who may come in, and how much anybody may ask for."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from pathlib import Path

from extractor.errors import UsageError
from extractor.jobs.job import Job
from extractor.labelling.models import ModelOptions

_SHORTEST_TOKEN = 16
_EXTRACTS = 0.25
"""The part of a model's limits that is kept for what is answered at once, so that a big job never takes it all."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is taken. Sizes are in bytes; times in seconds.

    A request may have so many `documents`; so many of a client's may be `waiting` for an answer, so many of its jobs `queued`,
    and so many `watchers` follow them. `running` jobs are worked off at a time; one that others wait for gives way after
    `slice`. A client that sends nothing for `silence`, or opens a connection and asks nothing, is waited for no longer.
    """

    body: int = 8 << 20
    upload: int = 1 << 30
    documents: int = 100
    waiting: int = 10_000
    queued: int = 100
    watchers: int = 32
    running: int = 4
    slice: float = 30.0
    silence: float = 30.0
    characters: int = 50_000


@dataclass(frozen=True, slots=True)
class Settings:
    """A service: its labeller (`model`), `workers` processes for the rules, its `jobs` folder, its clients' tokens by name."""

    jobs: Path
    model: ModelOptions = field(default_factory=ModelOptions)
    workers: int = 1
    tokens: Mapping[str, str] = field(default_factory=dict, repr=False)
    limits: Limits = field(default_factory=Limits)

    @property
    def for_extracts(self) -> ModelOptions:
        """How the model is asked for what is answered at once: with a quarter of the limits."""
        return self._part(_EXTRACTS)

    @property
    def for_jobs(self) -> ModelOptions:
        """How the model is asked by the one job that asks it at a time: with the rest of the limits."""
        return self._part(1 - _EXTRACTS)

    def _part(self, part: float) -> ModelOptions:
        model = self.model

        def of(rate: float | None) -> float | None:
            return None if rate is None else rate * part

        calls = None if model.concurrency is None else max(1, math.floor(model.concurrency * part))
        return replace(
            model,
            concurrency=calls,
            requests_per_minute=of(model.requests_per_minute),
            tokens_per_minute=of(model.tokens_per_minute),
        )

    def job(self, inputs: tuple[str, ...], asked: Mapping[str, object]) -> Job:
        """The job that a client asks for. Its cap is no higher than the service's."""
        model, cap = self.for_jobs, asked.get("max_cost")
        if isinstance(cap, int | float):
            model = replace(model, max_cost=float(cap) if model.max_cost is None else min(float(cap), model.max_cost))
        given = {name: asked[name] for name in ("fields", "keep", "format", "order") if asked.get(name)}
        if "keep" in given:
            given["keep"] = tuple(given["keep"])  # type: ignore[arg-type]
        workers = 1 if model.model != "rules" else self.workers
        return Job(inputs, model, workers=workers, max_characters=self.limits.characters, **given)  # type: ignore[arg-type]


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine reach an address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def tokens_of(text: str, where: str) -> dict[str, str]:
    """The tokens of a file by the names of their clients: a line each, `TOKEN` or `NAME TOKEN`, `#` before a remark.

    Raises `UsageError`, which quotes no token.
    """
    tokens: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        name, token = (f"client-{number}", words[0]) if len(words) == 1 else (words[0], words[1])
        if len(words) > 2 or name in tokens or token in tokens.values():
            raise UsageError(f"{where}, line {number}: not a token, or one that came before. Write TOKEN or NAME TOKEN.")
        if len(token) < _SHORTEST_TOKEN or not (token.isascii() and token.isprintable()) or not name.isprintable():
            fix = "Make one with: python3 -c 'import secrets; print(secrets.token_urlsafe())'"
            raise UsageError(f"{where}, line {number}: a token has at least {_SHORTEST_TOKEN} ASCII characters. {fix}")
        tokens[name] = token
    if not tokens:
        raise UsageError(f"{where} holds no token. Write one a line.")
    return tokens
