"""XML of PubMed, arXiv (Atom) and JATS: each record is cut out by its tags and parsed by itself.

A damaged record costs that record, memory holds one, and the parser never sees what stands before the records: it meets no
document type, so it has no entities to expand and nothing to fetch. The parser is expat, with the names as they are written.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from html.entities import html5
from io import BufferedReader
from xml.parsers import expat

from extractor.sources.base import MAX_RECORD, Fault, Fields, Format, Paper
from extractor.sources.fields import Record, paper

_CHUNK = 1 << 16
_TAG = 1000
"""Bytes of the longest tag that may stand across two chunks."""
_ENTITY = re.compile(rb"&([A-Za-z][A-Za-z0-9]*);")
_OWN = frozenset([b"amp", b"lt", b"gt", b"quot", b"apos"])
_ENCODING = re.compile(rb"""^\s*<\?xml[^>]*encoding=["']([A-Za-z0-9._-]+)["']""")
_NUMERIC = re.compile(r"[-+−–]?[\d.,]*\d[\d.,]*|[+\-−–]")
_BLOCKS = frozenset(["p", "sec", "title", "list", "list-item", "AbstractText", "break"])
_DAMAGED = "Mend the record, or write it with an XML library."
_TOO_LONG = (f"longer than {MAX_RECORD:,} bytes", "Take out what is not title and abstract.")


@dataclass(slots=True)
class Node:
    """An element: its name without prefix, its attributes, and what it holds in order."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["Node | str"] = field(default_factory=list)

    def all(self, path: str) -> Iterator["Node"]:
        """The elements that a path of names such as `Article/Abstract` leads to."""
        head, _, rest = path.partition("/")
        for child in self.children:
            if isinstance(child, Node) and child.tag == head:
                if rest:
                    yield from child.all(rest)
                else:
                    yield child

    def first(self, path: str) -> "Node | None":
        return next(self.all(path), None)

    def text(self, path: str = "") -> str:
        """The text of the element, or of the first that a path leads to, in one line."""
        node = self.first(path) if path else self
        return " ".join("".join(_pieces(node)).split()) if node else ""


def _pieces(node: Node) -> Iterator[str]:
    """The text of a node. A power stays one: `10<sup>6</sup>` is 10^6 and not 106."""
    children = node.children
    if node.tag in ("inline-formula", "disp-formula", "alternatives") and (tex := _inside(node, "tex-math")):
        yield _formula("".join(_pieces(tex)))
        return
    if node.tag == "msup":
        children = [child for child in children if isinstance(child, Node) or child.strip()]
    for n, child in enumerate(children):
        if isinstance(child, str):
            yield child
            continue
        text = "".join(_pieces(child))
        power = child.tag == "sup" or child.attributes.get("face") == "superscript" or (node.tag == "msup" and n == 1)
        yield f"^{text}" if power and _NUMERIC.fullmatch(text.strip()) else text
        if child.tag in _BLOCKS:
            yield " "


def _inside(node: Node, tag: str) -> Node | None:
    for child in node.children:
        if isinstance(child, Node):
            if child.tag == tag:
                return child
            if found := _inside(child, tag):
                return found
    return None


def _formula(tex: str) -> str:
    """The formula of a LaTeX document that holds nothing else, as publishers write it."""
    body = re.search(r"\\begin\{document\}(.*)\\end\{document\}", tex, re.DOTALL)
    return (body[1] if body else tex).strip().replace("$$", "$")


def parse(raw: bytes, encoding: str = "utf-8") -> Node:
    """Parse one element, before which no document type can stand. Raises `expat.ExpatError`."""
    raw = _ENTITY.sub(_character, raw) if b"&" in raw else raw
    root = Node("")
    open_nodes = [root]
    parser = expat.ParserCreate(encoding)
    parser.buffer_text = True

    def start(name: str, attributes: dict[str, str]) -> None:
        node = Node(name.rpartition(":")[2], {key.rpartition(":")[2]: value for key, value in attributes.items()})
        open_nodes[-1].children.append(node)
        open_nodes.append(node)

    def end(_name: str) -> None:
        open_nodes.pop()

    def data(text: str) -> None:
        open_nodes[-1].children.append(text)

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, data
    parser.Parse(raw, True)
    return next(child for child in root.children if isinstance(child, Node))


def _character(found: re.Match[bytes]) -> bytes:
    """A character that HTML names, such as &nbsp;, by its number."""
    name = found[1]
    if name in _OWN or not (char := html5.get(f"{name.decode()};")):
        return found[0]
    return "".join(f"&#{ord(one)};" for one in char).encode()


def text_of_fragment(markup: str) -> str:
    """The text of a piece of JATS such as `<jats:p>...</jats:p>`; as it is if it cannot be parsed."""
    if "<" not in markup and "&" not in markup:
        return markup
    try:
        return _sections([parse(f"<abstract>{markup}</abstract>".encode())])
    except expat.ExpatError:
        return markup


@dataclass(slots=True)
class _Cutter:
    """Cuts a stream into the elements of some names that stand in no other such element."""

    stream: BufferedReader
    names: tuple[str, ...]
    data: bytes = b""
    line: int = 1
    ended: bool = False

    def records(self) -> Iterator[tuple[int, bytes | None]]:
        """The line and the bytes of each element; None for one without an end or longer than a record may be."""
        names = "|".join(map(re.escape, self.names)).encode()
        opening = re.compile(rb"<(?:[\w.-]+:)?(%s)(?=[\s>/])[^<>]*>" % names)
        while found := self._find(opening):
            self._drop(found.start())
            line = self.line
            tag = found[0][1:].split(None, 1)[0].rstrip(b"/>")
            if found[0].endswith(b"/>"):
                self._drop(len(found[0]))
                yield line, found[0]
                continue
            # A tag inside a comment or a CDATA section is text; a second opening tag means that the first has no end.
            mark = re.compile(rb"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<(/?)%s(?=[\s>])[^<>]*>" % re.escape(tag), re.DOTALL)
            yield line, self._element(mark, len(found[0]))

    def _element(self, mark: re.Pattern[bytes], at: int) -> bytes | None:
        too_long = False
        while True:
            for found in mark.finditer(self.data, at):
                if found[1] is None:
                    at = found.end()
                elif found[1] == b"/":
                    element = self.data[: found.end()]
                    self._drop(found.end())
                    return None if too_long or len(element) > MAX_RECORD else element
                else:
                    self._drop(found.start())
                    return None
            if self.ended:
                self._drop(len(self.data))
                return None
            if len(self.data) > MAX_RECORD:
                too_long = True
                self._drop(max(0, len(self.data) - _TAG))
                at = 0
            else:
                unclosed = [place for mark_of in (b"<!--", b"<![CDATA[") if (place := self.data.find(mark_of, at)) >= 0]
                at = min(unclosed) if unclosed else max(at, len(self.data) - _TAG)
            self._fill()

    def _find(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        while not (found := pattern.search(self.data)):
            if self.ended:
                return None
            tail = self.data.rfind(b"<")
            self._drop(tail if tail >= 0 and len(self.data) - tail < _CHUNK else len(self.data))
            self._fill()
        return found

    def _fill(self) -> None:
        chunk = self.stream.read(_CHUNK)
        self.ended = not chunk
        self.data += chunk

    def _drop(self, size: int) -> None:
        self.line += self.data.count(b"\n", 0, size)
        self.data = self.data[size:]


def _reader(
    names: tuple[str, ...], flat: Callable[[Node], Record]
) -> Callable[[BufferedReader, Fields], Iterator[Paper | Fault]]:
    def read(stream: BufferedReader, fields: Fields) -> Iterator[Paper | Fault]:
        """Read the records that stand in elements of these names."""
        declared = _ENCODING.match(stream.peek(_CHUNK))
        encoding = declared[1].decode() if declared else "utf-8"
        if encoding.lower().startswith("utf"):
            encoding = "utf-8"  # what is not has been turned into it
        for line, raw in _Cutter(stream, names).records():
            if raw is None:
                yield Fault(
                    line, "not closed, or " + _TOO_LONG[0], "Close what the record opens, and check that the file is whole."
                )
                continue
            try:
                node = parse(raw, encoding)
            except expat.ExpatError as error:
                message = expat.errors.messages.get(error.code, str(error)) if hasattr(error, "code") else str(error)
                at = f" (line {line + error.lineno - 1})" if hasattr(error, "lineno") else ""
                yield Fault(line, f"not XML: {message}{at}", _DAMAGED)
            except (LookupError, ValueError):
                yield Fault(line, f"encoded as {encoding}, which is not known", "Convert the file to UTF-8.")
            else:
                yield paper(flat(node), line, fields)

    return read


def _sections(abstracts: Iterable[Node]) -> str:
    """The text of an abstract; a section's title stands before it: `Methods: ...`."""
    parts: list[str] = []
    for abstract in abstracts:
        label = ""
        for child in _blocks(abstract):
            if child.tag == "title":
                label = child.text().rstrip(":. ")
                label = "" if label.lower() in ("abstract", "summary") else label
            elif text := child.text():
                parts.append(f"{label}: {text}" if label else text)
                label = ""
    return " ".join(parts)


def _blocks(node: Node) -> Iterator[Node]:
    """The titles and paragraphs of a node in order; a node without any is one."""
    elements = [child for child in node.children if isinstance(child, Node)]
    if not any(child.tag in ("p", "sec", "title") for child in elements):
        yield node
        return
    for child in elements:
        if child.tag == "sec":
            yield from _blocks(child)
        else:
            yield child


def _pubmed(node: Node) -> Record:
    citation = node.first("MedlineCitation") or node.first("BookDocument") or node
    article = citation.first("Article") or citation
    texts = [(part.attributes.get("Label", ""), part.text()) for part in article.all("Abstract/AbstractText")]
    ids = {one.attributes.get("IdType", ""): one.text() for one in node.all("PubmedData/ArticleIdList/ArticleId")}
    places = {one.attributes.get("EIdType", ""): one.text() for one in article.all("ELocationID")}
    pmid = citation.text("PMID")
    date = "Journal/JournalIssue/PubDate"
    return {
        "id": f"PMID:{pmid}" if pmid else None,
        "title": article.text("ArticleTitle"),
        "abstract": " ".join(f"{label}: {text}" if label else text for label, text in texts if text),
        "doi": ids.get("doi") or places.get("doi"),
        "pmid": pmid,
        "year": article.text(f"{date}/Year") or article.text(f"{date}/MedlineDate") or article.text("ArticleDate/Year"),
        "authors": [_author(one) for one in article.all("AuthorList/Author")],
        "venue": article.text("Journal/Title"),
    }


def _author(node: Node) -> dict[str, object]:
    given = node.text("ForeName") or node.text("Initials")
    return {"family": node.text("LastName"), "given": given} if node.text("LastName") else {"name": node.text("CollectiveName")}


def _atom(node: Node) -> Record:
    address = node.text("id")
    return {
        "id": re.sub(r"^https?://(?:export\.)?arxiv\.org/abs/", "", address),
        "title": node.text("title"),
        "abstract": node.text("summary"),
        "doi": node.text("doi"),
        "arxiv_id": address,
        "url": address,
        "year": node.text("published"),
        "authors": [{"name": one.text("name")} for one in node.all("author")],
        "venue": node.text("journal_ref"),
        "categories": [one.attributes.get("term", "") for one in node.all("category")],
    }


def _jats(node: Node) -> Record:
    front = node.first("front") or node
    meta = front.first("article-meta") or front
    ids = {one.attributes.get("pub-id-type", ""): one.text() for one in meta.all("article-id")}
    abstracts = [one for one in meta.all("abstract") if not one.attributes.get("abstract-type")]
    names = [one.first("name") or one.first("name-alternatives/name") or one for one in meta.all("contrib-group/contrib")]
    return {
        "title": meta.text("title-group/article-title"),
        "abstract": _sections(abstracts or list(meta.all("abstract"))[:1]),
        "doi": ids.get("doi"),
        "arxiv_id": ids.get("arxiv"),
        "pmid": ids.get("pmid"),
        "year": next((one.text("year") for one in meta.all("pub-date") if one.text("year")), None),
        "authors": [
            {"family": one.text("surname"), "given": one.text("given-names")}
            if one.text("surname")
            else {"name": one.text("collab")}
            for one in names
        ],
        "venue": front.text("journal-meta/journal-title-group/journal-title") or front.text("journal-meta/journal-title"),
        "categories": [one.text() for one in meta.all("article-categories/subj-group/subject")],
    }


def _endnote(node: Node) -> Record:
    return {
        "title": node.text("titles/title"),
        "abstract": node.text("abstract"),
        "doi": node.text("electronic-resource-num"),
        "url": node.text("urls/related-urls/url"),
        "year": node.text("dates/year"),
        "authors": [{"name": one.text()} for one in node.all("contributors/authors/author")],
        "venue": node.text("periodical/full-title") or node.text("titles/secondary-title"),
    }


def _has(*patterns: bytes) -> Callable[[bytes], bool]:
    compiled = [re.compile(pattern) for pattern in patterns]
    return lambda head: head.startswith(b"<") and all(pattern.search(head) for pattern in compiled)


PUBMED_XML = Format(
    "PubMed XML",
    (),
    _has(rb"<(?:PubmedArticleSet|PubmedArticle|PubmedBookArticle)[\s>]"),
    _reader(("PubmedArticle", "PubmedBookArticle"), _pubmed),
    "an element <PubmedArticleSet> or <PubmedArticle>",
)
ARXIV_ATOM = Format(
    "arXiv Atom",
    (".atom",),
    _has(rb"<(?:[\w.-]+:)?feed[\s>]", rb"http://www\.w3\.org/2005/Atom"),
    _reader(("entry",), _atom),
    "an element <feed> of Atom's namespace",
)
JATS = Format(
    "JATS",
    (".nxml",),
    _has(rb"<(?:[\w.-]+:)?article[\s>]", rb"<(?:front|front-stub|article-meta|journal-meta)[\s>]"),
    _reader(("article",), _jats),
    "an element <article> with <front>",
)
ENDNOTE_XML = Format("EndNote XML", (), _has(rb"<xml>\s*<records>"), _reader(("record",), _endnote), "elements <xml><records>")
