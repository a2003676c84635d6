"""Records of tagged lines: RIS, EndNote's export, Web of Science, PubMed's .nbib.

They differ in how a tag is written, in what begins and ends a record and in the names of the tags: a row of `Dialect`.
rispy reads RIS, but a file at once, and stops at the first line that it does not know; here that line costs its record.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BufferedReader

from extractor.sources.base import MAX_RECORD, TOO_LONG, Fault, Fields, Format, Paper
from extractor.sources.fields import Record, doi_of, paper
from extractor.sources.opening import Encoding, not_decoded, read_lines

_HEAD = 1 << 16
_WRITTEN = {"TY": "TY  - JOUR", "%0": "%0 Journal Article", "PT": "PT J", "PMID": "PMID- 12345678"}
_NO_END = "Check that the file is whole, and close the record with a line {end}."


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one format writes its records.

    `tag` matches the start of a line and captures the tag; what follows is its value, which goes on in the lines without one;
    of the tags in `lists` each line is a value. `first` begins a record, `last` or else a blank line ends it. `around` are
    tags of the file. `names` gives the standard name of each tag that is read; of several tags with one name the first in the
    row counts.
    """

    tag: re.Pattern[str]
    first: str
    last: str | None
    names: Mapping[str, str]
    around: frozenset[str] = frozenset()
    lists: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Open:
    """A record so far: its first line, its values by tag, the tag of the last one, its size in bytes."""

    line: int
    values: dict[str, list[str]]
    tag: str = ""
    size: int = 0
    fault: tuple[str, str] | None = None

    def add(self, tag: str, value: str) -> None:
        self.tag = tag
        self.values.setdefault(tag, []).append(value)

    def go_on(self, value: str) -> None:
        if value and self.tag:
            values = self.values[self.tag]
            values[-1] = f"{values[-1]} {value}".strip()


def read_tagged(stream: BufferedReader, fields: Fields, dialect: Dialect) -> Iterator[Paper | Fault]:
    """Read the records of a dialect."""
    encoding = Encoding(stream.peek(_HEAD)[:_HEAD])
    record: _Open | None = None
    stray: int | None = None  # where lines outside any record began
    for line in read_lines(stream):
        fault = None
        try:
            text = encoding.decode(line.raw)
        except UnicodeDecodeError as error:
            text, fault = line.raw.decode(errors="replace"), not_decoded(error)
        found = dialect.tag.match(text)
        tag, value = (found[1], text[found.end() :].strip()) if found else ("", text.strip())
        if tag in dialect.around or (not tag and not value and dialect.last):
            continue
        ends = tag == dialect.last if dialect.last else not tag and not value
        if record and (tag == dialect.first or ends):
            yield _paper(record, fields, dialect, whole=ends or not dialect.last)
            record = None
        elif ends and stray is not None and dialect.last:
            stray = None
            continue
        if ends:
            stray = None
            continue
        if tag == dialect.first:
            record = _Open(line.number, {})
        if record is None:
            if stray is None:
                stray = line.number
                yield Fault(stray, "text outside a record", f'Begin each record with a line "{_WRITTEN[dialect.first]}".')
            continue
        record.size += len(line.raw)
        if line.too_long or record.size > MAX_RECORD:
            record.fault = TOO_LONG
        elif not record.fault:
            record.fault = fault
            if tag or (value and record.tag in dialect.lists):
                record.add(tag or record.tag, value)
            else:
                record.go_on(value)
    if record:
        yield _paper(record, fields, dialect, whole=not dialect.last)


def _paper(record: _Open, fields: Fields, dialect: Dialect, *, whole: bool) -> Paper | Fault:
    if record.fault:
        return Fault(record.line, *record.fault)
    if not whole:
        end = "ER" if dialect.last == "ER" else dialect.last
        return Fault(record.line, f"the record has no end: no line {end}", _NO_END.format(end=end))
    flat: dict[str, object] = dict(_flat(record.values, dialect))
    raw = {tag: values[0] if len(values) == 1 else values for tag, values in record.values.items()}
    return paper(raw, record.line, fields, lambda _: flat)


def _flat(values: Mapping[str, list[str]], dialect: Dialect) -> Record:
    """The values by their standard names."""
    flat: dict[str, object] = {}
    for tag, name in dialect.names.items():
        given = [value for value in values.get(tag, ()) if value]
        if name == "doi":
            given = [value for value in given if doi_of(value)]
        if not given or name in flat:
            continue
        if name == "authors":
            flat[name] = [{"name": value} for value in given]
        elif name == "abstract":
            flat[name] = "\n".join(given)  # a paragraph a line
        elif name == "categories":
            flat[name] = given if len(given) > 1 else given[0].split("; ")
        else:
            flat[name] = given[0]
    if dialect.first == "PMID" and "pmid" in flat:
        flat["id"] = f"PMID:{flat['pmid']}"
    return flat


_RIS = Dialect(
    re.compile(r"([A-Z][A-Z0-9]) {1,2}-(?: |$)"),
    "TY",
    "ER",
    {
        "TI": "title", "T1": "title", "CT": "title",
        "AB": "abstract", "N2": "abstract",
        "ID": "id", "DO": "doi", "DI": "doi", "UR": "url", "L2": "url",
        "PY": "year", "Y1": "year", "DA": "year",
        "AU": "authors", "A1": "authors",
        "T2": "venue", "JO": "venue", "JF": "venue", "JA": "venue", "J2": "venue", "BT": "venue",
    },
)  # fmt: skip
_ENDNOTE = Dialect(
    re.compile(r"(%[0-9A-Z@!&$^*~<>?+#\[\]()=]) "),
    "%0",
    None,
    {
        "%T": "title", "%X": "abstract", "%F": "id", "%M": "accession", "%R": "doi", "%U": "url", "%D": "year", "%8": "year",
        "%A": "authors", "%J": "venue", "%B": "venue",
    },
)  # fmt: skip
_WOS = Dialect(
    re.compile(r"([A-Z][A-Z0-9])(?: |$)"),
    "PT",
    "ER",
    {
        "TI": "title", "AB": "abstract", "UT": "id", "DI": "doi", "PM": "pmid", "PY": "year", "EA": "year", "AF": "authors",
        "AU": "authors", "SO": "venue", "WC": "categories",
    },
    frozenset({"FN", "VR", "EF"}),
    frozenset({"AU", "AF"}),
)  # fmt: skip
_NBIB = Dialect(
    re.compile(r"([A-Z]{2,4}) *- "),
    "PMID",
    None,
    {
        "TI": "title", "AB": "abstract", "PMID": "pmid", "LID": "doi", "AID": "doi", "DP": "year", "FAU": "authors",
        "AU": "authors", "JT": "venue", "TA": "venue",
    },
)  # fmt: skip


WOS_TAGS = frozenset({"PT", "TI", "AB"})
"""Columns of what Web of Science exports as a table; its columns are the tags."""


def web_of_science(record: Record) -> Record:
    """A row of such a table, by the standard names."""
    return _flat({tag: str(cell).split("; ") if tag in _WOS.lists else [str(cell)] for tag, cell in record.items()}, _WOS)


def _format(name: str, suffixes: tuple[str, ...], signs: str, pattern: bytes, dialect: Dialect) -> Format:
    begins = re.compile(pattern)
    return Format(
        name,
        suffixes,
        lambda head: begins.match(head) is not None,
        lambda stream, fields: read_tagged(stream, fields, dialect),
        signs,
    )


RIS = _format("RIS", (".ris",), 'a first line "TY  - ..."', rb"TY {1,2}- ?[A-Z]", _RIS)
ENDNOTE = _format("EndNote", (".enw",), 'a first line "%0 ..."', rb"%0 [A-Z]", _ENDNOTE)
WOS = _format(
    "Web of Science",
    (".ciw",),
    'first lines "FN ..." and "VR ...", or "PT J" and "AU ..."',
    rb"FN [^\n]+\nVR |PT [JBSPC]\r?\n(?:AU|BA|TI) ",
    _WOS,
)
NBIB = _format("PubMed", (".nbib",), 'a first line "PMID- ..."', rb"PMID *- \d", _NBIB)
