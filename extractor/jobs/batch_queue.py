"""How a job fits into its provider's queue, which holds only so many tokens of a model, or requests, at a time.

How much that is shows when a batch is refused. What is larger is split into batches that fit, and no more is handed over at a
time than there is room for; the rest waits in the folder. A refused batch was not begun, so nothing of it was paid.
"""

import os
import sys
from typing import cast

from extractor.jobs.batch_folder import Part, Plan, Store, copy
from extractor.llm.batch import Batch, Full

_MARGIN = 0.9
"""What of the limit is used: the tokens of requests are estimates, and the organisation may have other batches queued."""
_SMALLEST = 16
"""A batch is not made smaller than this part of what fits: it is the organisation's other batches that are in its way then."""
_ACCEPTED = frozenset(["in_progress", "finalizing", "completed"])


def take(plan: Plan, part: Part, batch: Batch) -> bool:
    """Take over what the provider tells of a batch. Returns whether its queue is full of what is not this job's."""
    if batch.full is not None:
        return refuse(plan, part, batch.full, batch.id)
    if plan.room is not None and part.state in {"planned", "validating"} and batch.state in _ACCEPTED:
        plan.room = min(plan.room + part.tokens, plan.limit or sys.maxsize)  # maybe there is room for another
    part.update(batch)
    return False


def refuse(plan: Plan, part: Part, full: Full, id: str | None = None) -> bool:
    """Take note that the queue had no room for a batch: it is to be sent anew. `id` is what the provider calls the refused one.

    Returns whether nothing that this job does can make room.
    """
    others = plan.under_way - (part.tokens if part.is_open else 0)
    asked = others + part.tokens
    told = full.tokens if full.requests is None else full.requests * part.tokens // part.requests
    plan.limit = None if told is None else int(told * _MARGIN)
    if plan.limit is not None and asked > plan.limit:
        room = plan.limit
    else:  # It is less than the limit: by the estimate, or because of batches that are not this job's.
        room = max(others, part.tokens) if others else part.tokens // 2
        room = max(room, 1 if plan.limit is None else plan.limit // _SMALLEST)
    plan.room = room if plan.room is None else min(room, plan.room)
    plan.send_anew(part, id, full.cause)
    if others or (part.requests > 1 and part.tokens > plan.room):
        return False
    if plan.limit is not None and part.tokens > plan.limit:  # it is one request
        part.state, part.collected = "failed", True
        return False
    return True


def next_batch(store: Store, plan: Plan) -> Part | None:
    """The next batch to send; None if there is none, or no room for it. A batch that is larger than the room is split."""
    for part in plan.unsent:
        if part.since is not None or plan.room is None:
            return part
        if plan.under_way and plan.under_way + min(part.tokens, plan.room) > plan.room:
            continue
        return _split(store, plan, part) if part.tokens > plan.room and part.requests > 1 else part
    return None


def _split(store: Store, plan: Plan, part: Part) -> Part:
    """Make batches that fit of one that does not, and return the first, which has its number; the others come last in the plan.

    Their files are whole before the state knows of them. Its own is cut after that.
    """
    file = store.requests_of(part)
    room = part.bytes * cast(int, plan.room) // part.tokens
    sizes: list[tuple[int, int]] = []  # requests and bytes
    with file.open("rb") as lines:
        requests = size = 0
        for line in lines:
            if requests and size + len(line) > room:
                sizes.append((requests, size))
                requests = size = 0
            requests, size = requests + 1, size + len(line)
        sizes.append((requests, size))

    def piece(number: int, requests: int, size: int, first: int) -> Part:
        cost = None if part.cost_usd is None else part.cost_usd * size / part.bytes
        tokens = max(1, part.tokens * size // part.bytes)
        return Part(number, requests, size, cost, tokens, part.piece_of or part.number, first)

    pieces = [piece(part.number, *sizes[0], part.first)]
    with file.open("rb") as source:
        source.seek(sizes[0][1])
        for requests, size in sizes[1:]:
            number, first = len(plan.batches) + len(pieces), pieces[-1].first + pieces[-1].requests
            with store.requests(number).open("wb") as target:
                copy(source, target, size)
                target.flush()
                os.fsync(target.fileno())
            pieces.append(piece(number, requests, size, first))
    plan.batches[plan.batches.index(part)] = pieces[0]
    plan.batches += pieces[1:]
    store.save(plan)
    store.requests_of(pieces[0])
    return pieces[0]
