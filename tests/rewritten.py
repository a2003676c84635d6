"""Rewritings of an abstract that change nothing of what it says, each with the map from old offsets to new ones."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from extractor.documents import Document, Span
from extractor.spotting import QuantityMention

Edit = tuple[int, int, str]
"""Characters of `Document.text` from start to end, exclusive, and what takes their place."""

_TIMES = re.compile(r"(?<=\d)(?:\$\\times\$|\\times|×|x|times)(?!\w|-[A-Za-z])")
_PERCENT = re.compile(r"\\%")
_MACRO = re.compile(r"(\\[a-zA-Z]+)")
_JOINT = re.compile(r"(?<=[\d%])-(?=\d)")


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A document with other characters. `starts` and `ends` map an old offset that opens or closes a span to the new one."""

    document: Document
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def span(self, old: Span | None) -> Span | None:
        """Where a span of the old text stands now."""
        return None if old is None else (self.starts[old[0]], self.ends[old[1]])


def rewrite(document: Document, edits: Iterable[Edit]) -> Rewritten:
    """Apply edits of the abstract, in order and none overlapping. What is put in before a character stays outside its span."""
    old = document.text
    parts: list[str] = []
    starts = [0] * (len(old) + 1)
    ends = [0] * (len(old) + 1)
    position = length = 0
    for start, end, new in (*edits, (len(old), len(old), "")):
        for offset in range(position, start):
            starts[offset] = length + offset - position
            ends[offset + 1] = starts[offset] + 1
        parts += [old[position:start], new]
        length += start - position
        for offset in range(start, end):
            starts[offset] = length + min(offset - start, max(0, len(new) - 1))
            ends[offset + 1] = length + (len(new) if offset + 1 == end else min(offset + 1 - start, len(new)))
        length += len(new)
        position = end
    starts[len(old)] = length
    title, abstract = "".join(parts)[: len(document.title)], "".join(parts)[len(document.title) + 1 :]
    return Rewritten(Document(document.id, title, abstract), tuple(starts), tuple(ends))


def _abstract(document: Document) -> int:
    return len(document.title) + 1


def _each(pattern: re.Pattern[str], new: str) -> Callable[[Document], Iterator[Edit]]:
    """Edits that put `new` in place of each match of a pattern in the abstract."""

    def edits(document: Document) -> Iterator[Edit]:
        for match in pattern.finditer(document.text, _abstract(document)):
            yield *match.span(), new

    return edits


def _wrapped(width: int, newline: str = "\n") -> Callable[[Document], Iterator[Edit]]:
    """Edits that break the lines of the abstract at spaces, at most `width` characters each where words are shorter."""

    def edits(document: Document) -> Iterator[Edit]:
        line = _abstract(document)
        last = None
        for space in [*re.finditer(" ", document.text[:-1]), None]:
            at = len(document.text) if space is None else space.start()
            if at < line:
                continue
            if at - line > width and last is not None:
                yield last, last + 1, newline
                line = last + 1
            last = at

    return edits


def _paragraphs(document: Document) -> Iterator[Edit]:
    """Edits that make the abstract two paragraphs of JATS, as Crossref serves them, the first sentence one of its own."""
    start = _abstract(document)
    yield start, start, "<jats:p>"
    if stop := re.compile(r"(?<=[a-z]{3}\.) (?=[A-Z][a-z])").search(document.text, start):
        yield *stop.span(), "</jats:p>\n<jats:p>"
    yield len(document.text), len(document.text), "</jats:p>"


def _trailing(document: Document) -> Iterator[Edit]:
    yield len(document.text), len(document.text), "\n"


REWRITINGS: dict[str, Callable[[Document], Iterator[Edit]]] = {
    "wrapped at 60": _wrapped(60),
    "wrapped at 72": _wrapped(72),
    "wrapped at 78": _wrapped(78),
    "CRLF": _wrapped(72, "\r\n"),
    "doubled spaces": _each(re.compile(" "), "  "),
    "no-break spaces": _each(re.compile(" "), "\u00a0"),
    "×": _each(_TIMES, "×"),
    "x": _each(_TIMES, "x"),
    "&times;": _each(_TIMES, "&times;"),
    "%": _each(_PERCENT, "%"),
    "JATS paragraphs": _paragraphs,
    "trailing newline": _trailing,
}
EN_DASH = "en dash in ranges"
CAPITALS = "title in capitals"


def with_en_dashes(document: Document, quantities: Iterable[QuantityMention]) -> Rewritten:
    """The document with an en dash for the hyphen of each range that was spotted in the abstract."""
    joints = [
        joint.span()
        for mention in quantities
        if mention.low < mention.high and mention.span[0] >= _abstract(document)
        for joint in _JOINT.finditer(document.text, *mention.span)
    ]
    return rewrite(document, [(start, end, "–") for start, end in joints])


def with_capitals(document: Document) -> Rewritten:
    """The document with its title in capitals, macros and letters whose capital is longer aside."""
    title = "".join(
        part if part.startswith("\\") else "".join(c.upper() if len(c.upper()) == 1 else c for c in part)
        for part in _MACRO.split(document.title)
    )
    same = rewrite(document, ())
    return Rewritten(Document(document.id, title, document.abstract), same.starts, same.ends)
