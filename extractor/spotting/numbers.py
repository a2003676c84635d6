"""Numbers: find those of a text, in digits and in words. A number that belongs to a name, a reference or a date is left out."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from string import ascii_letters, digits

from extractor.documents import Span
from extractor.spotting.lexicon import KeyWord, load
from extractor.spotting.number_words import ORDERS, Number, find_words, in_orders, worded
from extractor.spotting.units import read_unit, sign_before
from extractor.text import LONGEST_WORD, View

_LEXICON = load("numbers")
_MAGNITUDES: dict[str, float] = _LEXICON["magnitudes"]
_REFERENCES = frozenset(_LEXICON["references"]["words"])
_METRICS = frozenset(_LEXICON["metrics"]["words"])
_PLAIN = frozenset(_LEXICON["plain"]["words"])
_ZONES = re.compile("|".join(f"(?:{pattern})" for pattern in _LEXICON["zones"]["patterns"]))

_LARGEST = 1e200  # what is larger was not measured, and JSON has no infinity
_COUNTED = "|".join(_LEXICON["counted"]["nouns"])
_VULGAR = "¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"
DIGITS = re.compile(rf"[0-9{_VULGAR}](?:(?<=[0-9])[0-9]*(?:[.,:·'’][0-9]+)*[{_VULGAR}]?)?")
"""All digits that stand together. Such a run is read whole or not at all: a fragment of a number is always wrong."""
_OPEN = re.compile(r"(?<![A-Za-z0-9_^\\.])|(?<=sim)|(?<=approx)|(?<=upto)|(?<=\\pm)|(?<=pm)|(?<=[a-z]{3}\.)")
_BEFORE_POINT = re.compile(r"[A-Za-z0-9.]")
_LIST_ITEM = re.compile(r"\d{1,2}\)")
_TIMES = r" ?(?:×|·|\*|times|[xX]) ?"
_SCIENTIFIC = re.compile(
    rf"(?P<mantissa>\d+(?:\.\d+)?){_TIMES}10(?: ?\^ ?(?P<exponent>[-+]?\d+)|(?P<lost>[-–]\d{{1,2}})(?![\d.,]*\d|[-–]))"
)
_LOST_POWER = re.compile(rf"(?P<mantissa>\d(?P<part>\.\d+)?){_TIMES}10(?P<lost>\d{{1,2}})(?![\d.,]*\d)")
_LOST_SIGN = re.compile(r"10-\d(?![\d.,]*\d|-)")
_POWER = re.compile(r"10 ?\^ ?(?P<power>[-+]?\d+)")
_DIMENSIONS = re.compile(r"\d+(?: ?(?:[x×]|times) ?\d+)+(?!\.?\d)")
_FRACTION = re.compile(r"(?P<over>\d{1,3})/(?P<under>\d{1,6})(?![\d/%]|\.\d| ?[×x%]|\\)(?:(?:st|rd|th)(?![A-Za-z]))?")
_MIXED = re.compile(rf"(?P<whole>\d+)(?: ?(?P<vulgar>[{_VULGAR}])| (?P<over>\d)/(?P<under>\d{{1,2}})(?=[ -][a-z×x]))")
_SPACED_GROUPS = re.compile(r"[1-9]\d{0,2}(?: \d{3})+(?:\.\d+)?(?![\d,:]|\.\d| \d)")
_GROUPS = re.compile(r"[1-9]\d{0,2}(?:(?:,\d{3})+|(?:['’]\d{3})+)(?:\.\d+)?")
_COMPOUND = re.compile(
    rf"\d*+(?:\.\d+)?+(?: ?(?:×|·|\*|times|[xX]) ?\d|[-–]\d|/\d| ?\^| ?[{_VULGAR}]| \d| (?:out )?of (?:the )?\d)"
)
"""How each number begins that is more than digits with a magnitude: without it, none of the forms above needs a try."""
_WRITTEN = re.compile(r"\d*\.?\d+")
_DECIMAL_COMMA = re.compile(r"(?P<whole>\d+)[,·](?P<part>\d+)")
_FURTHER_DECIMAL = re.compile(r"(?: ?[-–] ?| (?:and|to|or) )\d+[,·]\d+")
_EXPONENT = re.compile(r"[eE][-+]?\d{1,3}(?![A-WYZa-wyz\d])")
_MAGNITUDE = re.compile(
    r"[kKMB](?![A-Za-z0-9])|T(?= (?:token|param|word|train|FLOP))| ?(?:bn|mn)(?![A-Za-z])"
    r"|[ -](?:[Hh]undred|[Tt]housand|[Mm]illion|[Bb]illion|[Tt]rillion|mln)(?![a-z])"
    rf"| [kKMB](?=-param| (?:FLOP|MAC)| (?:[A-Za-z-]+ ){{0,2}}?(?:{_COUNTED})(?![a-z]))"
)
_OPERATIONS = re.compile(r"\dG[ -]?(FLOPs|MACs)(?![A-Za-z])")
_UNCERTAINTY = re.compile(r"\(\d{1,3}\)")
_FORMULA = re.compile(r"/(?:[^\W\d_]{1,2}(?![^\W\d_])|\\|\()")
_JOINT = re.compile(r" ?[-–—] ?|-to-|/[+-]?")
_DECADE = re.compile(r"(?:19|20)\d0s(?![a-z])")
_YEAR = re.compile(r"(?:19|20)\d\d")
_DAY_BEFORE = re.compile(r"[A-Z][a-z]{2,8}\.? \d{1,2}(?:st|nd|rd|th)?,? $")
_SIGNS_IN_WORDS = f"{digits}.'+-"
_GAPS = frozenset(f"{space}{sign}{more}" for space in " ~\n" for sign in ("", "$") for more in ("", " ", "\n"))
"""What stands between a word and its number."""
_NAME_BEFORE = re.compile(r"(?:[A-Za-z)\]][A-Za-z0-9.]*\$?(?:[-–][A-Za-z0-9.]+)*[-–]|[_^]\{?|[A-Za-z][/'’])$")
_NAME_ENDS = "-–_^{/'’"
_METRIC_BEFORE = re.compile(rf"(?<![A-Za-z-])(?:{'|'.join(sorted(map(re.escape, _METRICS), reverse=True))})(?:-[a-z]+)?[-–]$")
_GLUED = re.compile(r"(?!(?:sim|pm|approx)\s?\d|[_^] ?\(?±)[A-Za-z_^]|[-–](?=\d+[A-Za-z]*-(?!fold))")
_SCREEN = re.compile(  # "a 4K video" names a resolution, "4K tokens" counts
    r"[248]K(?!\s(?:tokens?|images|samples|param|hours|examples|context|pairs|videos|instances|sequence|steps|iterations))"
)
_NAMED = re.compile(r"\d+[a-wyz]-[A-Z][a-z]*[A-Z]")
"""A number and a letter that begin a name: "2s-AGCN"."""
_MONTH_BEFORE = re.compile(rf"(?<![A-Za-z])(?:{'|'.join(_LEXICON['months']['words'])}) $")
_SPREAD = re.compile(r"[_^]? ?\(?(?:±|\+/-|pm ?\d)")
"""What makes a number a measured value: "HD 1.58 ± 0.37"."""
_YEAR_WORDS = frozenset({"in", "by", "since", "until", "of", "from", "year", "early", "late"})


_NO_QUANTITY = re.compile("|".join(f"(?:{pattern})" for pattern in _LEXICON["left_alone"]["patterns"]))
_SHARE = re.compile(
    r"(?P<low>\d+)(?:[-–](?P<high>\d+))?(?:/| (?P<out>out )?of (?:the )?)(?P<all>\d+)"
    rf"(?= (?:[a-z-]+ )?(?:{'|'.join(_LEXICON['shares']['nouns'])})(?![a-z])|(?(out) (?!stars|points)[a-z]+s(?![a-z])|(?!)))"
)
_SHARE_ALONE = re.compile(r"(?P<low>\d+)(?:[-–](?P<high>\d+))? out of (?P<all>\d+)(?=[.,;:)](?!\d)|$)")
_ON = re.compile(r"(?i)\b(?:on|in) $")
_SHARE_RATED = re.compile(r"(?P<low>\d+)(?P<high>)/(?P<all>\d+)(?![\d/%]|\.\d| ?[×x%]|\\)")
"""A share of so many tries is never a range of shares, so its `high` is empty."""
_RATES = re.compile(r"\brates? (?:of|is|was|from|to) [^.;]{0,48}$")
_SCALE = re.compile(r" ?/ ?(?:5|10|100)(?![\w.])")
"""The end of the scale that a score is given on: "4.2/5"."""
_FEW = 48
_ROW = re.compile(rf"(?<!\S)(?:[^\s\d]{{0,3}}[\d{_VULGAR}]\S{{0,12}}(?: [^\s\d]{{1,3}}(?!\S))? ?){{24,}}")
"""A row of a table: 24 numbers with nothing but a sign or a unit between them."""
_CALLED = re.compile(r"(?<![A-Za-z])[A-Za-z]\([\d., ]*$|[A-Z][a-z]?\d*\)$")
_LISTED_ON = re.compile(r"[a-zA-Z]?(?:,| ?[-–] ?| (?:and|or|to|&)|, (?:and|or)) ?")


def find_numbers(view: View, words: Sequence[KeyWord], digits: Sequence[re.Match[str]], asides: Sequence[Span]) -> list[Number]:
    """Find the numbers of a text in reading order, without those in `asides`; they do not overlap.

    `words` are the key words of the text, `digits` its `DIGITS`.
    """
    found = [*_of_digits(view, digits, asides), *find_words(view, words)]
    found.sort(key=lambda number: (number.start, -number.end))
    kept: list[Number] = []
    for number in found:
        if not kept or number.start >= kept[-1].end:
            kept.append(number)
    return kept


def _of_digits(view: View, runs: Sequence[re.Match[str]], asides: Sequence[Span]) -> Iterator[Number]:
    text = view.text
    tokens = _Tokens(text)
    remaining = iter(asides)
    aside = (-1, -1)
    previous_end = read_to = referred = -1
    passed = -2
    rows = _ROW.finditer(text) if len(runs) > _FEW else iter(())
    row = (-1, -1)
    for run in runs:
        start, end = run.span()
        while row[1] <= start and (table := next(rows, None)):
            row = table.span()
        if start < read_to or row[0] <= start < row[1]:
            continue
        if start and text[start - 1] == "." and run[0].isdigit() and not _BEFORE_POINT.match(text, max(0, start - 2)):
            start -= 1  # .25
        while aside[1] <= start and (following := next(remaining, None)):
            aside = following
        if aside[0] <= start < aside[1] or tokens.in_zone(run.start()):
            continue
        if not _OPEN.match(text, start) or (passed == start - 1 and text[passed] in "/-–:.,^_"):
            passed = end  # of a name, and what is glued to that
            continue
        if _is_tied(view, start):
            continue
        if nothing := _NO_QUANTITY.match(text, start):
            read_to = nothing.end()
            continue
        if referred >= 0 and run[0].isdecimal() and _LISTED_ON.fullmatch(text, referred, start):
            referred = end  # "Sections 3 and 4"
            continue
        joined = previous_end >= start - 4 and bool(_JOINT.fullmatch(text, previous_end, start))
        sign = text[start - 1] if start and text[start - 1] in "+-" else ""
        if sign and (joined or (start > 1 and text[start - 2] not in " (\n$~,/[=:{")):
            before = text[max(0, start - 4) : start - 1]
            if (
                not joined
                and before[-1:] not in tuple("%$)0123456789+")
                and before.lower() != "sub"
                and not _is_tied_score(text, run)
            ):
                continue
            sign = ""  # the hyphen joins: a range, or part of a word
        number, read_to = _shortened(text, run) or _read_digits(text, start, end, sign)
        if number is None or number.high > _LARGEST:
            continue
        opening, word = _word_before(text, number.start)
        if word.lower() in _REFERENCES and _is_reference(text, number):
            referred = number.end
            continue
        if _is_name(text, number, joined, opening, word):
            passed = number.end
            continue
        yield number
        if number.decimals and (scale := _SCALE.match(text, number.end)):
            read_to = max(read_to, scale.end())
        unit = read_unit(text, number.end)
        previous_end = unit.end if unit else number.end
        read_to = max(read_to, previous_end)


def _is_tied_score(text: str, run: re.Match[str]) -> bool:
    """Whether a run of digits is a score that a hyphen ties to its metric: "AUC-0.88"."""
    return "." in run[0] and _METRIC_BEFORE.search(text, max(0, run.start() - 32), run.start()) is not None


def _is_tied(view: View, start: int) -> bool:
    """Whether a space that does not break, or a thin one, ties digits to those before them: a part of a number."""
    if view.plain or start < 2 or view.text[start - 1] != " " or not view.text[start - 2].isdigit():
        return False
    return bool(view.written(start - 1, start).strip(" \t\r\n"))


class _Tokens:
    """The words of a text between white space, each looked at once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._end = -1
        self._zone = False

    def in_zone(self, place: int) -> bool:
        """Whether digits stand in a web address, a citation, a date, the number of a list item, or their like."""
        if place >= self._end:
            text, first, last = self._text, max(0, place - LONGEST_WORD), place + LONGEST_WORD
            start = max(text.rfind(" ", first, place) + 1, first)
            start = max(text.rfind("\n", start, place) + 1, start)
            end = text.find(" ", place, last)
            end = min(last, len(text)) if end < 0 else end
            line = text.find("\n", place, end)
            self._end = end if line < 0 else line
            word = text[start : self._end]
            if _LIST_ITEM.fullmatch(word):
                before = text[max(0, start - 200) : start]
                self._zone = before.rfind("(") <= before.rfind(")")  # no parenthesis is open: "and 3) a loss"
            else:
                self._zone = _ZONES.search(word) is not None
        return self._zone


def _shortened(text: str, run: re.Match[str]) -> tuple[Number, int] | None:
    """A number of operations in short beside one that is written out: "120G FLOPs, not 210G"."""
    if not text.startswith("G", run.end()) or text[run.end() + 1 : run.end() + 2].isalnum() or not _WRITTEN.fullmatch(run[0]):
        return None
    unit = None if read_unit(text, run.end()) else _operations(text)
    if unit is None:
        return None
    value = float(run[0]) * 1e9
    return Number(run.start(), run.end() + 1, value, value, unit=unit, scaled=True, bare=False), run.end() + 1


@lru_cache(maxsize=8)
def _operations(text: str) -> str | None:
    """The operations that a text counts in billions."""
    match = _OPERATIONS.search(text)
    return match[1] if match else None


def _read_digits(text: str, start: int, end: int, sign: str) -> tuple[Number | None, int]:
    """The number that begins with a run of digits, and where it ends; None in place of one that has two readings."""
    begin, negative = start - len(sign), sign == "-"
    if not _COMPOUND.match(text, start):
        number = _read_plain(text, start, end, begin, negative)
        return number, number.end if number else end
    if match := _LOST_POWER.match(text, start):  # "2.5 × 106" can only be a power; "2 × 106" may be a size
        value = float(match["mantissa"]) * 10.0 ** int(match["lost"])
        return _exactly(begin, match.end(), value, negative) if match["part"] else None, match.end()
    if match := _LOST_SIGN.match(text, start):  # "10-3 s" is a power that lost its sign, or two numbers
        return None, match.end()
    number = _read_run(text, start, end, begin, negative)
    return number, number.end if number else end


def _read_run(text: str, start: int, end: int, begin: int, negative: bool) -> Number | None:
    if match := _SCIENTIFIC.match(text, start):
        exponent = match["exponent"] or match["lost"].replace("–", "-")
        return _exactly(begin, match.end(), float(match["mantissa"]) * 10.0 ** _integer(exponent), negative)
    if match := _POWER.match(text, start):
        return _exactly(begin, match.end(), 10.0 ** _integer(match["power"]), negative)
    if match := _DIMENSIONS.match(text, start):
        sides = [float(side) for side in re.findall(r"\d+", match[0])]
        return Number(begin, match.end(), min(sides), max(sides), bare=False)
    if match := _MIXED.match(text, start):
        part = unicodedata.numeric(match["vulgar"]) if match["vulgar"] else float(match["over"]) / max(1, int(match["under"]))
        return _exactly(begin, match.end(), float(match["whole"]) + part, negative)
    if text[start] in _VULGAR:
        return worded(begin, end, unicodedata.numeric(text[start]), None if read_unit(text, end) else "x")
    match = _SHARE.match(text, start) or _share_alone(text, start)
    if match and 0 < int(match["high"] or match["low"]) <= int(match["all"]):
        low, high, whole = int(match["low"]), int(match["high"] or match["low"]), int(match["all"])
        return Number(begin, match.end(), low / whole, high / whole, "x", bare=False)
    if (match := _FRACTION.match(text, start)) and _is_fraction(match):
        return worded(begin, match.end(), float(match["over"]) / float(match["under"]), "x")
    return _read_plain(text, start, end, begin, negative)


def _share_alone(text: str, start: int) -> re.Match[str] | None:
    """A share whose noun was said before: "best on 3 out of 4.", a "success rate of 17/20", but not "rated 4 out of 5."."""
    if (match := _SHARE_ALONE.match(text, start)) and _ON.search(text, max(0, start - 4), start):
        return match
    match = _SHARE_RATED.match(text, start)
    rated = match and _RATES.search(text, max(0, start - 64), start) and not read_unit(text, match.end())
    return match if rated else None


def _is_fraction(match: re.Match[str]) -> bool:
    """Whether "a/b" is a share: 1/8, 3/4, 17/100, but not 85/83."""
    over, under = int(match["over"]), int(match["under"])
    return over < under and (over <= 10 or under == 100)


def _exactly(start: int, end: int, value: float, negative: bool) -> Number:
    return Number(start, end, value, value, bare=False, negative=negative)


def _read_plain(text: str, start: int, end: int, begin: int, negative: bool) -> Number | None:
    """Digits with at most a magnitude behind them; "3 orders of magnitude" are a factor of 1000."""
    if match := _SPACED_GROUPS.match(text, start):
        end = match.end()
    run = text[start:end]
    if match or _GROUPS.fullmatch(run):
        written = re.sub("[ ,'’]", "", run)
    elif _WRITTEN.fullmatch(run):
        written = run
        if exponent := _EXPONENT.match(text, end):
            written, end = written + exponent[0], exponent.end()
    elif (comma := _DECIMAL_COMMA.fullmatch(run)) and _is_decimal(text, comma, end):
        written = f"{comma['whole']}.{comma['part']}"
    else:
        return None
    decimals = len(written.partition(".")[2])
    if (uncertain := _UNCERTAINTY.match(text, end)) and (decimals or read_unit(text, uncertain.end())):
        end = uncertain.end()
    magnitude = _MAGNITUDE.match(text, end)
    name = magnitude[0].strip(" -") if magnitude else ""
    value = round(float(written) * _MAGNITUDES[name if len(name) == 1 else name.lower()], 6) if magnitude else float(written)
    end = magnitude.end() if magnitude else end
    if orders := ORDERS.match(text, end):
        return in_orders(begin, orders.end(), value)
    if not magnitude and _FORMULA.match(text, end) and not read_unit(text, end):
        return None  # "1/n"
    return Number(begin, end, value, value, None, bool(magnitude), decimals, not magnitude, negative and not magnitude)


def _is_decimal(text: str, match: re.Match[str], end: int) -> bool:
    """Whether a comma or a raised point can only be a decimal sign: "93,4 %" and "0,125 s", but not "10,20 ms" or "1,2"."""
    listed = len(match["whole"]) == len(match["part"]) > 1
    further = _FURTHER_DECIMAL.match(text, end)
    return not listed and read_unit(text, further.end() if further else end) is not None


def _integer(written: str) -> int:
    return max(-300, min(300, int(written)))


def _word_before(text: str, start: int) -> tuple[str, str]:
    """The word before a number, empty without one, behind what stands before it."""
    before = text[max(0, start - 32) : start]
    words = before.rstrip(" ~\n$")
    if before[len(words) :] not in _GAPS:
        return words, ""
    word = words[len(words.rstrip(ascii_letters + _SIGNS_IN_WORDS)) :].lstrip(_SIGNS_IN_WORDS)
    return words.removesuffix(word), word


def _is_reference(text: str, number: Number) -> bool:
    """Whether a number behind the word of a reference is a label: Section 3, Fig. 5B."""
    if number.scaled:  # "Fig. 5B"
        return text[number.end - 1].isupper() and text[number.end - 2].isdigit()
    return number.bare and read_unit(text, number.end) is None


def _is_name(text: str, number: Number, joined: bool, opening: str, word: str) -> bool:
    """Whether the digits belong to a name, a reference or a year: Phi-3, Section 3, in 2021."""
    start, end = number.start, number.end
    before = text[max(0, start - 32) : start].rpartition("\n")[2]
    word = word if before else ""  # of the same line
    sub = before[-4:].lower() == "sub-"
    if not joined and not sub and before[-1:] in _NAME_ENDS and _NAME_BEFORE.search(before):
        return not (number.decimals and number.bare and _METRIC_BEFORE.search(before))
    if number.scaled and _SCREEN.match(text, start):
        return True
    if _DECADE.match(text, start) or _NAMED.match(text, start):
        return True
    if number.unit or read_unit(text, end) or sign_before(text, start):
        return False
    if _CALLED.search(before):
        return True
    if _GLUED.match(text, end):
        return True
    if not number.bare or _SPREAD.match(text, end):
        return False
    following = text[end : end + 2]
    if number.high <= 31 and not number.decimals and _MONTH_BEFORE.search(before) and not following[1:].islower():
        return True
    if _YEAR.fullmatch(text, start, end) and _DAY_BEFORE.search(before):
        return True
    if _YEAR.fullmatch(text, start, end) and not (following[:1] == " " and following[1:].islower() and not _dated(word)):
        return True
    if word.lower() in _REFERENCES:
        return True
    if word in _METRICS or word == word.lower() or (number.high < 1 and number.decimals > 1):
        return False  # no version is below 1 with two decimals
    opens = opening.rstrip(" (")[-1:] in ("", ".", ":", "\n", "!", "?")
    return word not in _PLAIN and not (opens and word.istitle())


def _dated(word: str) -> bool:
    return word.lower() in _YEAR_WORDS or word[:1].isupper()
