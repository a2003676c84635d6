"""One document -> one extraction: spot, label, ground."""

from time import perf_counter

from extractor.documents import Document
from extractor.grounding import ground
from extractor.labels import Labeller
from extractor.records import Extraction
from extractor.spotting import spot


async def extract_document(document: Document, labeller: Labeller) -> Extraction:
    """Extract the claims and hardware of one document. Raises what the labeller raises."""
    started = perf_counter()
    mentions = spot(document.text)
    labelled = await labeller.label(document, mentions)
    seconds = round(perf_counter() - started, 6)
    labelled = labelled._replace(provenance=labelled.provenance.model_copy(update={"seconds": seconds}))
    return ground(document, mentions, labelled)
