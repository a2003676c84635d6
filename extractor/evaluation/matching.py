"""Pair what a labeller wrote with what the gold says, and compare the fields of a pair.

Claims pair by place, never by content: a wrong field can't cost a claim its partner, and a right one can't buy it one.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, TypeVar

from extractor.documents import Span
from extractor.errors import DataError, UsageError, install
from extractor.evaluation.gold import GoldClaim, GoldDocument, GoldHardware
from extractor.records import PHRASE_FIELDS, Claim, Extraction, HardwareTarget, Quantity
from extractor.spotting import QuantityMention

G = TypeVar("G")
P = TypeVar("P")

RELATIVE_TOLERANCE = 1e-6
"""Two numbers are equal within this: it forgives floating point (1.1 * 1e6), and no number that somebody wrote."""

ROUNDED_DIGITS = 4
"""From this many significant digits on, a gold value may be rounded: annotators write 1/19 as 0.05263."""

SOFT_F1 = 0.5
"""Two phrases agree softly from this F1 of their words on."""

STRICT_FIELDS = ("kind", "comparison", "value", "unit")
"""A claim is right if these agree."""

_RESTATED = 0.999
"""Weight of a restatement's overlap: between two equal overlaps, the statement that the gold quotes wins."""

_LATEX = str.maketrans({"$": "", "\\": "", "{": "", "}": "", "~": " "})
_WORD = re.compile(r"[^\W_]+")
_EDGES = re.compile(r"^[\W_]+|[\W_]+$")


@dataclass(frozen=True, slots=True)
class Matching(Generic[G, P]):
    """Gold and predicted items, paired one to one; `missed` and `spurious` are those without a partner."""

    pairs: tuple[tuple[G, P], ...]
    missed: tuple[G, ...]
    spurious: tuple[P, ...]


@dataclass(frozen=True, slots=True)
class Alignment:
    """One document's gold beside its extraction."""

    gold: GoldDocument
    extraction: Extraction
    claims: Matching[GoldClaim, Claim]
    hardware: Matching[GoldHardware, HardwareTarget]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Whether a field of a pair agrees exactly, and whether softly; `named` unless it is null on both sides.

    Fields other than phrases agree exactly or not at all.
    """

    exact: bool
    soft: bool
    named: bool = True


def align(gold: GoldDocument, extraction: Extraction) -> Alignment:
    """Match the claims and hardware of one document. Raises `DataError` if the two are not about the same text."""
    if gold.document.text != extraction.text:
        cause = f"extraction {extraction.id!r} is of another text than gold {gold.document.id!r}"
        raise DataError(f"{cause}; extract from the gold's own title and abstract")
    claims = match(gold.claims, extraction.claims, claim_overlap)
    hardware = match(gold.hardware, extraction.hardware, hardware_likeness)
    return Alignment(gold, extraction, claims, hardware)


def match(gold: Sequence[G], predicted: Sequence[P], likeness: Callable[[G, P], float]) -> Matching[G, P]:
    """The one-to-one pairing with the largest sum of `likeness`; what is unlike everything (0) stays alone.

    Raises `UsageError` if scipy, which the assignment needs, is not installed.
    """
    pairs: list[tuple[int, int]] = []
    if gold and predicted:
        table = [[likeness(g, p) for p in predicted] for g in gold]
        pairs = [(row, column) for row, column in _assign(table) if table[row][column] > 0]
    rows, columns = {row for row, _ in pairs}, {column for _, column in pairs}
    return Matching(
        pairs=tuple((gold[row], predicted[column]) for row, column in pairs),
        missed=tuple(g for n, g in enumerate(gold) if n not in rows),
        spurious=tuple(p for n, p in enumerate(predicted) if n not in columns),
    )


def _assign(table: list[list[float]]) -> list[tuple[int, int]]:
    try:
        from scipy.optimize import linear_sum_assignment  # a dependency of evaluation alone, and slow to import
    except ImportError:
        raise UsageError(f"Evaluation needs scipy. {install('eval')}.") from None
    rows, columns = linear_sum_assignment(table, maximize=True)
    return list(zip(rows.tolist(), columns.tolist(), strict=True))


def overlap(a: Span, b: Span) -> float:
    """Intersection over union of two spans, in [0, 1]; 0 if they share no character."""
    shared = min(a[1], b[1]) - max(a[0], b[0])
    return shared / (max(a[1], b[1]) - min(a[0], b[0])) if shared > 0 else 0.0


def claim_overlap(gold: GoldClaim, claim: Claim) -> float:
    """How well a predicted quantity covers the gold's, where it is stated or where it is restated."""
    place = claim.spans.quantity
    return max([overlap(gold.span, place), *(_RESTATED * overlap(restated, place) for restated in gold.restated)])


def hardware_likeness(gold: GoldHardware, target: HardwareTarget) -> float:
    """Products are alike by place or by name, classes by category; a product and a class never are."""
    if gold.specific != target.specific:
        return 0.0
    near = overlap(gold.span, target.span)
    if gold.specific:
        return near + (normalise(gold.name) == normalise(target.name))
    return near + 1 if gold.category == target.category else 0.0


def agreement(gold: GoldDocument, expected: GoldClaim, claim: Claim) -> dict[str, Agreement]:
    """Compare each field of a matched pair. `value` is `low` and `high` together; null agrees with null."""
    quantity, said = expected.quantity, claim.quantity
    exact = {
        "kind": expected.kind == claim.kind,
        "comparison": expected.comparison == claim.comparison,
        "effect": expected.effect == claim.effect,
        "value": same_value(quantity, said),
        "unit": quantity.unit == said.unit,
        "bound": quantity.bound == said.bound,
    }
    fields = {name: Agreement(right, right) for name, right in exact.items()}
    for name in PHRASE_FIELDS:
        # A null subject means the paper's own system, so its name and null say the same.
        null = gold.system if name == "subject" else None
        fields[name] = compare_phrases(getattr(expected, name) or null, getattr(claim, name) or null)
    return fields


def is_strict(fields: dict[str, Agreement]) -> bool:
    """Whether a matched pair agrees in kind, comparison, value and unit."""
    return all(fields[name].exact for name in STRICT_FIELDS)


def is_complete(fields: dict[str, Agreement]) -> bool:
    """Whether a matched pair agrees in every field, its phrases at least softly."""
    return all(agrees.soft for agrees in fields.values())


def same_value(gold: Quantity, said: Quantity | QuantityMention) -> bool:
    """Whether both ends of a range, or the single number, are the same."""
    return same_number(gold.low, said.low) and same_number(gold.high, said.high)


def same_number(gold: float, said: float) -> bool:
    """Equality up to floating point, and up to the rounding of a gold value that has no short decimal form."""
    if math.isclose(gold, said, rel_tol=RELATIVE_TOLERANCE):
        return True
    digits = len(Decimal(repr(gold)).normalize().as_tuple().digits)
    return digits >= ROUNDED_DIGITS and float(f"{said:.{digits}g}") == gold


def compare_phrases(gold: str | None, predicted: str | None) -> Agreement:
    """Compare two phrases: exactly means equal once normalised; softly, one within the other or half of the words shared."""
    if gold is None or predicted is None:
        same = gold is predicted
        return Agreement(same, same, named=not same)
    if normalise(gold) == normalise(predicted):
        return Agreement(True, True)
    ours, theirs = _words(gold), _words(predicted)
    return Agreement(False, _within(ours, theirs) or _within(theirs, ours) or word_f1(ours, theirs) >= SOFT_F1)


def normalise(phrase: str) -> str:
    """A phrase in NFKC, case folded, without LaTeX mark-up, with single spaces, and no punctuation at its ends."""
    plain = unicodedata.normalize("NFKC", phrase).casefold().translate(_LATEX)
    return _EDGES.sub("", " ".join(plain.split()))


def word_f1(gold: Sequence[str], predicted: Sequence[str]) -> float:
    """F1 of the words that two phrases share, each counted as often as it occurs; 0 if either has none."""
    shared = sum((Counter(gold) & Counter(predicted)).values())
    return 2 * shared / (len(gold) + len(predicted)) if shared else 0.0


def _words(phrase: str) -> list[str]:
    return _WORD.findall(normalise(phrase))


def _within(inner: list[str], outer: list[str]) -> bool:
    """Whether the words of one phrase stand in the other in one piece."""
    size = len(inner)
    return size > 0 and any(outer[n : n + size] == inner for n in range(len(outer) - size + 1))
