"""A job on this machine: every input record through the worker, into exactly one of the sink's two places."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from functools import partial
from pathlib import Path
from traceback import extract_tb
from typing import TypeAlias

from extractor.documents import Document
from extractor.errors import CallError, ExtractorError, JobError, Spent
from extractor.jobs.flow import Flow, Item
from extractor.jobs.progress import Watch
from extractor.jobs.sinks import Portion, Sink
from extractor.jobs.stopping import Stop
from extractor.labelling.base import Labeller
from extractor.outputs.jsonl import to_line
from extractor.records import Extraction, Failure
from extractor.sources import BadRecord, Location, Sourced
from extractor.worker import extract_document

_Items: TypeAlias = Iterable[Item] | AsyncIterable[Item]
_Outcome: TypeAlias = Extraction | tuple[Failure, Spent | None]


async def run_job(
    items: _Items,
    labeller: Labeller,
    sink: Sink,
    watch: Watch | None = None,
    window: int = 1,
    *,
    in_order: bool = True,
    stop: Stop | None = None,
) -> bool:
    """Extract each document that the sink does not hold yet, up to `window` of them at once.

    They are written in the order of the input, or else as they come. A record that cannot be read and a document that a step
    fails on become failures and stop nothing. Returns whether the whole input was worked off; it was not when `stop` was asked
    on the way. Raises `JobError` when no later document can fare better, and what reading the input and writing to the sink
    raise. However a job with a window ends, what is done by then is written.
    """
    watch, stop = watch or Watch(sink.counts), stop or Stop()
    settle = partial(_settle, sink)
    if window > 1 or isinstance(items, AsyncIterable):
        flow = Flow(_each(items), sink.is_done, partial(_one, labeller), settle, watch, window, in_order=in_order)
        return await flow.run(stop)
    for item in items:
        watch.read += 1
        if isinstance(item, Sourced) and sink.is_done(item.document):
            watch.skipped += 1
        else:
            outcome = await _one(labeller, [item])
            with stop.shielded():
                settle(outcome)
            watch.settled += 1
        if stop.asked:
            return False
    watch.read_through = True
    return True


async def _each(items: _Items) -> AsyncIterator[list[Item]]:
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield [item]
    else:
        for item in items:
            yield [item]
            await asyncio.sleep(0)  # calls under way get their turn between two records


def _settle(sink: Sink, outcome: _Outcome) -> None:
    if isinstance(outcome, Extraction):
        sink.add(outcome)
    else:
        sink.fail(*outcome)


async def work_off(labeller: Labeller, items: Iterable[Item]) -> Portion:
    """Extract documents one by one."""
    portion = Portion()
    for item in items:
        outcome = await _one(labeller, [item])
        if isinstance(outcome, Extraction):
            portion.lines[outcome.id] = to_line(outcome)
            portion.counts.add(outcome)
        else:
            portion.failures.append(outcome[0])
            portion.counts.fail(outcome[1])
    return portion


async def _one(labeller: Labeller, items: list[Item]) -> _Outcome:
    [item] = items
    return _bad(item) if isinstance(item, BadRecord) else await _attempt(item.document, item.location, labeller)


async def _attempt(document: Document, location: Location, labeller: Labeller) -> _Outcome:
    if _encodable(document.id + document.text) != document.id + document.text:
        cause = "the record holds half of a surrogate pair, which is no character"
        return failure(document.id, location, cause, "Take the \\ud800 to \\udfff out of it."), None
    try:
        return await extract_document(document, labeller)
    except JobError:
        raise
    except CallError as error:
        return failure(document.id, location, error.cause, error.fix), error.spent
    except ExtractorError as error:
        return failure(document.id, location, str(error), "Run the same command again: what failed is tried again."), None
    except Exception as error:  # noqa: BLE001 (a bug that one document shows must not cost the others)
        kind = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
        cause = f"{kind} at {_place(error)}"
        return failure(document.id, location, cause, "This is a bug: report it with the abstract."), None


def _bad(item: BadRecord) -> tuple[Failure, None]:
    return failure(item.id, item.location, item.cause, item.fix), None


def failure(document: str | None, location: Location, cause: str, fix: str) -> Failure:
    """An input record that gave no extraction, in words that can be written down."""
    return Failure(
        id=None if document is None else _encodable(document),
        source=_encodable(str(location.path)),
        line=location.line,
        cause=_encodable(cause),
        fix=_encodable(fix),
    )


def _encodable(text: str) -> str:
    """The text without lone surrogates, which file names and JSON escapes can hold and UTF-8 cannot."""
    return text.encode(errors="backslashreplace").decode()


def _place(error: Exception) -> str:
    """The innermost line of the package that an error passed through, as `extractor/module.py:123`."""
    home = Path(__file__).parents[1]
    places = [(Path(frame.filename), frame.lineno) for frame in extract_tb(error.__traceback__)]
    inside = [(path, line) for path, line in places if path.is_relative_to(home)]
    path, line = (inside or places)[-1]
    return f"{path.relative_to(home.parent) if inside else path.name}:{line}"
