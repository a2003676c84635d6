"""Each client has its turn, however much another has asked for."""

import asyncio
import threading

import pytest

from extractor.documents import Document
from extractor.errors import JobError
from extractor.jobs.flow import Item, failure
from extractor.jobs.sinks import Portion
from extractor.service.turns import CrowdedError, Key, Turns
from extractor.sources import Location, Sourced

BIG: Key = ("big", "jobs")
SMALL: Key = ("small", "extracts")
OTHER: Key = ("other", "extracts")


def items(*names: str) -> list[Item]:
    return [Sourced(Document(name, "", name), Location("documents", n)) for n, name in enumerate(names, 1)]


class Gate:
    """A labeller that waits to be let go, and remembers what it was given."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.begun = threading.Event()
        self.given: list[list[str]] = []

    def work(self, portion: list[Item]) -> Portion:
        names = [item.document.id for item in portion if isinstance(item, Sourced)]
        self.given.append(names)
        self.begun.set()
        assert self.open.wait(10)
        done = Portion()
        for item in portion:
            if isinstance(item, Sourced) and item.document.id == "bad":
                done.failures.append(failure("bad", item.location, "bad", "Mend it."))
            elif isinstance(item, Sourced):
                done.lines.append((item.document.id, item.document.id.encode()))
        return done


def turns_of(gate: Gate, most: int = 4) -> Turns:
    return Turns(gate.work, 1, most=most, waiting=3)


def test_clients_have_their_turn_one_after_the_other() -> None:
    gate = Gate()

    async def scene() -> None:
        turns = turns_of(gate)
        first = turns.put(BIG, [items("b1"), items("b2"), items("b3")])
        await asyncio.to_thread(gate.begun.wait, 10)
        small = turns.put(SMALL, [items("s1")], whole=False)
        gate.open.set()
        await asyncio.gather(*first, *small)
        turns.close()

    asyncio.run(scene())
    assert gate.given == [["b1"], ["b2"], ["s1"], ["b3"]]


def test_small_portions_go_together_and_come_apart_with_their_failures() -> None:
    gate = Gate()

    async def scene() -> list[Portion]:
        turns = turns_of(gate)
        held = turns.put(BIG, [items("b")])
        await asyncio.to_thread(gate.begun.wait, 10)
        asked = [turns.put(OTHER, [items("x", "bad")], whole=False), turns.put(SMALL, [items("x")], whole=False)]
        gate.open.set()
        await asyncio.gather(*held)
        done = [await future for futures in asked for future in futures]
        turns.close()
        return done

    two, one = asyncio.run(scene())
    assert gate.given == [["b"], ["x", "bad", "x"]]
    assert (two.lines, [each.line for each in two.failures], two.counts.documents) == ([("x", b"x")], [2], 2)
    assert (one.lines, one.failures, one.counts.failed) == ([("x", b"x")], [], 0)


def test_what_is_too_much_is_refused_and_what_is_cancelled_is_not_begun() -> None:
    gate = Gate()

    async def scene() -> None:
        turns = turns_of(gate)
        held = turns.put(BIG, [items("b")])
        await asyncio.to_thread(gate.begun.wait, 10)
        [gone] = turns.put(SMALL, [items("s1", "s2")], whole=False)
        with pytest.raises(CrowdedError, match="2 documents of this client wait already"):
            turns.put(SMALL, [items("s3", "s4")], whole=False)
        kept = turns.put(OTHER, [items("o1", "o2")], whole=False)
        gone.cancel()
        gate.open.set()
        await asyncio.gather(*held, *kept)
        turns.close()
        with pytest.raises(JobError, match="the service has ended"):
            turns.put(SMALL, [items("late")])

    asyncio.run(scene())
    assert gate.given == [["b"], ["o1", "o2"]]
