"""Whether the confidence that a labeller gives its claims can be believed: of those with 0.8, four in five should be right."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from extractor.evaluation.matching import Alignment, agreement, is_strict

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """The claims with a confidence from `low` up to `high`: how many, their mean confidence, and how many are strictly right.

    1 belongs to the last bin. The mean of an empty bin is None.
    """

    low: float
    high: float
    claims: int
    confidence: float | None
    right: int

    @property
    def accuracy(self) -> float | None:
        """The share that is right; None of an empty bin."""
        return self.right / self.claims if self.claims else None


@dataclass(frozen=True, slots=True)
class Calibration:
    """How confidence and being right go together over the claims that have a confidence.

    `error` is the expected calibration error: how far each bin's accuracy is from its mean confidence, weighted by its claims.
    `brier` is the mean square of confidence minus outcome (1 right, 0 not). Both are 0 at best and 1 at worst.
    """

    claims: int
    bins: tuple[Bin, ...]
    error: float
    brier: float

    def as_dict(self) -> dict[str, Any]:
        """The figures with the accuracy of each bin, for JSON."""
        return asdict(self) | {"bins": [asdict(each) | {"accuracy": each.accuracy} for each in self.bins]}


def calibrate(alignments: Iterable[Alignment]) -> Calibration | None:
    """Compare confidence and outcome in ten bins of equal width; None if no predicted claim has a confidence.

    A claim is right if it has a partner with which it agrees strictly, so spurious ones are wrong.
    """
    outcomes = [outcome for document in alignments for outcome in _outcomes(document)]
    if not outcomes:
        return None
    sorted_in: list[list[tuple[float, bool]]] = [[] for _ in range(BINS)]
    for confidence, right in outcomes:
        sorted_in[min(int(confidence * BINS), BINS - 1)].append((confidence, right))
    bins = tuple(
        Bin(
            low=n / BINS,
            high=(n + 1) / BINS,
            claims=len(each),
            confidence=fmean(confidence for confidence, _ in each) if each else None,
            right=sum(right for _, right in each),
        )
        for n, each in enumerate(sorted_in)
    )
    gaps = (abs(each.right - each.claims * each.confidence) for each in bins if each.confidence is not None)
    return Calibration(
        claims=len(outcomes),
        bins=bins,
        error=sum(gaps) / len(outcomes),
        brier=fmean((confidence - right) ** 2 for confidence, right in outcomes),
    )


def _outcomes(document: Alignment) -> Iterator[tuple[float, bool]]:
    """The confidence of each predicted claim that has one, and whether the claim is right."""
    for gold, claim in document.claims.pairs:
        if claim.confidence is not None:
            yield claim.confidence, is_strict(agreement(document.gold, gold, claim))
    yield from ((claim.confidence, False) for claim in document.claims.spurious if claim.confidence is not None)
