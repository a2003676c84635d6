"""Names of inputs -> documents: which files a name means, how one is opened, which format it has, ids that differ.

The suffix decides on the format, except one that says nothing about the content, such as `.txt`; then the first bytes do.
"""

import glob
import io
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from extractor.documents import Document
from extractor.errors import UsageError
from extractor.scratch import Scratch
from extractor.sources.base import BOM, BadRecord, Fault, Fields, Format, Location, Paper, Sourced
from extractor.sources.formats import FORMATS

_STDIN = "-"
_SUFFIXES = frozenset(suffix for known in FORMATS for suffix in known.suffixes)
_OUTPUTS = frozenset(["extractions.jsonl", "failures.jsonl", "job.json"])
_HEAD = 1 << 16
_REFUSED = {
    b"\xff\xfe": ("UTF-16, not UTF-8", "Convert the file to UTF-8."),
    b"\xfe\xff": ("UTF-16, not UTF-8", "Convert the file to UTF-8."),
    b"\x1f\x8b": ("compressed with gzip", "Unpack it and pipe it in: gzip -dc FILE | extractor run -"),
}


class Gauge:
    """How far the reading of all inputs is, in bytes. May be asked on another thread than the one that reads."""

    def __init__(self) -> None:
        self._total: int | None = None
        self._before = 0
        self._stream: io.BufferedReader | None = None

    def part(self) -> float | None:
        """The part of the bytes that has been read, 0 to 1; None if the size is not known, as for a pipe."""
        if not self._total:
            return None
        here, stream = self._before, self._stream
        if stream is not None:
            with suppress(OSError, ValueError):  # closed meanwhile
                here += stream.tell()
        return min(1.0, here / self._total)

    def measure(self, files: Sequence[Path]) -> None:
        """Add up the sizes of the files that are going to be read. One that is not a regular file makes the sum unknown."""
        try:
            self._total = sum(file.stat().st_size for file in files) if all(file.is_file() for file in files) else None
        except OSError:
            self._total = None

    @contextmanager
    def reading(self, stream: io.BufferedReader) -> Iterator[None]:
        """Count what is read of a stream."""
        self._stream = stream if self._total else None
        try:
            yield
        finally:
            size = 0 if self._stream is None else stream.tell()
            self._stream, self._before = None, self._before + size


def read(
    inputs: Iterable[str], fields: Fields | None = None, stdin: BinaryIO | None = None, gauge: Gauge | None = None
) -> Iterator[Sourced | BadRecord]:
    """Read documents from paths, globs, folders and `-`; a file named more than once is read once.

    A document's id is its record's own, else `stem#ordinal`, the ordinal counting the records of that file from 1; where two
    inputs share a stem, their paths stand for it. What cannot be read is a BadRecord in its place. `gauge` follows how
    far the reading is. Raises UsageError, before anything is read, for an input that does not exist or has no file to read.
    """
    return _documents(_expand(inputs), fields or Fields(), stdin, gauge or Gauge())


def _documents(paths: list[str], fields: Fields, stdin: BinaryIO | None, gauge: Gauge) -> Iterator[Sourced | BadRecord]:
    stems = Counter(_stem(path) for path in paths)
    gauge.measure([] if _STDIN in paths else [Path(path) for path in paths])
    with closing(_Ids(paths)) as ids:
        for index, path in enumerate(paths):
            stem = _stem(path) if stems[_stem(path)] == 1 else _input_name(path)
            ordinal = 0
            for ordinal, found in enumerate(_records(path, fields, stdin, gauge), start=1):
                location = Location(_input_name(path), found.line)
                if isinstance(found, Fault):
                    yield BadRecord(location, found.id, found.cause, found.fix)
                    continue
                id = f"{stem}#{ordinal}" if found.id is None else found.id
                if first := ids.add(id, index, found.line):
                    cause = f'two records have the id "{id}": {first} and {location}'
                    yield BadRecord(location, id, cause, "Give each its own id.")
                else:
                    yield Sourced(Document(id, found.title, found.abstract), location)
            if ordinal == 0:
                yield BadRecord(
                    Location(_input_name(path), 1), None, "holds no record", "Give a file with titles and abstracts."
                )


def _records(path: str, fields: Fields, stdin: BinaryIO | None, gauge: Gauge) -> Iterator[Paper | Fault]:
    """The records of one input. An input that fails on the way ends with a Fault."""
    line = 1
    try:
        with _open(path, stdin) as stream, gauge.reading(stream):
            head = stream.peek(_HEAD)
            for magic, (cause, fix) in _REFUSED.items():
                if head.startswith(magic):
                    yield Fault(1, cause, fix)
                    return
            for found in _format(path, head).read(stream, fields):
                line = found.line
                yield found
    except OSError as error:
        yield Fault(
            line, f"cannot be read on: {error.strerror or error}", "Check the file and its permissions, then run again."
        )


def _open(path: str, stdin: BinaryIO | None) -> io.BufferedReader:
    if path != _STDIN:
        return io.BufferedReader(io.FileIO(path), _HEAD)
    source = sys.stdin.buffer if stdin is None else stdin
    return io.BufferedReader(_Unclosed(source), _HEAD)


class _Unclosed(io.RawIOBase):
    """A stream that stays open for its owner when its reader closes."""

    def __init__(self, stream: BinaryIO) -> None:
        self._read = getattr(stream, "read1", stream.read)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data: bytes = self._read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _format(path: str, head: bytes) -> Format:
    suffix = Path(path).suffix.lower()
    text = head.removeprefix(BOM).lstrip()
    by_suffix = (known for known in FORMATS if known.suffix_decides and suffix in known.suffixes)
    by_content = (known for known in FORMATS if known.recognises(text))
    return next(chain(by_suffix, by_content))


def _stem(path: str) -> str:
    return Path(_input_name(path)).stem


def _input_name(path: str) -> str:
    """What messages and ids call an input."""
    return "stdin" if path == _STDIN else path


def _expand(inputs: Iterable[str]) -> list[str]:
    """The files that the inputs name, each once, in the order named. Raises UsageError."""
    found: dict[str, str] = {}
    for name in inputs:
        for path in [_STDIN] if name == _STDIN else _files(name):
            found.setdefault(path if name == _STDIN else os.path.realpath(path), path)
    if not found:
        raise UsageError("There is nothing to read. Name files, folders or globs, or - for standard input.")
    return list(found.values())


def _files(name: str) -> list[str]:
    matches = [name] if Path(name).exists() else sorted(glob.glob(name, recursive=True))  # noqa: PTH207 (takes absolute patterns too)
    if not matches:
        kind = "The pattern matches no file" if glob.has_magic(name) else "There is no such file or folder"
        raise UsageError(f"{kind}: {name}. Check the spelling, and quote a pattern so that the shell leaves it alone.")
    paths = [path for match in matches for path in (_inside(Path(match)) if Path(match).is_dir() else [match])]
    if not paths:
        raise UsageError(f"No {', '.join(sorted(_SUFFIXES))} file is in {name}. Name the files themselves to read others.")
    for path in paths:
        if not os.access(path, os.R_OK):
            raise UsageError(f"{path} may not be read. Change its permissions, or leave it out.")
    return paths


def _inside(folder: Path) -> list[str]:
    """The readable files of a folder, at any depth, in sorted order; the files of a job are left out."""
    return sorted(
        str(path)
        for path in folder.rglob("*")
        if path.suffix.lower() in _SUFFIXES
        and path.is_file()
        and not (path.name in _OUTPUTS and (path.parent / "job.json").exists())
        and not any(parent.name == "batch" and (parent.parent / "job.json").exists() for parent in path.parents)
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


class _Ids:
    """The ids that were read, each with the place of its record, in bounded memory."""

    def __init__(self, paths: list[str]) -> None:
        self._paths = paths
        self._seen = Scratch("seen (id INTEGER PRIMARY KEY, place INTEGER)")
        self.close = self._seen.close

    def add(self, id: str, path: int, line: int) -> Location | None:
        """Note an id. Returns the location of the record that has it already, if there is one."""
        if self._seen.change("INSERT OR IGNORE INTO seen VALUES (?, ?)", (id, path << 40 | line)):
            return None
        row = self._seen.row("SELECT place FROM seen WHERE id = ?", (id,))
        first: int = row[0] if row else 0
        return Location(_input_name(self._paths[first >> 40]), first & (1 << 40) - 1)
