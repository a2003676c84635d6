"""The limits of many processes: kept together, exactly once, and by the next keeper when one is killed."""

import asyncio
import heapq
from pathlib import Path
from typing import Any

import pytest

from extractor.errors import BudgetError
from extractor.jobs.ray.leases import Act, Answers, Lease, Leases
from extractor.llm.limits import Limiter, Limits
from tests.llm.support import FakeClock, run

RATE = Limits(requests_per_minute=600, tokens_per_minute=60_000)
TEN_SECONDS = 10.0
_TURNS = 12
"""Turns of the loop in which a message is sent and answered."""


class Time(FakeClock):
    """Time that passes when all have gone to sleep, to the moment when the first of them wakes up."""

    def __init__(self) -> None:
        super().__init__()
        self._sleeping: list[tuple[float, int, asyncio.Future[None]]] = []

    async def sleep(self, seconds: float) -> None:
        """Wait for `pass_by`."""
        wake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleeping, (self.now + seconds, id(wake), wake))
        await wake

    async def pass_by(self) -> None:
        """Let time pass, until cancelled."""
        while True:
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            if self._sleeping:
                self.now, _, wake = heapq.heappop(self._sleeping)
                if not wake.done():
                    wake.set_result(None)


class Keeper:
    """Starts the keeper of the limits, and starts it anew when it was killed, as Ray does."""

    def __init__(self, folder: Path, limits: Limits = RATE, max_cost: float | None = None, spent: float = 0.0) -> None:
        self.clock = Time()
        self._made: tuple[Any, ...] = (str(folder), {"m": limits}, max_cost, spent, self.clock)
        self.leases = Leases(*self._made)
        self.asked = 0
        self.loses_answers = False

    def die(self) -> None:
        """Die, and be there again with what is on the disk."""
        self.leases = Leases(*self._made)

    async def send(self, name: str, number: int, acts: list[Act]) -> Answers:
        """Ask it as a process does; of an answer that is lost, once more."""
        await asyncio.sleep(0)
        self.asked += 1
        answers = self.leases.ask(name, number, acts)
        if self.loses_answers:
            self.die()
            assert self.leases.ask(name, number, acts)[0] == answers[0]
        return answers

    def lease(self, name: str, max_cost: float | None = None) -> Lease:
        """The side of one process."""
        return Lease(name, self.send, max_cost, self.clock)


@pytest.mark.parametrize("dies_at", [None, 7, 400], ids=["lives", "dies early", "dies late"])
def test_four_processes_together_never_start_more_than_the_rate_in_any_ten_seconds(dies_at: int | None, tmp_path: Path) -> None:
    keeper = Keeper(tmp_path)
    starts: list[tuple[float, int]] = []

    async def process(name: str) -> None:
        lease = keeper.lease(name)
        limiter = Limiter(Limits(concurrency=8), keeper.clock, lease.allowance("m"))

        async def call(tokens: int) -> None:
            async with limiter.slot(tokens) as started:
                starts.append((started, tokens))
                if len(starts) == dies_at:
                    keeper.die()

        await asyncio.gather(*(call(50 + 100 * (n % 2)) for n in range(150)))
        await lease.close()

    async def scene() -> None:
        keeper.clock.now = 60.0  # what was not taken in the first minute is not to be had later
        passing = asyncio.create_task(keeper.clock.pass_by())
        await asyncio.gather(*(process(f"p{n}") for n in range(4)))
        passing.cancel()

    run(scene())
    assert len(starts) == 600
    for at, _ in starts:
        window = [tokens for start, tokens in starts if at <= start < at + TEN_SECONDS]
        assert (len(window) <= 105, sum(window) <= 10_500) == (True, True)
    assert max(starts)[0] < 123.0  # and hardly less: 600 calls, 60,000 tokens
    assert keeper.asked < 600  # what waits goes in one message


def test_what_one_process_is_told_holds_for_all(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path, Limits())

    async def scene() -> float:
        one, other = (keeper.lease(name).allowance("m") for name in ("one", "other"))
        one.close(7.0)
        one.told("requests", 60, 0, 60.0)
        await asyncio.sleep(0.01)
        assert await other.take(1) == pytest.approx(7.0)
        keeper.die()
        assert await other.take(1) == pytest.approx(7.0)
        keeper.clock.now = 7.5
        return await other.take(1)

    assert run(scene()) == 0.0


@pytest.mark.parametrize("loses_answers", [False, True])
def test_the_cap_is_that_of_all_processes_together(loses_answers: bool, tmp_path: Path) -> None:
    keeper = Keeper(tmp_path, max_cost=1.0, spent=0.1)
    keeper.loses_answers = loses_answers

    async def scene() -> list[float]:
        leases = [keeper.lease(f"p{n}", 1.0) for n in range(3)]
        budgets = [lease.budget(0.0) for lease in leases]
        for _ in range(3):  # 0.1 a call, for which 0.2 are set aside
            held = [await budget.reserve(0.2, "m") for budget in budgets[:2]]
            for budget, amount in zip(budgets, held, strict=False):
                await budget.settle(amount, 0.1)
        with pytest.raises(BudgetError, match=r"\$0.7000 of the \$1 cap is spent and the next call may cost \$0.3100"):
            await budgets[2].reserve(0.31, "m")
        await asyncio.gather(*(lease.close() for lease in leases))
        return [budget.spent for budget in budgets]

    assert run(scene()) == pytest.approx([0.3, 0.3, 0.0])
    assert keeper.leases.spent() == pytest.approx(0.7)


def test_a_call_waits_while_only_calls_under_way_of_other_processes_stand_against_it(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path, max_cost=1.0)

    async def scene() -> None:
        one, other = (keeper.lease(name, 1.0).budget(0.0) for name in ("one", "other"))
        held = await one.reserve(0.9, "m")
        waiting = asyncio.ensure_future(other.reserve(0.5, "m"))
        passing = asyncio.create_task(keeper.clock.pass_by())
        for _ in range(20):
            await asyncio.sleep(0)
        assert not waiting.done()
        await one.settle(held, 0.2)
        assert await waiting == 0.5
        passing.cancel()

    run(scene())


def test_what_a_lost_process_had_under_way_is_spent(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path, max_cost=1.0)

    async def scene() -> None:
        lost, other = (keeper.lease(name, 1.0).budget(0.0) for name in ("lost", "other"))
        for _ in range(2):
            await lost.reserve(0.3, "m")
        for _ in range(2):  # it is told twice
            keeper.leases.gone("lost")
        keeper.die()
        assert keeper.leases.spent() == pytest.approx(0.6)
        with pytest.raises(BudgetError):
            await other.reserve(0.5, "m")

    run(scene())


def test_what_nobody_waits_for_any_more_is_given_back(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path, max_cost=1.0)

    async def scene() -> None:
        lease = keeper.lease("one", 1.0)
        call = asyncio.ensure_future(lease.budget(0.0).reserve(0.9, "m"))
        await asyncio.sleep(0)
        call.cancel()
        await lease.close()
        assert await lease.budget(0.0).reserve(0.9, "m") == 0.9

    run(scene())
