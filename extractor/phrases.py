"""Find a phrase in a text: exactly, after normalising white space, Unicode and LaTeX, and never by similarity.

A fuzzy match can turn one number into another: what is not found is not in the text.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from extractor.documents import Span

_LATEX = frozenset("$\\{}~")


@dataclass(frozen=True, slots=True)
class _Normalised:
    text: str
    offsets: tuple[int, ...]


def locate(text: str, phrase: str, near: Span, sentence: Span) -> Span | None:
    """The occurrence of `phrase` closest to the span `near`, in its `sentence` if there is one; None if it does not occur.

    An occurrence starts at a word boundary; one that ends at a boundary too is preferred ("GPU" is found in "GPUs" only
    where "GPU" itself is missing).
    """
    found = [*_exact(text, phrase)] or [*_normalised(text, phrase)]
    if not found:
        return None
    return min(
        found,
        key=lambda span: (
            not (sentence[0] <= span[0] and span[1] <= sentence[1]),
            not _ends_word(text, span[1]),
            max(near[0] - span[1], span[0] - near[1]),
            span,
        ),
    )


def locate_all(text: str, phrases: Iterable[str], near: Span, sentence: Span) -> list[Span | None]:
    """Where each of several phrases stands, as `locate` finds it."""
    return [locate(text, phrase, near, sentence) for phrase in phrases]


def folded(phrase: str) -> str:
    """A phrase as it is looked for in a text: two that are equal in it find the same places."""
    return _normalise(phrase).text.strip()


def _exact(text: str, phrase: str) -> Iterator[Span]:
    start = text.find(phrase) if phrase else -1
    while start != -1:
        if _starts_word(text, start):
            yield start, start + len(phrase)
        start = text.find(phrase, start + 1)


def _normalised(text: str, phrase: str) -> Iterator[Span]:
    haystack, needle = _normalise(text), folded(phrase)
    start = haystack.text.find(needle) if needle else -1
    while start != -1:
        span = haystack.offsets[start], haystack.offsets[start + len(needle) - 1] + 1
        if _starts_word(text, span[0]):
            yield span
        start = haystack.text.find(needle, start + 1)


@lru_cache(maxsize=64)
def _normalise(text: str) -> _Normalised:
    """The text in NFKC, case folded, without LaTeX mark-up, white space as single spaces; and each character's offset."""
    characters: list[str] = []
    offsets: list[int] = []
    for offset, raw in enumerate(text):
        if raw in _LATEX:
            continue
        for character in unicodedata.normalize("NFKC", raw).casefold():
            character = " " if character.isspace() else character
            if character == " " and characters and characters[-1] == " ":
                continue
            characters.append(character)
            offsets.append(offset)
    return _Normalised("".join(characters), tuple(offsets))


def _starts_word(text: str, start: int) -> bool:
    return start == 0 or not (text[start - 1].isalnum() and text[start].isalnum())


def _ends_word(text: str, end: int) -> bool:
    return end == len(text) or not (text[end - 1].isalnum() and text[end].isalnum())
