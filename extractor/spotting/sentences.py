"""Sentence boundaries that survive abbreviations ("e.g.", "vs.", "Fig. 5"), decimals, and missing spaces."""

import re

from extractor.documents import Span

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
