"""The rates and the cap of a job that many processes do: one actor keeps them (`Leases`), each process asks it (`Lease`).

A process sends all that it wants at a time in one numbered message, and the next when that is answered. The actor answers a
number that it has answered before as it did then, and keeps what each process has spent in a file: one that is killed, and
started anew wherever there is room, goes on with what was spent, and nothing counts twice.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from extractor.errors import BudgetError, JobError
from extractor.llm.limits import Allowance, Clock, Limits, Of, Rates
from extractor.llm.pricing import Budget

_BURST = 0.02
"""Seconds' worth of calls that may start at once. A second's would be 10% too many in ten seconds."""
_AGAIN = 0.1
"""Seconds until a call that only calls under way stand against asks again."""

Act = tuple[Any, ...]
"""What a process wants: its name and what it is about, as `Leases` has them."""
Answers = tuple[list[Any], dict[str, float]]
"""An answer to each act, and the seconds for which each server wants no call."""


@dataclass(slots=True)
class _Holder:
    """A process: the last message of it that was answered, and the US dollars it has spent and has `calls` under way for."""

    number: int = 0
    answers: list[Any] = field(default_factory=list)
    spent: float = 0.0
    held: float = 0.0
    calls: int = 0
    owed: dict[str, float] = field(default_factory=dict)
    closed: dict[str, float] = field(default_factory=dict)


class Leases:
    """Keeps the limits of each model and the cap, and in `folder` what must outlive it.

    `spent` US dollars are those of earlier runs.
    """

    def __init__(
        self, folder: str, limits: Mapping[str, Limits], max_cost: float | None, spent: float, clock: Clock | None = None
    ) -> None:
        self._folder = Path(folder)
        self._clock = clock or Clock()
        self._rates = {model: Rates(each, self._clock, _BURST) for model, each in limits.items()}
        self._holders = {file.stem: _Holder(**json.loads(file.read_bytes())) for file in self._folder.glob("*.json")}
        self._budget = Budget(None, spent + sum(holder.spent for holder in self._holders.values()))
        for holder in self._holders.values():
            for _ in range(holder.calls):
                self._budget.hold(holder.held / holder.calls)
        self._budget.max_cost = max_cost
        now = self._clock.time()
        for model, rates in self._rates.items():
            rates.owe(max((holder.owed.get(model, now) - now for holder in self._holders.values()), default=0.0))
            rates.close(max((holder.closed.get(model, now) - now for holder in self._holders.values()), default=0.0))

    def ask(self, name: str, number: int, acts: Sequence[Act]) -> Answers:
        """Do what a process wants, once."""
        holder = self._holders.setdefault(name, _Holder())
        again = number == holder.number
        answers = [
            # When a call was to start has passed when it is told late, and others start then.
            holder.answers[n] if again and act != "take" else getattr(self, f"_{act}")(holder, *about)
            for n, (act, *about) in enumerate(acts)
        ]
        holder.number, holder.answers = number, answers
        self._keep(name, holder)
        return answers, {model: rates.closed for model, rates in self._rates.items()}

    def gone(self, name: str) -> None:
        """A process has ended on the way: what it had under way may be billed."""
        if (holder := self._holders.get(name)) is not None:
            while holder.calls:
                part = holder.held / holder.calls
                self._put(holder, part, part)
            self._keep(name, holder)

    def spent(self) -> float:
        """US dollars that the job has cost."""
        return self._budget.spent

    def _take(self, _holder: _Holder, model: str, tokens: int) -> float:
        return self._rates[model].take_now(tokens)

    def _used(self, _holder: _Holder, model: str, expected: int, tokens: int) -> None:
        self._rates[model].used(expected, tokens)

    def _told(self, _holder: _Holder, model: str, of: Of, limit: float, remaining: float, reset: float | None) -> None:
        self._rates[model].told(of, limit, remaining, reset)

    def _close(self, _holder: _Holder, model: str, seconds: float) -> None:
        self._rates[model].close(seconds)

    def _hold(self, holder: _Holder, most: float) -> bool | list[str]:
        try:
            held = self._budget.hold(most)
        except BudgetError as error:
            return [error.cause, error.fix]
        if held:
            holder.held, holder.calls = holder.held + most, holder.calls + 1
        return held

    def _put(self, holder: _Holder, held: float, cost: float) -> None:
        self._budget.put(held, cost)
        holder.spent, holder.calls = holder.spent + cost, holder.calls - 1
        holder.held = holder.held - held if holder.calls else 0.0

    def _keep(self, name: str, holder: _Holder) -> None:
        now = self._clock.time()
        holder.owed = {model: now + rates.owed for model, rates in self._rates.items()}
        holder.closed = {model: now + rates.closed for model, rates in self._rates.items()}
        new = self._folder / f"{name}.new"
        new.write_text(json.dumps(asdict(holder)))
        new.replace(self._folder / f"{name}.json")


class Lease:
    """The side of one process: the `Terms` of its part of the job. `send` has `Leases.ask` done."""

    def __init__(
        self,
        name: str,
        send: Callable[[str, int, list[Act]], Awaitable[Answers]],
        max_cost: float | None,
        clock: Clock | None = None,
    ) -> None:
        self.clock = clock or Clock()
        self._name, self._send, self._max_cost = name, send, max_cost
        self._number = 0
        self._waiting: list[tuple[Act, asyncio.Future[Any] | None]] = []
        self._sending: asyncio.Task[None] | None = None
        self._closed_until: dict[str, float] = {}

    def allowance(self, model: str) -> Allowance:
        """How much the whole job may ask a model."""
        return _Leased(self, model)

    def budget(self, spent: float) -> Budget:
        """What the whole job may cost; `spent` and what is added to it is of this part alone."""
        return Budget(None, spent) if self._max_cost is None else _LeasedBudget(self, self._max_cost, spent)

    async def close(self) -> None:
        """Send what is not sent yet."""
        if self._sending is not None:
            await self._sending

    async def ask(self, *act: Any) -> Any:
        """Have something done and wait for the answer. Raises `JobError`."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._post(act, answer)
        return await answer

    def tell(self, *act: Any) -> None:
        """Have something done."""
        self._post(act, None)

    def closed(self, model: str) -> float:
        """Seconds for which a server wants no call, as was last heard."""
        return max(0.0, self._closed_until.get(model, 0.0) - self.clock.monotonic())

    def _post(self, act: Act, answer: asyncio.Future[Any] | None) -> None:
        self._waiting.append((act, answer))
        if self._sending is None or self._sending.done():
            self._sending = asyncio.get_running_loop().create_task(self._send_all())

    async def _send_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            self._number += 1
            try:
                answers, closed = await self._send(self._name, self._number, [act for act, _ in batch])
            except Exception as error:  # noqa: BLE001 (whatever Ray raises for an actor that is gone for good)
                gone = JobError(
                    f"what keeps the limits of the job is gone ({type(error).__name__})", "Run the same command again."
                )
                for _, future in batch:
                    if future is not None and not future.done():
                        future.set_exception(gone)
                continue
            now = self.clock.monotonic()
            self._closed_until = {model: now + seconds for model, seconds in closed.items()}
            for (act, future), answer in zip(batch, answers, strict=True):
                if future is not None and not future.done():
                    future.set_result(answer)
                elif future is not None and act[0] == "hold" and answer is True:  # nobody waits for it any more
                    self.tell("put", act[1], 0.0)


class _Leased:
    """The allowance that several processes share."""

    def __init__(self, lease: Lease, model: str) -> None:
        self._lease, self._model = lease, model

    async def take(self, tokens: int) -> float:
        """As `Allowance` has it."""
        wait: float = await self._lease.ask("take", self._model, tokens)
        return wait

    def used(self, expected: int, tokens: int) -> None:
        """As `Allowance` has it."""
        if expected != tokens:
            self._lease.tell("used", self._model, expected, tokens)

    def told(self, of: Of, limit: float, remaining: float, reset: float | None) -> None:
        """As `Allowance` has it."""
        self._lease.tell("told", self._model, of, limit, remaining, reset)

    def close(self, seconds: float) -> None:
        """As `Allowance` has it."""
        self._lease.tell("close", self._model, seconds)

    @property
    def closed(self) -> float:
        """As `Allowance` has it."""
        return self._lease.closed(self._model)


class _LeasedBudget(Budget):
    """The cap that several processes share."""

    def __init__(self, lease: Lease, max_cost: float, spent: float) -> None:
        super().__init__(max_cost, spent)
        self._lease = lease

    async def reserve(self, most: float | None, model: str) -> float:
        """Set the most that a call can cost aside, for the whole job. Raises `BudgetError`."""
        if most is None:
            return await super().reserve(most, model)  # raises
        while (held := await self._lease.ask("hold", most)) is False:
            await self._lease.clock.sleep(_AGAIN)
        if held is not True:
            raise BudgetError(*held)
        return most

    async def settle(self, reserved: float, cost: float) -> None:
        """Put the true cost of a call in the place of what was reserved for it."""
        self.spent += cost
        self._lease.tell("put", reserved, cost)
