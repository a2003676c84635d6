"""Sentence boundaries that survive abbreviations, decimals and missing spaces."""

import re

from extractor.documents import Span

_BREAK = re.compile(r"\n|[.!?](?=\s)")


def split_sentences(text: str) -> tuple[Span, ...]:
    """Split a text into sentence spans: in order, not overlapping, each without surrounding white space."""
    ends = [match.end() for match in _BREAK.finditer(text)] + [len(text)]
    spans, start = [], 0
    for end in ends:
        sentence = text[start:end]
        stripped = sentence.strip()
        if stripped:
            offset = start + len(sentence) - len(sentence.lstrip())
            spans.append((offset, offset + len(stripped)))
        start = end
    return tuple(spans) or ((0, len(text)),)
