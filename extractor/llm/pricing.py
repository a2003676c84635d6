"""What tokens cost, and a cap on it.

Prices are litellm's, from the table inside its wheel: the file is found without importing the package (which takes 4 s) and
read in 30 ms, and nothing is fetched.
"""

import asyncio
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from extractor.errors import BudgetError, Spent, UsageError
from extractor.llm.endpoints import Endpoint
from extractor.llm.structured import Completion

_TABLE = "model_prices_and_context_window_backup.json"


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a token read, a token written, and a token read from the provider's own prompt cache."""

    input: float
    output: float
    cached_input: float | None = None

    @classmethod
    def parse(cls, text: str) -> "Price":
        """Read `IN,OUT` in US dollars for a million tokens. Raises `UsageError`."""
        try:
            read, written = (float(part) for part in text.split(","))
        except ValueError:
            read = written = -1.0
        if not (0 <= read < math.inf and 0 <= written < math.inf):
            raise UsageError(f"the price {text!r} is not IN,OUT. Give US dollars for a million tokens, for instance 0.15,0.60.")
        return cls(read / 1e6, written / 1e6)

    def of(self, input_tokens: int, output_tokens: int, cached_tokens: int = 0) -> float:
        """US dollars for a call. `cached_tokens` are part of the input."""
        cheap = self.input if self.cached_input is None else self.cached_input
        return (input_tokens - cached_tokens) * self.input + cached_tokens * cheap + output_tokens * self.output

    def times(self, factor: float) -> "Price":
        """A multiple of the price."""
        cached = None if self.cached_input is None else self.cached_input * factor
        return Price(self.input * factor, self.output * factor, cached)


def price_of(endpoint: Endpoint) -> Price | None:
    """The published price of a model; None for a model without one, and for another server's address."""
    if not endpoint.priced:
        return None
    table = _table()
    row = table.get(endpoint.model)
    if row is None:
        bare = table.get(endpoint.model.partition("/")[2])
        # A bare name belongs to one provider; another may sell the same model at another price.
        row = bare if bare and str(bare.get("litellm_provider", "")).startswith(endpoint.provider) else None
    if row is None or not {"input_cost_per_token", "output_cost_per_token"} <= row.keys():
        return None
    return Price(row["input_cost_per_token"], row["output_cost_per_token"], row.get("cache_read_input_token_cost"))


@cache
def _table() -> dict[str, dict[str, Any]]:
    found = find_spec("litellm")
    if found is None or found.origin is None:
        return {}
    try:
        table = json.loads((Path(found.origin).parent / _TABLE).read_bytes())
    except (OSError, ValueError):
        return {}  # a release that keeps its prices elsewhere: they are unknown, and a cap says so
    return table if isinstance(table, dict) else {}


def estimated_tokens(messages: Iterable[Mapping[str, Any]]) -> int:
    """About how many tokens messages are, on the high side: English with LaTeX has 3 to 4 characters a token."""
    return sum(4 + len(str(message.get("content", ""))) // 3 for message in messages)


class Budget:
    """A cap on what a job may cost. A call starts only when what was spent, what is under way and its own estimate fit.

    One budget serves one job on one event loop. `spent` starts with what an earlier run of the job has cost.
    """

    def __init__(self, max_cost: float | None = None, spent: float = 0.0) -> None:
        self.max_cost = max_cost
        self.spent = spent
        self._under_way = 0.0
        self._calls = 0
        self._settled = asyncio.Condition()

    async def reserve(self, estimate: float | None, model: str) -> float:
        """Set the estimate of a call aside, waiting for calls under way if only they stand against it. Raises `BudgetError`."""
        if self.max_cost is None:
            return 0.0
        if estimate is None:
            raise BudgetError(
                f"no price is known for {model}, so the cap of ${self.max_cost:g} cannot be kept",
                "Give the price with --price IN,OUT (US dollars for a million tokens), or leave --max-cost out.",
            )
        async with self._settled:
            while self.spent + self._under_way + estimate > self.max_cost:
                if not self._calls or self.spent + estimate > self.max_cost:
                    raise BudgetError(
                        f"${self.spent:.4f} of the ${self.max_cost:g} cap is spent and the next call may cost ${estimate:.4f}",
                        "Run the same command with a higher --max-cost to go on from here.",
                    )
                await self._settled.wait()
            self._under_way += estimate
            self._calls += 1
        return estimate

    async def settle(self, reserved: float, cost: float | None) -> None:
        """Put the true cost of a call in the place of what was reserved for it."""
        self.spent += cost or 0.0
        if self.max_cost is not None:
            async with self._settled:
                self._calls -= 1
                self._under_way = self._under_way - reserved if self._calls else 0.0  # no rounding error outlives a lull
                self._settled.notify_all()


class Ledger:
    """What one document has cost so far. Calls that failed before an answer have no known tokens and count as calls alone.

    `before` is what it had cost before its first call here; no other figure includes it. `failed_at` is when one of its
    calls last failed, by the monotonic clock.
    """

    __slots__ = ("attempts", "before", "cached_tokens", "calls", "failed_at", "input_tokens", "output_tokens", "started")

    def __init__(self, started: float = 0.0, before: Spent | None = None) -> None:
        self.started = started
        self.failed_at: float | None = None
        self.before = before or Spent()
        self.calls = self.attempts = self.input_tokens = self.cached_tokens = self.output_tokens = 0

    def add(self, completion: Completion, estimate: int) -> int:
        """Count an answer's tokens and return them; where the server gave none, they are estimated from the texts' lengths."""
        read = estimate if completion.input_tokens is None else completion.input_tokens
        written = len(completion.text) // 3 if completion.output_tokens is None else completion.output_tokens
        self.input_tokens += read
        self.cached_tokens += completion.cached_tokens
        self.output_tokens += written
        return read + written

    def cost(self, price: Price | None) -> float | None:
        """US dollars so far; None where no price is known, unless nothing was used."""
        if price is None:
            return None if self.calls else 0.0
        return price.of(self.input_tokens, self.output_tokens, self.cached_tokens)
