"""Units: how each is written, its canonical name, its dimension and its size, as the rows of `lexicon/units.toml` say."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Literal

from extractor.spotting.lexicon import load

_LEXICON = load("units")


@dataclass(frozen=True, slots=True)
class Unit:
    """What is known of a unit. `base` is its size in the first unit of its dimension, 0 where it has none.

    The other fields are those of `[dimensions]` in the lexicon. A unit that stands in no row has the dimension "".
    """

    name: str
    dimension: str = ""
    base: float = 0.0
    reports: Literal["time", "cost", ""] = ""
    relative: bool = False
    things: bool = False
    counts: bool = False
    names: bool = False
    signed: bool = False
    worded: bool = False


UNITLESS = Unit("")
"""The unit of a bare number."""


@dataclass(slots=True)
class WrittenUnit:
    """A unit as it stands in a text: its canonical name, the factor for the number, and where its last character ends."""

    name: str
    scale: float
    end: int


def _read_units() -> tuple[dict[str, Unit], dict[str, tuple[str, float]], dict[str, str]]:
    """The units by canonical name; name and scale by spelling; names by the words that are read in rates alone."""
    units: dict[str, Unit] = {}
    spellings: dict[str, tuple[str, float]] = {}
    in_rates: dict[str, str] = {}
    for dimension, defaults in _LEXICON["dimensions"].items():
        for name, row in _LEXICON[dimension].items():
            attributes = {key: row.get(key, value) for key, value in defaults.items()}
            base, words = row.get("base", 0.0), row.get("words", [])
            units[name] = Unit(name, dimension, base, **attributes)
            spellings |= dict.fromkeys([*words, *filter(None, map(_in_title_case, words))], (name, 1.0))
            spellings |= {f" {name}": (name, 1.0)} if row.get("apart") else {}
            in_rates |= dict.fromkeys(row.get("rates", []), name)
            for prefix in row.get("prefixes", []):
                factor, full = _LEXICON["prefixes"][prefix]
                units[prefix + name] = Unit(prefix + name, dimension, base * factor, **attributes)
                written = [prefix + name, *(full + word for word in words if word.islower() and len(word) > len(name))]
                written += ["µ" + name] if prefix == "u" else []
                spellings |= dict.fromkeys(written, (prefix + name, 1.0))
            for prefix, scale in _LEXICON["multiples"].items() if row.get("multiples") else ():
                written = [f"{prefix}{dash}{word}" for word in words if word[0].isupper() for dash in ("", "-", " ")]
                spellings |= dict.fromkeys(written, (name, scale))
    return units, spellings, in_rates


def _in_title_case(word: str) -> str | None:
    """A word that is written out, or several, as in a title: "Frames per Second". A short one may be another unit's sign."""
    return word.title().replace(" Per ", " per ") if word.islower() and len(word) > _SHORT and "/" not in word else None


_SHORT = 3
_UNITS, _SPELLINGS, _IN_RATES = _read_units()


@lru_cache(maxsize=4096)
def known_unit(name: str | None) -> Unit:
    """What is known of a unit by its canonical name, also of one per another ("mJ/inference", "grasps per second").

    So many things per time are a rate; else the unit before the stroke decides, and if it reports nothing, what is given per
    energy or power is a cost.
    """
    if name is None or name in _UNITS:
        return _UNITS[name] if name else UNITLESS
    over, *under = re.split("/| per ", name)
    if not under:
        return Unit(name)
    numerator, per = _of_rate(over), _of_rate(under[0])
    if per.dimension == "time" and (numerator.things or not numerator.dimension):
        return Unit(name, "rate", **_LEXICON["dimensions"]["rate"])
    costs: Literal["cost", ""] = "cost" if per.dimension in ("energy", "power") else ""
    return replace(numerator, name=name, base=0.0, reports=costs or numerator.reports)


def in_base_unit(value: float, name: str | None) -> tuple[float, str | None]:
    """A value in the base unit of its unit's dimension, and that unit: 40 ms are 0.04 s, 8 MB are 8e6 B, "x" is a ratio.

    A percentage stays one, and so does a unit that is its own base (tokens/s) or has no base (rounds), and a bare score.
    """
    if name == "x":
        return value, "ratio"
    unit = known_unit(name)
    if unit.relative or unit.base in (0.0, 1.0):
        return value, name
    return value * unit.base, next(iter(_LEXICON[unit.dimension]))


def _of_rate(word: str) -> Unit:
    """The unit that a word of a rate names."""
    word = word.strip()
    name = word if word in _UNITS else _SPELLINGS[word][0] if word in _SPELLINGS else _IN_RATES.get(word)
    return _UNITS[name] if name else UNITLESS


_TIMES = re.compile(_LEXICON["patterns"]["x"])
_PERCENT = re.compile(_LEXICON["patterns"]["%"])
_GAP = r"(?: |-(?=[A-Za-z]))?"


def _any_of(phrases: Iterable[str]) -> str:
    """An expression for any of the phrases, the longest first, by their first letters: most texts are told by that one."""
    by_first = groupby(sorted(phrases, key=lambda phrase: (phrase[0], -len(phrase))), itemgetter(0))
    return "|".join(f"{re.escape(first)}(?:{'|'.join(re.escape(each[1:]) for each in same)})" for first, same in by_first)


_PHRASES = re.compile(rf"{_GAP}({_any_of(each for each in _SPELLINGS if not each.isalpha())})(?![A-Za-z0-9^²³])")
_RATE = re.compile(
    r" ((?:(?!(?:and|or|to|at|in|of|with|for|from) )[A-Za-z]+(?:--?[a-z]+)* ){0,2}?[a-z]+(?:-[a-z]+)? ?"
    r"(?:per (?:second|sec|minute|min|hour|day)|/s(?:ec(?:ond)?)?)(?: per [a-z]+)?)(?![a-z0-9^²³])"
)
_OF_THINGS = re.compile(r" ([a-z]+s per [a-z]+)(?![a-z-])")
_PER_THING = re.compile(r" per [a-z]+(?![a-z-])|/(?:GPU|CPU|TPU|core|node|chip|device|user|stream|thread|W|mm2)(?![A-Za-z])")
_WORD = re.compile(
    _GAP + r"([A-Za-zµÅ]+)([23²³]|\^[23]|\^?-[1-3](?!\.?\d))?"
    r"((?:/[A-Za-zµ]+(?:\^?[23]|[²³]|\.?-steps?(?![a-z-]))?)+)?(?![A-Za-z0-9_^²³])"
)
_BASE = re.compile(_GAP + r"(m?A h|[A-Za-zµÅ]+|°C)([23])?(?=[ ·.][A-Za-zµ]+\^?- ?[12](?!\.?\d))")
_PER_UNIT = re.compile(r"[ ·.]([A-Za-zµ]+)\^?- ?([12])(?!\.?\d)")
_NOUN = re.compile(
    rf" (?:(?:{'|'.join(_LEXICON['nouns']['adjectives'])}) ){{1,2}}"
    rf"({'|'.join(word for name, words in _LEXICON['nouns'].items() if name != 'adjectives' for word in words)})(?![a-z])"
)
_PUT_AS_SMALL = re.compile(rf"(?i)\b(?:{'|'.join(_LEXICON['few']['before'])}) (?:[\d.,]+[kKM]? ?(?:to|[-–]) ?)?$")
_ENDS_OF_FEW = (*(f"{phrase.split()[-1][1:]} " for phrase in _LEXICON["few"]["before"]), "to ", "-", "–")
_FEW_THINGS = re.compile(
    r" (?:(?!(?:and|or|to|at|in|of|with|for|from|per|on|by|than) )[\w-]+ ){0,3}?"
    rf"({'|'.join(_LEXICON['few']['nouns'])})(?![a-z-])"
)
_NUMBER_BEHIND = r"[ ~≈<>±]*[\d.]+(?:(?: ?[-–] ?| to | and )[\d.]+)?\Z"
_ALIKE = {
    row["written"]: (name, re.compile(f"(?i){row['before']}{_NUMBER_BEHIND}"), re.compile(row["behind"]))
    for name, row in _LEXICON["alike"].items()
}
_NEAR = 64
"""Code points beside a number or a unit in which words tell what it is."""
_SIGNS = {sign: name for name, row in _LEXICON["money"].items() for sign in row.get("before", [])}
_SIGN = re.compile("(?<![A-Za-z])(?:" + "|".join(sorted(map(re.escape, _SIGNS), key=len, reverse=True)) + ") ?$")


@lru_cache(maxsize=64)
def read_unit(text: str, position: int) -> WrittenUnit | None:
    """The unit that starts at `position` of a view, directly behind a number; None if no unit does.

    Remembered, because several look at the unit of one number: whether it is a name, what it measures, what it is joined to.
    """
    if match := _PERCENT.match(text, position):
        return WrittenUnit("%", 1.0, match.end())
    if match := _TIMES.match(text, position):
        return WrittenUnit("x", 1.0, match.end())
    if (match := _BASE.match(text, position)) and (unit := _read_exponents(match)):
        return unit
    if match := _PHRASES.match(text, position):
        name, scale = _SPELLINGS[match[1]]
        if _UNITS[name].dimension == "rate" and (per := _PER_THING.match(text, match.end())):
            return WrittenUnit(match[1] + per[0], scale, per.end())
        return WrittenUnit(name, scale, match.end())
    rated = " per " in text[position : position + _NEAR]
    if (rated or "/s" in text[position : position + _NEAR]) and (match := _RATE.match(text, position)):
        return WrittenUnit(match[1], 1.0, match.end())
    if (match := _WORD.match(text, position)) and (unit := _read_word(match)):
        return unit
    if rated and (match := _OF_THINGS.match(text, position)):
        return WrittenUnit(match[1], 1.0, match.end())
    return None


def _read_word(match: re.Match[str]) -> WrittenUnit | None:
    word, power, rate = match.groups()
    known = _SPELLINGS.get(word)
    if known is None:
        return None
    name, scale = known
    if power:
        name += _upright(power)
    if rate is None:
        return WrittenUnit(name, scale, match.end(2)) if power else WrittenUnit(_meant(name, match), scale, match.end(1))
    rate = _upright(rate)
    whole = _SPELLINGS.get(word + rate)
    return WrittenUnit(whole[0], whole[1], match.end()) if whole else WrittenUnit(name + rate, scale, match.end())


def _meant(name: str, match: re.Match[str]) -> str:
    """The unit that is meant where two are written alike: after an acceleration, g is that of gravity."""
    alike = _ALIKE.get(name)
    if alike is None:
        return name
    other, before, behind = alike
    start = match.start()
    told = before.search(match.string, max(0, start - _NEAR), start) or behind.match(match.string, match.end())
    return other if told else name


def _upright(power: str) -> str:
    """Exponents as digits alone: "/cm^2" and "/cm²" are "/cm2"."""
    return unicodedata.normalize("NFKC", power).replace("^", "")


def _read_exponents(match: re.Match[str]) -> WrittenUnit | None:
    """A unit with others to the power of -1 or -2 behind it: "GB s-1" is GB/s."""
    name, scale = _SPELLINGS.get(match[1], ("", 1.0))
    name, end = name and name + (match[2] or ""), match.end()
    while name and (per := _PER_UNIT.match(match.string, end)) and per[1] in _SPELLINGS:
        name, end = f"{name}/{_SPELLINGS[per[1]][0]}{per[2].strip('1')}", per.end()
    return WrittenUnit(name, scale, end) if name and end > match.end() else None


def sign_before(text: str, position: int) -> tuple[str, int] | None:
    """The unit whose sign stands before a number, and where the sign begins: "$5", "EUR 5"."""
    match = _SIGN.search(text, max(0, position - 6), position)
    return (_SIGNS[match[0].strip()], match.start()) if match else None


def noun_unit(text: str, position: int) -> str | None:
    """The unit that a noun behind a few adjectives gives a bare number: "2.7M trainable parameters" counts params."""
    match = _NOUN.match(text, position)
    return _SPELLINGS[match[1]][0] if match else None


def unit_of_few(text: str, start: int, end: int) -> str | None:
    """The noun of data that is the unit of a number from `start` to `end` where it is put as small: "only 150 new scans"."""
    if not text.endswith(_ENDS_OF_FEW, 0, start) or not _PUT_AS_SMALL.search(text, max(0, start - _NEAR), start):
        return None
    few = _FEW_THINGS.match(text, end)
    return few[1] if few else None
