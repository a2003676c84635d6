"""What a model gives that is asked only where the rules are unsure: quality against the share of abstracts asked."""

from collections.abc import Sequence
from dataclasses import dataclass

from extractor.evaluation.matching import Alignment
from extractor.evaluation.metrics import score
from extractor.evaluation.statistics import HEADLINE

_FIGURES = ("strict_f1", "documents_right")


@dataclass(frozen=True, slots=True)
class Point:
    """Claims right (F1) and abstracts right where the model is asked about this share of the abstracts, the least sure.

    Where there is nothing to score, a figure is None.
    """

    asked: float
    strict_f1: float | None
    documents_right: float | None


def cascade(ours: Sequence[Alignment], theirs: Sequence[Alignment]) -> tuple[Point, ...]:
    """From no abstract asked to all that may be; empty where a record of ours has no confidence. Equally sure ones go together.

    `theirs` are the records of a job with `--when-unsure 1`, which holds ours where nothing is asked. Both are of the same
    documents in the same order.
    """
    confidences = [each.extraction.confidence for each in ours]
    if not ours or None in confidences:
        return ()
    answered = [a.extraction.provenance.model != b.extraction.provenance.model for a, b in zip(ours, theirs, strict=True)]
    parts = [[_ratios(document) for document in system] for system in (ours, theirs)]
    points = []
    for least in [0.0, *sorted({each for each in confidences if each is not None}), 2.0]:
        asked = [may and (each or 0.0) < least for each, may in zip(confidences, answered, strict=True)]
        chosen = [parts[of][n] for n, of in enumerate(asked)]
        sums = [[sum(document[figure][side] for document in chosen) for side in (0, 1)] for figure in range(len(_FIGURES))]
        points.append(Point(sum(asked) / len(asked), *(above / below if below else None for above, below in sums)))
    return tuple({point.asked: point for point in points}.values())


def _ratios(document: Alignment) -> list[tuple[int, int]]:
    scores = score([document])
    return [HEADLINE[name].ratio(scores) for name in _FIGURES]
