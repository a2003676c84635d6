"""BibTeX, also as Zotero and Better BibTeX write it: entries one by one, with LaTeX's accents as characters.

bibtexparser and pybtex hold a file whole (bibtexparser four times its size); here memory holds one entry, and one that is not
closed ends where the next line begins an entry.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BufferedReader

from extractor.sources.base import MAX_RECORD, TOO_LONG, Fault, Fields, Format, Paper
from extractor.sources.fields import paper
from extractor.sources.markup import from_latex, unwrapped
from extractor.sources.opening import Encoding, not_decoded, read_lines

_HEAD = 1 << 16
_START = re.compile(r"\s*@\s*([A-Za-z]+)\s*([{(])")
_STARTS_LINE = re.compile(r"\s{0,4}@[A-Za-z]+\s*[{(]\s*[^\s,{}()=]+\s*(?:,|$)")
_OPENING = re.compile(rb"@\s*[A-Za-z]+\s*[{(]")
_MARKS = re.compile(r"\\.|[{}()]")
_BRACES = re.compile(r"\\.|[{}]", re.DOTALL)
_NAME = re.compile(r"\s*([^\s=,{}\"#%()]+)\s*=\s*")
_NAME_PART = re.compile(r"\b(family|given|prefix|suffix)\s*=\s*(\"[^\"]*\"|[^,]*)")
_BARE = re.compile(r"[^\s,{}\"#%()=]+")
_MACROS = 10_000
_MONTHS = {
    month: month.capitalize() for month in ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
}
_UNCLOSED = ("the entry is not closed", "Balance its braces, or export it again.")
_NO_RECORDS = frozenset(["comment", "preamble", "string"])


class _DamagedError(Exception):
    """The cause is the message."""


def read_bibtex(stream: BufferedReader, fields: Fields) -> Iterator[Paper | Fault]:
    """Read the entries. What stands between them is a comment, as it is for BibTeX."""
    macros = dict(_MONTHS)
    for line, text, fault in _entries(stream):
        start = _START.match(text)
        kind = start[1].lower() if start else ""
        if fault or not start:
            if kind != "comment":
                yield Fault(line, *(fault or _UNCLOSED))
            continue
        body = text[start.end() : -1]
        try:
            if kind == "string":
                if len(macros) < _MACROS:
                    macros |= {name.lower(): value for name, value in _fields(body, 0, macros).items()}
            elif kind not in _NO_RECORDS:
                key, comma, _ = body.partition(",")
                values = _fields(body, len(key) + 1, macros) if comma else {}
                yield _paper(key.strip(), values, line, fields)
        except _DamagedError as error:
            yield Fault(line, str(error), "Write each field as name = {text}, with a comma after it.")


def _paper(key: str, values: dict[str, str], line: int, fields: Fields) -> Paper | Fault:
    read = {name: unwrapped(from_latex(value)) for name, value in values.items()}
    in_arxiv = "arxiv" in (values.get("archiveprefix", "") + values.get("eprinttype", "")).lower()
    journal = read.get("journal") or read.get("journaltitle") or read.get("booktitle")
    flat: dict[str, object] = {
        "id": key,
        "title": " ".join(read.get("title", "").split()),
        "abstract": read.get("abstract"),
        "doi": values.get("doi"),
        "arxiv_id": values.get("eprint") if in_arxiv else None,
        "pmid": values.get("pmid"),
        "url": values.get("url", "").replace("\\", "").strip("{}"),
        "year": values.get("year") or values.get("date"),
        "authors": [{"name": from_latex(_name(name))} for name in _authors(values.get("author", ""))],
        "venue": journal,
        "categories": values.get("primaryclass"),
    }
    return paper({"key": key, **read}, line, fields, lambda _: flat)


def _authors(text: str) -> list[str]:
    """The names of a list; an `and` in braces is part of a name."""
    names, depth, start = [], 0, 0
    for found in re.finditer(r"[{}]|\sand\s", text):
        if found[0] in "{}":
            depth += 1 if found[0] == "{" else -1
        elif depth == 0:
            names.append(text[start : found.start()])
            start = found.end()
    return [name.strip() for name in (*names, text[start:]) if name.strip() and name.strip() != "others"]


def _name(text: str) -> str:
    """A name as BibTeX writes it, also of one in parts: `family=Berg, given=Anna, prefix=van den`."""
    parts = {key: value.strip().strip('"') for key, value in _NAME_PART.findall(text)}
    if "family" not in parts:
        return text
    family = f"{parts.get('prefix', '')} {parts['family']}".strip()
    return ", ".join(part for part in (family, parts.get("suffix"), parts.get("given")) if part)


def _fields(body: str, at: int, macros: dict[str, str]) -> dict[str, str]:
    """The fields of an entry from a place on, names in lower case. Raises _DamagedError."""
    values: dict[str, str] = {}
    while (at := _spaces(body, at, ",")) < len(body):
        name = _NAME.match(body, at)
        if not name:
            raise _DamagedError(f"no field begins at {body[at : at + 20]!r}")
        parts, at = [], name.end()
        while True:
            part, at = _value(body, at, macros)
            parts.append(part)
            at = _spaces(body, at)
            if not body.startswith("#", at):
                break
            at = _spaces(body, at + 1)
        if at < len(body) and body[at] != ",":
            raise _DamagedError(f'no comma after the field "{name[1]}"')
        values.setdefault(name[1].lower(), "".join(parts))
    return values


def _spaces(body: str, at: int, more: str = "") -> int:
    while at < len(body) and (body[at].isspace() or body[at] in more):
        at += 1
    return at


def _value(body: str, at: int, macros: dict[str, str]) -> tuple[str, int]:
    """One part of a value, and where it ends."""
    if body.startswith("{", at):
        end = _closing(body, at)
        if end is None:
            raise _DamagedError(_UNCLOSED[0])
        return body[at + 1 : end], end + 1
    if body.startswith('"', at):
        depth = 0
        for found in re.finditer(r'\\.|[{}"]', body[at + 1 :], re.DOTALL):
            depth += {"{": 1, "}": -1}.get(found[0], 0)
            if found[0] == '"' and depth == 0:
                return body[at + 1 : at + 1 + found.start()], at + 1 + found.end()
        raise _DamagedError("a quotation mark is not closed")
    bare = _BARE.match(body, at)
    if not bare:
        raise _DamagedError(f"no value at {body[at : at + 20]!r}")
    return macros.get(bare[0].lower(), bare[0]), bare.end()


def _closing(text: str, at: int) -> int | None:
    """Where the brace that opens at a place closes. A brace behind a backslash is a character, as in what Zotero writes."""
    depth = 0
    for found in _BRACES.finditer(text, at):
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        if depth == 0 and found[0] == "}":
            return found.start()
    return None


@dataclass(slots=True)
class _Entry:
    """An entry while its lines come in: its first line, its text, how many braces are open, what is wrong with it."""

    line: int
    closing: str
    text: list[str] = field(default_factory=list)
    size: int = 0
    depth: int = 0
    fault: tuple[str, str] | None = None

    def take(self, text: str) -> str | None:
        """Add a line. The rest of it behind the entry's end; None if the entry goes on."""
        for found in _MARKS.finditer(text):
            mark = found[0]
            if mark == "{" or (mark == "(" and self.closing == ")" and self.depth == 0 and not self.text):
                self.depth += 1
            elif mark == "}" or (mark == self.closing and self.depth == 1):
                self.depth -= 1
                if self.depth <= 0:
                    self._keep(text[: found.end()])
                    return text[found.end() :]
        self._keep(text + "\n")
        return None

    def _keep(self, text: str) -> None:
        self.size += len(text)
        if self.size > MAX_RECORD:
            self.fault, self.text = TOO_LONG, self.text[:1]
        else:
            self.text.append(text)

    def end(self, fault: tuple[str, str] | None = None) -> tuple[int, str, tuple[str, str] | None]:
        return self.line, "".join(self.text), self.fault or fault


def _entries(stream: BufferedReader) -> Iterator[tuple[int, str, tuple[str, str] | None]]:
    """The line and the text of each entry, closing brace included; with cause and fix where it is damaged."""
    encoding = Encoding(stream.peek(_HEAD)[:_HEAD])
    entry: _Entry | None = None
    for line in read_lines(stream):
        fault = TOO_LONG if line.too_long else None
        try:
            rest: str | None = encoding.decode(line.raw)
        except UnicodeDecodeError as error:
            rest, fault = line.raw.decode(errors="replace"), fault or not_decoded(error)
        while rest:
            if entry and _STARTS_LINE.match(rest):
                yield entry.end(_UNCLOSED)
                entry = None
            if not entry:
                if not (start := _START.match(rest)):
                    break
                entry = _Entry(line.number, "}" if start[2] == "{" else ")")
            entry.fault = entry.fault or fault
            rest = entry.take(rest)
            if rest is not None:
                yield entry.end()
                entry = None
    if entry:
        yield entry.end(_UNCLOSED)


def _recognises(head: bytes) -> bool:
    """Whether the first thing that is not a comment is an entry."""
    for line in head.splitlines()[:200]:
        text = line.strip()
        if text.startswith(b"@"):
            return _OPENING.match(text) is not None
        if text and not text.startswith(b"%"):
            return False
    return False


BIBTEX = Format("BibTeX", (".bib", ".bibtex"), _recognises, read_bibtex, 'a first line "@article{...", after comments with %')
