"""The mentions of a text: its quantities, its hardware and its sentences, with offsets into the unmodified text."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import compress, count
from operator import itemgetter
from typing import TypeVar

from extractor.documents import Span, spaced
from extractor.spotting.hardware import FoundHardware, HardwareMention, find_hardware, hardware_words
from extractor.spotting.lexicon import KeyWord
from extractor.spotting.number_words import FIRST_WORDS
from extractor.spotting.numbers import DIGITS
from extractor.spotting.quantities import FoundQuantity, QuantityMention, find_quantities
from extractor.spotting.units import read_unit
from extractor.text import View, view_of

_Mention = TypeVar("_Mention", QuantityMention, HardwareMention)
_NEXT = (
    r"(?:['\"”’)\]}]*(?=\s+[A-Z0-9(\[\"'“‘`$\\α-ωΑ-Ω])"  # white space, and something that can begin a sentence
    r"|(?<=[a-z)\]%]{2}\.)(?=[A-Z][a-z]+[\s,]))"  # a missing space: "the baseline.We show"
)
_FULL_STOP, _STOP = re.compile(rf"\.{_NEXT}"), re.compile(rf"[.!?]{_NEXT}")
"""What can end a sentence within a line. One sign is sought in a third of the time of three."""
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\[~.])(?:e\.g|i\.e|vs|cf|resp|approx|Fig|Figs|Eq|Eqs|Sec|Secs|Tab|Ref|Refs|No|Nos|Vol|Dr|Prof|Mr|Ms|Mrs|St|w\.r\.t"
    r"|a\.k\.a|viz|ca|ver|Inc|Ltd|Corp|Co|Jr|[A-Z])$"
)
_CAPITAL_NEXT = re.compile(r"\s+[A-Z]")
_NUM = r"[-+]?\d*\.?\d+(?:e-?\d+)?(?: ?%)?"
_TO = r" ?(?:-|–|—|to|,|;|and) ?"
_ASIDE = re.compile(
    rf"(?:{_NUM} ?)?(?:\bCr?Is?(?:\d\d)?\b|\b(?:[Cc]onfidence|[Cc]redible|[Uu]ncertainty) [Ii]ntervals?\b|\bIQR\b"
    r"|\binterquartile range)"
    rf"(?: ?\(?Cr?Is?\)?)?(?: of| was| is|[ :=,\[(])*(?:{_NUM}(?:{_TO}{_NUM})?\]?)?"
    rf"|(?<=\(){_NUM}{_TO}{_NUM}[,;] ?{_NUM} ?Cr?I(?=\))"
    r"|\b[pP](?:[- ]values?(?: of| was| is)? ?(?:[<=>≤≥~]+ ?)?| ?[<=>≤≥~]+ ?)"
    rf"(?:10 ?\^ ?-\d+|(?P<probability>{_NUM})(?P<power> ?[×x] ?10 ?\^? ?-\d+)?)"
)
"""A confidence interval with its level, a p-value."""
_ASIDE_WORDS = frozenset(["ci", "cis", "cri", "cris", "interval", "intervals", "iqr", "interquartile", "p"])
_SCORE = r"(?:\d{1,3}(?:\.\d{1,6})?|\.\d{1,6})(?: ?%)?"
_INTERVAL = re.compile(rf"[(\[](?P<least>{_SCORE}){_TO}(?P<most>{_SCORE})(?=[)\],;])[)\]]?")
_SCORE_BEFORE = re.compile(rf"(?<![\w.,-])(?P<value>{_SCORE}) ?\Z")
"""A score before an interval that holds it: "an AUC of 0.89 (0.85-0.92)"."""
_LONGEST_SCORE = 16
_LONGEST_ABBREVIATION = 8
_LONGEST_SENTENCE = 1200
"""Characters, more than any of 4,228 abstracts has; a longer one is read in parts, so that time grows with length alone."""


@dataclass(frozen=True, slots=True)
class Mentions:
    """Every mention of one text in reading order. Ids count from 1: quantities first, then hardware, never shared.

    `asides` are the confidence intervals and p-values. `reading` is None where the text reads as it is written; else the same
    mentions, by the same ids, in its view.
    """

    text: str
    sentences: tuple[Span, ...]
    quantities: tuple[QuantityMention, ...]
    hardware: tuple[HardwareMention, ...]
    asides: tuple[Span, ...] = ()
    reading: "Mentions | None" = None

    @property
    def as_read(self) -> "Mentions":
        """The mentions in the view of the text: what patterns are matched with."""
        return self.reading or self

    def sentence_at(self, position: int) -> Span:
        """The sentence that holds a code point."""
        return _sentence_at(self.sentences, position)


def spot(text: str) -> Mentions:
    """Find the sentences, quantities and hardware mentions of a text (`Document.text`)."""
    view = view_of(text)
    read = _spot(view)
    if view.text == text:
        return read
    sentences = tuple(view.original(*span) for span in read.sentences)

    def placed(mention: _Mention, span: Span) -> _Mention:
        return mention.placed(mention.id, span, spaced(text[slice(*span)]), _sentence_at(sentences, span[0]))

    quantities = tuple(placed(mention, view.whole(*mention.span)) for mention in read.quantities)
    hardware = tuple(placed(mention, view.original(*mention.span)) for mention in read.hardware)
    asides = tuple(view.original(*span) for span in read.asides)
    return Mentions(text, sentences, quantities, hardware, asides, read)


def _spot(view: View) -> Mentions:
    """The mentions of a text in its view."""
    text, words = view.text, key_words(view)
    digits = [*DIGITS.finditer(text)]
    sentences, asides, machines = split_sentences(text), find_asides(view, words, digits), find_hardware(view, words)
    numbers = _outside(find_quantities(view, words, digits, asides), machines)
    quantities = tuple(found.mention(n, text, _sentence_at(sentences, found.start)) for n, found in enumerate(numbers, 1))
    following = enumerate(machines, len(numbers) + 1)
    hardware = tuple(found.mention(n, text, _sentence_at(sentences, found.start)) for n, found in following)
    return Mentions(text, sentences, quantities, hardware, asides)


_LETTERS = bytes(code if chr(code).islower() else ord(" ") for code in range(128)).ljust(256)
_MULTIPLIES = re.compile(r"x(?<=\dx)(?=[a-z])")
"""The "x" of "8xA100"."""


@cache
def _key_words() -> dict[bytes, tuple[bytes, str]]:
    """Each word that something to be found begins or ends with: between spaces, and as it is written."""
    return {word.encode(): (f" {word} ".encode(), word) for word in hardware_words() | FIRST_WORDS | _ASIDE_WORDS}


def key_words(view: View) -> list[KeyWord]:
    """The key words of a text, found in one pass: most of what is looked for is looked for at them alone.

    A word is a run of letters from a to z; an "x" between a digit and a letter is not one.
    """
    letters = _MULTIPLIES.sub(" ", view.lower).encode("ascii", "replace").translate(_LETTERS)
    text, words, keys = b" %b " % letters, letters.split(), _key_words()
    found: list[KeyWord] = []
    place = 0
    for n in compress(count(), map(keys.__contains__, words)):
        sought, word = keys[words[n]]
        place = text.index(sought, place)
        found.append((place, word, words[n - 1].decode() if n else ""))
        place += len(word)
    return found


def _sentence_at(sentences: tuple[Span, ...], position: int) -> Span:
    return sentences[max(0, bisect_right(sentences, position, key=itemgetter(0)) - 1)]


def _outside(quantities: list[FoundQuantity], hardware: list[FoundHardware]) -> list[FoundQuantity]:
    """The quantities without the bare numbers that are part of the name of hardware: the 4 of "Raspberry Pi 4"."""
    starts = [machine.start for machine in hardware]
    kept: list[FoundQuantity] = []
    for quantity in quantities:
        before = bisect_right(starts, quantity.start)
        if quantity.unit or not before or hardware[before - 1].end < quantity.end:
            kept.append(quantity)
    return kept


def find_asides(view: View, words: Sequence[KeyWord], digits: Sequence[re.Match[str]]) -> tuple[Span, ...]:
    """Where confidence intervals and p-values stand: their numbers say how sure a result is, not what it is."""
    text = view.text
    spans: list[Span] = []
    for run in digits:
        first = run.start() - text.startswith(".", run.start() - 1)
        if text[first - 1] in "([" and (match := _INTERVAL.match(text, first - 1)) and _holds(match):
            spans.append(match.span())
    if any(word in _ASIDE_WORDS for _, word, _ in words):
        spans += [match.span() for match in _ASIDE.finditer(text) if _is_probable(match)]
    return tuple(sorted(spans))


def _holds(interval: re.Match[str]) -> bool:
    """Whether an interval holds the score before it, which then is no count or year."""
    before = _SCORE_BEFORE.search(interval.string, max(0, interval.start() - _LONGEST_SCORE), interval.start())
    if before is None or not re.search(r"[.%]", before[0] + interval[0]):
        return False
    least, value, most = (float(score.rstrip(" %")) for score in (interval["least"], before["value"], interval["most"]))
    return least < value < most


def _is_probable(match: re.Match[str]) -> bool:
    """Whether what follows a p can be a probability: "p = 0.03", but not "P = 12 h" and "with p = 8 processes"."""
    written = match["probability"]
    if written is None or match["power"] or written.endswith("%"):
        return True
    return float(written) <= 1 and read_unit(match.string, match.end()) is None


def split_sentences(text: str) -> tuple[Span, ...]:
    """Split a text into sentence spans: in order, none overlapping, each without the white space around it."""
    spans: list[Span] = []
    start = 0
    for line in text.split("\n"):  # the title, and paragraphs
        last = start + len(line)
        for match in (_STOP if "!" in line or "?" in line else _FULL_STOP).finditer(text, start, last):
            stop, end = match.span()
            if text[stop] == "." and _ABBREVIATION.search(text[max(start, stop - _LONGEST_ABBREVIATION) : stop]):
                continue
            if text.endswith("et al", start, stop) and not _CAPITAL_NEXT.match(text, end):
                continue  # "Liu et al. (2020)", but "as shown by Liu et al. We go on"
            _append(spans, text, start, end)
            start = end
        _append(spans, text, start, last)
        start = last + 1
    return tuple(spans) or ((0, len(text)),)


def _append(spans: list[Span], text: str, start: int, end: int) -> None:
    while end - start > _LONGEST_SENTENCE:
        cut = text.rfind(" ", start + 1, start + _LONGEST_SENTENCE)
        cut = cut if cut > start else start + _LONGEST_SENTENCE
        _append(spans, text, start, cut)
        start = cut
    sentence = text[start:end].lstrip()
    if sentence:
        start = end - len(sentence)
        spans.append((start, start + len(sentence.rstrip())))
