"""Bound words: "up to", "at least", "about" and their kin, before or behind a number."""

import re

from extractor.records import Bound
from extractor.spotting.lexicon import load

_LEXICON = load("bounds")
_WINDOW = 64


def _any(words: list[str]) -> str:
    return "|".join(re.escape(word).replace(r"\ ", r"\s") for word in sorted(words, key=len, reverse=True))


_FILLERS = rf"(?:(?:{_any(_LEXICON['fillers'])})\s)*"


def _groups(section: str) -> str:
    """One named group for each bound of a section of the lexicon."""
    return "|".join(f"(?P<{bound}>{_any(words)})" for bound, words in _LEXICON[section].items())


_APPROX = _any([*_LEXICON["before"]["approx"], *_LEXICON["symbols"]["approx"]])
_LIMIT_OF_APPROX = re.compile(  # "up to about 40 times" is a limit
    rf"(?i)(?<![a-z])(?:(?P<up_to>{_any(_LEXICON['before']['up_to'])})|(?P<at_least>{_any(_LEXICON['before']['at_least'])}))"
    rf"\s{_FILLERS}(?:{_APPROX})[\s~]*\$?$"
)
_SYMBOLS = re.compile(rf"(?:{_groups('symbols')})[\s~$]*$")
_BEFORE = re.compile(rf"(?i)(?<![a-z])(?:{_groups('before')})(?:[\s~]+|(?<=-)){_FILLERS}\$?$")
_SUPERLATIVE = re.compile(
    rf"(?i)(?<![a-z])(?:{_any(_LEXICON['superlative']['adjectives'])})\s(?:[\w-]+\s){{0,3}}?"
    rf"(?!(?:{_any(_LEXICON['superlative']['not_nouns'])})\s)[\w-]+\sof\s(?:\w+\sof\s)?{_FILLERS}\$?$"
)
_BEHIND = re.compile(rf"\s(?:{_groups('behind')})(?![a-z])")
_BOUNDS: dict[str, Bound] = {"up_to": "up_to", "at_least": "at_least", "approx": "approx"}


def bound_before(text: str, start: int) -> Bound:
    """The bound that the words or symbols directly before a number give it; "exact" if there are none."""
    window = text[max(0, start - _WINDOW) : start]
    for pattern in (_LIMIT_OF_APPROX, _SYMBOLS, _BEFORE):
        match = pattern.search(window)
        if match and match.lastgroup:
            return _BOUNDS[match.lastgroup]
    return "up_to" if _SUPERLATIVE.search(window) else "exact"


def bound_behind(text: str, end: int) -> Bound:
    """The bound that the words directly behind a quantity give it ("30% or more"); "exact" if there are none."""
    match = _BEHIND.match(text, end)
    return _BOUNDS[match.lastgroup] if match and match.lastgroup else "exact"
