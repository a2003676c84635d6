"""What the formats share: the row that describes one, a paper or a fault with its line, the names of the fields, lines."""

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Self

from extractor.documents import Document, Source
from extractor.errors import UsageError

MAX_RECORD = 1_000_000
"""Bytes of the largest line or JSON record that is read; an abstract has about 1,500. A longer one is skipped, not held."""
BOM = b"\xef\xbb\xbf"
_SKIP = 1 << 16
_UTF_8 = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")


@dataclass(frozen=True, slots=True)
class Location:
    """Where a record starts: the input and its line, or the row of a table, counted from 1."""

    path: str
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its end (`\\n` or `\\r\\n`). If it is `too_long`, `raw` is only its beginning."""

    number: int
    raw: bytes
    too_long: bool


def read_lines(stream: BinaryIO) -> Iterator[Line]:
    """Yield the lines of a stream, counted from 1, without a leading byte order mark, in bounded memory."""
    number = 0
    while raw := stream.readline(MAX_RECORD + 1):
        number += 1
        too_long = len(raw) > MAX_RECORD and not raw.endswith(b"\n")
        if too_long:
            while (rest := stream.readline(_SKIP)) and not rest.endswith(b"\n"):
                pass
        if number == 1:
            raw = raw.removeprefix(BOM)
        yield Line(number, raw.rstrip(b"\r\n"), too_long)


class Encoding:
    """The encoding of a file: UTF-8, or Windows-1252 where the first bytes beyond ASCII make no character of UTF-8.

    A file that shows one of UTF-8 is UTF-8 for good: what does not decode in it is damaged.
    """

    def __init__(self, head: bytes = b"") -> None:
        self.name: str | None = None
        self._judge(head)

    def decode(self, raw: bytes) -> str:
        """Decode bytes. Raises UnicodeDecodeError."""
        if self.name is None:
            self._judge(raw)
        return raw.decode(self.name or "utf-8")

    def _judge(self, raw: bytes) -> None:
        if not raw.isascii():
            self.name = "utf-8" if _UTF_8.search(raw) else "cp1252"


def not_decoded(error: UnicodeDecodeError) -> tuple[str, str]:
    """Cause and fix of bytes that do not decode."""
    name = "UTF-8" if error.encoding == "utf-8" else "Windows-1252"
    byte = error.object[error.start]
    return f"not {name}: byte 0x{byte:02x} at offset {error.start} of the record", "Convert the file to UTF-8."
