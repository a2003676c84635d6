"""The mentions of a text: its quantities, its hardware and its sentences, with offsets into the unmodified text."""

import re
from bisect import bisect_right
from dataclasses import dataclass, replace
from operator import itemgetter

from extractor.documents import Span
from extractor.spotting.hardware import HardwareMention, find_hardware
from extractor.spotting.quantities import QuantityMention, find_quantities

_CANDIDATE = re.compile(
    r"\n"  # the title, and paragraphs
    r"|[.!?]['\"”’)\]}]*(?=\s+[A-Z0-9(\[\"'“‘`$\\α-ωΑ-Ω])"  # a stop, white space, and something that can begin a sentence
    r"|(?<=[a-z)\]%]{2})\.(?=[A-Z][a-z]+[\s,])"  # a missing space: "the baseline.We show"
)
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\[~.])(?:e\.g|i\.e|vs|cf|resp|approx|Fig|Figs|Eq|Eqs|Sec|Secs|Tab|Ref|Refs|No|Nos|Vol|Dr|Prof|Mr|Ms|Mrs|St|w\.r\.t"
    r"|a\.k\.a|viz|ca|ver|Inc|Ltd|Corp|Co|Jr|[A-Z])$"
)
_CAPITAL_NEXT = re.compile(r"\s+[A-Z]")
_LONGEST_ABBREVIATION = 8


@dataclass(frozen=True, slots=True)
class Mentions:
    """Every mention of one text in reading order. Ids count from 1: quantities first, then hardware, never shared."""

    text: str
    sentences: tuple[Span, ...]
    quantities: tuple[QuantityMention, ...]
    hardware: tuple[HardwareMention, ...]

    def sentence_at(self, position: int) -> Span:
        """The sentence that holds a code point."""
        return _sentence_at(self.sentences, position)


def spot(text: str) -> Mentions:
    """Find the sentences, quantities and hardware mentions of a text (`Document.text`)."""
    sentences, hardware = split_sentences(text), find_hardware(text)
    found = [m for m in find_quantities(text) if m.unit or not _inside(m, hardware)]
    quantities = tuple(replace(m, id=n, sentence=_sentence_at(sentences, m.span[0])) for n, m in enumerate(found, start=1))
    devices = tuple(
        replace(m, id=n, sentence=_sentence_at(sentences, m.span[0])) for n, m in enumerate(hardware, start=len(found) + 1)
    )
    return Mentions(text, sentences, quantities, devices)


def _sentence_at(sentences: tuple[Span, ...], position: int) -> Span:
    return sentences[max(0, bisect_right(sentences, position, key=itemgetter(0)) - 1)]


def _inside(mention: QuantityMention, hardware: tuple[HardwareMention, ...]) -> bool:
    """Whether a number is part of the name of hardware: the 4 of "Raspberry Pi 4"."""
    return any(h.span[0] <= mention.span[0] and mention.span[1] <= h.span[1] for h in hardware)


def split_sentences(text: str) -> tuple[Span, ...]:
    """Split a text into sentence spans: in order, none overlapping, each without the white space around it."""
    spans: list[Span] = []
    start = 0
    for match in _CANDIDATE.finditer(text):
        stop = match.start()
        if text[stop] == "." and _ABBREVIATION.search(text[max(start, stop - _LONGEST_ABBREVIATION) : stop]):
            continue
        if text.endswith("et al", start, stop) and not _CAPITAL_NEXT.match(text, match.end()):
            continue  # "Liu et al. (2020)", but "as shown by Liu et al. We go on"
        _append(spans, text, start, match.end())
        start = match.end()
    _append(spans, text, start, len(text))
    return tuple(spans) or ((0, len(text)),)


def _append(spans: list[Span], text: str, start: int, end: int) -> None:
    stripped = text[start:end].strip()
    if stripped:
        start = text.index(stripped, start)
        spans.append((start, start + len(stripped)))
