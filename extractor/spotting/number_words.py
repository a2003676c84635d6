"""Numbers in words: "three times", "half of the memory", "doubles the throughput"."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from extractor.spotting.lexicon import KeyWord, load
from extractor.spotting.units import known_unit, read_unit
from extractor.text import View

_LEXICON = load("numbers")
_CARDINALS: dict[str, float] = _LEXICON["cardinals"]
_ORDINALS: dict[str, float] = _LEXICON["ordinals"]
_MULTIPLES: dict[str, float] = _LEXICON["multiples"]
_MAGNITUDES: dict[str, float] = _LEXICON["magnitudes"]

_TENS = "|".join(word for word, value in _CARDINALS.items() if 20 <= value <= 90)
_ONES = "|".join(word for word, value in _CARDINALS.items() if value <= 9)
_SMALL = rf"(?:{_TENS})[ -](?:{_ONES})(?![a-z]|-(?!fold))|{'|'.join(_CARDINALS)}"
_HUNDREDS = rf"(?:(?:{_SMALL}|a)[ -]hundred(?:[ -](?:and[ -])?(?:{_SMALL}))?|{_SMALL})(?![a-z])"
_LARGE = rf"(?:{_HUNDREDS}|a)[ -](?:thousand|million|billion)(?:[ -](?:and[ -])?{_HUNDREDS})?|{_HUNDREDS}"
_TIMES = "second|millisecond|minute|hour|day|week|month"
_BEHIND_ARTICLE = f"(?:and|&|to|or|hundred|thousand|million|billion|{_TIMES}|{'|'.join(_ORDINALS)})"
"""What stands behind an article that begins a number; before anything else, which is the rule, none of the forms is tried."""
# Matched with lower case, only where one of the first words stands: searching the whole text takes 6 times as long.
_WORDS = re.compile(
    rf"(?<![a-z0-9_\\-])(?!an?[ -](?!{_BEHIND_ARTICLE}))(?:"
    rf"(?P<whole>{_SMALL}|a)(?:[ -](?:and|&)[ -]a[ -]half)(?![a-z])"
    rf"|(?P<numerator>{_SMALL}|a)[ -](?P<denominator>{'|'.join(_ORDINALS)})(?![a-z]|-[a-z])"
    r"|(?P<part>half)[ -]an?[ -]orders?[ -]of[ -]magnitude(?![a-z])"
    rf"|(?P<cardinal>{_SMALL}|an?)(?:[ -](?:to|or|and)[ -](?P<most>{_SMALL}))?(?P<orders>[ -]orders?[ -]of[ -]magnitudes?)"
    rf"|(?P<fold>{_SMALL})-?fold(?![a-z])(?! cross)"
    rf"|(?P<counted>{_LARGE}|a(?=[ -](?:{_TIMES}))|an(?= hour))(?![a-z])"
    r"|(?P<halved>halv(?:es?|ed|ing))(?![a-z])"
    r"|(?P<half>half)(?![a-z]|-[a-z])"
    rf"|(?P<multiple>{'|'.join(_MULTIPLES)})(?![a-z]|-[a-z])"
    r")"
)
ORDERS = re.compile(r"[ -]?[Oo]rders?[ -][Oo]f[ -][Mm]agnitudes?")
_HALVES = ("half", "halve", "halves", "halved", "halving")
FIRST_WORDS = frozenset([*_CARDINALS, *(f"{word}fold" for word in _CARDINALS), *_MULTIPLES, *_HALVES, "a", "an"])
_LEAST = re.compile(rf"(?<![a-z0-9_-])({_SMALL})-?(?: to | or |-to-|(?P<between> and ))$")
_BETWEEN = re.compile(r"between (?:about |around )?$")
_FACTOR_OF = re.compile(r"factors? of (?:\w+ ){0,2}?$")
_BE = re.compile(r"(?i)\b(?:is|are|was|were|be|been|being) $")
_COMPARED = re.compile(r" (?!(?:and|or|but|as|in|because|since|with|by|for|that|which|where|when|here)(?![a-z]))[a-z]")
_REPEATED = re.compile(rf" times (?:per|to (?!(?:{_SMALL})(?![a-z]))[a-z])")
_BY_OF = re.compile(r"(?i)\b(?:by|of|to|than|least|about|over|nearly|almost) $")
_DOUBLE_OBJECT = re.compile(
    r" (?:the|throughput|accuracy|speed|performance|efficiency|capacity|that|those|its|their|our|of|as|prior|previous|existing"
    r"|in (?:size|speed)|amount)(?![a-z])"
)
_MEASURED = re.compile(
    r"(?: (?!(?:with|in|by|at|on|for|to|and|or|from|when|while|over|under|after|if|than|is|are|was|were) )"
    rf"[a-z][\w-]*['’]?s?['’]?){{0,3}}? (?:{'|'.join(_LEXICON['measured']['nouns'])})(?![a-z-])"
)
_OF_THE = re.compile(r"\s(?:of|the|as|less|fewer|smaller|its)(?![a-z])")
_ARTICLE = re.compile(r"\san?(?=[\s-])")
_BY_OR_IN = re.compile(r"(?i)\b(?:by|in)\s(?:over\s|more than\s|almost\s|about\s|nearly\s|roughly\s)?$")
_BY = re.compile(r"(?i)\b(?:by|in|to|about|almost|nearly|than|roughly)\s(?:over\s|more than\s|almost\s|about\s|nearly\s)?$")
_SAVED = re.compile(r"(?i)\b(?:sav|cut|reduc)(?:es|ed|ing|s|ting)?\s$")
_NO_RATE = re.compile(r"\s(?:a|per|each|every)\s")
_BY_FACTORS = re.compile(r"(?i)\b(?:by|least|most|to|than|over|about|nearly)\s$")
_BOUNDED = re.compile(
    r"(?i)\b(?:under|than|within|about|around|below|roughly|nearly|almost|in|takes?|took|taking|needs|requires"
    r"|takes (?:over|more than))\s$"
)


@dataclass(slots=True)
class Number:
    """A number as it stands in a view. `unit` is set where the words carry one ("half" after "by" is 50 %).

    `low` and `high` differ only for dimensions such as 1280x720, shares, and ranges in words. `scaled` says that a magnitude
    (k, million) was written, `orders` that it counts orders of magnitude.
    """

    start: int
    end: int
    low: float
    high: float
    unit: str | None = None
    scaled: bool = False
    decimals: int = 0
    bare: bool = True
    negative: bool = False
    orders: bool = False


def find_words(view: View, words: Sequence[KeyWord]) -> Iterator[Number]:
    """The numbers in words of a text in reading order; `words` are its key words, `FIRST_WORDS` among them."""
    end = 0
    for start, word, _ in words:
        if word in FIRST_WORDS and start >= end and (match := _WORDS.match(view.lower, start)):
            end = match.end()
            if number := _read_words(view.text, match):
                yield number


def _read_words(text: str, match: re.Match[str]) -> Number | None:
    """The number that words write, if they write one: "three" alone counts only with a unit ("three times")."""
    start, end = match.span()
    kind = match.lastgroup
    if kind == "whole":
        value = _cardinal(match["whole"]) + 0.5
        return in_orders(start, orders.end(), value) if (orders := ORDERS.match(text, end)) else worded(start, end, value)
    if kind == "part":
        return in_orders(start, end, 0.5)
    if kind == "denominator":
        if match["numerator"] == "a" and not (_OF_THE.match(text, end) or _BY.search(text, max(0, start - 24), start)):
            return None
        if match["numerator"] == "one" and match["denominator"] == "second":
            return None
        value = _cardinal(match["numerator"]) / _ORDINALS[match["denominator"]]
        return worded(start, end, value, "x")
    if kind == "orders":
        least, most = 10.0 ** _cardinal(match["cardinal"]), 10.0 ** _cardinal(match["most"] or match["cardinal"])
        return Number(start, end, least, most, unit="x", bare=False) if least <= most else None
    if kind == "fold":
        low, start = _low(match, match["fold"])
        if text[end - 5] != "-" and _BE.search(text, max(0, start - 12), start) and not _COMPARED.match(text, end):
            return None  # "our contribution is twofold"
        return Number(start, end, low, _cardinal(match["fold"]), unit="x", bare=False)
    if kind == "counted":
        return _counted(text, match)
    if kind == "halved":
        return worded(start, end, 50.0, "%")
    if kind == "half":
        return _half(text, start, end)
    word = match["multiple"]
    if word in ("twice", "thrice"):
        return None if _NO_RATE.match(text, end) else worded(start, end, _MULTIPLES[word], "x")
    if word in ("doubles", "triples", "quadruples") and text.startswith(" of ", end):
        return None  # "quadruples of words"
    verb = word not in ("double", "triple", "quadruple")
    doubled = _DOUBLE_OBJECT.match(text, end) or (verb and _MEASURED.match(text, end))
    return worded(start, end, _MULTIPLES[word], "x") if doubled else None


def worded(start: int, end: int, value: float, unit: str | None = None) -> Number:
    """A number that is more than a bare run of digits."""
    return Number(start, end, value, value, unit=unit, bare=False)


def in_orders(start: int, end: int, count: float) -> Number:
    """So many orders of magnitude, as a factor: 3 are 1000 x, half of one is 3.16 x."""
    value = float(f"{10.0 ** min(count, 300):.12g}")
    return Number(start, end, value, value, unit="x", bare=False, orders=True)


def _cardinal(words: str) -> float:
    total = part = 0.0
    for word in words.replace("-", " ").split(" "):
        if word == "hundred":
            part = 100 * (part or 1)
        elif word in _MAGNITUDES:
            total, part = total + _MAGNITUDES[word] * (part or 1), 0.0
        elif word != "and":
            part += _CARDINALS.get(word, 1)  # "a"
    return total + part


def _low(match: re.Match[str], words: str) -> tuple[float, int]:
    """The lower end of the range that ends with a number, and where it starts: "four- to nine-fold", "two or three hundred
    times". The number itself where it ends no range."""
    lower, start, high = match.string, match.start(), _cardinal(words)
    least = _LEAST.search(lower, max(0, start - 24), start)
    if least is None or (least["between"] and not _BETWEEN.search(lower, max(0, least.start() - 16), least.start())):
        return high, start
    low, first = _cardinal(least[1]), _cardinal(words.split(maxsplit=1)[0])
    lows = [value for value in (low * high / first, low) if value < high]
    return (lows[0], least.start()) if lows else (high, start)


def _counted(text: str, match: re.Match[str]) -> Number | None:
    end, counted = match.end(), match["counted"]
    value = _cardinal(counted)
    low, start = _low(match, counted)
    if text.startswith((" factors", "-factors"), end) and _BY_FACTORS.search(text, max(0, start - 12), start):
        return Number(start, end + len(" factors"), low, value, unit="x", bare=False)
    unit = read_unit(text, end)
    if unit is None and counted not in ("a", "an") and _FACTOR_OF.search(match.string, max(0, start - 32), start):
        return Number(start, end, low, value, unit="x", bare=False)
    if unit is None or not (known_unit(unit.name).worded or value >= _MAGNITUDES["million"]):
        return None
    if _REPEATED.match(text, end) and not _BY_OF.search(text, max(0, start - 12), start):
        return None  # "ran it five times to see"
    if counted in ("a", "an") and not (
        _BOUNDED.search(text, max(0, start - 12), start) and known_unit(unit.name).dimension == "time"
    ):
        return None
    return Number(start, end, low, value, bare=False)


def _half(text: str, start: int, end: int) -> Number | None:
    """ "cut by half" and "in half" are 50 %; "half of the memory" is a share, 0.5 x; "half a second" is a time."""
    if article := _ARTICLE.match(text, end):
        return worded(start, article.end(), 0.5) if read_unit(text, article.end()) else None
    if _OF_THE.match(text, end) and not _SAVED.search(text, max(0, start - 12), start):
        return worded(start, end, 0.5, "x")
    if _SAVED.search(text, max(0, start - 12), start) or _BY_OR_IN.search(text, max(0, start - 24), start):
        return worded(start, end, 50.0, "%")
    return None
