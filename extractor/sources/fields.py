"""A record with named fields -> a paper: its texts, its id, and what else it knows, whatever each source calls them."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache

from extractor.documents import Source
from extractor.sources.base import NO_ABSTRACT, Fault, Fields, Paper

Record = Mapping[str, object]

ALIASES: dict[str, tuple[str, ...]] = {
    "title": ("title", "article title", "document title", "paper title", "titles"),
    "abstract": ("abstract", "summary", "abstract note", "abstract text", "abstracts", "summaries"),
    "id": ("id", "arxiv id", "key", "paper id", "paperid", "eid", "ut (unique wos id)", "publication id", "corpusid"),
    "doi": ("doi", "doi link"),
    "arxiv_id": ("arxiv id", "arxiv", "arxivid", "eprint"),
    "pmid": ("pmid", "pubmed id", "pubmed"),
    "url": ("url", "link", "landing page url", "pdf link", "pdf url"),
    "year": ("year", "publication year", "pubyear", "pub year", "publication date", "published", "date", "update date"),
    "authors": ("authors", "author", "author full names", "author names", "author/s", "author string", "creators"),
    "venue": (
        "venue",
        "journal",
        "publication title",
        "source title",
        "journal title",
        "booktitle",
        "journal ref",
        "conference",
    ),
    "categories": ("categories", "category", "primary category", "wos categories", "fields of study", "subjects"),
}
"""What tables and records call a field, without regard to case, `_` and `-`; the first that is not empty counts."""
_STANDARD = {alias: (name, rank) for name, aliases in ALIASES.items() for rank, alias in enumerate(aliases)}
HEADER_ROWS = 10
"""Rows of a table among which its header is looked for: what services export has a few above it, and Excel's CSV one."""
_LISTED = 12
"""Fields of a record that a message names."""
_KINDS: dict[type, str] = {
    dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "null", bytes: "bytes",
}  # fmt: skip
_WRITTEN = str | int | float | date
"""What has a text."""
_DOI = re.compile(r"10\.\d{4,9}/\S+")
_ARXIV = re.compile(
    r"(?:\b|v)((?:0[7-9]|1[0-4])\d\d\.\d{4}|(?:1[5-9]|[2-9]\d)\d\d\.\d{5}|[a-z][a-z-]+(?:\.[A-Z]{2})?/\d{7})(v\d+)?\b"
)
"""Five digits from 2015 on: what Excel took for a number may have lost the last."""
_ARXIV_PLACE = re.compile(r"(?i)arxiv(?:\.org/(?:abs|pdf)/|[.:]\s?)")
_YEAR = re.compile(r"(?<!\d)(?:1[5-9]|20)\d\d(?!\d)")
_NUMBER = re.compile(r"\d+")
_MARKS = " \t\r\n\u00a0.,:;-–—…*_?!/()[]{}<>\"'"
_NO_TEXT = frozenset(["no abstract", "no abstract available", "abstract not available", "n/a", "nan", "none", "null"])
"""What databases and programs write where they have no abstract."""


class Number(str):
    """A number as written: arXiv's 2312.00270 read as a float would lose its last digit as an id."""

    __slots__ = ()


class WrongTypeError(Exception):
    """A field that holds something else than its reader can use; the message says which and what, `fix` what mends it."""

    def __init__(self, cause: str, fix: str = "Write it as a string.") -> None:
        super().__init__(cause)
        self.fix = fix


def paper(record: Record, line: int, fields: Fields, flat: Callable[[Record], Record] | None = None) -> Paper | Fault:
    """Make a paper of a record. `flat` is a view of it in which what it knows goes by the usual names."""
    id = None
    try:
        known = flat(record) if flat else record
        names = _standard_names(tuple(name for name, value in known.items() if value not in (None, "", [])))
        id = _text(record, known, fields.id, names.get("id"), mapped=fields.id != _USUAL.id, numbers=True)
        title = _text(record, known, (fields.title,), names.get("title"), mapped=fields.title != _USUAL.title) or ""
        abstract = _text(record, known, fields.abstract, names.get("abstract"), mapped=fields.abstract != _USUAL.abstract)
    except WrongTypeError as error:
        return Fault(line, str(error), error.fix, id)
    if id is not None and (fault := unusable(id)):
        return Fault(line, f"the id {fault[0]}", fault[1])
    source = _source(known, names)
    if id is None:
        id = own_id(source)
    if abstract is None or says_none(abstract):
        return Fault(line, NO_ABSTRACT, _missing(record, fields), id)
    for name, text in (("title", title), ("abstract", abstract)):
        if fault := unusable(text):
            return Fault(line, f"the {name} {fault[0]}", fault[1], id)
    for name in fields.keep:
        if (value := plain(look_up(record, name))) not in (None, "", [], {}):
            source[name] = value  # type: ignore[literal-required]  # the user's own names stand beside ours
    return Paper(line, id, title, abstract, source)


_USUAL = Fields()


def says_none(abstract: str) -> bool:
    """Whether what stands in the field of an abstract says that the source has no abstract."""
    return abstract.strip(_MARKS).lower() in _NO_TEXT


def own_id(source: Source) -> str | None:
    """The id of a record that has none of its own: its DOI, arXiv id or PMID."""
    if pmid := source.get("pmid"):
        pmid = f"PMID:{pmid}"
    return source.get("doi") or source.get("arxiv_id") or pmid


def look_up(record: object, name: str) -> object:
    """The value of a field, or None. A dot leads into the record inside, and a list of one value stands for that value."""
    if isinstance(record, Mapping) and name in record:
        return _only(record[name])
    head, dot, rest = name.partition(".")
    if not dot or not isinstance(record, Mapping):
        return None
    return look_up(_only(record.get(head)), rest)


def kind(value: object) -> str:
    """What a value is, in the words of JSON."""
    return _KINDS.get(type(value)) or ("a number" if isinstance(value, Number | int | float) else "of another type")


def plain(value: object) -> object:
    """A value as it is written down: without the marks of its reader, and without what no output file can hold."""
    if isinstance(value, Number):
        try:
            return int(value)
        except ValueError:
            return float(value)
    if isinstance(value, str):
        return None if unusable(value) else value
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _only(value: object) -> object:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _text(
    record: Record, known: Record, names: Iterable[str], alias: str | None, *, mapped: bool, numbers: bool = False
) -> str | None:
    """The first of the named fields that is not blank, or None. Names of the user are those of the record as it stands."""
    for name in names if mapped else (*names, alias):
        value = None if name is None else look_up(record if mapped else known, name)
        if value is None:
            continue
        if numbers and isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1:
            return str(int(value))  # of a column of numbers
        if not isinstance(value, str) or (isinstance(value, Number) and not numbers):
            raise WrongTypeError(f'the field "{name}" is {kind(value)}, not a string')
        if value.strip():
            return str(value)
    return None


def names_abstract(header: Sequence[str], fields: Fields) -> bool:
    """Whether a column of a table holds the abstract."""
    usual = fields.abstract == _USUAL.abstract
    return any(name in header for name in fields.abstract) or (usual and "abstract" in standard_names(header))


def by_name(header: Iterable[str], row: Iterable[str]) -> dict[str, str]:
    """The cells of a row by the names of their columns; of several columns with one name the first that is not empty counts."""
    record: dict[str, str] = {}
    for name, cell in zip(header, row, strict=False):
        if name and not record.get(name, "").strip():
            record[name] = cell
    return record


def no_column(names: Sequence[str], fields: Fields) -> tuple[str, str]:
    """Cause and fix of a table in which no column holds the abstract."""
    fix = f"Name the columns in the first line, or map one with --fields abstract=NAME; {_listed('there are', names)}."
    return f"no column {' or '.join(fields.abstract)}", fix


def _missing(record: Record, fields: Fields) -> str:
    names = " or ".join(f'"{name}"' for name in fields.abstract)
    has = [name for name, value in record.items() if value not in (None, "")]
    return f"Give the record a field {names}, or map another field to the abstract; {_listed('it has', has)}."


def _listed(before: str, names: Sequence[str]) -> str:
    """Names in a message, behind what it says before them."""
    listed = ", ".join(name if len(name) <= 40 else f"{name[:39]}…" for name in names[:_LISTED] if name)
    return f"{before} {listed}{', ...' if len(names) > _LISTED else ''}" if listed else "nothing else is there"


@lru_cache(1024)
def _normal(name: str) -> str:
    normal = " ".join(re.split(r"[\s_-]+", name.lower().strip("\ufeff _-")))
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return normal if normal in _STANDARD or words == name else _normal(words)


def standard_names(own: Iterable[str]) -> dict[str, str]:
    """The own name of each standard field that is among a record's names."""
    found: dict[str, tuple[int, str]] = {}
    for name in own:
        normal = _normal(name)
        for standard in ("id", "arxiv_id") if normal == "arxiv id" else (_STANDARD.get(normal, ("", 0))[0],):
            if standard:
                rank = ALIASES[standard].index(normal)
                if standard not in found or rank < found[standard][0]:
                    found[standard] = (rank, name)
    return {standard: name for standard, (_, name) in found.items()}


@lru_cache(256)
def _standard_names(own: tuple[str, ...]) -> Mapping[str, str]:
    """The same, remembered: the records of a file have the same names."""
    return standard_names(own)


def _source(record: Record, names: Mapping[str, str]) -> Source:
    """What a record knows beside its text; a value that is not what its field holds is left out."""
    value = {standard: _only(record[name]) for standard, name in names.items()}
    source = Source()
    url = _string(value.get("url"))
    doi = doi_of(_string(value.get("doi"))) or (doi_of(url) if url and "doi.org/" in url else None)
    arxiv = arxiv_of(_string(value.get("arxiv_id")), bare=True) or arxiv_of(url) or arxiv_of(doi)
    if doi:
        source["doi"] = doi
    if arxiv:
        source["arxiv_id"] = arxiv
    if pmid := _NUMBER.search(_string(value.get("pmid")) or ""):
        source["pmid"] = pmid[0]
    if url and not unusable(url):
        source["url"] = url
    if year := year_of(_string(value.get("year"))):
        source["year"] = year
    if authors := people(value.get("authors")):
        source["authors"] = authors
    venue = value.get("venue")
    if (venue := _string(venue.get("name") if isinstance(venue, Mapping) else venue)) and not unusable(venue):
        source["venue"] = venue
    if categories := _categories(value.get("categories")):
        source["categories"] = categories
    return source


def doi_of(text: str | None) -> str | None:
    """The DOI in a text or an address, in lower case as DOIs are compared; None if it has none."""
    found = _DOI.search(text) if text else None
    if not found or unusable(found[0]):
        return None
    doi = found[0].rstrip(".,;]}>\"'")
    return (doi[:-1] if doi.endswith(")") and "(" not in doi else doi).lower()


def arxiv_of(text: str | None, *, bare: bool = False) -> str | None:
    """The arXiv id in a text that names arXiv, or that is nothing but an id if `bare`."""
    if not text:
        return None
    place = _ARXIV_PLACE.search(text)
    if not place and not bare:
        return None
    found = _ARXIV.match(text, place.end()) if place else _ARXIV.fullmatch(text.strip())
    return found[1] + (found[2] or "") if found else None


def year_of(text: str | None) -> int | None:
    """The first year in a date, however it is written."""
    found = _YEAR.search(text) if text else None
    return int(found[0]) if found else None


def people(value: object) -> list[str]:
    """Names of people, given name first; from a list of names or records, or a text that lists them."""
    if isinstance(value, Number):
        return []
    if isinstance(value, str):
        value = _split_names(value)
    elif isinstance(value, Mapping):
        value = [value]
    names = [person(one) for one in value] if isinstance(value, list | tuple) else []
    return [name for name in names if name and not unusable(name)]


def person(value: object) -> str:
    """One name: `Curie, Marie` and its parts are turned around."""
    if isinstance(value, Mapping):
        for name in ("name", "display_name", "fullname", "full_name", "literal"):
            if isinstance(value.get(name), str):
                return person(value[name])
        value = [value.get(name) for name in ("family", "given")]
        return person(", ".join(part for part in value if isinstance(part, str) and part))
    if not isinstance(value, str):
        return ""
    parts = [" ".join(part.split()) for part in value.split(",")]
    if len(parts) == 2:
        return f"{parts[1]} {parts[0]}".strip()
    return f"{parts[2]} {parts[0]}, {parts[1]}".strip() if len(parts) == 3 else " ".join(value.split())


def _split_names(text: str) -> list[str]:
    text = " ".join(text.split())
    if ";" in text:
        return text.split(";")
    if " and " in text and ", and " not in text and text.count(",") in (0, text.count(" and ") + 1):
        return text.split(" and ")
    parts = re.split(r",? and |, ", text)
    return parts if len(parts) > 1 and all(" " in part or part.endswith(".") for part in parts) else [text]


def _categories(value: object) -> list[str]:
    if isinstance(value, str):
        arxiv = re.fullmatch(r"[a-z-]+(?:\.[A-Za-z-]+)?(?: [a-z-]+(?:\.[A-Za-z-]+)?)*", value)
        value = value.split() if arxiv and "." in value else re.split(r"[;,]", value)
    elif isinstance(value, Mapping):
        value = [value]
    found = (
        [
            _string(one.get("display_name") or one.get("name") or one.get("category"))
            if isinstance(one, Mapping)
            else _string(one)
            for one in value
        ]
        if isinstance(value, list | tuple)
        else []
    )
    return [one for one in found if one and not unusable(one)]


def _string(value: object) -> str | None:
    """A value as a text without white space around it; None for what has no text."""
    if value is None or isinstance(value, bool) or not isinstance(value, _WRITTEN):
        return None
    return str(value).strip() or None


def unusable(text: str) -> tuple[str, str] | None:
    """Cause and fix of a character that no output file can hold; None for a usable text."""
    if "\0" in text:
        return "holds a NUL character", "Take it out; the file may be damaged."
    try:
        text.encode()
    except UnicodeEncodeError as error:
        code = ord(text[error.start])
        return f"holds half of a character: an unpaired surrogate U+{code:04X}", "Write the character whole, or take it out."
    return None
