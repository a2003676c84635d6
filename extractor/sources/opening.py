"""Inputs: which files a name means, how one is opened (unpacked, its first bytes to look at), and its lines."""

import bz2
import glob
import gzip
import io
import lzma
import os
import re
import sys
import zlib
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Protocol

from extractor.documents import shortened
from extractor.errors import UsageError, install
from extractor.sources.base import BOM, MAX_RECORD

STDIN = "-"
HEAD = 1 << 16
"""Bytes that are looked at before the format is chosen."""
PACKED_SUFFIXES = (".gz", ".bz2", ".xz", ".lzma", ".zst", ".zstd")
_SKIP = 1 << 16
_UTF_8 = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_SEPARATORS = os.sep + (os.altsep or "")
_DEEP = re.compile(r"(^|.*?[{0}])\*\*(?:[{0}]+\*\*)*(?=[{0}]|$)".format(re.escape(_SEPARATORS)))
_OUTPUTS = frozenset(["extractions.jsonl", "failures.jsonl", "job.json", "lock", "manifest.json"])
_OUTPUT_FOLDERS = frozenset(["batch", "leases", "shards", "tables", "unfinished"])
_WIDE = {
    re.compile(marks): encoding
    for marks, encoding in (
        (rb"\xff\xfe\0\0", "utf-32-le"),
        (rb"\0\0\xfe\xff", "utf-32-be"),
        (rb"\xff\xfe|(?:[\t-~]\0){4}", "utf-16-le"),
        (rb"\xfe\xff|(?:\0[\t-~]){4}", "utf-16-be"),
    )
}
"""First bytes of text with two or four bytes a character: its byte order mark, or characters of ASCII."""


def name_of(path: str) -> str:
    """What messages and ids call an input."""
    return "stdin" if path == STDIN else path


def stem_of(path: str) -> str:
    """The name of an input without its folder, its suffix and that of its compression."""
    pure = PurePosixPath(path) if is_remote(path) else Path(name_of(path))
    return Path(pure.stem).stem if pure.suffix.lower() in PACKED_SUFFIXES else pure.stem


def suffix_of(path: str) -> str:
    """The suffix that tells of the format, in lower case: `.jsonl` of `papers.jsonl.gz`."""
    pure = Path(path)
    return Path(pure.stem).suffix.lower() if pure.suffix.lower() in PACKED_SUFFIXES else pure.suffix.lower()


def is_remote(path: str) -> bool:
    """Whether a path is an address such as s3://bucket/papers.jsonl."""
    return "://" in path


def file_system(address: str) -> tuple[Any, str]:
    """The fsspec file system of an address, and the path in it. Raises UsageError where it cannot be reached."""
    try:
        import fsspec
    except ImportError:
        raise UsageError(f"{address} is read by fsspec, which is not installed. {install('formats')}.") from None
    try:
        found: tuple[Any, str] = fsspec.core.url_to_fs(address)
    except (ImportError, ValueError) as error:
        raise UsageError(f"{address} cannot be read: {error}. Install that, or copy the file first.") from None
    return found


@contextmanager
def opened(path: str, stdin: BinaryIO | None = None) -> Iterator[tuple[io.BufferedReader, io.BufferedReader]]:
    """The bytes of an input as a format reads them, and the stream whose place tells how far the reading is.

    The two are one unless the input is packed, in UTF-16 or UTF-32, or has lines that end with a carriage return alone. Raises
    OSError, also while it is read, for bytes that are damaged.
    """
    with ExitStack() as stack:
        file = stream = stack.enter_context(_raw(path, stdin))
        if unpack := next((unpack for magic, unpack in _PACKED.items() if head_of(stream).startswith(magic)), None):
            stream = stack.enter_context(io.BufferedReader(_Unpacked(unpack(stream)), HEAD))
        head = head_of(stream)
        if encoding := next((encoding for marks, encoding in _WIDE.items() if marks.match(head)), None):
            stream = stack.enter_context(io.BufferedReader(_Changed(stream, _to_utf_8(encoding)), HEAD))
            head = head_of(stream)
        if head.count(b"\r", 0, -1) > head.count(b"\n") and b"\r\n" not in head and b"\0" not in head:
            stream = stack.enter_context(io.BufferedReader(_Changed(stream, lambda data, _: data.replace(b"\r", b"\n")), HEAD))
        yield stream, file


def head_of(stream: io.BufferedReader) -> bytes:
    """The first bytes of a stream that is at its start; of a pipe, those that are there."""
    return stream.peek(HEAD)[:HEAD]


def text_head(head: bytes) -> bytes:
    """The first bytes without a byte order mark and white space before them."""
    return head.removeprefix(BOM).lstrip()


def _raw(path: str, stdin: BinaryIO | None) -> io.BufferedReader:
    if path == STDIN:
        return io.BufferedReader(_Readable(sys.stdin.buffer if stdin is None else stdin, keep_open=True), HEAD)
    if is_remote(path):
        system, inside = file_system(path)
        with _as_os_error():
            return io.BufferedReader(_Remote(system.open(inside, "rb")), HEAD)
    return io.BufferedReader(io.FileIO(path), HEAD)


@contextmanager
def _as_os_error() -> Iterator[None]:
    """What a file system raises is an OSError; each has errors of its own."""
    try:
        yield
    except FileNotFoundError:
        raise OSError("there is no such file") from None
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001
        raise OSError(f"{type(error).__name__}: {' '.join(str(error).split())}") from None


class _Readable(io.RawIOBase):
    """A stream that gives what it has at once; it stays open for its owner if `keep_open`."""

    def __init__(self, stream: BinaryIO, *, keep_open: bool = False) -> None:
        self._stream, self._keep_open = stream, keep_open
        self._read = getattr(stream, "read1", stream.read) if keep_open else stream.read

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return not self._keep_open and self._stream.seekable()

    def seek(self, place: int, whence: int = 0) -> int:
        return self._stream.seek(place, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data: bytes = self._read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self._keep_open and not self.closed:
            self._stream.close()
        super().close()


class _Remote(_Readable):
    """A stream over a network."""

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        with _as_os_error():
            return super().readinto(buffer)


class _Reads(Protocol):
    def read1(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


class _Unpacked(io.RawIOBase):
    """What a decompressor gives. A damaged file is an OSError, behind all that can be unpacked of it."""

    def __init__(self, stream: _Reads) -> None:
        self._stream = stream
        self._damage: OSError | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        filled = 0
        while filled < len(buffer) and not self._damage:
            try:
                data = self._stream.read1(len(buffer) - filled)
            except EOFError:
                self._damage = OSError("the compressed file is cut off")
            except _damaged() as error:
                self._damage = OSError(f"the compressed file is damaged ({error})")
            else:
                if not data:
                    break
                buffer[filled : filled + len(data)] = data
                filled += len(data)
        if self._damage and not filled:
            raise self._damage
        return filled

    def close(self) -> None:
        with suppress(OSError):
            self._stream.close()
        super().close()


class _Changed(io.RawIOBase):
    """The bytes of a stream as `change` gives them, which is also told whether they are the last."""

    def __init__(self, stream: BinaryIO, change: Callable[[bytes, bool], bytes]) -> None:
        self._stream = stream
        self._change = change
        self._rest = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while not self._rest and not self._ended:
            data = self._stream.read(HEAD)
            self._ended = not data
            self._rest = self._change(data, self._ended)
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


def _to_utf_8(encoding: str) -> Callable[[bytes, bool], bytes]:
    """Text in another encoding as UTF-8. Half a character becomes U+FFFD."""
    decoder = getincrementaldecoder(encoding)("replace")
    return lambda data, last: decoder.decode(data, last).encode()


def _zstd(stream: BinaryIO) -> _Reads:
    # The backport of Python's own module: zstandard takes a file that is cut off for one that has ended.
    try:
        from backports import zstd
    except ImportError:
        raise OSError(f"compressed with zstd, and backports.zstd is not installed. {install('formats')}.") from None
    return zstd.ZstdFile(stream)


def _damaged() -> tuple[type[Exception], ...]:
    """What decompressors raise for bytes that are not in their format."""
    module = sys.modules.get("backports.zstd")
    return (OSError, zlib.error, lzma.LZMAError) if module is None else (OSError, zlib.error, lzma.LZMAError, module.ZstdError)


_PACKED: dict[bytes, Callable[[BinaryIO], _Reads]] = {
    b"\x1f\x8b": lambda stream: gzip.GzipFile(fileobj=stream, mode="rb"),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
    b"\x5d\x00\x00": lzma.LZMAFile,  # what .lzma begins with
    b"\x28\xb5\x2f\xfd": _zstd,
}


@dataclass(frozen=True, slots=True)
class File:
    """One input. `named` says that the user named it itself, and not a folder or a pattern that it was found by."""

    path: str
    named: bool


def expand(inputs: Iterable[str]) -> list[File]:
    """The files that the inputs name, each once, in the order named. Raises UsageError."""
    found: dict[str, File] = {}
    for name in inputs:
        for file in [File(STDIN, named=True)] if name == STDIN else _remote(name) if is_remote(name) else _files(name):
            key = file.path if name == STDIN or is_remote(name) else os.path.realpath(file.path)
            if key not in found or file.named:
                found[key] = file
    if not found:
        raise UsageError("There is nothing to read. Name files, folders or globs, or - for standard input.")
    return list(found.values())


def _files(name: str) -> list[File]:
    if not name.strip():
        raise UsageError("The name of an input is empty. Name files, folders or globs, or - for standard input.")
    try:
        exists = Path(name).exists()
        matches = [name] if exists else sorted(filter(os.path.exists, _matches(name, set())))
    except (OSError, ValueError) as error:  # longer than the system takes, or behind a folder that may not be entered
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{shortened(name)} cannot be looked up: {reason}. Check the name and the permissions.") from None
    if not matches and Path(name).is_symlink():
        raise UsageError(f"{name} is a link that leads nowhere, to {Path(name).readlink()}. Name the file itself.")
    if not matches:
        kind = "The pattern matches no file" if glob.has_magic(name) else "There is no such file or folder"
        raise UsageError(f"{kind}: {name}. Check the spelling, and quote a pattern so that the shell leaves it alone.")
    files = []
    for match in matches:
        if Path(match).is_dir():
            files += [File(path, named=False) for path in _inside(Path(match))]
        else:
            files.append(File(match, named=exists))
    if not files:
        raise UsageError(f"No file is in {name}. Name one that holds files, or the files themselves.")
    for file in files:
        if not os.access(file.path, os.R_OK):
            raise UsageError(f"{file.path} may not be read. Change its permissions, or leave it out.")
    return files


def _matches(pattern: str, entered: set[tuple[int, int, int]]) -> Iterator[str]:
    """What a pattern matches. A folder that the same `**` comes to again, over a link, is not `entered` again."""
    deep = _DEEP.search(pattern)
    if deep is None:
        yield from glob.glob(pattern)  # noqa: PTH207 (takes absolute patterns too)
        return
    before, rest = pattern[: deep.end(1)], pattern[deep.end() :].lstrip(_SEPARATORS)
    if not rest and pattern[-1] not in _SEPARATORS:
        rest = "*"
    for start in glob.glob(before) if before else ["."]:  # noqa: PTH207
        for folder, inner, _ in os.walk(start, followlinks=True):
            try:
                found = Path(folder).stat()
            except OSError:  # it is gone, or may not be entered
                continue
            if (here := (len(rest), found.st_dev, found.st_ino)) in entered:
                inner.clear()
                continue
            entered.add(here)
            inner[:] = sorted(name for name in inner if not name.startswith("."))
            inside = os.path.join(folder, "") if before else os.path.join(folder, "")[2:]  # noqa: PTH118
            yield from _matches(glob.escape(inside) + rest, entered)


def _inside(folder: Path) -> list[str]:
    """The files of a folder, at any depth, in sorted order; hidden ones and those of a job are left out."""
    return sorted(
        str(path)
        for path in folder.rglob("*")
        if path.is_file()
        and not (path.name in _OUTPUTS and (path.parent / "job.json").exists())
        and not any(parent.name in _OUTPUT_FOLDERS and (parent.parent / "job.json").exists() for parent in path.parents)
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def _remote(address: str) -> list[File]:
    system, path = file_system(address)
    try:
        with _as_os_error():
            if address.startswith(("http://", "https://")):  # a page is no folder of what it links to, and ? begins a query
                paths, named = [path] if system.exists(path, strict=True) else [], True
            elif glob.has_magic(path):
                paths, named = sorted(system.glob(path)), False
            elif system.isdir(path):
                paths, named = sorted(system.find(path)), False
            else:
                paths, named = [path] if system.exists(path) else [], True
    except OSError as error:
        raise UsageError(f"{address} cannot be read: {error}. Check the address, or copy the file first.") from None
    if not paths:
        raise UsageError(f"There is no such file or folder: {address}. Check the spelling.")
    return [File(system.unstrip_protocol(one), named) for one in paths]


@dataclass(slots=True)
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
