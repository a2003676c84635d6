"""What a number is compared with."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from extractor.labelling.rules.frames import Frame
from extractor.labelling.rules.reading import Sentence

_STEP = r"(?:[wNMCH/-]|R(?=[wNM])|(?<=[wNMH])O[DR]*(?=[wNMH])|\((?=[wN]{1,2}\))|(?<=[wN])\))"
_LISTED = r",[DR]*(?:[wNM/-]|(?<=N)C(?=\())+(?:\([wN]\))?"
PHRASE = rf"[DR]*(?P<x>{_STEP}*[wNMH]{_STEP}*(?:(?:{_LISTED}){{0,6}},?&[DR]*[wNM/-]*(?:N|\([wN]{{1,2}}\))[wNM/-]*)?)"
"""A noun phrase, with "of" phrases and an acronym in parentheses, and the names coordinated with it."""
_ITEM = re.compile(r"[^,&]+")
_NAMED_AFTER = re.compile(r"(?:,(?=N[.,;])|,?p)(?P<x>N+)(?![N&]|,[N&])")


@dataclass(frozen=True, slots=True)
class BaselineRow:
    """Where the words stand that a change or a fraction is compared with: the group `x` of the `pattern`.

    In the `region`, the match that stands nearest to the number counts. At a change, it has to mean a system.
    """

    name: str
    region: Literal["at its verb", "behind its verb", "at the end", "behind", "before", "at its change"]
    pattern: re.Pattern[str]
    example: str
    yields: str


def baseline_of(frame: Frame, rows: tuple[BaselineRow, ...]) -> tuple[str, str] | None:
    """What a change or fraction is compared with, and the name of the row that found it."""
    sentence = frame.sentence
    for row in rows:
        for match in _matches(row, frame):
            start = match.start()
            if row.region == "before" and sentence.codes[start] == "C" and not sentence.beats(start):
                continue
            over = row.region == "before" and sentence.words[start] == "over" and not sentence.holds("gains", start - 8, start)
            if over and "C" not in sentence.codes[max(0, start - 8) : start]:
                continue  # "reasons over the scene"
            if row.region == "at its change" and not _is_somebody(sentence, *match.span("x")):
                continue  # "improves BLEU by 5%"
            if found := clean(sentence, *match.span("x")):
                items = split_list(sentence, *found)
                item = items[frame.place] if frame.listed and len(items) == frame.size else found
                return sentence.phrase(*item).removesuffix("'s"), row.name
    return None


def _matches(row: BaselineRow, frame: Frame) -> list[re.Match[str]]:
    """The matches of a pattern in its region, the nearest to the number first."""
    pattern, codes, verb = row.pattern, frame.sentence.codes, frame.change
    own = verb if verb is not None and verb < frame.first and frame.sentence.beats(verb) else None
    found: Sequence[re.Match[str] | None] = []
    match row.region:
        case "at its verb" | "at its change" if verb is not None and verb < frame.first:
            found = [pattern.match(codes, verb)] if own is not None or row.region == "at its change" else []
        case "behind its verb":
            found = [pattern.search(codes, frame.head, frame.first)] if own is not None and own < frame.head else []
        case "at the end":
            found = [pattern.match(codes, frame.last)]
        case "behind":
            found = [*pattern.finditer(codes, frame.last)]
        case "before":
            found = [*pattern.finditer(codes, 0, frame.first)][::-1]
    return [match for match in found if match]


def clean(sentence: Sentence, first: int, last: int) -> tuple[int, int] | None:
    """The range without what only links; None if nothing is left."""
    if sentence.codes[last - 1] == ")" and "(" not in sentence.codes[first:last]:
        last -= 1
    if last - first == 1 and sentence.holds("empty", first, last):
        return None
    named = _NAMED_AFTER.match(sentence.codes, last)
    return named.span("x") if named and "N" not in sentence.codes[first:last] else (first, last)  # "the prior art, XpulpNN"


def _is_somebody(sentence: Sentence, first: int, last: int) -> bool:
    """Whether an object means a system: by a noun of systems or the name of a model, or as what a metric is of."""
    systems = any(sentence.holds(name, last - 1, last) for name in ("generic", "variants"))
    known = any(map(sentence.lexicon.is_model, sentence.words[first:last]))
    return systems or known or ("O" in sentence.codes[first - 2 : first] and sentence.codes[last - 1] in "N)")


def split_list(sentence: Sentence, first: int, last: int) -> list[tuple[int, int]]:
    """The items of a coordination, as token ranges."""
    return [match.span() for match in _ITEM.finditer(sentence.codes, first, last)]
