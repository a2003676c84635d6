"""What MeasEval and NewsQuant count and spotting does not, by plain rules that never see the gold.

Both count
- things in words: "three cores". Spotting reads a bare number word only where it says how much ("three times", "two seconds").
  "One" is a count to NewsQuant, and too often a pronoun to be one to MeasEval;
- "from 4 km to 6 km" and "from 80% to 20%" as one range. Here they are two results;
- no ratio in a single word ("twice", "half", "doubled").

MeasEval counts confidence intervals ("95%" and "1.9–2.7" of "95% CI 1.9–2.7") and p-values ("< 0.01"), takes the bound into
the span ("up to 40%", ">250 μm", "5 or more"), and leaves out what is counted ("225" of "225 samples"). Lists stay apart, as
most of its own do.
NewsQuant keeps the sign in the value; the guidelines of this project drop one that only marks a loss.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from extractor.documents import Span
from extractor.records import Bound
from extractor.spotting import QuantityMention, known_unit

CHANGES: dict[Bound, str] = {"exact": "=", "approx": "~", "up_to": "<", "at_least": ">"}
"""The change that NewsQuant writes for a bound."""

_ONES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
_TEENS = ["eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_COUNTS = {word: float(n) for n, word in enumerate(_ONES + _TEENS)} | {word: 10.0 * n for n, word in enumerate(_TENS, start=2)}
_COUNT = re.compile(rf"(?i)(?<![\w-])(?:{'|'.join(_COUNTS)})(?![\w-])")
_PRONOUN_BEFORE = re.compile(r"(?i)\b(?:the|this|that|no|any|each|every|which|another|other|smaller|larger|only)\s$")
_PRONOUN_BEHIND = re.compile(r"(?:\s(?:another|can|could|may|might|must|should|would|is|has|where|with|or)\b|[\s]?[^\w\s])")
_RATIO = re.compile(r"(?i)(?:half|halv|twice|thrice|doubl|tripl|quadrupl)[a-z]*$")
_BOUND = (
    "up to|upto|at least|at most|(?:more|less|fewer|greater|better|higher|lower|larger|smaller) than|approximately|around|about"
    "|roughly|nearly|almost|over|above|below|under|within|before|near|circa|ca\\.|between|average"
    "|as much as|as low as|as high as"
)
_BEFORE = re.compile(rf"(?i)(?<![\w-])(?:(?:{_BOUND})\s){{0,2}}(?:[<>≤≥⩽⩾≲≳~∼≈±]\s?)?$")
_BEHIND = re.compile(r"\s(?:or|and) (?:more|less|fewer|higher|lower|above|below|greater|better)(?![a-z])")
_TO = re.compile(r"\sto\s[$£€]?")
_FROM = re.compile(r"(?i)\b(?:rang(?:es?|ed|ing)\s)?from\s[$£€]?$")
_P_VALUE = re.compile(r"(?<![A-Za-z])[pP]\s?(?:=\s?)?((?:[<>≤≥]\s?)?0?\.\d+)")
_INTERVAL = re.compile(
    r"(\d\d%)\s(?:CI|confidence\sintervals?)(?![A-Za-z])(?:\s\[CI\])?[:,]?\s?[(\[]?(\d[\d.]*%?\s?(?:–|-|to|,)\s?\d[\d.]*%?)?"
)
_NOUN = re.compile(r"\s[a-z]+$")
_MINUS = re.compile(r"(?<![\w.)%])[-−][$£€]?$")


@dataclass(frozen=True, slots=True)
class Counted:
    """A quantity as an outside benchmark counts it. `values` are in the order of the text."""

    span: Span
    values: tuple[float, float]
    bound: Bound


def as_spotted(mentions: Iterable[QuantityMention]) -> list[Counted]:
    """The mentions, unchanged."""
    return [Counted(m.span, (m.low, m.high), m.bound) for m in mentions]


def as_measeval(text: str, mentions: Iterable[QuantityMention]) -> list[Span]:
    """What is spotted, counted things and statistics, as spans with their bounds."""
    mentions = [*mentions]
    things = {m.span for m in mentions if known_unit(m.unit).things}
    counted = [_without_noun(text, q) if q.span in things else q for q in _with_counts(text, mentions, ones=False)]
    spans = [_with_bound(text, q.span) for q in _ranges(text, counted)]
    for span in _statistics(text):
        spans = [span, *(other for other in spans if other[1] <= span[0] or span[1] <= other[0])]
    return sorted(spans)


def as_newsquant(text: str, mentions: Iterable[QuantityMention]) -> list[Counted]:
    """Spotted and counted things, as values with their signs."""
    return [_signed(text, q) for q in _ranges(text, _with_counts(text, mentions, ones=True))]


def _with_counts(text: str, mentions: Iterable[QuantityMention], *, ones: bool) -> list[Counted]:
    """The mentions that are no ratio in a word, and the number words outside of them, in the order of the text."""
    mentions = [*mentions]
    counted = as_spotted(m for m in mentions if not _RATIO.match(m.text))
    for match in _COUNT.finditer(text):
        start, end = match.span()
        one = _COUNTS[match[0].lower()] == 1
        if any(m.span[0] < end and start < m.span[1] for m in mentions):
            continue
        if one and (not ones or _PRONOUN_BEFORE.search(text, max(0, start - 12), start) or _PRONOUN_BEHIND.match(text, end)):
            continue
        counted.append(Counted((start, end), (_COUNTS[match[0].lower()],) * 2, "exact"))
    return sorted(counted, key=lambda q: q.span)


def _ranges(text: str, counted: list[Counted]) -> list[Counted]:
    """Two quantities between "from" and "to" as one; its span begins at "from"."""
    joined: list[Counted] = []
    for quantity in counted:
        if joined and _TO.fullmatch(text, joined[-1].span[1], quantity.span[0]):
            last = joined[-1]
            if opening := _FROM.search(text, max(0, last.span[0] - 24), last.span[0]):
                values = last.values[0], quantity.values[1]
                joined[-1] = replace(last, span=(opening.start(), quantity.span[1]), values=values)
                continue
        joined.append(quantity)
    return joined


def _statistics(text: str) -> list[Span]:
    """The spans of p-values, and of the level and the ends of confidence intervals."""
    found = [match.span(1) for match in _P_VALUE.finditer(text)]
    for match in _INTERVAL.finditer(text):
        found += [match.span(group) for group in (1, 2) if match[group]]
    return found


def _without_noun(text: str, quantity: Counted) -> Counted:
    start, end = quantity.span
    noun = _NOUN.search(text, start, end)
    return replace(quantity, span=(start, noun.start())) if noun else quantity


def _with_bound(text: str, span: Span) -> Span:
    start, end = span
    before = _BEFORE.search(text, max(0, start - 32), start)
    behind = _BEHIND.match(text, end)
    return before.start() if before else start, behind.end() if behind else end


def _signed(text: str, quantity: Counted) -> Counted:
    """The quantity with the minus that stands before it, unless spotting kept it as the value's."""
    low, high = quantity.values
    start = quantity.span[0]
    minus = text.startswith(("-", "−"), start) or _MINUS.search(text, max(0, start - 4), start)
    return replace(quantity, values=(-low, -high)) if minus and low == high > 0 else quantity
