"""What the tests of model calls share: a clock that never waits, and a small reply model."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, SecretStr

from extractor.llm.client import ModelClient, Reply, Settings
from extractor.llm.limits import Clock
from extractor.llm.transports import Timeouts
from tests.llm.server import Server

T = TypeVar("T")
KEY = "sk-loopback-secret-0123456789"
MESSAGES = [{"role": "system", "content": "Label the mentions."}, {"role": "user", "content": "A 2.3x speedup, $x_{{i}}$."}]


class Pet(BaseModel):
    """The animal that a text is about."""

    model_config = ConfigDict(extra="forbid")

    name: str
    kind: Literal["cat", "dog"]
    age: int | None = None


REX = {"name": "Rex", "kind": "dog", "age": 3}


class FakeClock(Clock):
    """Time that passes only when somebody sleeps; `slept` is what was slept."""

    def __init__(self, epoch: float = 1_700_000_000.0) -> None:
        self.now = 0.0
        self.epoch = epoch
        self.slept: list[float] = []

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return self.now

    def time(self) -> float:
        """Seconds since the Unix epoch."""
        return self.epoch + self.now

    async def sleep(self, seconds: float) -> None:
        """Move on at once."""
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


# For servers that never answer; the others get all the time they need.
IMPATIENT = Settings(timeouts=Timeouts(5, 0.1, 5))


def run(test: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on a loop of its own."""
    return asyncio.run(test)


def client(server: Server, model: str = "openai/m", *, path: str | None = None, **options: Any) -> ModelClient[Pet]:
    """A client of the loopback server with a clock that never waits."""
    options = {"clock": FakeClock(), "key": SecretStr(KEY), **options}
    return ModelClient(model, Pet, base_url=server.root + ("/v1" if path is None else path), **options)


async def ask(server: Server, check: Callable[[Pet], Sequence[str]] = lambda _pet: (), **options: Any) -> Reply[Pet]:
    """Ask the loopback server once."""
    async with client(server, **options) as asked:
        return await asked.ask(MESSAGES, check=check)
