"""Who a number is about."""

import re

from extractor.labelling.rules.comparands import PHRASE, clean
from extractor.labelling.rules.frames import BEATING, Frame
from extractor.labelling.rules.reading import Sentence, is_model, phrase_words


def subject_of(frame: Frame, system: str | None, previous: Sentence | None, others: bool = False) -> str | None:
    """Who the number is about: a rival whose own number it is, the name before the verb that reports it, or whom "it" means.

    The paper's own system for "our method". With `others`, the paper measures systems of others: "the best model" is somebody.
    """
    sentence = frame.sentence
    if rival := _rival_of(frame):
        return rival
    found = _last_named(sentence, frame.first + 1, others)
    if found := _introduced(sentence, found[0] if found else 0, frame.first) or found:
        return _owning(sentence, *found)
    if (
        previous is not None
        and _SPEAKS_OF_IT.search(sentence.codes, 0, frame.first + 1)
        and "it" in sentence.words[: frame.first]
    ):
        found = _last_named(previous, len(previous.codes), others)
        return _owning(previous, *found) if found else system
    return system


_INTRODUCED = re.compile(r"UR*(?P<v>[wV])[DR]*(?P<x>[wNMH/-]*[wN])(?:\((?P<y>N)\)|\([^)]{1,4}\))?(?=,?[DU]?R*[VC])")
_INTRODUCES = frozenset(["introduce", "propose", "present", "develop", "design", "build", "devise"])


def _introduced(sentence: Sentence, start: int, end: int) -> tuple[int, int] | None:
    """What the authors introduce behind token `start` and then tell results of: "we introduce X, achieving"."""
    match = _INTRODUCED.search(sentence.codes, start, end)
    if match is None or sentence.words[match.start("v")] not in _INTRODUCES:
        return None
    first, last = match.span("y" if match["y"] else "x")
    return (first, last) if _is_somebody(sentence, first, last) else None


_SPEAKS_OF_IT = re.compile(r"U[Rv]*[VC]")
_IN_PARENTHESES = re.compile(r"(?P<o>[TC])[DR]*(?P<x>[wNMH/-]*[wN])\([^()]*$")
_FOR_MODEL = re.compile(r"F[DR]*(?P<x>N+)(?!w)")
_IMPROVED = re.compile(r"[C&][DR]*(?P<x>N+)t[BDRQt(]*$")
_COMPARED = re.compile(r"T[BDR]*(?P<x>[wNMH/-]*N)?[BDR]*$")
_ACHIEVED_BY = re.compile(r"w?VY[DR]*(?P<x>[wNMH/-]*N)")
_RIVAL = re.compile(rf"[FOWY]{PHRASE}")


def _rival_of(frame: Frame) -> str | None:
    """Whose number it is, if another's: "outperforms X (70%)", "80% versus X's 70%", "80% versus 70% for X".

    A well-known model that is improved "from 70% to 80%" is one, too.
    """
    sentence, codes = frame.sentence, frame.sentence.codes
    opened = _IN_PARENTHESES.search(codes, 0, frame.first) if frame.size == 1 and frame.change is None else None
    if opened and (opened["o"] == "T" or BEATING.fullmatch(sentence.words[opened.start()])):
        return sentence.phrase(*opened.span("x"))
    measured = _FOR_MODEL.match(codes, frame.last)
    if measured and is_model(sentence.words[measured.start("x")]):
        return sentence.phrase(*measured.span("x"))
    improved = _IMPROVED.search(codes, 0, frame.token)
    if improved and is_model(sentence.words[improved.start("x")]):
        return sentence.phrase(*improved.span("x"))
    compared = _COMPARED.search(codes, 0, frame.token)
    if compared and compared["x"]:
        return _owning(sentence, *compared.span("x"))
    if achieved := _ACHIEVED_BY.match(codes, frame.last):
        return _owning(sentence, *achieved.span("x"))
    rival = _RIVAL.match(codes, frame.last) if compared else None
    found = clean(sentence, *rival.span("x")) if rival else None
    return sentence.phrase(*found) if found else None


_SUBJECT = re.compile(
    r"(?P<x>(?:[wNMH/-]|(?<=[wN])OD?(?=[wN])|&(?=[wN]))*[wNM])(?:\([^)]{1,4}\))?"  # the noun phrase
    r"(?:,(?:D?(?P<y>N[wN]{0,3})|[^,&][^,]{0,12}),)?"  # an apposition, which may be the name
    r"(?:R*v*R*(?=[VC])|R*v+[RB]*(?=Q)|R*v+wO|(?P<v>R*v+R*w))"  # and a verb: "is capable of", "can process"
)
_MODALS = frozenset(["can", "could", "may", "will"])


def _last_named(sentence: Sentence, end: int, others: bool) -> tuple[int, int] | None:
    """The last phrase before token `end` that names someone and has a verb; None if a later one does not ("our method")."""
    codes, best = sentence.codes, None
    for match in _SUBJECT.finditer(codes, 0, end):
        first, last = _name_of(sentence, *match.span("y" if match["y"] else "x"))
        inside = codes.count("(", 0, first) > codes.count(")", 0, first) and ")" in codes[last : end - 1]
        clause = sentence.words[match.end() + 1 : match.end() + 2] == ["that"]
        plain = match["v"] and "N" not in codes[first:last] and _MODALS.isdisjoint(sentence.words[last : match.end()])
        if plain or first >= last or inside or clause or _governed(sentence, first):
            continue
        if _is_somebody(sentence, first, last, others):
            best = first, last
        elif sentence.words[last - 1] not in ("results", "experiments") and codes[last - 1] != "M":
            best = None
    return best


def _is_somebody(sentence: Sentence, first: int, last: int, others: bool = False) -> bool:
    """Whether a phrase names someone: not "the results" or "our method", but "a name", "the quantized model"."""
    if "N" in sentence.codes[first:last]:
        return True
    head, owned = sentence.words[last - 1], first > 0 and sentence.words[first - 1] in ("our", "ours", "this", "these")
    if head in phrase_words("never") or sentence.codes[last - 1] == "M":
        return False
    if last - first == 1 and head.endswith("s") and head in phrase_words("variants") - phrase_words("generic"):
        return True
    if last - first == 1 and not owned and sentence.codes[first] == "w" and first > 0 and sentence.codes[first - 1] != "D":
        return False
    if others and not owned and last - first > 1:
        return True
    specific = any(word not in phrase_words("plain") for word in sentence.words[first : last - 1])
    if head in phrase_words("generic") or owned:
        return specific and head in phrase_words("variants")
    return True


def _owning(sentence: Sentence, first: int, last: int) -> str:
    """The owner of a value ("Zeta's accuracy"), the name without a common noun behind it ("Zeta model")."""
    for n in range(first, last):
        if sentence.words[n].endswith(("'s", "’s")):
            return sentence.phrase(first, n + 1)[:-2]
    if (
        last - first == 2
        and sentence.codes[first] == "N"
        and not sentence.words[first][0].isdigit()
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
        codes[first] in "DR&-/" or words[first] in ("proposed", "resulting", "show", "find", "demonstrate", "present")
    ):
        first += 1
    return first, last
