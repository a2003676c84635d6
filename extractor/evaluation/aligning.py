"""Annotated abstracts through a labeller, each aligned with its gold."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext

from extractor._version import __version__
from extractor.documents import Document
from extractor.errors import CallError, JobError
from extractor.evaluation.gold import GoldDocument
from extractor.evaluation.matching import Alignment, align
from extractor.labelling.base import Labeller
from extractor.records import Extraction, Provenance, Rejection
from extractor.worker import extract_document

UNANSWERED = "reply"
"""The rejected field of a document for which the model gave no usable answer."""


async def align_all(
    documents: Iterable[GoldDocument],
    labeller: Labeller,
    around: Callable[[Document], AbstractContextManager[object]] = lambda _document: nullcontext(),
) -> tuple[Alignment, ...]:
    """Extract each annotated abstract, one after the other, and align the result with its gold; `score` sums them up.

    `around` is entered for each. A document for which a model gives no usable answer has no claims, and one rejection that says
    why. Raises what else the labeller raises.
    """
    alignments = []
    for gold in documents:
        with around(gold.document):
            alignments.append(align(gold, await _extract(gold.document, labeller)))
    return tuple(alignments)


async def _extract(document: Document, labeller: Labeller) -> Extraction:
    try:
        return await extract_document(document, labeller)
    except JobError:
        raise
    except CallError as error:
        spent = error.spent
        made = Provenance(
            extractor=__version__,
            labeller=labeller.name,
            model=labeller.name,
            calls=spent.calls,
            attempts=spent.attempts,
            input_tokens=spent.input_tokens,
            output_tokens=spent.output_tokens,
            cost_usd=spent.cost_usd,
        )
        rejected = (Rejection(field=UNANSWERED, value="", reason=error.cause),)
        return Extraction(
            id=document.id,
            title=document.title,
            abstract=document.abstract,
            system=None,
            claims=(),
            hardware=(),
            rejected=rejected,
            provenance=made,
        )
