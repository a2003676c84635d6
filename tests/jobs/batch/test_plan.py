"""What a refusal teaches of the provider's queue, and how batches are made to fit it."""

from pathlib import Path

import pytest

from extractor.documents import Document
from extractor.jobs.batch.plan import Plan, PlannedBatch, PlannedDocument, refuse, take
from extractor.jobs.batch.store import Store, next_batch, questions
from extractor.llm.batch import Batch, Full
from extractor.sources import Location, Sourced


def planned(*tokens: int, requests: int = 10) -> Plan:
    """Batches of so many tokens each."""
    return Plan([], {}, {}, {}, "", batches=[PlannedBatch(n + 1, requests, size, None, size) for n, size in enumerate(tokens)])


def sent(batch: PlannedBatch, state: str = "in_progress") -> PlannedBatch:
    batch.id, batch.state = f"batch_{batch.number}", state  # type: ignore[assignment]
    return batch


TOLD, UNTOLD = Full("full", tokens=1_000), Full("full")


@pytest.mark.parametrize(
    ("tokens", "others", "full", "room", "hopeless"),
    [
        (5_000, 0, TOLD, 900, False),
        (800, 700, TOLD, 900, False),
        (5_000, 0, Full("full", requests=4), 1_800, False),
        (800, 0, TOLD, 400, False),
        (300, 500, TOLD, 500, False),
        (500, 300, TOLD, 500, False),
        (60, 0, TOLD, 56, False),
        (50, 0, TOLD, 56, True),
        (5_000, 0, UNTOLD, 2_500, False),
        (5_000, 3_000, UNTOLD, 5_000, False),
        (1, 0, UNTOLD, 1, True),
    ],
    ids=[
        "larger than the queue",
        "too large beside another",
        "in requests",
        "it fits, so it is half",
        "beside others, which fill it",
        "beside others, it waits whole",
        "a sixteenth at least",
        "others fill it",
        "no figure",
        "no figure, beside others",
        "nothing is less",
    ],
)
def test_a_refusal_tells_how_much_room_there_is(tokens: int, others: int, full: Full, room: int, hopeless: bool) -> None:
    plan = planned(tokens, *([others] if others else []))
    for batch in plan.batches[1:]:
        sent(batch)
    batch = sent(plan.batches[0], "validating")
    assert take(plan, batch, Batch("batch_1", "failed", cause="full", full=full)) is hopeless
    assert (plan.room, batch.state, batch.id, batch.since, plan.strangers) == (room, "planned", None, None, ["batch_1"])


def test_one_request_that_is_larger_than_the_queue_fails() -> None:
    plan = planned(5_000, requests=1)
    assert refuse(plan, plan.batches[0], TOLD) is False
    assert (plan.batches[0].state, plan.batches[0].collected, plan.batches[0].cause) == ("failed", True, "full")


def test_room_grows_with_each_batch_that_is_accepted_up_to_the_limit() -> None:
    plan = planned(400, 400, 400, 400)
    plan.limit, plan.room = 900, 400
    rooms = []
    for batch in plan.batches:
        take(plan, sent(batch, "validating"), Batch(f"batch_{batch.number}", "in_progress"))
        take(plan, batch, Batch(f"batch_{batch.number}", "completed"))
        rooms.append(plan.room)
    assert rooms == [800, 900, 900, 900]


def test_a_batch_is_split_and_split_again_and_each_question_keeps_its_place(tmp_path: Path) -> None:
    store = Store(tmp_path)
    asked = [f"{n:04x}" for n in range(20)]
    with store.locked():
        store.requests(1).write_bytes(b"".join(b"%s\n" % name.encode() for name in asked[:12]))
        store.requests(2).write_bytes(b"".join(b"%s\n" % name.encode() for name in asked[12:]))
        items = [Sourced(Document(name, name, "Text."), Location("papers.jsonl", n)) for n, name in enumerate(asked)]
        lines = [
            PlannedDocument(item, name, 1 if n < 12 else 2) for n, (item, name) in enumerate(zip(items, asked, strict=True))
        ]
        lines.insert(5, PlannedDocument(items[0], asked[0], 1, repeat=True))
        lines.insert(0, PlannedDocument(items[0]))  # one that needs no call
        store.documents.write_bytes(b"".join(line.to_line() for line in lines))
        plan = Plan([], {}, {}, {}, "", batches=[PlannedBatch(1, 12, 60, 1.2, 1_200), PlannedBatch(2, 8, 40, 0.8, 800)])
        for room in (500, 200, 100):
            plan.room = room
            assert next_batch(store, plan) is plan.batches[0]
        plan.room = 300
        while batch := next_batch(store, plan):
            sent(batch, "completed")
        plan = store.need()
        held = {batch.number: store.requests_of(batch).read_text().split() for batch in plan.batches}
    assert [batch.number for batch in plan.batches] == list(range(1, len(plan.batches) + 1))
    assert [(len(held[batch.number]), batch.bytes) for batch in plan.batches] == [
        (p.requests, 5 * p.requests) for p in plan.batches
    ]
    assert max(batch.tokens for batch in plan.batches) == 300
    assert sum(batch.tokens for batch in plan.batches) == 2_000
    assert sum(batch.cost_usd or 0.0 for batch in plan.batches) == pytest.approx(2.0)
    assert questions(store, plan, set(held)) == {name: number for number, names in held.items() for name in names}
    assert sorted(name for names in held.values() for name in names) == asked


def test_the_rest_of_a_split_that_was_interrupted_is_cut_off_later(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.locked():
        store.requests(1).write_bytes(b"a\nb\nc\n")
        assert store.requests_of(PlannedBatch(1, 2, 4, None)).read_bytes() == b"a\nb\n"
        assert store.requests_of(PlannedBatch(1, 2, 4, None)).read_bytes() == b"a\nb\n"
