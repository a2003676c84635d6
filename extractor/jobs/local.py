"""A job on this machine: every input record through the worker, in order, into exactly one of the sink's two places."""

from collections.abc import Callable, Iterable
from pathlib import Path
from traceback import extract_tb

from extractor.documents import Document
from extractor.errors import ExtractorError
from extractor.jobs.counts import Counts
from extractor.jobs.sinks import Sink
from extractor.labelling.base import Labeller
from extractor.records import Extraction, Failure
from extractor.sources import BadRecord, Location, Sourced
from extractor.worker import extract_document


async def run_job(
    items: Iterable[Sourced | BadRecord], labeller: Labeller, sink: Sink, progress: Callable[[Counts], None] = lambda _: None
) -> None:
    """Extract each document that the sink does not hold yet.

    A record that cannot be read and a document that a step fails on become failures and stop nothing. Raises what
    reading the input and writing to the sink raise.
    """
    for item in items:
        if isinstance(item, BadRecord):
            sink.fail(_failure(item.id, item.location, item.cause, item.fix))
        elif not sink.is_done(item.document):
            outcome = await _attempt(item.document, item.location, labeller)
            if isinstance(outcome, Failure):
                sink.fail(outcome)
            else:
                sink.add(outcome)
        progress(sink.counts)


async def _attempt(document: Document, location: Location, labeller: Labeller) -> Extraction | Failure:
    if _encodable(document.id + document.text) != document.id + document.text:
        cause = "the record holds half of a surrogate pair, which is no character"
        return _failure(document.id, location, cause, "Take the \\ud800 to \\udfff out of it.")
    try:
        return await extract_document(document, labeller)
    except ExtractorError as error:
        return _failure(document.id, location, str(error), "Run the same command again: what failed is tried again.")
    except Exception as error:  # noqa: BLE001 (a bug that one document shows must not cost the others)
        kind = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
        return _failure(document.id, location, f"{kind} at {_place(error)}", "This is a bug: report it with the abstract.")


def _failure(document: str | None, location: Location, cause: str, fix: str) -> Failure:
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
