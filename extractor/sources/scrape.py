"""A raw scrape: titles and abstracts in turn, with the page's furniture between them and fused to them.

Lines become paragraphs (hard-wrapped ones are joined), paragraphs become papers: what is long is an abstract, the short
paragraph before it is its title. In 4,085 papers of arXiv the longest title has 168 characters, one abstract has under 300,
and no title ends in a full stop.
"""

import re
import tomllib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from itertools import takewhile
from typing import BinaryIO

from extractor.sources.base import NO_ABSTRACT, TOO_LONG, Fault, Fields, Format, Paper
from extractor.sources.fields import unusable
from extractor.sources.opening import Line, not_decoded, read_lines
from extractor.sources.tabular import looks_tabular

_PROSE = 250
"""Characters from which on a paragraph is an abstract whatever it looks like."""
_LONGEST = 50_000
"""Characters from which on a paragraph is joined with no further line."""
_NEAR = 20
"""Lines before and after a line that show at which width it was wrapped."""
_NARROWEST = 40
_LONGEST_CALL = 200
"""Characters of the longest line that asks the reader to do something."""
_ENDED = re.compile(r"""[.!?:…]["'”’)\]}$]*$|https?://\S+$""")
_NEXT_SENTENCE = re.compile(r"[a-z0-9)][.] [A-Z]")  # titles ask and shout: "Fast? Small? Both!"
_PLAIN_WORD = re.compile(r"[a-z]+[,;.]?(?=\s|$)")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_FEW = 100
"""Bytes of a text that may hold one control character; a damaged text has some, and what is not text is full of them."""
_MARKUP = re.compile(rb"<[?!A-Za-z]|\\(?:documentclass|begin\b)|---\s*\n[\w-]+:")
_NO_ABSTRACT_FIX = "Put the abstract on the line after its title; if the line is not a title, take it out."


@dataclass(frozen=True, slots=True)
class _Text:
    """A line or a paragraph that starts on line `line`; `blank` tells of a blank line before it."""

    line: int
    text: str
    blank: bool
    fault: tuple[str, str] | None = None

    @property
    def long(self) -> bool:
        return len(self.text) >= _PROSE

    @property
    def sentence(self) -> bool:
        """One sentence: a short abstract, or a piece of one, not a title."""
        return self.text.endswith(".") and not _NEXT_SENTENCE.search(self.text)

    @property
    def prose(self) -> bool:
        """Too much for a title."""
        return self.long or len(_NEXT_SENTENCE.findall(self.text)) + self.text.endswith(".") >= 2


def read_scrape(stream: BinaryIO, fields: Fields) -> Iterator[Paper | Fault]:  # noqa: ARG001 (every format is called so)
    """Pair the titles and abstracts of a scrape. An abstract without a title keeps its text, with the title empty."""
    title: _Text | None = None
    abstract: _Text | None = None
    following: deque[_Text] = deque()
    for paragraph in _ahead(_unwrapped(_lines(stream)), following):
        if abstract and _continues(abstract, paragraph, following):
            abstract = _joined(abstract, paragraph)
            continue
        if abstract:
            yield _paper(title, abstract)
            title = abstract = None
        if paragraph.prose or (title and paragraph.sentence):
            abstract = paragraph
            continue
        if title:
            yield _without_abstract(title)
        title = paragraph
    if abstract:
        yield _paper(title, abstract)
    elif title:
        yield _without_abstract(title)


def _paper(title: _Text | None, abstract: _Text) -> Paper | Fault:
    start = title or abstract
    for part in (start, abstract):
        if part.fault:
            return Fault(part.line, *part.fault)
    return Paper(start.line, None, title.text if title else "", abstract.text)


def _without_abstract(title: _Text) -> Fault:
    return Fault(title.line, *(title.fault or (NO_ABSTRACT, _NO_ABSTRACT_FIX)))


def _lines(stream: BinaryIO) -> Iterator[_Text]:
    """The lines that hold something, without furniture."""
    blank = False
    for line in read_lines(stream):
        text = _decoded(line)
        if not text.fault:
            text = replace(text, text=_peel(text.text))
        if not text.text or _is_furniture(text.text):
            blank = True
            continue
        yield replace(text, blank=blank)
        blank = False


def _decoded(line: Line) -> _Text:
    try:
        text = line.raw.decode()
        fault = TOO_LONG if line.too_long else unusable(text)
    except UnicodeDecodeError as error:
        text = line.raw.decode(errors="replace")
        fault = TOO_LONG if line.too_long else not_decoded(error)
    if fault:
        text = text[:_PROSE]  # enough to tell an abstract from a title
    return _Text(line.number, text.strip(), blank=False, fault=fault)


def _unwrapped(lines: Iterator[_Text]) -> Iterator[_Text]:
    """Join the lines of hard-wrapped paragraphs: a line goes on in the next if that one's first word did not fit on it."""
    before: deque[_Text] = deque(maxlen=_NEAR)
    following: deque[_Text] = deque()
    paragraph: _Text | None = None
    for line in _ahead(lines, following):
        paragraph = _joined(paragraph, line) if paragraph else line
        before.append(line)
        if not _goes_on(paragraph, line, following, before) or len(paragraph.text) > _LONGEST:
            yield paragraph
            paragraph = None


def _capitals(text: str) -> float:
    """The share of a text's longer words that begin with a capital; a half where it has none."""
    words = [word for word in text.split() if len(word) > 3 and word[0].isalpha()]
    return sum(word[0].isupper() for word in words) / len(words) if words else 0.5


def _ahead(texts: Iterator[_Text], following: deque[_Text]) -> Iterator[_Text]:
    """The texts, while the next ones lie in `following`."""
    for text in texts:
        following.append(text)
        if len(following) > _NEAR:
            yield following.popleft()
    while following:
        yield following.popleft()


def _joined(text: _Text, more: _Text) -> _Text:
    return replace(text, text=f"{text.text} {more.text}")


def _goes_on(paragraph: _Text, line: _Text, following: deque[_Text], before: deque[_Text]) -> bool:
    """Whether the next line belongs to the paragraph that ends with `line` so far."""
    if not following or not _same_run(line, following[0]):
        return False
    width, after = _width(before, following), following[0]
    if not width:
        return False
    ended = _ENDED.search(line.text) is not None
    if not _fills(line, after, width):
        # Beyond the length of a title, a line that is a little short still goes on unless its sentence ends there.
        return paragraph.long and not ended and _fills(line, after, 0.8 * width)
    if not paragraph.long and _capitals(paragraph.text) > 0.5 and _capitals(after.text) < 0.5 and after.text[0].isupper():
        return False
    last = len(following) == 1 or not _same_run(after, following[1]) or not _fills(after, following[1], width)
    title_next = _capitals(after.text) > 0.5 or (last and not _ENDED.search(after.text))
    return not (paragraph.long and ended and title_next)


def _width(before: deque[_Text], following: deque[_Text]) -> int:
    """The width at which the lines of the run are wrapped; 0 if they are not.

    It is the largest length that two more lines come near to: a title or an address may stick out.
    """
    run = [*takewhile(_short, reversed(before)), *takewhile(_short, following)]
    if sum(line.sentence for line in run) > len(run) / 2:  # broken after sentences, at no width
        return 0
    lengths = sorted((len(line.text) for line in run), reverse=True)
    triples = [(first, third / first) for first, third in zip(lengths, lengths[2:], strict=False) if first >= _NARROWEST]
    return next((first for least in (0.97, 0.85) for first, ratio in triples if ratio >= least), 0)


def _short(line: _Text) -> bool:
    return not line.long and not line.fault


def _same_run(line: _Text, following: _Text) -> bool:
    return not following.blank and _short(line) and _short(following)


def _fills(line: _Text, following: _Text, width: float) -> bool:
    return len(line.text) + 1 + len(following.text.split(maxsplit=1)[0]) > width


def _continues(abstract: _Text, paragraph: _Text, following: deque[_Text]) -> bool:
    """Whether a paragraph is one more piece of an abstract that was broken into lines at no fixed width."""
    if paragraph.blank or abstract.fault or paragraph.fault or len(abstract.text) > _LONGEST:
        return False
    if not _ENDED.search(abstract.text):
        return paragraph.prose or paragraph.sentence or _PLAIN_WORD.match(paragraph.text) is not None
    return paragraph.sentence and not (following and following[0].prose and not following[0].sentence)


def _is_furniture(line: str) -> bool:
    """Whether a line holds nothing but furniture."""
    return _furniture()[0].fullmatch(line) is not None


def _peel(line: str) -> str:
    """A line without the furniture that is fused to its ends, and without white space around it."""
    _, head, tail = _furniture()
    line = line.strip()
    while peeled := head.match(line) or tail.search(line):
        line = (line[peeled.end() :] if peeled.start() == 0 else line[: peeled.start()]).strip()
    return line


@cache
def _furniture() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
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


def _recognises(head: bytes) -> bool:
    """Whether the bytes are text, and not that of a table or of a language of markup."""
    return len(_CONTROL.findall(head)) <= 1 + len(head) // _FEW and not _MARKUP.match(head) and not looks_tabular(head)


PLAIN_TEXT = Format(
    "plain text", (".txt",), _recognises, read_scrape, "text that no other format claims, not in columns or markup", marks=False
)
