"""What the formats share: the row that describes one, a paper or a fault with its line, the names of the fields."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Self

from extractor.documents import Document, Source
from extractor.errors import UsageError

MAX_RECORD = 1_000_000
"""Bytes of the largest line or JSON record that is read; an abstract has about 1,500. A longer one is skipped, not held."""
BOM = b"\xef\xbb\xbf"


@dataclass(slots=True)
class Location:
    """Where a record starts: the input and its line, or the row of a table, counted from 1."""

    path: str
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(slots=True)
class Sourced:
    """A document and where it was read."""

    document: Document
    location: Location


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that gives no document: its location, its own id if that can be read, the cause and the fix."""

    location: Location
    id: str | None
    cause: str
    fix: str


@dataclass(frozen=True, slots=True)
class Fields:
    """The names of a record's fields; of several names the first whose field is not empty counts. A name may lead into a
    record inside the record: `paper.title`. What stands in the fields `keep` passes through.
    """

    title: str = "title"
    abstract: tuple[str, ...] = ("abstract", "summary")
    id: tuple[str, ...] = ("id", "arxiv_id")
    keep: tuple[str, ...] = ()

    @classmethod
    def parse(cls, mapping: str) -> Self:
        """Read `title=headline,abstract=body,id=key`; a field that is left out keeps its usual names. Raises UsageError."""
        names: dict[str, str] = {}
        for pair in mapping.split(","):
            field, equals, name = (part.strip() for part in pair.partition("="))
            if field not in ("title", "abstract", "id") or not equals or not name or field in names:
                raise UsageError(
                    f"The field mapping {mapping!r} cannot be read at {pair!r}. Write it as title=NAME,abstract=NAME,id=NAME."
                )
            names[field] = name
        usual = cls()
        return cls(
            title=names.get("title", usual.title),
            abstract=(names["abstract"],) if "abstract" in names else usual.abstract,
            id=(names["id"],) if "id" in names else usual.id,
        )


@dataclass(slots=True)
class Paper:
    """What a format reads: one record, starting at `line`; `id` is its own or None, `source` what else it knows."""

    line: int
    id: str | None
    title: str
    abstract: str
    source: Source = field(default_factory=Source)


@dataclass(frozen=True, slots=True)
class Fault:
    """A record that a format cannot read, starting at `line`."""

    line: int
    cause: str
    fix: str
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Format:
    """A format of input, a row of the registry in `formats.py`.

    `suffixes` are in lower case with their dot. `recognises` judges the first 64 KB, without a byte order mark and white space
    before them; `signs` says in words what it looks for. `read` yields a `Paper` or a `Fault` for each record, in order, and
    raises nothing for a bad one. Its stream is at the start; that of a plain file is seekable and has the path as `name`.
    A format with no `marks` of its own is believed only of text files and of inputs that were named themselves. One that takes
    the first bytes for the `whole` file is not asked about a pipe, of which there may be more.
    """

    name: str
    suffixes: tuple[str, ...]
    recognises: Callable[[bytes], bool]
    read: Callable[[io.BufferedReader, Fields], Iterator[Paper | Fault]]
    signs: str
    marks: bool = True
    whole: bool = False


TOO_LONG = (f"longer than {MAX_RECORD:,} bytes", "Put one record on each line, or take out what is not title and abstract.")
NO_ABSTRACT = "no abstract"
