"""One document -> one extraction: spot, label, ground."""

from collections.abc import Awaitable, Callable
from time import perf_counter

from extractor.documents import Document
from extractor.grounding import ground
from extractor.labels import Labeller
from extractor.records import Extraction
from extractor.spotting.mentions import Mentions, spot


class Work:
    """One document on its way to its `extraction`: each of the `STEPS` is to be taken once, in order."""

    __slots__ = ("_mentions", "_seconds", "document", "extraction")

    _mentions: Mentions
    _seconds: float
    extraction: Extraction

    def __init__(self, document: Document) -> None:
        self.document = document

    async def spot(self, _: Labeller) -> None:
        """Find what can be labelled."""
        started = perf_counter()
        self._mentions = spot(self.document.text)
        self._seconds = perf_counter() - started

    async def label(self, labeller: Labeller) -> None:
        """Have it labelled, and ground what was said. Raises what the labeller raises."""
        started = perf_counter()
        labelled = await labeller.label(self.document, self._mentions)
        seconds = round(self._seconds + perf_counter() - started, 6)
        labelled = labelled._replace(provenance=labelled.provenance.model_copy(update={"seconds": seconds}))
        self.extraction = ground(self.document, self._mentions, labelled)


STEPS: tuple[Callable[[Work, Labeller], Awaitable[None]], ...] = (Work.spot, Work.label)
"""What is done with a document, in order."""


async def extract_document(document: Document, labeller: Labeller) -> Extraction:
    """Extract the claims and hardware of one document. Raises what the labeller raises."""
    work = Work(document)
    for step in STEPS:
        await step(work, labeller)
    return work.extraction
