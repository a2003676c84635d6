"""The formats that are read, a row each; what is known of one stands in its module."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from extractor.errors import UsageError
from extractor.sources.abstract_file import ABSTRACT_FILE
from extractor.sources.base import Format
from extractor.sources.bibtex import BIBTEX
from extractor.sources.columns import ARROW, PARQUET, XLSX
from extractor.sources.json_records import JSON, JSON_LINES
from extractor.sources.scrape import PLAIN_TEXT
from extractor.sources.tabular import CSV, TSV
from extractor.sources.tagged import ENDNOTE, NBIB, RIS, WOS
from extractor.sources.xml_records import ARXIV_ATOM, ENDNOTE_XML, JATS, PUBMED_XML

FORMATS: tuple[Format, ...] = (
    PARQUET, ARROW, XLSX,
    JSON_LINES, JSON,
    PUBMED_XML, ARXIV_ATOM, JATS, ENDNOTE_XML,
    BIBTEX, RIS, ENDNOTE, WOS, NBIB,
    CSV, TSV,
    ABSTRACT_FILE, PLAIN_TEXT,
)  # fmt: skip
"""In the order in which they are asked whether they recognise a file."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that no format recognises: what it is, and what to do."""

    cause: str
    fix: str


def named(name: str) -> Format:
    """The format of a name such as `csv`, `pubmed-xml` or `jsonl`. Raises UsageError."""
    wanted = slug(name).removeprefix(".")
    for known in FORMATS:
        if wanted == slug(known.name) or f".{wanted}" in known.suffixes:
            return known
    raise UsageError(f"There is no format {name}. Choose one of {', '.join(slugs())}.")


def slug(name: str) -> str:
    """A format's name as an option takes it."""
    return name.strip().lower().replace(" ", "-")


def slugs() -> Iterator[str]:
    """The names of all formats as an option takes them."""
    return (slug(known.name) for known in FORMATS)


UNKNOWN = Refused("not recognised", "See what is read with `extractor sources`, or say what it is with --format.")
REFUSED = {
    re.compile(pattern): Refused(cause, fix)
    for pattern, cause, fix in (
        (rb"%PDF-", "a PDF, not text", "Take title and abstract out of it first, or give the record that names the paper."),
        (
            rb"(?s)PK\x03\x04.{26}mimetypeapplication/vnd\.oasis\.opendocument\.spreadsheet",
            "an OpenDocument table",
            "Save it as .xlsx or .csv.",
        ),
        (
            rb"(?s)PK\x03\x04(?:.*?word/document\.xml|.{26}mimetype)",
            "a text document, not plain text",
            "Save it as plain text.",
        ),
        (rb"(?s)PK\x03\x04(?!.*?xl/)", "a ZIP archive", "Unpack it, and name the folder."),
        (rb"(?i)<!doctype html|<html[\s>]", "a web page", "Save the record of the paper instead: its BibTeX or RIS export."),
        (rb"\{\\rtf", "a text document in RTF", "Save it as plain text."),
        (rb"\xd0\xcf\x11\xe0", "a file of old Excel or Word", "Save it as .xlsx, .csv or plain text."),
        (rb"SQLite format 3\x00", "an SQLite database", "Export the table with the papers as CSV."),
        (rb"(?s).{257}ustar", "a tar archive", "Unpack it, and name the folder."),
        (rb"\x1f\x8b|BZh\d|\xfd7zXZ|\x28\xb5\x2f\xfd", "packed twice", "Unpack it once."),
        (
            rb"\x1f\x9d|7z\xbc\xaf|Rar!|LZIP|\x04\x22\x4d\x18",
            "packed in a way that is not read",
            "Unpack it, or pack it with gzip.",
        ),
        (rb"FEA1", "a Feather file of version 1", "Write it as version 2, or as Parquet."),
        (
            rb"(?s)1[.:] [^\n]{5,}?\n.*?\n\n?PMID: \d+",
            "what PubMed shows as text, in which title, authors and abstract are not marked",
            "Save it from there in the format PubMed (.nbib).",
        ),
        (
            rb"(?s).{,4000}?\\\\\r?\narXiv:\d{4}\.\d{4,5}",
            "a listing that arXiv mails",
            "Get the records from its API, or from its metadata snapshot.",
        ),
        (rb"\x89PNG|\xff\xd8\xff|GIF8", "a picture", "Leave it out."),
    )
}
"""First bytes of what is not read, with cause and fix."""
