"""Evaluation: how well a labeller's extractions agree with annotated abstracts."""

from collections.abc import Iterable

from extractor.evaluation.gold import GoldDocument, read_gold
from extractor.evaluation.matching import Alignment, align
from extractor.evaluation.metrics import Scores, score
from extractor.labelling.base import Labeller
from extractor.worker import extract_document


async def align_all(documents: Iterable[GoldDocument], labeller: Labeller) -> tuple[Alignment, ...]:
    """Extract each annotated abstract and align the result with its gold; `score` sums them up.

    Raises what the labeller raises.
    """
    return tuple([align(gold, await extract_document(gold.document, labeller)) for gold in documents])


__all__ = ["Alignment", "GoldDocument", "Scores", "align", "align_all", "read_gold", "score"]
