"""The name that a paper gives to its own system: ordered, named rules, of which the first that finds a name wins."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from extractor.documents import Document, Span, lowered
from extractor.labelling.rules.reading import load
from extractor.spotting import Mentions

_NAME = (
    r"(?:[A-Z][\w$^{}\\]*(?:[-.+@/][\w$^{}\\+]+)*"  # Kraken, RTMPose-m, M^3ViT
    r"|[a-z]+[A-Z][\w$^{}]*(?:[-.+][\w$^{}]+)*"  # mmWeaver
    r"|\w+(?:[-.]\w+)*\d\w*)"  # wav2vec
)
_MACRO = r"\\(?!text|emph|math)[A-Za-z]{3,}(?:\{\})?(?![A-Za-z{])"
"""A name that the source of the paper defines and the abstract still holds: "our method, \\flowname, ..."."""
_NAMES = rf"({_MACRO}|{_NAME}(?:\s{_NAME}){{0,3}})"
_ARTICLE = r"(?:(?:the|a|an|our|two|three|new|novel)\s+)?"
_OPEN = r"[\"'`“‘*]*(?:\\(?:textbf|textit|emph|textsc|texttt|text|textsf)\s?\{)*"
_CLOSE = r"[\"'”’*}]*"
_THIS_SURVEY = re.compile(r"\b[Tt]his (?:survey|review|tutorial|overview|(?:survey|review|position) (?:paper|article))\b")
_FUNCTION_WORDS = frozenset(
    [
        *("an", "the", "of", "for", "in", "on", "to", "by", "and", "or", "with", "from", "that", "which", "as", "is", "are"),
        *("two", "three", "novel", "new", "our", "simple", "efficient", "effective", "multiple", "several", "both", "using"),
        *("via", "this"),
    ]
)


@dataclass(frozen=True, slots=True)
class _Naming:
    title: re.Pattern[str]
    survey: re.Pattern[str]
    called: re.Pattern[str]
    introduced: re.Pattern[str]
    presented: re.Pattern[str]
    apposed: re.Pattern[str]
    acronym: re.Pattern[str]
    own: re.Pattern[str]
    ours: re.Pattern[str]
    studied: re.Pattern[str]
    defined: re.Pattern[str]
    spelt_out: re.Pattern[str]
    things: frozenset[str]
    terms: frozenset[str]
    generic: frozenset[str]


@cache
def _naming() -> _Naming:
    lists = load("naming")
    introduces, presents, calls, things, bodies, suffixes = (
        "|".join(lists[name]) for name in ("introduces", "presents", "calls", "things", "bodies", "suffixes")
    )
    goes_on = rf"(?:an?|the|is|that|which|to|for|with|as|and|in|on|by|where|whose|model|{things})"
    ends = rf"(?=\s*(?:[,:;(–—}}'\"’”`]|\.(?:\s|$)|--|-\s|\s{goes_on}\b))"
    return _Naming(
        title=re.compile(
            rf"(?:The |Introducing )?([^:?]{{2,48}}?)(?:\s+(?:{suffixes}))?\s*(?:\([^)]*\))?\s*(?:$|:|\s[-–—]+\s|--)\s*"
        ),
        survey=re.compile(
            r"\b(?:survey|(?<!peer[\s-])review|tutorial|perspective (?:paper|article)|position paper|overview)\b", re.IGNORECASE
        ),
        called=re.compile(rf"\b(?:{calls})\s+(?:as\s+)?{_ARTICLE}{_OPEN}{_NAMES}(?![\w-])"),
        introduced=re.compile(rf"\b(?:{introduces})\s+{_ARTICLE}{_OPEN}{_NAMES}{ends}"),
        presented=re.compile(rf"\b(?:{presents})\s+{_ARTICLE}{_OPEN}{_NAMES}{ends}"),
        apposed=re.compile(
            rf"\b(?:{introduces}|{presents})\b[^.;]{{0,90}}?\b(?:{things}|{bodies})s?\s*(?:[,:–—]|--)\s*{_OPEN}({_NAME}(?:\s(?:{bodies.title()}))?){ends}"
        ),
        acronym=re.compile(
            rf"\b(?:{introduces}|{calls}|proposal of|development of)\s+{_ARTICLE}([^.;:,()]{{0,140}}?)"
            rf"\(\s*{_OPEN}({_NAME}){_CLOSE}\s*\)"
            rf"(?=[,.;:]|\s(?:{goes_on}|through|via|using|from|at|has|can|of)\b)"
        ),
        own=re.compile(
            rf"\b(?:[Oo]ur|[Tt]he proposed|[Tt]his)\s+(?:\w+[\s-]){{0,3}}?(?:(?:{things})\s*[,(]?\s*)?"
            rf"{_OPEN}({_NAME})(?=[\s,)}}'])"
        ),
        ours=re.compile(
            rf"\b(?:[Oo]ur|[Tt]he proposed)\s+(?:[\w-]+\s+){{0,2}}?(?:{things})(?:,?\s*{_OPEN}({_MACRO}|{_NAME})(?=[\s,)}}'])"
            rf"|,\s*([^.;:,()]{{3,140}}?)\(\s*{_OPEN}({_NAME}){_CLOSE}\s*\))"
        ),
        studied=re.compile(
            rf"\b[Ww]e\s+(?:explore|investigate|study|examine)\s+([^.;:()]{{3,140}}?)\(\s*{_OPEN}({_NAME}){_CLOSE}\s*\)\s*(?:,|--|–)\s*"
            rf"(?:an?|our)\s[^.;]{{0,60}}?\b(?:{things})"
        ),
        defined=re.compile(
            rf"(?:^|[.\n]\s*){_OPEN}({_NAME}(?:\s{_NAME})?){_CLOSE}(?:\s*\([^)]*\))?\s*(?:,|is|--|-)\s*"
            rf"(?:a|an|our|the first)\s[^.]{{0,80}}?\b(?:{things})"
        ),
        spelt_out=re.compile(
            rf"\b(?:{introduces})\s+(?P<the>the\s+)?(?P<name>[a-z]{{2,}}(?:[\s-][a-z]{{2,}}){{1,5}}?)"
            rf"(?:(?P<apposed>,\s+an?\s[^.,;]{{0,60}}?\b(?:{things})(?![\w-]))|\s(?:{things})(?=\s*[,.;:(]|\s{goes_on}\b))"
        ),
        things=frozenset(lists["things"]),
        terms=frozenset(lists["terms"]),
        generic=frozenset(lists["generic"]),
    )


def find_system(document: Document, mentions: Mentions) -> str | None:
    """The system's name as written in the text; None if the paper names none, as surveys do."""
    if _naming().survey.search(document.title) or _THIS_SURVEY.search(document.abstract):
        return None
    devices = {mention.text: mention.category for mention in mentions.hardware}
    for rule in RULES:
        name = rule(document)
        if rule is titled and name is not None and name.count(" ") > 1 and not any(map(_coined, name.split())):
            name = next(
                (
                    short
                    for short in (called(document), acronym(document))
                    if short and _coined(short) and not short.endswith("s")
                ),
                name,
            )
        own_robot = rule in (titled, introduced, apposed, own) and devices.get(name or "") == "robot"
        if name is not None and (name not in devices or own_robot):
            return name if "{" in name else name.rstrip("}")
    return None


def titled(document: Document) -> str | None:
    """ "Kraken: Inherently Parallel Transformers ...": the title's name, if the abstract uses it or it looks like one."""
    match = _naming().title.match(document.title)
    if match is None:
        return None
    name, rest = match[1].strip(" \"'`“”’*"), document.title[match.end() :]
    words = name.split()
    if not words or len(words) > 4 or words[0].lower() in _naming().generic or "," in name:
        return None
    if not rest and (len(words) > 1 or not _coined(name)):
        return None
    written = _written(name, document.abstract)
    if written is not None:
        start, end = written
        if name.lower() != document.abstract[start:end] or _is_introduced(document.abstract, start):
            return document.abstract[start:end]
        if short := _acronym_after(document.abstract, end):
            return short
    single = len(words) == 1 and (_coined(name) or "-" in name)
    return name if single or (written is None and re.match(r"(?:A|An)\s", rest)) else None


def _written(name: str, text: str) -> Span | None:
    """Where a text first writes a name, in any case, as words of its own.

    A regular expression made for each name would take 0.4 ms to compile, a quarter of what an abstract takes in all.
    """
    lower, sought = lowered(text), lowered(name)
    start = lower.find(sought)
    while start != -1:
        end = start + len(sought)
        before, after = lower[start - 1 : start], lower[end : end + 1]
        if not (before.isalnum() or before == "_") and not (after.isascii() and after.isalnum()):
            return start, end
        start = lower.find(sought, start + 1)
    return None


def called(document: Document) -> str | None:
    """ "a framework dubbed X", "a method called X"."""
    return _first(_naming().called, document)


def introduced(document: Document) -> str | None:
    """ "we propose X, a ...", "this paper introduces X"."""
    return _first(_naming().introduced, document)


def acronym(document: Document) -> str | None:
    """ "we propose a Progressive Multi-scale Attention Autoencoder (PMAA), which ..."."""
    return _acronym_in(_naming().acronym, document)


def apposed(document: Document) -> str | None:
    """ "we propose a method: X", "we build the largest dataset on affordances, X, which ..."."""
    return _coined_in(_naming().apposed, document)


def presented(document: Document) -> str | None:
    """ "we release X, a ...": the weaker verbs."""
    return _first(_naming().presented, document)


def in_title(document: Document) -> str | None:
    """A coined name in the title that the abstract calls the paper's own: "our framework X", "X is a ..."."""
    for pattern in (_naming().own, _naming().defined):
        for match in pattern.finditer(document.abstract):
            if _coined(match[1]) and not _is_term(match[1]) and match[1] in document.title:
                return match[1]
    return None


def own(document: Document) -> str | None:
    """ "our framework X" with a coined name, not of capitals alone, that occurs twice."""
    for match in _naming().own.finditer(document.abstract):
        name = match[1]
        if _coined(name) and not _is_term(name) and document.abstract.count(name) > 1 and name.upper() != name:
            return name
    return None


def ours(document: Document) -> str | None:
    """ "our method X", "our method, a long name (ALN), ...": once suffices where the thing is named so outright."""
    for match in _naming().ours.finditer(document.abstract):
        name = match[1] or match[3]
        if _coined(name) and not _is_term(name) and (match[1] or _spelt(name, match[2])):
            return name
    return None


def studied(document: Document) -> str | None:
    """ "we explore the idea of a long name (ALN), a framework that ..."."""
    return _acronym_in(_naming().studied, document)


def spelt_out(document: Document) -> str | None:
    """ "we propose folding attention, a technique ...", "the folding attention algorithm" of the title: lower case."""
    title = document.title.lower()
    for match in _naming().spelt_out.finditer(document.abstract):
        name = match["name"]
        if " " in name and _FUNCTION_WORDS.isdisjoint(name.split()) and (match["apposed"] or (match["the"] and name in title)):
            return name
    return None


RULES: tuple[Callable[[Document], str | None], ...] = (
    titled,
    called,
    introduced,
    acronym,
    apposed,
    presented,
    in_title,
    own,
    ours,
    studied,
    spelt_out,
)
"""In order; the first that finds a name wins."""


def _first(pattern: re.Pattern[str], document: Document) -> str | None:
    for match in pattern.finditer(document.abstract):
        name = _trim(match[1])
        if (
            len(name) > 2
            and (name[0] == "\\" or any(c.isupper() for c in name))
            and not _is_term(name)
            and name.split()[0].lower() not in _naming().generic
        ):
            return _acronym_after(document.abstract, match.end(1)) or name
    return None


def _coined_in(pattern: re.Pattern[str], document: Document) -> str | None:
    for match in pattern.finditer(document.abstract):
        if _coined(match[1].split()[0]) and not _is_term(match[1]):
            return match[1]
    return None


def _trim(name: str) -> str:
    """A name without the common nouns behind it."""
    words = name.split()
    while len(words) > 1 and words[-1].lower() in _naming().things:
        words.pop()
    return " ".join(words).rstrip("}\\")


_BEHIND = re.compile(rf"[^.;()]{{0,110}}?\(\s*{_OPEN}({_NAME}){_CLOSE}\s*\)")


def _acronym_after(text: str, end: int) -> str | None:
    """The acronym in parentheses behind a spelt-out name that ends at `end`."""
    match = _BEHIND.match(text, end)
    if match and _coined(match[1]) and not _is_term(match[1]) and _spelt(match[1], text[max(0, end - 60) : match.start(1)]):
        return match[1]
    return None


def _spelt(name: str, words: str) -> bool:
    """Whether the letters of an acronym stand in order in the words, the first of them at the beginning of a word."""
    letters = [c.lower() for c in name if c.isalpha()]
    parts = re.findall(r"[A-Za-z]+", words.lower())
    for n in range(len(parts) - 1, -1, -1):
        if letters and parts[n][0] == letters[0]:
            rest = iter("".join(parts[n:]))
            if all(letter in rest for letter in letters):
                return True
    return False


_INTRODUCING = re.compile(r"(?:propos|introduc|present|develop)\w*\s+(?:an?\s+|the\s+)?$")


def _is_introduced(text: str, start: int) -> bool:
    return _INTRODUCING.search(text, max(0, start - 30), start) is not None


def _coined(name: str) -> bool:
    """Whether a word looks made up: capitals inside, a digit, capitals alone, or a macro."""
    return name[0] == "\\" or (len(name) > 1 and any(c.isupper() or c.isdigit() for c in name[1:]) and not name.isdigit())


def _is_term(name: str) -> bool:
    """Whether a name is an abbreviation of the field ("LLMs") or an adjective of one ("MLLM-based")."""
    return name.removesuffix("s") in _naming().terms or name.lower().endswith(("-based", "-driven", "-aware"))


def _acronym_in(pattern: re.Pattern[str], document: Document) -> str | None:
    """The first match whose second group is coined and spells out the first."""
    for match in pattern.finditer(document.abstract):
        if _coined(match[2]) and not _is_term(match[2]) and _spelt(match[2], match[1]):
            return match[2]
    return None
