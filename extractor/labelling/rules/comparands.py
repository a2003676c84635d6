"""Who a number is about, and what it is compared with."""

import re

from extractor.labelling.rules.frames import BEATING, Frame
from extractor.labelling.rules.reading import Sentence, phrase_words

_STEP = r"(?:[wNMCH/-]|R(?=[wNM])|(?<=[wNMH])O[DR]*(?=[wNMH])|\((?=[wN]{1,2}\))|(?<=[wN])\))"
_NAMED = rf"[DR]*(?P<x>{_STEP}*[wNMH)]{_STEP}*(?:(?:,[DR]*[wNM/-]+){{0,4}},?&[DR]*[wNM/-]*(?:N|\([wN]{{1,2}}\))[wNM/-]*)?)"
"""A noun phrase, with "of" phrases and an acronym in parentheses, and the names coordinated with it."""

_THAN = re.compile(rf"T{_NAMED}")
_OF_ANOTHER = re.compile(rf"R*O?[DR]*(?:[wNM/]|&|&B*Q)*M[wN]*(?:O|t){_NAMED}")
_BEATS = re.compile(rf"C{_NAMED}")
_AND_BEATS = re.compile(rf"&{_NAMED}Y[BDR]*$")
_EQUALS = re.compile(rf"t{_NAMED}")


def baseline_of(frame: Frame, end: int) -> str | None:
    """What a change or fraction is compared with: ordered by how near it stands to the number.

    `end` is the token at which the sentence's statement ends. "of the M of X", "than X" behind the number, "than X" later in
    the sentence, "compared to X, ..." before it, "outperforms X by Q".
    """
    sentence, codes = frame.sentence, frame.sentence.codes
    if found := _beaten(frame):
        return _pick(frame, *found)
    if frame.change is None and (found := _after(sentence, _OF_ANOTHER, frame.last)):
        return _pick(frame, *found)
    for first, last in ((frame.last, frame.tail), (frame.tail, end)):
        for match in _THAN.finditer(codes, first, min(len(codes), last)):
            if found := _clean(sentence, *match.span("x")):
                return _pick(frame, *found)
    for match in reversed([*_THAN.finditer(codes, 0, frame.first)]):
        if sentence.words[match.start()] == "over" and "C" not in codes[max(0, match.start() - 8) : match.start()]:
            continue  # "reasons over the scene"
        if found := _clean(sentence, *match.span("x")):
            return _pick(frame, *found)
    for match in reversed([*_BEATS.finditer(codes, 0, frame.first)]):
        if BEATING.fullmatch(sentence.words[match.start()]) and (found := _clean(sentence, *match.span("x"))):
            return sentence.phrase(*found)
    for match in _EQUALS.finditer(codes, 0, end):
        near = sentence.words[max(0, match.start() - 3) : match.start()]
        if (
            frame.change is not None
            and not phrase_words("equal").isdisjoint(near)
            and (found := _clean(sentence, *match.span("x")))
        ):
            return sentence.phrase(*found)
    return None


def _beaten(frame: Frame) -> tuple[int, int] | None:
    """The object of the number's own verb: "outperforms X by Q", and of its second part: "and Y by Q"."""
    sentence, n = frame.sentence, frame.change
    if n is None or n > frame.first or BEATING.fullmatch(sentence.words[n]) is None:
        return None
    match = _AND_BEATS.search(sentence.codes, frame.head, frame.first) if n < frame.head else _BEATS.match(sentence.codes, n)
    return _clean(sentence, *match.span("x")) if match else None


def _after(sentence: Sentence, pattern: re.Pattern[str], at: int) -> tuple[int, int] | None:
    match = pattern.match(sentence.codes, at)
    if match and sentence.codes[match.start("x") - 1] == "t" and sentence.words[match.start("x") - 1] != "from":
        return None
    return _clean(sentence, *match.span("x")) if match else None


def _clean(sentence: Sentence, first: int, last: int) -> tuple[int, int] | None:
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
    return first, last


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


_SUBJECT = re.compile(
    r"(?P<x>(?:[wNMH/-]|(?<=[wN])OD?(?=[wN])|&(?=[wN]))*[wNM])(?:\([^)]{1,4}\))?"  # the noun phrase
    r"(?:,(?:D?(?P<y>N[wN]{0,3})|[^,&][^,]{0,12}),)?"  # an apposition, which may be the name
    r"(?:R*v*R*(?=[VC])|R*v+[RB]*(?=Q)|R*v+wO)"  # and a verb, or "is capable of"
)
_IN_PARENTHESES = re.compile(r"(?P<o>[TC])[DR]*(?P<x>[wNMH/-]*[wN])\([^()]*$")
_COMPARED = re.compile(r"T[BDR]*(?P<x>[wNMH/-]*N)?[BDR]*$")
_RIVAL = re.compile(rf"[FOWIY]{_NAMED}")


def _is_somebody(sentence: Sentence, first: int, last: int) -> bool:
    """Whether a phrase names someone: not "the results" or "our method", but "a name", "the quantized model"."""
    if "N" in sentence.codes[first:last]:
        return True
    head, owned = sentence.words[last - 1], first > 0 and sentence.words[first - 1] in ("our", "ours", "this", "these")
    if head in phrase_words("never") or sentence.codes[last - 1] == "M":
        return False
    if last - first == 1 and not owned and sentence.codes[first] == "w" and first > 0 and sentence.codes[first - 1] != "D":
        return False
    specific = any(word not in phrase_words("plain") for word in sentence.words[first : last - 1])
    if head in phrase_words("generic") or owned:
        return specific and head in phrase_words("variants")
    return True


def subject_of(frame: Frame, system: str | None) -> str | None:
    """Who the number is about: the name before the verb that reports it; the paper's own system for "our method"."""
    sentence, codes = frame.sentence, frame.sentence.codes
    opened = _IN_PARENTHESES.search(codes, 0, frame.first)
    if (
        opened
        and frame.size == 1
        and frame.change is None
        and (opened["o"] == "T" or BEATING.fullmatch(sentence.words[opened.start()]))
    ):
        return sentence.phrase(*opened.span("x"))
    match = _COMPARED.search(codes, 0, frame.token)
    if match and match["x"]:
        return _owning(sentence, *match.span("x"))
    if match and (rival := _RIVAL.match(codes, frame.last)) and (found := _clean(sentence, *rival.span("x"))):
        return sentence.phrase(*found)
    best = None
    for match in _SUBJECT.finditer(codes, 0, frame.first + 1):
        first, last = _name_of(sentence, *match.span("y" if match["y"] else "x"))
        inside = codes.count("(", 0, first) > codes.count(")", 0, first) and ")" in codes[last : frame.first]
        if (
            first < last
            and not inside
            and not _governed(sentence, first)
            and sentence.words[match.end() + 1 : match.end() + 2] != ["that"]
        ):
            if _is_somebody(sentence, first, last):
                best = first, last
            elif sentence.words[last - 1] not in ("results", "experiments") and codes[last - 1] != "M":
                best = None
    if best is None:
        return system
    return _owning(sentence, *best)


def _owning(sentence: Sentence, first: int, last: int) -> str:
    """The owner of a value ("Zeta's accuracy"), the name without a common noun behind it ("Zeta model")."""
    for n in range(first, last):
        if sentence.words[n].endswith(("'s", "’s")):
            return sentence.phrase(first, n + 1)[:-2]
    if (
        last - first == 2
        and sentence.codes[first] == "N"
        and not sentence.words[first].endswith("ed")
        and sentence.words[first + 1] in phrase_words("generic")
    ):
        last -= 1
    return sentence.phrase(first, last)


def _governed(sentence: Sentence, first: int) -> bool:
    """Whether a verb or preposition before a phrase makes it an object ("achieves significant gains", "with lower latency")."""
    n = first - 1
    while n >= 0 and sentence.codes[n] in "BDR":
        if sentence.words[n] == "that":
            return False
        n -= 1
    if n >= 0 and sentence.codes[n] == "&":
        n = len(sentence.codes[:n].rstrip("wNMH/-DR")) - 1
    return n >= 0 and sentence.codes[n] in "VCQOTPFAIWpt"


def _name_of(sentence: Sentence, first: int, last: int) -> tuple[int, int]:
    codes, words = sentence.codes, sentence.words
    while first < last and (
        codes[first] in "DR&-/" or words[first] in ("proposed", "resulting", "show", "find", "demonstrate")
    ):
        first += 1
    return first, last
