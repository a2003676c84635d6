"""How sure the figures are: intervals, the difference of two systems, and what a set of abstracts can tell at all.

The claims of one abstract stand and fall together, so whole abstracts are resampled, never claims. Every headline figure is a
ratio of two counts that are summed over abstracts. A resample then is a row of weights, and all resamples of all figures are
products of matrices of whole numbers, which are exact: the same on every machine. scipy pairs by document too, but its
`permutation_test` takes 0.9 s a figure where this takes 0.03 s for all, and its `bootstrap` knows no resample in which there is
nothing to score; the tests hold this module against both.
"""

import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from statistics import NormalDist
from types import MappingProxyType
from typing import Any, TypeAlias

from extractor.errors import DataError, UsageError, install
from extractor.evaluation.matching import Alignment
from extractor.evaluation.metrics import Counts, Scores, calibration, foretold, score

try:
    import numpy as np
    from numpy.typing import NDArray
except ImportError:
    raise UsageError(f"Evaluation needs numpy. {install('eval')}.") from None

Matrix: TypeAlias = NDArray[np.float64]

RESAMPLES = 10_000
_FEWER = 1_000
"""Resamples of confidences, each of which has to be ranked anew."""
LEVEL = 0.05
"""From this p-value down a difference is one; an interval leaves out this share of its resamples, half on each side."""

POWER = 0.8
"""`detectable` is the difference that is found this often."""

_CHUNK = 1_000_000
"""Weights in memory at a time, 8 MB, however many abstracts there are."""

_ROUNDING = 1e-12
"""Two differences of ratios are equal within this."""


@dataclass(frozen=True, slots=True)
class Headline:
    """A figure with an interval: its heading, its name in a sentence, what it means, and where the scores hold it."""

    label: str
    name: str
    meaning: str
    figure: str

    def ratio(self, scores: Scores) -> tuple[int, int]:
        """What stands above and below the fraction bar."""
        figure: Any = scores
        for part in self.figure.split("."):
            figure = figure[part] if isinstance(figure, dict) else getattr(figure, part)
        if isinstance(figure, Counts):  # F1
            return 2 * figure.found, 2 * figure.found + figure.spurious + figure.missed
        return figure.right, figure.total


def _headline() -> Mapping[str, Headline]:
    table = (files("extractor.evaluation") / "headline.toml").read_text(encoding="utf-8")
    return MappingProxyType({name: Headline(**row) for name, row in tomllib.loads(table).items()})


HEADLINE = _headline()
"""The headline figures in the order of a report. Phrases agree softly, but for `system`, which agrees exactly."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure in [0, 1] with its 95% interval, `low` to `high`.

    `value` is None where there is nothing to score; the interval also where fewer than two documents have something to score.
    """

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Difference:
    """Their figure minus ours over the same documents, in [-1, 1], with its 95% interval and two-sided p-value.

    `value` is None where either side has nothing to score; the rest also where one has it in fewer than two documents.
    """

    value: float | None
    low: float | None
    high: float | None
    p: float | None


def values(alignments: Sequence[Alignment]) -> dict[str, float | None]:
    """Each headline figure alone; None where there is nothing to score."""
    return dict(zip(HEADLINE, _System.of(alignments).values(), strict=True))


def estimates(alignments: Sequence[Alignment], *, seed: int = 0) -> dict[str, Estimate]:
    """Each headline figure with its percentile bootstrap interval over 10,000 resamples of the documents."""
    system = _System.of(alignments)
    values = system.values()
    drawn = np.concatenate([system.ratios(weights) for weights in _resamples(len(alignments), seed)])
    return {
        name: Estimate(values[n], *(_interval(drawn[:, n]) if system.informative(n) else (None, None)))
        for n, name in enumerate(HEADLINE)
    }


def confidence_estimates(alignments: Sequence[Alignment], *, seed: int = 0) -> tuple[Estimate, Estimate] | None:
    """The calibration error and the AUROC with percentile bootstrap intervals over 1,000 resamples of the documents.

    None where no claim has a confidence.
    """
    said = [foretold(document) for document in alignments]
    if (whole := calibration(said)) is None:
        return None
    random = np.random.default_rng(seed)
    drawn = [calibration([said[n] for n in random.integers(len(said), size=len(said))]) for _ in range(_FEWER)]
    errors = [each.error for each in drawn if each]
    ranks = [each.auroc for each in drawn if each and each.auroc is not None]
    auroc = Estimate(whole.auroc, *_interval(np.array(ranks))) if ranks else Estimate(whole.auroc, None, None)
    return Estimate(whole.error, *_interval(np.array(errors))), auroc


def differences(ours: Sequence[Alignment], theirs: Sequence[Alignment], *, seed: int = 0) -> dict[str, Difference]:
    """Each headline figure of theirs minus ours, over the same documents.

    The interval is of 10,000 resamples of the documents with both systems together (paired bootstrap). p is the share of 10,000
    random swaps of the systems' results, document by document, whose difference is at least as large either way; of all swaps
    if there are no more. Raises `DataError` unless both are of the same annotated documents in the same order.
    """
    a, b = _paired(ours, theirs)
    values_a, values_b = a.values(), b.values()
    drawn = np.concatenate([b.ratios(weights) - a.ratios(weights) for weights in _resamples(len(ours), seed)])
    p_values = _p_values(a, b, seed)
    found = {}
    for n, name in enumerate(HEADLINE):
        value_a, value_b = values_a[n], values_b[n]
        value = None if value_a is None or value_b is None else value_b - value_a
        if value is None or not (a.informative(n) and b.informative(n)):
            found[name] = Difference(value, None, None, None)
        else:
            found[name] = Difference(value, *_interval(drawn[:, n]), p_values[n])
    return found


def detectable(
    ours: Sequence[Alignment], theirs: Sequence[Alignment] | None = None, *, figure: str = "strict_f1"
) -> float | None:
    """The smallest true difference in a figure that a test at 5% finds with 80% power on as many documents like these.

    That is 2.80 standard errors of the difference, by the linear approximation of a ratio. Without `theirs`, it is for a system
    that is as good as ours and errs on other documents. None where there is no spread to judge by, as with systems that never
    differ, or fewer than two documents with something to score. Raises `DataError` as `differences` does.
    """
    n = [*HEADLINE].index(figure)
    a, b = (_System.of(ours), None) if theirs is None else _paired(ours, theirs)
    if not a.informative(n) or (b is not None and not b.informative(n)):
        return None
    squares = 2 * np.sum(a.pulls(n) ** 2) if b is None else np.sum((b.pulls(n) - a.pulls(n)) ** 2)
    error = math.sqrt(float(squares) * len(ours) / (len(ours) - 1))
    normal = NormalDist()
    return (normal.inv_cdf(1 - LEVEL / 2) + normal.inv_cdf(POWER)) * error or None


def power_in_words(smallest: float | None, documents: int, figure: str = "strict_f1") -> str:
    """What `detectable` found, in plain words: "143 abstracts can tell a difference of about 4 points in claims right"."""
    abstracts = "1 abstract" if documents == 1 else f"{documents:,} abstracts"
    if smallest is None:
        return f"{abstracts} cannot tell any difference in {HEADLINE[figure].name}"
    points = 100 * smallest
    return f"{abstracts} can tell a difference of about {points:.{0 if points >= 3 else 1}f} points in {HEADLINE[figure].name}"


def verdict(difference: Difference, name_a: str, name_b: str, figure: str = "strict_f1") -> str:
    """One plain sentence about B (theirs) minus A (ours): better, worse, or no difference to be told; the p-value decides."""
    what, value = HEADLINE[figure].name, difference.value
    if value is None:
        return f"{name_a} and {name_b} cannot be compared in {what}: there is nothing to score."
    points = f"{100 * abs(value):.1f} points"
    apart = (
        f"{name_b} is {points} {'above' if value > 0 else 'below'} {name_a}" if value else f"{name_a} and {name_b} are equal"
    )
    if difference.low is None or difference.high is None or difference.p is None:
        return f"Too few abstracts to compare {name_a} and {name_b} in {what}: on these, {apart}."
    p = "p < 0.001" if difference.p < 0.001 else "p = 1" if difference.p == 1 else f"p = {difference.p:.3f}"
    sure = f"(95% interval {_signed(difference.low)} to {_signed(difference.high)}, {p})"
    if difference.p > LEVEL:
        return f"No difference in {what} that these abstracts can tell: {apart} {sure}."
    return f"{name_b} is {'better' if value > 0 else 'worse'} than {name_a} by {points} in {what} {sure}."


def _signed(value: float) -> str:
    """Points with their sign; zero has none."""
    points = f"{100 * value:+.1f}"
    return "0.0" if points in ("+0.0", "-0.0") else points


@dataclass(frozen=True, slots=True)
class _System:
    """What each document (row) adds to each headline figure (column), above and below the fraction bar."""

    above: Matrix
    below: Matrix

    @classmethod
    def of(cls, alignments: Sequence[Alignment]) -> "_System":
        each = [
            [headline.ratio(scores) for headline in HEADLINE.values()]
            for scores in (score([document]) for document in alignments)
        ]
        parts = np.array(each, dtype=np.float64).reshape(len(each), len(HEADLINE), 2)
        return cls(parts[:, :, 0], parts[:, :, 1])

    def ratios(self, weights: Matrix) -> Matrix:
        """Each figure (column) under each weighting of the documents (row); nan where nothing is left to score."""
        return _divide(weights @ self.above, weights @ self.below)

    def values(self) -> list[float | None]:
        """Each figure over all documents."""
        [ratios] = self.ratios(np.ones((1, len(self.above)))).tolist()
        return [None if math.isnan(ratio) else ratio for ratio in ratios]

    def informative(self, figure: int) -> bool:
        """Whether two documents or more have something to score: a single one says nothing about others."""
        return int(np.count_nonzero(self.below[:, figure])) >= 2

    def pulls(self, figure: int) -> Matrix:
        """How far each document pulls a figure from where it is."""
        above, below = self.above[:, figure], self.below[:, figure]
        pulls: Matrix = (above - above.sum() / below.sum() * below) / below.sum()
        return pulls


def _paired(ours: Sequence[Alignment], theirs: Sequence[Alignment]) -> tuple[_System, _System]:
    if [each.gold for each in ours] != [each.gold for each in theirs]:
        cause = "the two systems were not scored on the same annotated abstracts in the same order"
        raise DataError(f"{cause}; evaluate both with the same --gold")
    return _System.of(ours), _System.of(theirs)


def _p_values(a: _System, b: _System, seed: int) -> list[float]:
    """The p-value of each figure's difference; a swap that leaves a side with nothing to score counts as extreme."""

    def apart(swaps: Matrix) -> Matrix:
        """The size of the difference after each swap (row)."""
        above, below = swaps @ (b.above - a.above), swaps @ (b.below - a.below)
        ours = _divide(a.above.sum(axis=0) + above, a.below.sum(axis=0) + below)
        theirs = _divide(b.above.sum(axis=0) - above, b.below.sum(axis=0) - below)
        return np.abs(theirs - ours)

    observed = apart(np.zeros((1, len(a.above))))
    swapped = np.concatenate([apart(swaps) for swaps in _swaps(len(a.above), seed)])
    extreme = ~(swapped < observed - _ROUNDING)
    return [float(share) for share in np.mean(extreme, axis=0)]


def _divide(above: Matrix, below: Matrix) -> Matrix:
    return np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)


def _interval(drawn: Matrix) -> tuple[float, float]:
    """The middle 95% of the resamples of a figure in which there is something to score."""
    low, high = np.quantile(drawn[~np.isnan(drawn)], [LEVEL / 2, 1 - LEVEL / 2]).tolist()
    return low, high


def _resamples(documents: int, seed: int) -> Iterator[Matrix]:
    """How often each document (column) is drawn in each resample (row), in chunks."""
    random = np.random.default_rng(seed)
    for rows in _chunks(RESAMPLES, documents):
        drawn = random.integers(max(1, documents), size=(rows, documents))
        cells = drawn + documents * np.arange(rows)[:, np.newaxis]
        yield np.bincount(cells.ravel(), minlength=rows * documents).reshape(rows, documents).astype(np.float64)


def _swaps(documents: int, seed: int) -> Iterator[Matrix]:
    """Which documents (columns) change sides in each swap (row): each possible choice, or random ones if there are too many."""
    if 2**documents <= RESAMPLES:
        yield (np.arange(2**documents)[:, np.newaxis] >> np.arange(documents) & 1).astype(np.float64)
        return
    yield np.zeros((1, documents))  # what was observed is one of the possible swaps, so p is never 0
    random = np.random.default_rng(seed)
    for rows in _chunks(RESAMPLES, documents):
        yield random.integers(2, size=(rows, documents)).astype(np.float64)


def _chunks(rows: int, columns: int) -> Iterator[int]:
    size = max(1, _CHUNK // max(1, columns))
    for done in range(0, rows, size):
        yield min(size, rows - done)
