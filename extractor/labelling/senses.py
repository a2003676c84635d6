"""Which kinds and comparisons a quantity can have, by its unit and the words beside it; one that only counts has no sense.

The guidelines define a speed as an absolute time or rate and a speedup as a relative one, and call bytes, parameters,
operations and energy resources; "x" says how many times as much, so it always compares. A difference is said in words: "by 7%",
"7% higher", "a gain of 7%", and so is a share, "7% of". A percentage of time or cost has a word for it in its sentence.
"""

import re
from collections.abc import Mapping

from extractor.records import Comparison, Kind
from extractor.spotting.mentions import Mentions
from extractor.spotting.quantities import QuantityMention

_MINUTE = 60.0
"""Seconds from which on a time can be work that something costs."""
_LARGE = re.compile(r"\d\s?[KMB]\b|illion|thousand", re.IGNORECASE)
_ONLY = re.compile(r"\b(?:only|just|merely)\s$")
_OF_THINGS = re.compile(  # not "an F1 of 85 on SQuAD", nor "5 cars' lifetime"
    r"[\s~-]\s*(?!(?:for|on|in|and|or|to|at|with|vs|versus|points?|times|when|over|than|of|by|from|respectively|while|compared|as|is"
    r"|are|under|using|percentage|across|gain|improvement|after|per|but)\b)(?:\(|[A-Za-z]+\b(?!['\u2019]))",
    re.IGNORECASE,
)

_MORE = r"more|less|fewer|lower|higher|better|worse|faster|slower|larger|smaller|greater|shorter|longer|cheaper|quicker|lighter"
_CHANGE = (
    r"improvements?|reductions?|gains?|drops?|(?:in|de)creases?|increments?|savings?|loss|degradation|boost|speed-?ups?|decline"
    r"|margin|difference|overhead|lead|rise|relative"
)
_CHANGES = (
    r"(?:improv|reduc|increas|decreas|boost|rais|los|outperform|surpass|exceed|accelerat|lower|gain|shrink|compress|degrad|enhanc"
    r"|declin|minimi[sz]|trim|beat|drop|cut|speed|differ)\w*|sav(?:e|es|ed|ing)|sped|rises?|falls?"
)
_ABOUT = r"up to|about|around|approximately|over|nearly|at least|an?|more than|roughly|as much as"
_GAINS = rf"(?:(?:{_CHANGE}) of|gain(?:s|ed)|sav(?:es|ed)|los(?:es|t)) (?:(?:{_ABOUT}) )?"
_BY = re.compile(rf"\b(?:by (?:(?:{_ABOUT}|\w+) )?|{_GAINS})[~$\\]*$|[+]$", re.IGNORECASE)
_THAN = re.compile(rf"[\s-]?\s*(?:absolute |relative |average )?(?:points? )?(?:{_MORE}|{_CHANGE})\b", re.IGNORECASE)
_COMPARES = re.compile(
    rf"\b(?:by|than|over|as|additional|extra|up|down|within|compared|\w+er|{_MORE}|{_CHANGE}|{_CHANGES})\b|[+\u2212]",
    re.IGNORECASE,
)
_COSTS = re.compile(
    r"\b(?:memor|storage|sizes?|footprint|param|flops?|macs?|comput|complex|energ|power|bandwidth|communicat|traffic|costs?|pric|expens"
    r"|resource|label|annotat|data|sampl|demonstrat|shots?|token|iterat|epoch|steps?|rounds?|overhead|v?ram|cach|carbon|emission|area"
    r"|us(?:ag|es?)|consum|budget|spac|weigh|compress|prun|spars|small|large|compact|light|cheap|fewer|reduc|sav|requir|effort|force"
    r"|torque|efficien|volume|bits?|hours?|days?|minutes?)",
    re.IGNORECASE,
)
_TIMES = re.compile(
    r"\b(?:fast|slow|quick|short|speed|sped|accelerat|tim|runtime|latenc|delay|duration|throughput|rate|fps|frames?|seconds?|ms|hours?"
    r"|minutes?|days?|cycle|convergen|real-time)",
    re.IGNORECASE,
)
_OF_ANOTHER = re.compile(rf"\W*(?:\w+\W+){{0,6}}?(?:of|as|relative)\b|\W*(?:\w+\W+)?{_COSTS.pattern}", re.IGNORECASE)
_WORDS_BEFORE, _WORDS_BEHIND = 6, 4


def senses(mention: QuantityMention, mentions: Mentions) -> Mapping[Comparison, tuple[Kind, ...]]:
    """The comparisons that are possible for a quantity, each with the kinds that it can have; empty for what cannot be a claim.

    In evals/gold/seeds, 78 of the 109 quantities that are not claims have no sense, and every claim keeps its own.
    """
    mentions = mentions.reading or mentions
    mention = mentions.quantities[mention.id - 1]
    if _counts(mention, mentions.text):
        return {}
    first, last = mention.sentence
    words = mentions.text[first:last]
    return {comparison: _kinds(mention, comparison, words) for comparison in _comparisons(mention, mentions)}


def _comparisons(mention: QuantityMention, mentions: Mentions) -> tuple[Comparison, ...]:
    """How a quantity can compare. Every claim in evals/gold/seeds keeps its own comparison, 140 of 185 no other."""
    if mention.unit == "x":  # "9.1x" is not a share of anything; "half" and "1/19" may be
        return ("change",) if mention.low >= 1 and any(map(str.isdigit, mention.text)) else ("change", "fraction")
    if _is_difference(mention, mentions.text):
        return ("change",)
    first, last = mention.sentence
    listed = [m for m in mentions.quantities if m.unit == mention.unit and first <= m.span[0] < last]
    if mention.unit != "%":
        return ("absolute", "change") if any(_is_difference(m, mentions.text) for m in listed) else ("absolute",)
    shared = ("fraction",) if _OF_ANOTHER.match(mentions.text, mention.span[1], last) else ()
    changed = ("change",) if any(_compares(m, mentions) for m in listed) else ()
    return ("absolute", *changed, *shared)


def _counts(mention: QuantityMention, text: str) -> bool:
    """Whether a quantity counts or names something: a whole number of things ("2,000 images"), "8-bit", "2nd", "7B model"."""
    start, end = mention.span
    if mention.measure.names:
        return True
    if mention.unit is not None or _ONLY.search(text, max(0, start - 12), start):
        return False
    if _LARGE.search(mention.text):
        return True
    whole = mention.low.is_integer() and mention.high.is_integer() and not {"+", "."} & {*mention.text}
    return whole and _OF_THINGS.match(text, end) is not None


def _kinds(mention: QuantityMention, comparison: Comparison, sentence: str) -> tuple[Kind, ...]:
    """What a quantity can be by its unit, else by its sentence: a cost, a time or a rate only where a word there says one."""
    unit = mention.measure
    time: Kind = "speed" if comparison == "absolute" else "speedup"
    if unit.reports == "time":
        return (time, "resource") if unit.dimension == "time" and unit.base >= _MINUTE else (time,)
    if unit.reports == "cost":
        return ("resource",)
    resource: tuple[Kind, ...] = ("resource",) if _COSTS.search(sentence) else ()
    if (comparison == "absolute" and (mention.unit is None or "/" not in mention.unit)) or not _TIMES.search(sentence):
        return ("accuracy", *resource)
    return (time, "accuracy", *resource)


def _is_difference(mention: QuantityMention, text: str) -> bool:
    """Whether the words right beside a quantity make it a difference: "by 7%", "7% higher", "+7%"."""
    start, end = mention.span
    return text[start] == "+" or _BY.search(text[max(0, start - 32) : start]) is not None or _THAN.match(text, end) is not None


def _compares(mention: QuantityMention, mentions: Mentions) -> bool:
    """Whether a few words before or behind a quantity, up to a bracket or semicolon, could say a difference."""
    start, end = mention.span
    first, last = mention.sentence
    before = re.split(r"[(;]", mentions.text[first:start].rstrip("(<>~$\\ "))[-1].split()[-_WORDS_BEFORE:]
    behind = re.split(r"[);]", mentions.text[end:last])[0].split()[:_WORDS_BEHIND]
    return any(_COMPARES.search(" ".join(words)) for words in (before, behind))
