"""Names of inputs -> documents: each file in its format, with ids that differ and no document twice."""

import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from extractor.documents import Document, shortened
from extractor.errors import UsageError
from extractor.scratch import Scratch, digest
from extractor.sources.base import BadRecord, Fault, Fields, Format, Location, Paper, Sourced
from extractor.sources.fields import unusable
from extractor.sources.formats import FORMATS, REFUSED, UNKNOWN, Refused, named
from extractor.sources.opening import STDIN, File, expand, head_of, is_remote, name_of, opened, stem_of, suffix_of, text_head
from extractor.sources.scrape import PLAIN_TEXT


class Gauge:
    """How far the reading of all inputs is, in bytes. May be asked on another thread than the one that reads.

    `total` is the size of all inputs, None if it is not known, as that of a pipe. `skipped` are the files that were passed over
    because no format recognises them, `repeated` counts the documents that were read before.
    """

    def __init__(self) -> None:
        self.total: int | None = None
        self._before = 0
        self._stream: io.BufferedReader | None = None
        self.skipped: list[str] = []
        self.repeated = 0

    def part(self) -> float | None:
        """The part of the bytes that has been read, 0 to 1; None if the size is not known."""
        if not self.total:
            return None
        here, stream = self._before, self._stream
        if stream is not None:
            with suppress(OSError, ValueError):  # closed meanwhile
                here += stream.tell()
        return min(1.0, here / self.total)

    def measure(self, files: Sequence[Path]) -> None:
        """Add up the sizes of the files that are going to be read. One that is not a regular file makes the sum unknown."""
        try:
            self.total = sum(file.stat().st_size for file in files) if all(file.is_file() for file in files) else None
        except OSError:
            self.total = None

    @contextmanager
    def reading(self, stream: io.BufferedReader) -> Iterator[None]:
        """Count what is read of a stream."""
        self._stream = stream if self.total else None
        try:
            yield
        finally:
            size = 0 if self._stream is None else stream.tell()
            self._stream, self._before = None, self._before + size


def read(
    inputs: Iterable[str],
    fields: Fields | None = None,
    stdin: BinaryIO | None = None,
    gauge: Gauge | None = None,
    as_format: str | None = None,
    longest: int | None = None,
) -> Iterator[Sourced | BadRecord]:
    """Read documents from paths, globs, folders, addresses and `-`; a file named more than once is read once.

    A document's id is its record's own, else its DOI, arXiv id or PMID, else `stem#ordinal`, the ordinal counting the records
    of that file from 1; where two inputs share a stem, their paths stand for it. What cannot be read, or has more than
    `longest` characters, is a BadRecord in its place. A document that was read before, and a file of a folder or a pattern that
    is not recognised, are left out; `gauge` counts them, and follows how far the reading is. `as_format` names the format of
    all inputs. Raises UsageError, before anything is read, for an input that does not exist or has no file that is read, and
    for a format that does not exist.
    """
    files, given = expand(inputs), named(as_format) if as_format else None
    if given is None and not any(map(_is_read, files)):
        listed = ", ".join(file.path for file in files[:3]) + (f" and {len(files) - 3} more" if len(files) > 3 else "")
        raise UsageError(f"No file is recognised: {listed}. See what is read with `extractor sources`.")
    gauge = gauge or Gauge()
    if not any(file.path == STDIN or is_remote(file.path) for file in files):
        gauge.measure([Path(file.path) for file in files])
    return _documents(files, fields or Fields(), stdin, gauge, given, longest)


def recognise(path: str, head: bytes, *, named: bool) -> Format | Refused:
    """The format of an input by its first bytes: one that recognises them, and of several that which has its suffix.

    Where none does, the suffix decides alone. `named` says that the user named the input itself.
    """
    suffix, text = suffix_of(path), text_head(head)
    for magic, refused in REFUSED.items():
        if magic.match(text):
            return refused
    asked = [known for known in FORMATS if not (known.whole and path == STDIN)]
    for known in asked:
        if known.marks and suffix in known.suffixes and known.recognises(text):
            return known
    trusted = named or suffix in PLAIN_TEXT.suffixes
    by_suffix = next((known for known in asked if suffix in known.suffixes and (known.marks or not text)), None)
    for known in asked:
        if (known.marks or (trusted and not by_suffix)) and known.recognises(text):
            return known
    return by_suffix or UNKNOWN


def taken_for(file: File, stdin: BinaryIO | None = None) -> tuple[Format | Refused, bytes]:
    """What one input is taken for by its first bytes, and these. Raises OSError."""
    with opened(file.path, stdin) as (stream, _):
        head = head_of(stream)
        return recognise(file.path, head, named=file.named), head


def _is_read(file: File) -> bool:
    """Whether a file is read, or fails when it is."""
    try:
        return file.named or isinstance(taken_for(file)[0], Format)
    except OSError:
        return True


def _documents(
    files: list[File], fields: Fields, stdin: BinaryIO | None, gauge: Gauge, given: Format | None, longest: int | None
) -> Iterator[Sourced | BadRecord]:
    paths = [file.path for file in files]
    stems = Counter(stem_of(path) for path in paths)
    with closing(_Known(paths)) as known:
        for index, file in enumerate(files):
            stem = stem_of(file.path) if stems[stem_of(file.path)] == 1 else name_of(file.path)
            ordinal = 0
            for ordinal, found in enumerate(_records(file, fields, stdin, gauge, given), start=1):
                if found is None:
                    continue
                location = Location(name_of(file.path), found.line)
                if isinstance(found, Fault):
                    yield BadRecord(location, found.id, found.cause, found.fix)
                    continue
                if found.id is None and unusable(stem):
                    cause = "the name of its file is not UTF-8, so no id can be made of it"
                    yield BadRecord(location, None, cause, "Rename the file, or give each record an id.")
                    continue
                id = f"{stem}#{ordinal}" if found.id is None else found.id
                document = Document(id, found.title, found.abstract, source=found.source)
                first = known.add(document, index, found.line)
                if first is _REPEATED:
                    gauge.repeated += 1
                elif isinstance(first, Location):
                    cause = f'two records have the id "{shortened(id)}": {first} and {location}'
                    yield BadRecord(location, id, cause, "Give each its own id.")
                elif longest is not None and (length := len(found.title) + 1 + len(found.abstract)) > longest:
                    cause = f"the record has {length:,} characters, more than the {longest:,} of an abstract"
                    yield BadRecord(location, id, cause, "Give the abstract alone, or raise --max-characters.")
                else:
                    yield Sourced(document, location)
            if ordinal == 0:
                yield BadRecord(
                    Location(name_of(file.path), 1), None, "holds no record", "Give a file with titles and abstracts."
                )


def _records(
    file: File, fields: Fields, stdin: BinaryIO | None, gauge: Gauge, given: Format | None
) -> Iterator[Paper | Fault | None]:
    """The records of one input, None alone for a file that is passed over. An input that fails on the way ends with a Fault."""
    line = 1
    try:
        with opened(file.path, stdin) as (stream, raw), gauge.reading(raw):
            head = head_of(stream)
            known = given or recognise(file.path, head, named=file.named)
            if isinstance(known, Format) and not head:
                return
            if isinstance(known, Format):
                for found in known.read(stream, fields):
                    line = found.line
                    yield found
            elif file.named:
                yield Fault(1, known.cause, known.fix)
            else:
                gauge.skipped.append(file.path)
                yield None
    except OSError as error:
        yield Fault(
            line, f"cannot be read further: {error.strerror or error}", "Check the file and its permissions, then run again."
        )


class _Repeated:
    """What `_Known.add` says of a document that was read before."""


_REPEATED = _Repeated()


class _Known:
    """The documents that were read: their ids, each with the place of its record and its text, and their DOIs."""

    def __init__(self, paths: list[str]) -> None:
        self._paths = paths
        self._seen = Scratch("seen (id INTEGER PRIMARY KEY, place INTEGER, text INTEGER)")
        self.close = self._seen.close

    def add(self, document: Document, path: int, line: int) -> Location | _Repeated | None:
        """Note a document. Whether it was read before, or the location of another text that has its id."""
        doi = document.source.get("doi")
        place = path << 40 | line
        if not self._seen.change("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", (f"id {document.id}", place, document.text)):
            first, text = self._row(f"id {document.id}") or (0, 0)
            same = text == digest(document.text) or (doi and document.id == doi)
            return _REPEATED if same else Location(name_of(self._paths[first >> 40]), first & (1 << 40) - 1)
        if doi and not self._seen.change("INSERT OR IGNORE INTO seen VALUES (?, ?, NULL)", (f"doi {doi}", place)):
            return _REPEATED
        return None

    def _row(self, key: str) -> tuple[int, int] | None:
        row = self._seen.row("SELECT place, text FROM seen WHERE id = ?", (key,))
        return (row[0], row[1]) if row else None
