"""What a number is compared with."""

import re

from extractor.labelling.rules.frames import BEATING, Frame
from extractor.labelling.rules.reading import Sentence, phrase_words

_STEP = r"(?:[wNMCH/-]|R(?=[wNM])|(?<=[wNMH])O[DR]*(?=[wNMH])|\((?=[wN]{1,2}\))|(?<=[wN])\))"
PHRASE = rf"[DR]*(?P<x>{_STEP}*[wNMH)]{_STEP}*(?:(?:,[DR]*[wNM/-]+){{0,4}},?&[DR]*[wNM/-]*(?:N|\([wN]{{1,2}}\))[wNM/-]*)?)"
"""A noun phrase, with "of" phrases and an acronym in parentheses, and the names coordinated with it."""

_THAN = re.compile(rf"T{PHRASE}")
_THAN_BY = re.compile(rf"T{PHRASE}[^CQ;SVT]{{0,8}}Y[BDR]*$")
_OF_ANOTHER = re.compile(rf"R*O?[DR]*(?:[wNM/]|&|&B*Q)*M[wN]*(?:O|t){PHRASE}")
_BEATS = re.compile(rf"C{PHRASE}")
_AND_BEATS = re.compile(rf"&{PHRASE}Y[BDR]*$")
_EQUALS = re.compile(rf"t{PHRASE}")


def baseline_of(frame: Frame, end: int) -> str | None:
    """What a change or fraction is compared with: ordered by how near it stands to the number.

    `end` is the token at which the sentence's statement ends. "of the M of X", "than X" behind the number, "than X" later in
    the sentence, "compared to X, ..." before it, "outperforms X by Q", "accelerates X by Q".
    """
    sentence, codes = frame.sentence, frame.sentence.codes
    if found := _beaten(frame):
        return _pick(frame, *found)
    if frame.change is None and (found := _after(sentence, _OF_ANOTHER, frame.last)):
        return _pick(frame, *found)
    if (match := _THAN_BY.search(codes, frame.head, frame.first)) and (found := clean(sentence, *match.span("x"))):
        return _pick(frame, *found)
    beaten = [match for match in _BEATS.finditer(codes, 0, frame.first) if BEATING.fullmatch(sentence.words[match.start()])]
    for first, last in ((frame.last, frame.tail), (frame.tail, end)):
        for match in _THAN.finditer(codes, first, min(len(codes), last)):
            if first == frame.tail and beaten and sentence.words[match.start()] == "than":
                continue  # "outperforms X with Q higher success and Q higher than Y"
            if found := clean(sentence, *match.span("x")):
                return _pick(frame, *found)
    for match in reversed([*_THAN.finditer(codes, 0, frame.first)]):
        if sentence.words[match.start()] == "over" and "C" not in codes[max(0, match.start() - 8) : match.start()]:
            continue  # "reasons over the scene"
        if found := clean(sentence, *match.span("x")):
            return _pick(frame, *found)
    for match in reversed(beaten):
        if found := clean(sentence, *match.span("x")):
            return sentence.phrase(*found)
    if frame.rule == "changed by noun" and frame.metric is None and frame.change is not None:
        match = _BEATS.match(codes, frame.change)
        found = clean(sentence, *match.span("x")) if match else None
        if found and ("N" in codes[found[0] : found[1]] or found[1] - found[0] > 1):
            return sentence.phrase(*found)
    for match in _EQUALS.finditer(codes, 0, end):
        near = sentence.words[max(0, match.start() - 3) : match.start()]
        if (
            frame.change is not None
            and not phrase_words("equal").isdisjoint(near)
            and (found := clean(sentence, *match.span("x")))
        ):
            return sentence.phrase(*found)
    return None


def _beaten(frame: Frame) -> tuple[int, int] | None:
    """The object of the number's own verb: "outperforms X by Q", and of its second part: "and Y by Q"."""
    sentence, n = frame.sentence, frame.change
    if n is None or n > frame.first or BEATING.fullmatch(sentence.words[n]) is None:
        return None
    and_another = _AND_BEATS.search(sentence.codes, frame.head, frame.first) if n < frame.head else None
    match = and_another or _BEATS.match(sentence.codes, n)
    return clean(sentence, *match.span("x")) if match else None


def _after(sentence: Sentence, pattern: re.Pattern[str], at: int) -> tuple[int, int] | None:
    match = pattern.match(sentence.codes, at)
    if match and sentence.codes[match.start("x") - 1] == "t" and sentence.words[match.start("x") - 1] != "from":
        return None
    return clean(sentence, *match.span("x")) if match else None


def clean(sentence: Sentence, first: int, last: int) -> tuple[int, int] | None:
    """The range without what only links; None if nothing is left."""
    while first < last and (sentence.codes[first] in "D,&-/(" or _only_links(sentence, first)):
        first += 1
    while first < last and sentence.codes[last - 1] in "R,&-/(OD":
        last -= 1
    if last > first and sentence.codes[last - 1] == ")" and "(" not in sentence.codes[first:last]:
        last -= 1
    last = _coordinated(sentence, first, last)
    if first >= last or (last - first == 1 and sentence.words[first] in phrase_words("empty")):
        return None
    return _owner(sentence, first, last)


_ADJECTIVE = re.compile(r".*(?:ed|al|ive|ic|ing|only|-\w+)")


def _coordinated(sentence: Sentence, first: int, last: int) -> int:
    """The end of a phrase whose adjectives are coordinated: "spatial and temporal baselines"."""
    if first < last and sentence.codes[last : last + 1] == "&" and _ADJECTIVE.fullmatch(sentence.words[last - 1]):
        match = re.compile(r"&[wN/-]{2,}").match(sentence.codes, last)
        return match.end() if match else last
    return last


def _only_links(sentence: Sentence, n: int) -> bool:
    """Whether an adverb does not belong to the adjective behind it, as in "fully supervised methods"."""
    return sentence.codes[n] == "R" and not (sentence.words[n].endswith("ly") and sentence.codes[n + 1 : n + 2] in ("w", "N"))


_VALUE_OF = re.compile(r"[wM]O[DR]*(?=[wNMH])")
_NAMED_AFTER = re.compile(r",(?P<x>N)(?=[.,;]|$)")
_NAMED_INSIDE = re.compile(r"[wO-]+\((?P<x>N)\)")


def _owner(sentence: Sentence, first: int, last: int) -> tuple[int, int]:
    """Whose value it is ("the performance of tuned models"), by name where one follows ("the prior art, XpulpNN")."""
    match = _VALUE_OF.match(sentence.codes, first, last)
    if match and (sentence.codes[first] == "M" or sentence.words[first] in phrase_words("values")):
        first = match.end()
    for n in range(first, last - 1):
        if sentence.words[n].endswith(("'s", "’s")) and sentence.codes[n + 1] in "MN":
            return first, n + 1
    named = _NAMED_AFTER.match(sentence.codes, last)
    if named and "N" not in sentence.codes[first:last]:
        return named.span("x")
    inside = _NAMED_INSIDE.fullmatch(sentence.codes, first, last)
    if inside and sentence.words[inside.start("x") - 2] in phrase_words("generic") | _ROLES:
        return inside.span("x")
    return first, last


_ROLES = frozenset(["baseline", "competitor"])


def _pick(frame: Frame, first: int, last: int) -> str:
    """The whole phrase, or the item of a list that belongs to the number's place in its run."""
    sentence = frame.sentence
    items = split_list(sentence, first, last)
    if frame.listed and len(items) == frame.size:
        return sentence.phrase(*items[frame.place])
    phrase = sentence.phrase(first, last)
    return phrase[:-2] if phrase.endswith(("'s", "’s")) else phrase


def split_list(sentence: Sentence, first: int, last: int) -> list[tuple[int, int]]:
    """The items of a coordination, as token ranges."""
    items = []
    for match in re.finditer(r"[^,&]+", sentence.codes[first:last]):
        a, b = match.start() + first, match.end() + first
        while a < b and sentence.codes[a] in "DR":
            a += 1
        if a < b:
            items.append((a, b))
    return items
