"""The name that a paper gives to its own system, and whether that is a benchmark. The first row that finds a name decides."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from extractor.documents import Document, lowered
from extractor.labelling.rules.lexicon import Lexicon, trie_pattern
from extractor.spotting.mentions import Mentions


@dataclass(frozen=True, slots=True, eq=False)
class SystemRow:
    """Where the name stands. In the `pattern`, `<list>` is any word of a list of `naming.toml`, and NAME and NAMES are names.

    A `title` is looked at alone; a `plain title` is of two words at most, not in the abstract. In an abstract, it stands
    behind one of the `leads`, words or a list of them. An `acronym` spells out the group `words`; a `coined` name looks so.
    The example is a title and an abstract, and what it yields is the system's name.
    """

    name: str
    sort: Literal["title", "plain title", "name", "coined", "acronym"]
    pattern: str
    example: tuple[str, str]
    yields: str
    leads: tuple[str, ...] = ()


_NAME = r"(?:(?!\dD\b)[a-z\d]*[A-Z][\w^]*|\w+\d\w*)(?:[-.+@/][\w^+]+)*\+*"
"""Kraken, RTMPose-m, M^3ViT, mmWeaver, wav2vec."""
_MACRO = r"\\[A-Za-z]{3,}"
"""A name that the source of the paper defines and the abstract still holds: "our method, \\flowname, ..."."""
_OPEN = r"[\"'`“‘*]*"
_PARTS = {
    "NAMES": rf"{_OPEN}(?P<name>{_MACRO}|{_NAME}(?:\s{_NAME}){{0,3}}(?:\s\d+\.\d+)?)",
    "NAME": rf"{_OPEN}(?P<name>{_NAME})",
    "ARTICLE": r"(?:(?:the|a|an|our|two|three|new|novel)\s+)?",
    "CLOSE": r"[\"'”’*]*",
    "ENDS": r"(?=\s*(?:[,:;(–—'\"’”`]|\.(?:\s|$)|--|-\s|\sGOES_ON\b))",
    "GOES_ON": r"(?:an?|the|is|that|which|to|for|with|as|and|in|on|by|where|whose|model|<things>)",
}
_SURVEY = re.compile(
    r"\b(?:survey|(?<!peer[\s-])review|tutorial|overview|perspective (?:paper|article)|position paper)\b", re.IGNORECASE
)
_INTRODUCING = re.compile(r"(?:propos|introduc|present|develop)\w*\s+(?:an?\s+|the\s+)?$")
_THIS_SURVEY = re.compile(r"his (?:survey|review|tutorial|overview|position paper)\b")


@lru_cache
def _compiled(row: SystemRow, lexicon: Lexicon) -> tuple[frozenset[str], re.Pattern[str]]:
    """The words that lead to a row's name, and its pattern."""
    pattern = row.pattern
    for part, said in _PARTS.items():
        pattern = pattern.replace(part, said)
    for name, words in lexicon.expressions.items():
        pattern = pattern.replace(f"<{name.removeprefix('naming.')}>", f"(?:{'|'.join(words)})")
    leads = [word for lead in row.leads for word in lexicon.expressions.get(f"naming.{lead}", (lead,))]
    return frozenset(leads), re.compile(pattern)


_SPACES = bytes(code if chr(code).isalnum() else ord(" ") for code in range(128)).ljust(256)


def _spaced(text: str) -> str:
    """A text with a space for each character that is no letter or digit of ASCII."""
    return text.encode("ascii", "replace").translate(_SPACES).decode()


@lru_cache
def _lead(rows: tuple[SystemRow, ...], lexicon: Lexicon) -> re.Pattern[str]:
    """What finds each word that leads to the name of a row."""
    words = frozenset[str]().union(*(_compiled(row, lexicon)[0] for row in rows))
    return re.compile(f" (?=({trie_pattern(sorted(map(_spaced, words)))}) )")


def _leads(text: str, rows: tuple[SystemRow, ...], lexicon: Lexicon) -> list[tuple[str, int]]:
    """The words of a text that lead to the name of a row, and where each ends.

    They are sought behind spaces, which takes a third of the time of a search that asks at each character what is before it.
    """
    ends = [match.span(1) for match in _lead(rows, lexicon).finditer(f" {_spaced(text)} ")]
    return [(text[start - 1 : end - 1], end - 1) for start, end in ends]


def find_system(
    document: Document, mentions: Mentions, rows: tuple[SystemRow, ...], lexicon: Lexicon
) -> tuple[str, str] | None:
    """The system's name as written, and the name of the row that found it; None if the paper names none, as surveys do."""
    if _SURVEY.search(document.title) or _THIS_SURVEY.search(document.abstract):
        return None
    devices = {mention.text: mention.category for mention in mentions.hardware}
    leads = _leads(document.abstract, rows, lexicon)
    for row in rows:
        name = _titled(row, document, lexicon) if "title" in row.sort else _named(row, document.abstract, leads, lexicon)
        if name is not None and (name not in devices or (devices[name] == "robot" and row.sort != "acronym")):
            return name, row.name
    return None


def _named(row: SystemRow, text: str, leads: list[tuple[str, int]], lexicon: Lexicon) -> str | None:
    """The first match of a row in an abstract, behind one of its leads, that is a name."""
    own, pattern = _compiled(row, lexicon)
    for lead, end in leads:
        if lead not in own or not (match := pattern.match(text, end)):
            continue
        name = match["name"]
        if row.sort == "name":
            name = _trimmed(name, lexicon)
            capital = name[0] == "\\" or any(c.isupper() for c in name)
            if len(name) > 2 and capital and not _is_term(name, lexicon) and not _is_generic(name, lexicon):
                return _acronym_after(text, *match.span("name"), lexicon) or name
        elif (_is_coined(name) and not _is_term(name, lexicon)) and (
            row.sort == "coined" or _spells(name, *_BORROWED.split(match["words"], maxsplit=1))
        ):
            return name
    return None


def _titled(row: SystemRow, document: Document, lexicon: Lexicon) -> str | None:
    """The title's name, if the abstract uses it or it looks like one."""
    match = _compiled(row, lexicon)[1].match(document.title)
    if match is None:
        return None
    name, rest = match["name"].strip(" \"'`“”’*"), document.title[match.end() :]
    words = name.split()
    if not words or len(words) > 4 or _is_generic(name, lexicon) or "," in name:
        return None
    if not rest and (len(words) > 1 or not _is_coined(name)):
        return None
    start = lowered(document.abstract).find(lowered(name))
    end = start + len(name)
    if start != -1:
        if name.lower() != document.abstract[start:end] or _INTRODUCING.search(document.abstract, 0, start):
            return document.abstract[start:end]
        if short := _acronym_after(document.abstract, start, end, lexicon):
            return short
    single = len(words) == 1 and (_is_coined(name) or "-" in name)
    return name if (single if row.sort == "title" else start == -1 and len(words) <= 2 and rest) else None


def _trimmed(name: str, lexicon: Lexicon) -> str:
    """A name without the common nouns behind it."""
    words = name.split()
    while len(words) > 1 and words[-1].lower() in lexicon.lists["naming.things"]:
        words.pop()
    return " ".join(words)


_BEHIND = re.compile(rf"[^.;()]{{0,110}}?\(\s*{_PARTS['NAME']}{_PARTS['CLOSE']}\s*\)")


def _acronym_after(text: str, start: int, end: int, lexicon: Lexicon) -> str | None:
    """The acronym in parentheses behind a spelt-out name from `start` to `end`."""
    match = _BEHIND.match(text, end)
    if match is None or _is_term(match["name"], lexicon) or match["name"] in text[start:end]:
        return None
    return match["name"] if _spells(match["name"], text[start:end], text[end : match.start("name")]) else None


_FIRST = re.compile("(?<![a-z])[a-z]")
_BORROWED = re.compile(r"\b(?:for|using|based on|that|which|from|by|into)\b")
"""Behind it stands what a phrase names, but not its head: "models for human mesh recovery (HMR)"."""


def _spells(name: str, head: str, rest: str = "") -> bool:
    """Whether the letters of an acronym stand in order in a phrase, the first at the beginning of a word of its head."""
    letters, text = [*filter(str.isalpha, name.lower())], f"{head}{rest}".lower()
    tails = [iter(text[match.start() :]) for match in _FIRST.finditer(text, 0, len(head)) if [match[0]] == letters[:1]]
    return any(all(letter in tail for letter in letters) for tail in tails)


def _is_coined(name: str) -> bool:
    """Whether a word looks made up: capitals inside, a digit, capitals alone, or a macro."""
    return name[0] == "\\" or (any(c.isupper() or c.isdigit() for c in name[1:]) and not name.isdigit())


def _is_term(name: str, lexicon: Lexicon) -> bool:
    """Whether a name is an abbreviation of the field ("LLMs") or an adjective of one ("MLLM-based")."""
    adjective = name.lower().endswith(("-based", "-driven", "-aware", "-assisted"))
    return adjective or name.removesuffix("s") in lexicon.lists["naming.terms"]


def _is_generic(name: str, lexicon: Lexicon) -> bool:
    """Whether a name begins with a word that names nothing."""
    return name.partition(" ")[0].lower() in lexicon.lists["naming.generic"]


_WORD = r"(?!(?:for|of|that|which|to|with|on|from|by|in|using)\b)[\w/+'-]+,?\s"
_ENDS = r"(?=[^\w\s-]|\s(?:[^\w\s]|(?:for|of|that|which|to|with|on|from|by|in|and|\w+ing|\w+ed)\b))"
_REACH = 160
"""Characters looked at on either side of a name: eight words."""


@lru_cache
def _patterns(nouns: frozenset[str]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What stands behind the name ("X, a large-scale benchmark for"), and before it ("a corpus called X")."""
    noun = rf"(?:{'|'.join(sorted(nouns))})"
    behind = rf"\s?(?:\([^()]{{1,80}}\),?|,|:|is|—|–|--?)\s(?:is\s)?(?:a|an|the)\s(?:{_WORD}){{0,8}}?{noun}{_ENDS}"
    before = (
        r"(?<!\bon\s)(?<!\bfrom\s)(?<!\bwith\s)(?<!\bto\s)\b(?:a|an|our|the first|(?:introduce|present|propose)s?\sthe)\s"
        rf"(?:{_WORD}){{0,8}}?{noun},?\s(?:(?:called|named|dubbed|termed)\s)?\(?$"
    )
    return re.compile(behind, re.IGNORECASE), re.compile(before, re.IGNORECASE)


def is_benchmark(name: str, text: str, nouns: frozenset[str]) -> bool:
    """Whether a text calls what has this name a benchmark or a dataset, or the name does."""
    if "bench" in name.lower():
        return True
    behind, before = _patterns(nouns)
    start = text.find(name)
    while start != -1:
        end = start + len(name)
        front = text[max(0, start - _REACH) : start]
        lower = front.lower()
        if behind.match(text, end, end + _REACH) or (any(map(lower.__contains__, nouns)) and before.search(front)):
            return True
        start = text.find(name, end)
    return False
