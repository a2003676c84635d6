"""Grounding: labels + mentions + text -> extraction. What does not hold is rejected, with its reason.

A reply is examined once, rule by rule. The record's rejections and the words that a model is told back follow from the same
faults. A phrase is found in the text as both read, and never by similarity: a fuzzy match can turn one number into another.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Generic, TypeVar

from extractor.documents import Document, Span
from extractor.labels import ClaimLabel, HardwareLabel, Labelled, Labels
from extractor.records import PHRASE_FIELDS, Claim, Extraction, HardwareTarget, Quantity, Rejection, Spans
from extractor.spotting.hardware import HardwareMention
from extractor.spotting.mentions import Mentions
from extractor.spotting.quantities import QuantityMention
from extractor.text import View, view_of

M = TypeVar("M", QuantityMention, HardwareMention)
_MOST_TOLD = 12
"""Faults that are told at once: a reply that breaks more rules than that has not understood one of them."""
_QUANTITIES, _HARDWARE, _SYSTEM, _CLAIMS = range(4)
"""The order in which a model is told what is wrong."""


class Reason(Enum):
    """Why something in a reply does not hold, in the words of the record.

    A `settled` fault needs no other answer: it is told beside others and never asked about alone. The first label of an id
    that stands twice is kept; asking about it cost a model of 1.5 billion parameters a twelfth of its tokens on the annotated
    abstracts, and not one figure was better for it.
    """

    UNKNOWN = "no such mention"
    REPEATED = "labelled twice", True
    UNLABELLED = "has no label"
    NOT_FOUND = "not found in the text"
    CHANGE_WITHOUT_EFFECT = "a change without an effect"
    ABSOLUTE_WITH_EFFECT = "absolute has no effect"
    FRACTION_WITH_EFFECT = "fraction has no effect"
    ABSOLUTE_WITH_BASELINE = "absolute has no baseline"
    LISTED = "listed already"
    OVERLAPS = "overlaps a listed mention"
    NO_NUMBER = "no number was spotted there"

    def __init__(self, words: str, settled: bool = False) -> None:
        self.words = words
        self.settled = settled


@dataclass(frozen=True, slots=True)
class Fault:
    """What does not hold in one field of a reply.

    `told` is what a model hears of it, None where it is not asked to mend it; `rank` orders what is told. A fault of a claim
    that is rejected as a whole is not recorded: the claim's own rejection is.
    """

    reason: Reason
    field: str
    value: str
    told: str | None = None
    rank: tuple[int, int] = (0, 0)
    recorded: bool = True


def ground(document: Document, mentions: Mentions, labelled: Labelled) -> Extraction:
    """Build the record of one document. Never raises on what a labeller said: it rejects it."""
    reply = _Examination(labelled.labels, mentions)
    text = mentions.text
    return Extraction(
        id=document.id,
        title=document.title,
        abstract=document.abstract,
        system=None if reply.system is None else _field(text, reply.system),
        claims=tuple(
            _claim(text, each, labelled.confidence.get(each.label.mention))
            for each in sorted(reply.claims, key=lambda each: each.mention.span)
        ),
        hardware=tuple(
            HardwareTarget(name=m.text, specific=m.specific, category=m.category, role=label.role, span=m.span)
            for label, m in sorted(reply.targets, key=lambda target: target[1].span)
        ),
        confidence=labelled.of_record,
        rejected=(
            *labelled.rejected,
            *(Rejection(field=f.field, value=f.value, reason=f.reason.words) for f in reply.faults if f.recorded),
        ),
        provenance=labelled.provenance,
        source=document.source,
    )


def _field(text: str, span: Span) -> str:
    """What a field says of its span: the characters, each run of white space made one space."""
    return " ".join(text[slice(*span)].split())


def faults_told(labels: Labels, mentions: Mentions) -> list[str]:
    """What a model is told of its labels; nothing where each fault is settled without another answer."""
    told = sorted((fault for fault in _Examination(labels, mentions).faults if fault.told), key=lambda fault: fault.rank)
    if all(fault.reason.settled for fault in told):
        return []
    return [fault.told for fault in told[:_MOST_TOLD] if fault.told]


@dataclass(slots=True)
class _Grounded:
    """A claim that holds, and where its phrases stand."""

    label: ClaimLabel
    mention: QuantityMention
    sentence: Span
    spans: Mapping[str, Span | None]


def _claim(text: str, grounded: _Grounded, confidence: float | None) -> Claim:
    label, mention = grounded.label, grounded.mention
    phrases: dict[str, str | None] = {name: span and _field(text, span) for name, span in grounded.spans.items()}
    return Claim(
        kind=label.kind,
        comparison=label.comparison,
        effect=label.effect if label.comparison == "change" else None,
        quantity=Quantity(text=mention.text, low=mention.low, high=mention.high, unit=mention.unit, bound=mention.bound),
        **phrases,
        spans=Spans(quantity=mention.span, **grounded.spans),
        sentence=grounded.sentence,
        confidence=confidence,
    )


@dataclass(slots=True)
class _Ids(Generic[M]):
    """The mentions of one sort, and how often each id stands in a reply so far."""

    noun: str
    places: str
    rank: int
    known: Mapping[int, M]
    given: Sequence[int]
    seen: dict[int, int] = field(default_factory=dict)

    def fault(self, field: str, mention: int) -> Fault | None:
        """Count an id. A fault if there is no such mention, or it has a label already."""
        times = self.seen[mention] = self.seen.get(mention, 0) + 1
        if mention in self.known and times == 1:
            return None
        rank = self.rank, self.given.index(mention)
        if mention not in self.known:
            told = f"There is no {self.noun} with id {mention}. Remove it." if times == 1 else None
            return Fault(Reason.UNKNOWN, field, str(mention), told, rank)
        stands = f"{self.noun} {mention} ({self.known[mention].text}) stands {self.given.count(mention)} times"
        told = f"{stands}. Keep it once, in {self.places}." if times == 2 else None
        return Fault(Reason.REPEATED, field, str(mention), told, rank)

    def unlabelled(self) -> Iterator[Fault]:
        """The mentions whose ids stand nowhere."""
        for id, mention in self.known.items():
            if id not in self.seen:
                told = f"{self.noun} {id} ({mention.text}) is missing. Put it into {self.places}."
                yield Fault(Reason.UNLABELLED, f"mentions[{id}]", mention.text, told, (self.rank, len(self.given)))


class _Examination:
    """A reply held against the text. `faults` stand in the order of the record's rejections."""

    def __init__(self, labels: Labels, mentions: Mentions) -> None:
        self._mentions = mentions
        self._text = mentions.text
        self._quantities = _Ids(
            "quantity",
            "claims or not_claims",
            _QUANTITIES,
            {m.id: m for m in mentions.quantities},
            [*(label.mention for label in labels.claims), *labels.not_claims],
        )
        self._hardware = _Ids(
            "hardware",
            "hardware or not_hardware",
            _HARDWARE,
            {m.id: m for m in mentions.hardware},
            [*(label.mention for label in labels.hardware), *labels.not_hardware],
        )
        self.faults: list[Fault] = []
        self.claims = [claim for n, label in enumerate(labels.claims) if (claim := self._claim(n, label))]
        self.targets = self._targets(labels.hardware)
        for n, mention in enumerate(labels.not_claims):
            self._take(self._quantities, f"not_claims[{n}]", mention)
        for n, mention in enumerate(labels.not_hardware):
            self._take(self._hardware, f"not_hardware[{n}]", mention)
        self.faults += (*self._quantities.unlabelled(), *self._hardware.unlabelled())
        for n, quote in enumerate(labels.missed):
            self.faults.append(Fault(self._missed(quote), f"missed[{n}]", quote))
        self.system = None if labels.system is None else self._system(labels.system)

    def _take(self, ids: _Ids[M], field: str, mention: int) -> M | None:
        fault = ids.fault(field, mention)
        if fault is None:
            return ids.known[mention]
        self.faults.append(fault)
        return None

    def _claim(self, n: int, label: ClaimLabel) -> _Grounded | None:
        field, noun = f"claims[{n}]", f"claim {label.mention}"
        rank = _CLAIMS, n
        mention = self._take(self._quantities, f"{field}.mention", label.mention)
        holds = mention is not None
        if label.comparison == "change" and label.effect is None:
            needed = f'{noun} is a change: its effect is "better" or "worse".'
            value = mention.text if mention else ""
            self.faults.append(Fault(Reason.CHANGE_WITHOUT_EFFECT, field, value, needed, rank, holds))
            holds = False
        elif label.comparison != "change" and label.effect is not None:
            absolute = label.comparison == "absolute"
            needless = Reason.ABSOLUTE_WITH_EFFECT if absolute else Reason.FRACTION_WITH_EFFECT
            self.faults.append(Fault(needless, f"{field}.effect", label.effect, recorded=holds))
        phrases: dict[str, str] = {name: value for name in PHRASE_FIELDS if (value := getattr(label, name)) is not None}
        near, sentence = (mention.span, mention.sentence) if mention else ((0, 0), (0, 0))
        spans = {name: locate(self._text, value, near, sentence) for name, value in phrases.items()}
        for name, value in phrases.items():
            told = _not_found(f"{noun}: {name}", value) if spans[name] is None else None
            reason: Reason | None = Reason.NOT_FOUND if told else None
            if name == "baseline" and label.comparison == "absolute":
                reason, spans[name] = Reason.ABSOLUTE_WITH_BASELINE, None
            if reason is not None:
                self.faults.append(Fault(reason, f"{field}.{name}", value, told, rank, holds))
        if mention is None or not holds:
            return None
        return _Grounded(label, mention, sentence, {name: spans.get(name) for name in PHRASE_FIELDS})

    def _targets(self, labels: Sequence[HardwareLabel]) -> list[tuple[HardwareLabel, HardwareMention]]:
        """The targets, one for each product and each class: an evaluated one before an intended one, then the first."""
        found = [
            (n, label, mention)
            for n, label in enumerate(labels)
            if (mention := self._take(self._hardware, f"hardware[{n}].mention", label.mention))
        ]
        kept: dict[str, tuple[HardwareLabel, HardwareMention]] = {}
        for n, label, mention in sorted(found, key=lambda each: (each[1].role != "evaluated", each[2].span)):
            product = mention.text.casefold() if mention.specific else f"class {mention.category}"
            if product in kept:
                self.faults.append(Fault(Reason.LISTED, f"hardware[{n}]", mention.text))
            else:
                kept[product] = label, mention
        return list(kept.values())

    def _missed(self, quote: str) -> Reason:
        """Why a quote that the labeller says spotting did not list is not a claim: nobody labelled its number."""
        span = self._anywhere(quote)
        if span is None:
            return Reason.NOT_FOUND
        overlaps = any(m.span[0] < span[1] and span[0] < m.span[1] for m in self._mentions.quantities)
        return Reason.OVERLAPS if overlaps else Reason.NO_NUMBER

    def _system(self, name: str) -> Span | None:
        span = self._anywhere(name)
        if span is None:
            told = _not_found("system", name)
            self.faults.append(Fault(Reason.NOT_FOUND, "system", name, told, (_SYSTEM, 0)))
        return span

    def _anywhere(self, phrase: str) -> Span | None:
        """The first occurrence of a phrase, of one that ends with a word if there is one."""
        found = _occurrences(self._text, phrase)
        return found[0][0] if found else None


def _not_found(what: str, phrase: str) -> str:
    return f"{what} {phrase!r} is not in the abstract. Copy it exactly, or null."


def locate(text: str, phrase: str, near: Span, sentence: Span) -> Span | None:
    """The occurrence of `phrase` closest to the span `near`, in its `sentence` if there is one; None if it does not occur.

    An occurrence starts at a word boundary; one that ends at a boundary too is preferred ("GPU" is found in "GPUs" only
    where "GPU" itself is missing). Case counts only where some occurrence has the same.
    """
    found = _occurrences(text, phrase)
    for spans in found:
        first, last = bisect_left(spans, (sentence[0], 0)), bisect_right(spans, (sentence[1], 0))
        if inside := [span for span in spans[first:last] if span[1] <= sentence[1]]:
            if len(inside) == 1:
                return inside[0]
            place = bisect_left(inside, near)
            return min(inside[max(0, place - 2) : place + 2], key=lambda span: (_apart(text, span, near), span))
    if not found:
        return None
    place = bisect_left(found[0], near)
    return _closest(found[0][max(0, place - 2) : place + 2], near)


def _closest(spans: Sequence[Span], near: Span) -> Span:
    return min(spans, key=lambda span: (max(near[0] - span[1], span[0] - near[1]), span))


def _apart(text: str, span: Span, near: Span) -> int:
    """How many characters stand between two spans; a run of white space is one."""
    gap = max(near[0] - span[1], span[0] - near[1])
    first = min(span[1], near[1])
    return len(" ".join(f"|{text[first : first + gap]}|".split())) - 2 if gap > 0 else gap


@lru_cache(maxsize=256)
def _occurrences(text: str, phrase: str) -> tuple[tuple[Span, ...], ...]:
    """Where a phrase stands in a text, in order: the occurrences that end with a word, then those that end inside one.

    What does not occur is left out. Remembered, because a text that says one thing 10,000 times asks for it 10,000 times.
    """
    view = view_of(text)
    if found := _stands(view, view.text, phrase):
        return found
    sought = View(phrase)
    return _stands(view, view.text, sought.text) or _stands(view, view.lower, sought.lower)


def _stands(view: View, written: str, wanted: str) -> tuple[tuple[Span, ...], ...]:
    """Where a phrase stands in one of the readings of a view."""
    needle = wanted.replace("\n", " ").strip()
    haystack = written.replace("\n", " ") if " " in needle else written
    whole: list[Span] = []
    parts: list[Span] = []
    start = haystack.find(needle) if needle else -1
    while start != -1:
        end = start + len(needle)
        if not start or not (needle[0].isalnum() and haystack[start - 1].isalnum()):
            inside = needle[-1].isalnum() and haystack[end : end + 1].isalnum()
            (parts if inside else whole).append((start, end) if view.plain else view.original(start, end))
        start = haystack.find(needle, start + 1)
    return tuple(tuple(spans) for spans in (whole, parts) if spans)
