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
from extractor.llm.completions import Completion
from extractor.llm.endpoints import Endpoint

_TABLE = "model_prices_and_context_window_backup.json"
_BARE = ("openai", "anthropic")
"""Providers whose models the table names without them."""


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
    row = _row(endpoint)
    if row is None or not {"input_cost_per_token", "output_cost_per_token"} <= row.keys():
        return None
    return Price(row["input_cost_per_token"], row["output_cost_per_token"], row.get("cache_read_input_token_cost"))


def longest_output(endpoint: Endpoint) -> int | None:
    """The most tokens that a model writes in one reply, thoughts included, where that is published."""
    row = _row(endpoint) if endpoint.priced else None
    longest = (row or {}).get("max_output_tokens") or (row or {}).get("max_tokens")
    return longest if isinstance(longest, int) else None


def _row(endpoint: Endpoint) -> dict[str, Any] | None:
    table = _table()
    if (row := table.get(endpoint.model)) is not None:
        return row
    bare = table.get(endpoint.model.partition("/")[2])
    # A bare name belongs to one provider; another may sell the same model at another price.
    return bare if bare and str(bare.get("litellm_provider", "")).startswith(endpoint.provider) else None


def known_models() -> list[str]:
    """The chat models that have a published price, as PROVIDER/NAME; none without litellm."""
    rows = ((name, str(row.get("litellm_provider", ""))) for name, row in _table().items() if row.get("mode") == "chat")
    # Elsewhere a bare name is not what litellm takes behind the provider.
    named = {name if name.startswith(f"{by}/") else f"{by}/{name}" for name, by in rows if by in _BARE or f"{by}/" in name}
    return sorted(named)


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
    """A cap on what a job may cost. A call starts when what was spent and the most that those under way and it can cost fit.

    One budget serves one job on one event loop. `spent` starts with what an earlier run of the job has cost.
    """

    def __init__(self, max_cost: float | None = None, spent: float = 0.0) -> None:
        self.max_cost = max_cost
        self.spent = spent
        self._under_way = 0.0
        self._calls = 0
        self._settled = asyncio.Condition()

    async def reserve(self, most: float | None, model: str) -> float:
        """Set the most that a call can cost aside, waiting for calls under way if only they stand against it.

        Raises `BudgetError`.
        """
        if self.max_cost is None:
            return 0.0
        if most is None:
            raise BudgetError(
                f"no price is known for {model}, so the cap of ${self.max_cost:g} cannot be kept",
                "Give the price with --price IN,OUT (US dollars for a million tokens), or leave --max-cost out.",
            )
        async with self._settled:
            while not self.hold(most):
                await self._settled.wait()
        return most

    def hold(self, most: float) -> bool:
        """Set an amount aside at once; False if it must wait for calls under way. Raises `BudgetError`."""
        if self.max_cost is not None and self.spent + self._under_way + most > self.max_cost:
            if not self._calls or self.spent + most > self.max_cost:
                raise BudgetError(
                    f"${self.spent:.4f} of the ${self.max_cost:g} cap is spent and the next call may cost ${most:.4f}",
                    "Run the same command with a higher --max-cost to go on from here.",
                )
            return False
        self._under_way += most
        self._calls += 1
        return True

    async def settle(self, reserved: float, cost: float) -> None:
        """Put the true cost of a call in the place of what was reserved for it."""
        if self.max_cost is None:
            self.spent += cost
            return
        self.put(reserved, cost)
        async with self._settled:
            self._settled.notify_all()

    def put(self, held: float, cost: float) -> None:
        """The same for an amount that was set aside by `hold`."""
        self.spent += cost
        self._calls -= 1
        self._under_way = self._under_way - held if self._calls else 0.0  # no rounding error outlives a lull


class Ledger:
    """What one document has cost so far, as far as that is known.

    `before` is what it had cost before its first call here; no other figure includes it. `failed_at` is when one of its calls
    last failed, by the monotonic clock; `has_reply` that a reply is usable; `waits` that the user knows that it waits.
    """

    __slots__ = (
        "attempts", "before", "calls", "cost_usd", "failed_at", "has_reply",
        "input_tokens", "output_tokens", "started", "waits",
    )  # fmt: skip

    def __init__(self, started: float = 0.0, before: Spent | None = None) -> None:
        self.started = started
        self.failed_at: float | None = None
        self.before = before or Spent()
        self.calls = self.attempts = self.input_tokens = self.output_tokens = 0
        self.cost_usd = 0.0
        self.has_reply = self.waits = False

    def add(self, completion: Completion, most: Spent, price: Price | None) -> tuple[int, float]:
        """Count an answer, and return its tokens, and the most that it can have cost in US dollars.

        Tokens that the server did not give are estimated from the texts' lengths, and can have been as many as in `most`.
        """
        read, written, cached = completion.input_tokens, completion.output_tokens, completion.cached_tokens
        likely = most.input_tokens if read is None else read, len(completion.text) // 3 if written is None else written
        worst = likely[0], most.output_tokens if written is None else written
        self.input_tokens += likely[0]
        self.output_tokens += likely[1]
        self.cost_usd += 0.0 if price is None else price.of(*likely, cached)
        return sum(likely), 0.0 if price is None else price.of(*worst, cached)

    def spent(self, price: Price | None) -> Spent:
        """What it has cost, with what it had cost before; in US dollars only where a price is known, or nothing was used."""
        before = self.before
        known = before.cost_usd is not None and (price is not None or not self.calls)
        return Spent(
            before.calls + self.calls,
            self.attempts,
            before.input_tokens + self.input_tokens,
            before.output_tokens + self.output_tokens,
            (before.cost_usd or 0.0) + self.cost_usd if known else None,
        )
