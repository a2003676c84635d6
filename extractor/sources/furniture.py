"""Page furniture: the lines and buttons around the papers of a scraped page, from a lexicon."""

import re
import tomllib
from functools import cache
from importlib.resources import files

_LONGEST_CALL = 200


def is_furniture(line: str) -> bool:
    """Whether a line holds nothing but furniture."""
    return _patterns()[0].fullmatch(line) is not None


def peel(line: str) -> str:
    """A line without the furniture that is fused to its ends, and without white space around it."""
    _, head, tail = _patterns()
    line = line.strip()
    while peeled := head.match(line) or tail.search(line):
        line = (line[peeled.end() :] if peeled.start() == 0 else line[: peeled.start()]).strip()
    return line


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """Patterns of a whole line, of furniture before a text, and of furniture after it."""
    lexicon = tomllib.loads(files("extractor.sources").joinpath("lexicon/furniture.toml").read_text(encoding="utf-8"))
    lines, calls, things, buttons, footers = (
        "|".join(re.escape(phrase) for phrase in sorted(lexicon[name], key=len, reverse=True))
        for name in ("lines", "calls", "things", "buttons", "footers")
    )
    call = rf"(?i:(?:{calls})\b(?=.{{0,{_LONGEST_CALL}}}\b(?:{things})\b)[^.!?]{{0,{_LONGEST_CALL}}}"
    # Lower case may be the last word of a wrapped abstract ("models."), so may a number with a full stop or a per cent sign.
    whole = rf"[\d\s|•·»«›‹…→←/-]*|[^a-zA-Z.%]*(?=[A-Z])(?i:{lines})[^a-zA-Z.%]*|(?=[A-Z]){call}[.!?]?)"
    footer = rf"(?i:{footers}).{{0,{_LONGEST_CALL}}}"
    head = rf"(?:(?:{buttons})|{call}[.!]))(?=[A-Z0-9$\\\\\"“(]|[a-z]+[A-Z0-9])"
    tail = rf"(?<=[a-z0-9.!?)])(?:{buttons})$"
    return re.compile(f"{whole}|{footer}"), re.compile(head), re.compile(tail)
