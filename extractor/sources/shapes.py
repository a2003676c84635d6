"""The shapes of records that well-known services give: a row says how one is told apart, and how it is laid flat."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from extractor.sources.fields import Record, WrongTypeError, kind
from extractor.sources.markup import unwrapped
from extractor.sources.xml_records import text_of_fragment

_INVERTED_FIX = 'Write it as {"word": [0, 7], ...}.'


@dataclass(frozen=True, slots=True)
class Shape:
    """A record that has all of the fields `has` is laid flat by `flat`, into the names of `fields.ALIASES`."""

    name: str
    has: frozenset[str]
    flat: Callable[[Record], Record]


def shape_in(head: bytes) -> Shape | None:
    """The shape that the first bytes of a JSON file speak for."""
    return next((shape for shape in SHAPES if all(f'"{name}":'.encode() in head for name in shape.has)), None)


def _openalex(record: Record) -> Record:
    location, ids, topic = _within(record, "primary_location"), _within(record, "ids"), _within(record, "primary_topic")
    return {
        "id": record.get("id"),
        "title": record.get("title") or record.get("display_name"),
        "abstract": _inverted(record["abstract_inverted_index"]),
        "doi": record.get("doi") or ids.get("doi"),
        "pmid": _last(ids.get("pmid")),
        "url": location.get("landing_page_url"),
        "year": record.get("publication_year"),
        "authors": [one["author"] for one in _all(record, "authorships") if isinstance(one.get("author"), Mapping)],
        "venue": _within(location, "source").get("display_name"),
        "categories": [one for one in (topic, _within(topic, "field")) if one],
    }


def _inverted(index: object) -> str | None:
    """The text of an inverted index: each word with the places where it stands. In tables it may be JSON, or pairs."""
    if index is None:
        return None
    try:
        index = json.loads(index) if isinstance(index, str) else dict(index) if isinstance(index, list) else index
        if not isinstance(index, Mapping):
            raise WrongTypeError(f'the field "abstract_inverted_index" is {kind(index)}, not an object', _INVERTED_FIX)
        places = [(int(place), word) for word, at in index.items() for place in at]
    except (TypeError, ValueError):
        cause = 'the field "abstract_inverted_index" holds something else than words with their places'
        raise WrongTypeError(cause, _INVERTED_FIX) from None
    if len({place for place, _ in places}) < len(places):
        raise WrongTypeError('the field "abstract_inverted_index" has two words in one place', _INVERTED_FIX)
    return " ".join(word for _, word in sorted(places))


def _crossref(record: Record) -> Record:
    title, abstract, issued = _first(record.get("title")), record.get("abstract"), None
    for name in ("issued", "published", "published-print", "published-online", "created"):
        parts = _within(record, name).get("date-parts")
        if isinstance(parts, list) and parts and isinstance(parts[0], list) and parts[0] and parts[0][0]:
            issued = parts[0][0]
            break
    return {
        "title": text_of_fragment(title) if isinstance(title, str) else title,
        "abstract": text_of_fragment(abstract) if isinstance(abstract, str) else abstract,
        "doi": record["DOI"],
        "url": record.get("URL"),
        "year": issued,
        "authors": record.get("author"),
        "venue": _first(record.get("container-title")),
        "categories": record.get("subject"),
    }


def _semantic_scholar(record: Record) -> Record:
    ids = record.get("externalIds") or record.get("externalids") or {}
    ids = {name.lower(): value for name, value in ids.items()} if isinstance(ids, Mapping) else {}
    return {
        **record,
        "id": record.get("paperId") or record.get("corpusId") or record.get("corpusid"),
        "doi": ids.get("doi"),
        "arxiv_id": ids.get("arxiv"),
        "pmid": ids.get("pubmed"),
        "venue": record.get("venue")
        or _within(record, "publicationVenue").get("name")
        or _within(record, "journal").get("name"),
        "categories": record.get("fieldsOfStudy"),
    }


def _daily_paper(record: Record) -> Record:
    paper = _within(record, "paper")
    return {**paper, "arxiv_id": paper.get("id"), "published": paper.get("publishedAt")}


def _arxiv(record: Record) -> Record:
    versions = _all(record, "versions")
    parsed = record.get("authors_parsed")
    authors, abstract = record.get("authors"), record.get("abstract")
    if isinstance(parsed, list) and all(
        isinstance(name, list) and all(isinstance(part, str) for part in name) for name in parsed
    ):
        authors = [{"name": " ".join(part for part in (*name[1:2], *name[:1], *name[2:3]) if part)} for name in parsed if name]
    return {
        **record,
        "title": _joined(record.get("title")),
        "abstract": unwrapped(abstract, indented=True) if isinstance(abstract, str) else abstract,
        "arxiv_id": record.get("id"),
        "year": versions[0].get("created") if versions else record.get("update_date"),
        "authors": authors,
        "venue": _joined(record.get("journal-ref")),
        "categories": record.get("categories"),
    }


def _within(record: Record, name: str) -> Mapping[str, Any]:
    value = record.get(name)
    return value if isinstance(value, Mapping) else {}


def _all(record: Record, name: str) -> list[Mapping[str, Any]]:
    value = record.get(name)
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _first(value: object) -> object:
    return value[0] if isinstance(value, list) and value else value


def _joined(value: object) -> object:
    return " ".join(value.split()) if isinstance(value, str) else value


def _last(value: object) -> object:
    """The last part of an address, as of https://pubmed.ncbi.nlm.nih.gov/12345."""
    return re.split(r"[/:]", value.rstrip("/"))[-1] if isinstance(value, str) else value


SHAPES = (
    Shape("OpenAlex works", frozenset({"abstract_inverted_index"}), _openalex),
    Shape("arXiv snapshot", frozenset({"id", "abstract", "categories", "authors_parsed"}), _arxiv),
    Shape("arXiv snapshot", frozenset({"id", "abstract", "categories", "submitter"}), _arxiv),
    Shape("Semantic Scholar", frozenset({"paperId"}), _semantic_scholar),
    Shape("Semantic Scholar", frozenset({"corpusid"}), _semantic_scholar),
    Shape("Semantic Scholar", frozenset({"externalIds"}), _semantic_scholar),
    Shape("Crossref", frozenset({"DOI", "title"}), _crossref),
    Shape("Hugging Face daily papers", frozenset({"paper", "publishedAt"}), _daily_paper),
)
"""In the order in which they are tried."""

LISTS = (b"data", b"results", b"items", b"papers", b"works", b"records", b"result", b"docs")
"""The fields in which the answers of services hold their records: `{"data": [...]}`, `{"message": {"items": [...]}}`."""
AROUND = (b"message", b"response", b"resultList")
"""The fields in which such a field may stand: of Crossref, of NASA's ADS and all that Solr answers, of Europe PMC."""
