"""Units: what follows a number, under its canonical name.

Names that are special to this field, and the canonical names of the annotation guidelines, are in `lexicon/units.toml`;
other physical units are read by pint, whose base units are limited to those that abstracts mean.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from extractor.spotting.lexicon import load

if TYPE_CHECKING:
    import pint

_LEXICON = load("units")
_TIMES = re.compile(_LEXICON["times"]["pattern"])
_PERCENT = re.compile(_LEXICON["percent"]["pattern"])
_GAP = r"(?:[\s~\u2009\u202f]|\\[,;: ]|\{\}|-(?=[A-Za-z])|\$(?=\\mu|\^)|\$\s?(?=[A-Za-z]))?"
_SPELLINGS = {spelling: name for name, spellings in _LEXICON["spellings"].items() for spelling in spellings}
_PREFIXES = {prefix: scale for prefix, scale in _LEXICON["prefixed"].items() if prefix != "names"}


def _with_prefixes() -> dict[str, tuple[str, float]]:
    """Every spelling with its canonical name and scale, metric prefixes written out where the guidelines say so."""
    table = {spelling: (name, 1.0) for spelling, name in _SPELLINGS.items()}
    for spelling, name in _SPELLINGS.items():
        if name in _LEXICON["prefixed"]["names"] and spelling[0].isupper():
            table |= {prefix + spelling: (name, scale) for prefix, scale in _PREFIXES.items()}
            table |= {f"{prefix}-{spelling}": (name, scale) for prefix, scale in _PREFIXES.items()}
    return table


_TABLE = _with_prefixes()
_PHRASES = re.compile(
    _GAP
    + "("
    + "|".join(sorted((re.escape(s) for s in _TABLE if not s.isalpha()), key=len, reverse=True))
    + r")(?![A-Za-z0-9])"
)
_LATEX = re.compile(  # \\,\\mathrm{FPS}, and the second argument of \\SI{40}{\\milli\\second}
    r"(?:\s|~|\\[,;: ])?\$?\\(?:mathrm|text|textrm|textit|mathbf|mathit|rm|operatorname)\s?\{\s?[~ ]?([A-Za-z/%\\]+)\}\$?"
    r"|\}\{((?:\\[a-z]+)+|[A-Za-z/%]+)\}"
)
_RATE = re.compile(r"\s([a-z]+(?:-[a-z]+)?\s?(?:per\s(?:second|sec|minute|min|hour|day)|/s(?:ec)?))(?![a-z])")
_WORD = re.compile(_GAP + r"([A-Za-zµμ]+)([23²³]|\$?\^\{?[23]\}?\$?)?(/[A-Za-zµμ]+\d?)?(?![A-Za-z0-9_^])")
_ACRONYM_NEXT = re.compile(r"-[A-Z]{2}")
_NOUN = re.compile(
    rf"\s(?:(?:{'|'.join(_LEXICON['nouns']['adjectives'])})\s){{1,2}}"
    rf"({'|'.join(word for name in ('params', 'tokens') for word in _LEXICON['nouns'][name])})(?![a-z])"
)
_NEVER = frozenset(_LEXICON["words"]["never"])


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as it stands in a text: its canonical name, the factor for the number, and where its last character ends."""

    name: str
    scale: float
    end: int


def read_unit(text: str, position: int) -> Unit | None:
    """The unit that starts at `position`, directly behind a number; None if there is none."""
    if match := _PERCENT.match(text, position):
        return Unit("%", 1.0, match.end())
    if match := _TIMES.match(text, position):
        return Unit("x", 1.0, match.end())
    if match := _PHRASES.match(text, position):
        name, scale = _TABLE[match[1]]
        return Unit(name, scale, match.end())
    if match := _RATE.match(text, position):
        return Unit(match[1], 1.0, match.end())
    if match := _WORD.match(text, position):
        return _read_word(match)
    if match := _LATEX.match(text, position):
        inner = read_unit(f" {(match[1] or match[2]).replace(chr(92), '').replace('percent', '%')}", 0)
        return Unit(inner.name, inner.scale, match.end()) if inner else None
    return None


def _read_word(match: re.Match[str]) -> Unit | None:
    word, power, rate = match.groups()
    known = _TABLE.get(word)
    if known is None and not _ACRONYM_NEXT.match(match.string, match.end()):  # "51.4 PA-MPJPE" are no pascals
        known = _physical(word)
    if known is None:
        return None
    name, scale = known
    if power:
        name += re.sub(r"\D", "", unicodedata.normalize("NFKC", power))
    if rate is None:
        return Unit(name, scale, match.end(2) if power else match.end(1))
    whole = _TABLE.get(word + rate)
    return Unit(whole[0], whole[1], match.end()) if whole else Unit(name + rate, scale, match.end())


def noun_unit(text: str, position: int) -> str | None:
    """The unit that a noun behind a few adjectives gives a bare number: "2.7M trainable parameters" counts params."""
    match = _NOUN.match(text, position)
    return _TABLE[match[1]][0] if match else None


@lru_cache(maxsize=65536)
def _physical(word: str) -> tuple[str, float] | None:
    """The canonical symbol of a physical unit, as pint reads the word; None if it is none that abstracts mean."""
    if word in _NEVER or len(word) > 16:
        return None
    symbols: dict[str, str] = _LEXICON["physical"]
    for prefix, base, _ in _registry().parse_unit_name(word):
        if base in symbols:
            symbol = _registry().get_symbol(prefix + base) if prefix else symbols[base]
            return symbol.replace("µ", "u").replace("μ", "u"), 1.0
    return None


@cache
def _registry() -> "pint.UnitRegistry[Any]":
    """pint's registry, made at the first unit that the lexicon does not list: importing and making it takes 0.5 s."""
    import pint

    return pint.UnitRegistry()
