"""Who a number is about."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from extractor.labelling.rules.comparands import clean
from extractor.labelling.rules.frames import Frame, abbreviated
from extractor.labelling.rules.reading import Previous, Sentence


@dataclass(frozen=True, slots=True)
class SubjectRow:
    """Where it stands who a number is about: the group `x` of the `pattern`, or `y` where that is the name.

    A rival's own number: its name stands right `before` it, or `behind` it, or the number is one `of two` ("Q vs. Q") and the
    sentence names the rival elsewhere. Or the number stands in an `aside` to a model. Else the last in the `sentence` up to the
    number that names somebody, or in the `sentence before` of which "it" speaks. `opposite` is found before the number.
    """

    name: str
    region: Literal["of two", "before", "aside", "behind", "sentence", "sentence before"]
    pattern: re.Pattern[str]
    example: str
    yields: str
    opposite: re.Pattern[str] = re.compile("")


def subject_of(frame: Frame, rows: tuple[SubjectRow, ...], previous: Previous) -> tuple[str, str] | None:
    """Who the number is about, and the name of the row that found it; None where it is the paper's own system."""
    for row in rows:
        sentence, codes, found = frame.sentence, frame.sentence.codes, None
        match row.region:
            case "of two" if frame.size == 2 and "tT"[frame.place] in codes[frame.first : frame.last]:
                named = (*_rivals(row, sentence, frame.last, len(codes)), *_rivals(row, sentence, 0, frame.first))
                found = next((span for each in named if (span := clean(sentence, *each))), None)
            case "before" if frame.size == 1 and frame.change is None:
                found = next(_rivals(row, sentence, 0, frame.token), None)
            case "aside" if frame.change is None and (match := row.pattern.search(codes, 0, frame.token)):
                sized = frame.mention.unit == "params" or sentence.holds("variants", match.end("x") - 1, match.end("x"))
                found = clean(sentence, *match.span("x")) if sized else None
            case "behind" if (match := row.pattern.match(codes, frame.last)) and row.opposite.search(codes, 0, frame.token):
                found = clean(sentence, *match.span("x"))
            case "sentence":
                found = _last_named(row, sentence, frame.first + 1)
            case "sentence before" if "it" in sentence.words[: frame.first] and row.opposite.search(codes, 0, frame.first + 1):
                if before := previous(1, None):
                    sentence, found = before, _last_named(row, before, len(before.codes))
        if found:
            return _owning(sentence, *found), row.name
    return None


def _rivals(row: SubjectRow, sentence: Sentence, first: int, last: int) -> Iterator[tuple[int, int]]:
    """What stands behind a comparator or a verb whose object is a rival: "outperforms X (70%)", "than X (70%)"."""
    for match in row.pattern.finditer(sentence.codes, first, last):
        if sentence.codes[match.start()] == "T" or sentence.beats(match.start()):
            yield match.span("x")


_NAMED_INSIDE = re.compile(r"\((?P<x>N+)\)")


def _last_named(row: SubjectRow, sentence: Sentence, end: int) -> tuple[int, int] | None:
    """The last phrase before token `end` that names someone and has a verb; None if a later one does not ("our method")."""
    codes, words, best = sentence.codes, sentence.words, None
    for match in row.pattern.finditer(codes, 0, end):
        first, last = _bare(sentence, *match.span("y" if match["y"] else "x"))
        last -= bool(match["with"]) and words[last - 1].endswith("ed") and last - first > 1  # "Eta equipped with X"
        named = "N" in codes[first:last]
        gains = sentence.holds("gains", match.end(), match.end() + 1)
        clause = "that" in words[match.end() : match.end() + 2]  # "tests of X show that"
        inside = codes.count("(", 0, first) > codes.count(")", 0, first) and ")" in codes[last:end]
        plain = match["v"] and not named and {"can", "could", "may", "will"}.isdisjoint(words[last : match.end()])
        start = match.start() if match["y"] or codes[first - 1] == "O" else first  # "the superiority of X is shown"
        if gains or inside or plain or first == last or clause or _governed(sentence, start, match.end()):
            continue
        if named:
            best = abbreviated(sentence, first, last)
        elif codes[last - 1] != "M" and not sentence.holds("never", last - 1, last):
            apposed = _NAMED_INSIDE.match(codes, last)  # "the best model (Zeta)"
            first, last = apposed.span("x") if apposed and not words[last + 1].isdigit() else (first, last)
            best = (first, last) if apposed or _is_somebody(sentence, first, last) else None
    return best


def _is_somebody(sentence: Sentence, first: int, last: int) -> bool:
    """Whether a phrase without a name means someone: not "our method", but "the quantized model"."""
    words, lists = sentence.words, sentence.lexicon.lists
    if last - first == 1 and first > 0 and sentence.codes[first - 1] != "D" and not words[first].endswith("s"):
        return False
    if not {"our", "this", "these"}.isdisjoint(words[first - 1 : last]) or words[last - 1] in lists["generic"]:
        return words[last - 1] in lists["variants"] and not lists["plain"].issuperset(words[first : last - 1])
    return True


def _owning(sentence: Sentence, first: int, last: int) -> str:
    """The owner of a value ("Zeta's accuracy"), else the phrase."""
    for n in range(first, last):
        if sentence.words[n].endswith(("'s", "’s")):
            return sentence.phrase(first, n + 1)[:-2]
    return sentence.phrase(first, last)


_GOVERNING = re.compile(r"(?<!D)[VCQOTPFAIWpt][BDR]*$")


def _governed(sentence: Sentence, first: int, verb: int) -> bool:
    """Whether a verb or preposition makes a phrase an object: "with lower latency", but not ", with Eta reaching 91%"."""
    match = _GOVERNING.search(sentence.codes, 0, first)
    if match is None or (sentence.codes.startswith(",W", match.start() - 1) and sentence.words[verb].endswith("ing")):
        return False
    return {"that", "like"}.isdisjoint(sentence.words[match.start() : first])


def _bare(sentence: Sentence, first: int, last: int) -> tuple[int, int]:
    """The phrase without what only leads to it."""
    codes, words = sentence.codes, sentence.words
    leads = sentence.lexicon.lists["leads"]
    while first < last and (codes[first] in "DR&-/O" or words[first] in leads):
        first += 1
    return first, last
