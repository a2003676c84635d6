"""Factors: a change or a fraction said as "times better", so that 35.6% less latency and a speedup of 9.1x can be compared.

The rules and the words stand in `factors.toml`, each rule with an example; which metrics are better when higher, and which
words say a change, is the knowledge of the rules labeller.
"""

import re
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final, Literal

from extractor.documents import Span, lowered
from extractor.labelling.rules.lexicon import Metric, lexicon
from extractor.records import Claim

Move = Literal["rise", "fall", "rate", ""]
"""What a value did. `rate`: something became faster or slower by that much."""

_FORMULAS: Final[dict[str, Callable[[float], float]]] = {
    "v": lambda v: v,
    "1/v": lambda v: 1 / v,
    "1+v": lambda v: 1 + v,
    "1/(1+v)": lambda v: 1 / (1 + v),
    "1-v": lambda v: 1 - v,
    "1/(1-v)": lambda v: 1 / (1 - v),
}
_TOKEN = re.compile(r"[a-z][\w'’-]*|\d[\d.,]*\d|\d|[^\s\w]")
_RELATIVE = re.compile(r"relative(?:ly)?\b(?!\s+to\b)")
_POINTS = re.compile(r"[\s-]*(?:percentage[\s-]|absolute[\s-])?points?\b|[\s-]*(?:pp|absolute)\b")
_SAYS_POINTS = re.compile(r"points?|pp\b|pt\b")
_NUMBER = re.compile(r"[\d.,]+")
_JOINTS = frozenset([",", "and", "or", "/", "&", "-", "–", "%", "x", "$", "\\"])
"""What stands between the numbers of a list."""
_NEAR = 24
"""Characters around a number in which "relative" is about it."""
_BEHIND, _BEFORE, _GOVERNED = 4, 6, 25
"""Words in which a word of change stands: behind a number, before it, and before it where "by" or "of" leads to it."""


@dataclass(frozen=True, slots=True)
class Factor:
    """How many times better, at the low and the high end of the quantity, and the rule that says so.

    Without a factor both ends are None, and `rule` is the reason. An absolute value has neither.
    """

    low: float | None
    high: float | None
    rule: str | None


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of `factors.toml`."""

    name: str
    comparison: str
    example: dict[str, Any]
    unit: str = ""
    scale: str = ""
    sense: str = ""
    move: str = ""
    better: str = ""
    effect: str = ""
    least: float = 0.0
    under: float = float("inf")
    gives: str = ""
    because: str = ""


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("factors.toml").read_text(encoding="utf-8"))


@cache
def rules() -> tuple[Rule, ...]:
    """The rules, in the order in which they are tried."""
    names = {"from": "least", "to": "under"}
    return tuple(Rule(**{names.get(key, key): value for key, value in row.items()}) for row in _data()["rule"])


@cache
def _words(name: str) -> frozenset[str]:
    return frozenset(_data()["words"][name])


@cache
def _scale(name: str) -> frozenset[str]:
    words = _data()["scales"][name]
    return frozenset([*words, *(f"{word}s" for word in words)])


def factor_of(claim: Claim, text: str) -> Factor:
    """The factor of a claim of a record with this text."""
    if claim.comparison == "absolute":
        return Factor(None, None, None)
    quantity, metric = claim.quantity, claim.metric and _metric(claim.metric)
    unit = quantity.unit if quantity.unit in ("x", "%") else "other"
    better = metric.better if metric else ""
    if claim.comparison == "change":
        move = _move(text, claim, better) if unit == "%" else ""
        scale, sense = _scale_of(text, claim), _sense(move, better, claim.effect == "better")
    else:
        better = better or {"accuracy": "higher", "resource": "lower"}.get(claim.kind, "")
        move, scale, sense = "", "", "part" if _is_part(text, claim) else "clear"
    v = tuple(end / 100 if unit == "%" else end for end in (quantity.low, quantity.high))
    for rule in rules():
        if (
            rule.comparison == claim.comparison
            and rule.unit in ("", unit)
            and rule.scale in ("", scale)
            and rule.sense in ("", sense)
            and rule.move in ("", move)
            and rule.better in ("", better)
            and rule.effect in ("", claim.effect)
            and rule.least <= v[0]
            and v[1] < rule.under
        ):
            if not rule.gives:
                return Factor(None, None, rule.name)
            formula = _FORMULAS[rule.gives]
            return Factor(formula(v[0]), formula(v[1]), rule.name)
    return Factor(None, None, "no rule")


def _sense(move: Move, better: str, is_better: bool) -> str:
    if not move:
        return "unknown"
    if move == "rate" or not better:
        return "clear"
    return "clear" if (move == "rise") == ((better == "higher") == is_better) else "contradictory"


def _scale_of(text: str, claim: Claim) -> str:
    """Whether a percentage can be points of a score, or is a share of the baseline's value."""
    start, end = claim.spans.quantity
    behind = lowered(text[end : end + _NEAR])
    if _SAYS_POINTS.search(lowered(claim.quantity.text)) or _POINTS.match(behind):
        return "points"
    first, last = claim.sentence
    if _RELATIVE.search(lowered(text[max(first, start - _NEAR) : min(last, end + _NEAR)])):
        return "relative"
    if claim.kind == "accuracy":
        return "relative" if claim.metric and _heads(claim.metric, _scale("own")) else "points"
    return "points" if claim.metric and _heads(claim.metric, _scale("percent")) else "relative"


def _is_part(text: str, claim: Claim) -> bool:
    first, last = claim.sentence
    start, end = claim.spans.quantity
    before = _TOKEN.findall(lowered(text[first:start]))[-_BEFORE:]
    behind = _TOKEN.findall(lowered(text[end:last]))[:_BEHIND]
    return not _words("parts").isdisjoint([*before, *behind])


# Metrics


@lru_cache(maxsize=65536)
def _metric(phrase: str) -> Metric | None:
    """What the lexicon knows of a metric: of its head, or of the last word before its head that it knows."""
    metrics = lexicon().metrics
    found: Metric | None = None
    for candidate in _candidates(phrase):
        entry = metrics.get(candidate)
        if entry is not None and entry.kind != "any":
            return entry
        found = found or entry
    return found


@lru_cache(maxsize=65536)
def _heads(phrase: str, words: frozenset[str]) -> bool:
    """Whether a metric ends in one of the words, before or behind its abbreviation."""
    words_of = _noun_phrase(phrase)
    ends = (" ".join(words_of[n:]) for n in range(len(words_of)))
    return any(end in words for end in ends) or phrase.casefold().split(" ")[0] in words


def _candidates(phrase: str) -> Sequence[str]:
    """The runs of words of a metric that may be in the lexicon: those that end last first, and of them the longest."""
    whole = " ".join(_clean(phrase))
    words = _noun_phrase(phrase)
    runs = [" ".join(words[first:last]) for last in range(len(words), 0, -1) for first in range(last)]
    tails = [word.rsplit("-", 1)[1] for word in reversed(words) if "-" in word]
    return [whole, *runs, *tails]


def _clean(phrase: str) -> list[str]:
    return re.sub(r"[$\\{}]|_\{[^}]*\}", "", lowered(phrase)).replace("_", " ").split()


def _noun_phrase(phrase: str) -> list[str]:
    """The words of a metric up to its first preposition: "deviation from the target" is a deviation."""
    words = _clean(phrase)
    at = next((n for n, word in enumerate(words) if n and word in _words("prepositions")), len(words))
    return words[:at]


# Words of change


def _move(text: str, claim: Claim, better: str) -> Move:
    """What the value did, by the word of change that governs the number, and by metric and effect where it does not say."""
    word = _governing(text, claim.sentence, claim.spans.quantity)
    if word in _words("rate"):
        return "rate"
    if word in _words("rate_unless_time") and better != "lower":
        return "rate"
    if word in _words("fall"):
        return "fall"
    change = lexicon().changes.get(word)
    effect = "" if change is None or word in _words("rate_unless_time") else change.effect
    if effect == "rise":
        return "rise"
    if effect in ("fall", "loss"):
        return "fall"
    if not better:
        return ""
    return "rise" if (better == "higher") == (claim.effect == "better") else "fall"


def _governing(text: str, sentence: Span, quantity: Span) -> str:
    """The word of change that governs a number: "40% higher", "reduces memory by 40%"; "" where no word does."""
    behind = _behind(_TOKEN.findall(lowered(text[quantity[1] : sentence[1]])))
    return behind or _before(_TOKEN.findall(lowered(text[sentence[0] : quantity[0]])))


def _behind(tokens: list[str]) -> str:
    """The word of change behind a number, across numbers that it is listed with ("24% and 23% lower")."""
    n = steps = 0
    while n < len(tokens) and steps <= _BEHIND:
        token, following = tokens[n], tokens[n + 1] if n + 1 < len(tokens) else ""
        if word := _change(token, following):
            return word
        if (steps == 0 and token in _JOINTS) or _NUMBER.fullmatch(token):
            n += 1
            continue
        if token in _words("stops") or not token[0].isalpha():
            return ""
        n, steps = n + 1, steps + 1
    return ""


def _before(tokens: list[str]) -> str:
    """The word of change before a number: nearby, or anywhere in its clause where "by" or "of" leads to it."""
    tokens = _without_bounds(tokens)
    room = _GOVERNED if tokens[-1:] in (["by"], ["of"], [","], ["and"]) else _BEFORE
    for n in range(len(tokens) - 1, max(-1, len(tokens) - 1 - room), -1):
        if tokens[n] in _words("clauses"):
            return ""
        following = tokens[n + 1] if n + 1 < len(tokens) else ""
        if f"{tokens[n]} {following}" in _words("bounds"):
            continue
        if n and _is_change(pair := f"{tokens[n - 1]} {tokens[n]}"):  # "speeds up" before "up"
            return pair
        if word := _change(tokens[n], following):
            return word
    return ""


def _change(token: str, following: str) -> str:
    """The word or pair of words, if it is one of change."""
    return next((word for word in (f"{token} {following}", token) if _is_change(word)), "")


def _is_change(word: str) -> bool:
    return word in lexicon().changes or any(word in _words(name) for name in ("fall", "rate", "rate_unless_time"))


def _without_bounds(tokens: list[str]) -> list[str]:
    """The tokens without the bound words at their end ("by up to", "of more than")."""
    bounds, end = _words("bounds"), len(tokens)
    while end:
        size = next((n for n in (3, 2, 1) if end >= n and " ".join(tokens[end - n : end]) in bounds), 0)
        if not size and tokens[end - 1] == "of" and end > 1 and tokens[end - 2] in bounds:
            size = 1  # "by a mean of"
        if not size:
            break
        end -= size
    return tokens[:end]
