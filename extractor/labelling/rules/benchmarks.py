"""Whether what a paper presents is itself a benchmark or a dataset, on which the numbers of others hold."""

import re
from dataclasses import dataclass
from functools import cache

from extractor.labelling.rules.reading import phrase_words

_WORD = r"(?!(?:for|of|that|which|to|with|on|from|by|in|using|is|method|framework|model)\b)[\w/+'-]+,?\s"
_ENDS = r"(?=[.,;:()—–]|$|\s(?:for|of|that|which|to|with|on|from|by|in|and|where|\w+ing|\w+ed)\b|\s?(?:--|—|–))"
_REACH = 160  # characters looked at on either side of a name: eight words


@dataclass(frozen=True, slots=True)
class _Patterns:
    """What stands behind the name or, up to its first character, before it."""

    apposed: re.Pattern[str]  # "X, a large-scale benchmark for"
    titled: re.Pattern[str]  # "X: Benchmarking agents"
    headed: re.Pattern[str]  # "the X dataset"
    introduced: re.Pattern[str]  # "we present the X"
    called: re.Pattern[str]  # "a corpus called X", "our benchmark, X"


@cache
def _patterns() -> _Patterns:
    nouns = rf"(?:{'|'.join(sorted(phrase_words('benchmarks')))})"
    return _Patterns(
        re.compile(
            rf"\s?(?:\([^()]{{1,80}}\),?|,|:|is|—|–|--?)\s(?:is\s)?(?:a|an|the)\s(?:{_WORD}){{0,8}}?{nouns}{_ENDS}",
            re.IGNORECASE,
        ),
        re.compile(r": (?:benchmarking|evaluating)\b", re.IGNORECASE),
        re.compile(rf"\s{nouns}{_ENDS}", re.IGNORECASE),
        re.compile(
            r"\b(?:introduc|present|propos|creat|construct|build|built|develop|releas|curat|establish|collect)\w*\s(?:\w+\s)?$",
            re.IGNORECASE,
        ),
        re.compile(
            rf"(?<!\bon\s)(?<!\bfrom\s)(?<!\bwith\s)(?<!\bto\s)\b(?:a|an|our|the first)\s(?:{_WORD}){{0,8}}?{nouns},?\s"
            r"(?:(?:called|named|dubbed|termed)\s)?\(?$",
            re.IGNORECASE,
        ),
    )


def benchmark_of(text: str, system: str | None) -> str | None:
    """The name of the paper's own system if the text calls it a benchmark or a dataset."""
    if system is None:
        return None
    patterns = _patterns()
    start = text.find(system)
    while start != -1:
        end = start + len(system)
        before, behind = text[max(0, start - _REACH) : start], text[end : end + _REACH]
        if (
            patterns.apposed.match(behind)
            or (start == 0 and patterns.titled.match(behind))
            or (patterns.headed.match(behind) and patterns.introduced.search(before))
            or (any(noun in before.lower() for noun in phrase_words("benchmarks")) and patterns.called.search(before))
        ):
            return system
        start = text.find(system, end)
    return None
